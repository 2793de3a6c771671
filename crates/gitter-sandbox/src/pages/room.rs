//! The list of rooms, and a room in which one can read and write.

use askama::Template;
use http::StatusCode;

use super::{error, page};
use crate::answer::{Answer, Request, find};
use crate::ids::{RoomId, UserId};
use crate::inner::Inner;
use crate::world::{Draft, Message, Refusal, Room, World};

/// So many messages are shown.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    me: Option<String>,
    rooms: Vec<Line>,
}

struct Line {
    url: String,
    name: String,
    about: String,
    picture: String,
}

#[derive(Template)]
#[template(path = "room.html")]
struct RoomPage {
    me: Option<String>,
    name: String,
    topic: String,
    frame: String,
    action: String,
}

#[derive(Template)]
#[template(path = "messages.html")]
struct MessagesPage {
    messages: Vec<Shown>,
}

struct Shown {
    id: String,
    name: String,
    username: String,
    picture: String,
    time: String,
    html: String,
    status: bool,
    reply: bool,
    edited: bool,
}

fn username(world: &World, user: Option<UserId>) -> Option<String> {
    Some(world.users.get(&user?)?.username.clone())
}

/// Where a room's page is, for one viewer.
fn address(world: &World, room: &Room, viewer: Option<UserId>) -> Option<(String, String, String)> {
    if let Some(uri) = &room.uri {
        let group = room
            .group
            .map(|group| format!("/api/private/avatars/group/i/{group}"));
        return Some((format!("/{uri}"), uri.clone(), group.unwrap_or_default()));
    }
    let partner = world.users.get(&room.partner(viewer?)?)?;
    Some((
        format!("/{}", partner.username),
        partner.display_name.clone(),
        world.picture(partner, 60),
    ))
}

/// Public rooms, and the viewer's own.
pub(super) fn list(world: &World, viewer: Option<UserId>) -> Answer {
    let visible = |room: &&Room| room.is_public() || viewer.is_some_and(|viewer| room.has(viewer));
    let mut rooms: Vec<Line> = world
        .rooms
        .values()
        .filter(visible)
        .filter_map(|room| {
            let (url, name, picture) = address(world, room, viewer)?;
            let kind = if room.is_one_to_one() {
                "one to one".to_owned()
            } else {
                let kind = if room.is_public() {
                    "public"
                } else {
                    "private"
                };
                format!("{kind}, {} members", room.members.len())
            };
            let about = if room.topic.is_empty() {
                kind
            } else {
                format!("{kind} · {}", room.topic)
            };
            Some(Line {
                url,
                name,
                about,
                picture,
            })
        })
        .collect();
    rooms.sort_by_key(|line| line.name.to_lowercase());
    page(
        StatusCode::OK,
        &HomePage {
            me: username(world, viewer),
            rooms,
        },
    )
}

/// The room at an address, made if it is a person to talk to.
fn find_room(inner: &mut Inner, viewer: Option<UserId>, path: &[&str]) -> Result<RoomId, Refusal> {
    use crate::world::rooms::Place;
    let uri = path.join("/");
    let Some(viewer) = viewer else {
        let room = inner.world.room_at(&uri).filter(|room| room.is_public());
        return room.map(|room| room.id).ok_or(Refusal::NotFound);
    };
    match inner.world.resolve(&uri, viewer)? {
        Place::Room(room) => Ok(room),
        Place::OneToOne(other) => inner.world.one_to_one(viewer, other),
    }
}

fn absent() -> Answer {
    error(
        StatusCode::NOT_FOUND,
        "Not Found",
        "There is no such room, or it is not open to you. Signing in may help.",
    )
}

pub(super) fn show(inner: &mut Inner, viewer: Option<UserId>, path: &[&str]) -> Answer {
    let Ok(id) = find_room(inner, viewer, path) else {
        return absent();
    };
    let world = &inner.world;
    let Some(room) = world.rooms.get(&id) else {
        return absent();
    };
    let Some((url, name, _)) = address(world, room, viewer) else {
        return absent();
    };
    let frame = format!("{url}/~messages");
    page(
        StatusCode::OK,
        &RoomPage {
            me: username(world, viewer),
            name,
            topic: room.topic.clone(),
            frame,
            action: url,
        },
    )
}

/// The messages alone, newest first, in a frame that reloads itself; the style sheet turns them round, so that the frame
/// stays at the newest.
pub(super) fn messages(inner: &mut Inner, viewer: Option<UserId>, path: &[&str]) -> Answer {
    let path = path.split_last().map_or(&[][..], |(_, path)| path);
    let Ok(id) = find_room(inner, viewer, path) else {
        return absent();
    };
    let world = &inner.world;
    let Some(room) = world.rooms.get(&id) else {
        return absent();
    };
    let newest = room
        .messages
        .iter()
        .rev()
        .take(SHOWN)
        .filter_map(|id| world.messages.get(id));
    page(
        StatusCode::OK,
        &MessagesPage {
            messages: newest.map(|message| shown(world, message)).collect(),
        },
    )
}

fn shown(world: &World, message: &Message) -> Shown {
    let sender = world.users.get(&message.from);
    let (name, username, picture) = match (&message.virtual_user, sender) {
        (Some(other), _) => (
            other.display_name.clone(),
            other.external_id.clone(),
            String::new(),
        ),
        (None, Some(user)) => (
            user.display_name.clone(),
            user.username.clone(),
            world.picture(user, 60),
        ),
        (None, None) => (String::new(), String::new(), String::new()),
    };
    let html = if message.text.is_empty() {
        "<em>deleted</em>".to_owned()
    } else {
        message.html.clone()
    };
    Shown {
        id: message.id.to_string(),
        name,
        username,
        picture,
        time: message.sent.strftime("%H:%M:%S").to_string(),
        html,
        status: message.status,
        reply: message.parent.is_some(),
        edited: message.edited_at.is_some(),
    }
}

pub(super) fn say(
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
    let form = request.form();
    let text = find(&form, "text").unwrap_or_default();
    // What the web client does with `/me`.
    let draft = match (text.strip_prefix("/me "), username(&inner.world, viewer)) {
        (Some(does), Some(name)) => Draft {
            text: format!("@{name} {does}"),
            status: true,
            ..Draft::default()
        },
        _ => Draft {
            text: text.to_owned(),
            ..Draft::default()
        },
    };
    match inner.world.send(room, user, draft) {
        Ok(_) => Answer::redirect(&request.path).with(http::header::CACHE_CONTROL, "no-store"),
        Err(_) => error(
            StatusCode::BAD_REQUEST,
            "Not sent",
            "Gitter does not take this message.",
        ),
    }
}
