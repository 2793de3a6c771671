//! What people do on a room's page: say, answer, change, delete, upload.

use http::{StatusCode, header};

use super::{absent, find_room, message_in, username};
use crate::answer::{Answer, Request, find};
use crate::ids::{RoomId, UserId};
use crate::inner::Inner;
use crate::pages::{error, upload};
use crate::world::{Draft, Refusal, World};

pub(in crate::pages) fn act(
    inner: &mut Inner,
    viewer: Option<UserId>,
    path: &[&str],
    request: &Request,
) -> Answer {
    let Some(user) = viewer else {
        return Answer::redirect("/login");
    };
    let Ok(room) = find_room(inner, viewer, path) else {
        return absent();
    };
    let done = if request.has_type("multipart/form-data") {
        send_file(&mut inner.world, room, user, request)
    } else {
        fill_in(&mut inner.world, room, user, &request.form())
    };
    match done {
        Ok(()) => Answer::redirect(&request.path).with(header::CACHE_CONTROL, "no-store"),
        Err(refusal) => error(StatusCode::BAD_REQUEST, "Not done", why(refusal)),
    }
}

fn why(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Forbidden => "That is not yours to do.",
        Refusal::NotFound => "That message is gone.",
        _ => "Gitter takes 1 to 4096 characters, and changes for ten minutes.",
    }
}

fn fill_in(
    world: &mut World,
    room: RoomId,
    user: UserId,
    form: &[(String, String)],
) -> Result<(), Refusal> {
    let at = |world: &World, key: &str| {
        find(form, key)
            .map(|id| {
                let room = world.room(room)?;
                let message = message_in(world, room, id).ok_or(Refusal::NotFound)?;
                Ok((message.id, message.parent))
            })
            .transpose()
    };
    if let Some((message, _)) = at(world, "delete")? {
        return world.delete(room, message, user);
    }
    // Browsers send a new line as two characters.
    let text = find(form, "text").unwrap_or_default().replace("\r\n", "\n");
    if let Some((message, _)) = at(world, "change")? {
        return world.edit(room, message, user, &text);
    }
    // Threads have one level.
    let parent = at(world, "answer")?.map(|(message, parent)| parent.unwrap_or(message));
    // What the web client does with `/me`.
    let draft = match (text.strip_prefix("/me "), username(world, Some(user))) {
        (Some(does), Some(name)) => Draft {
            text: format!("@{name} {does}"),
            status: true,
            parent,
            ..Draft::default()
        },
        _ => Draft {
            text,
            parent,
            ..Draft::default()
        },
    };
    world.send(room, user, draft).map(drop)
}

fn send_file(
    world: &mut World,
    room: RoomId,
    user: UserId,
    request: &Request,
) -> Result<(), Refusal> {
    let file = upload::read(request).ok_or(Refusal::BadRequest)?;
    world
        .upload(user, room, &file.name, &file.mime, file.bytes)
        .map(drop)
}
