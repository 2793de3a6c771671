//! The list of rooms, and a room: its [`messages`], and what people do there ([`act`]).

pub(super) mod act;
pub(super) mod messages;

use askama::Template;
use http::StatusCode;

use super::{error, page};
use crate::answer::{Answer, Request};
use crate::ids::{MessageId, RoomId, UserId};
use crate::inner::Inner;
use crate::world::{Message, Refusal, Room, World};

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
    about: Option<About>,
}

/// The message that what is written is about.
struct About {
    id: String,
    name: String,
    text: String,
    /// It is changed, not answered.
    change: bool,
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

/// A message of this room whose id is in the query or a form.
fn message_in<'a>(world: &'a World, room: &Room, id: &str) -> Option<&'a Message> {
    let id = MessageId(id.parse().ok()?);
    world.messages.get(&id).filter(|it| it.room == room.id)
}

fn about(world: &World, room: &Room, viewer: UserId, request: &Request) -> Option<About> {
    let change = request.query("change");
    let message = message_in(world, room, change.or_else(|| request.query("answer"))?)?;
    if change.is_some() && message.from != viewer {
        return None;
    }
    Some(About {
        id: message.id.to_string(),
        name: world.users.get(&message.from)?.display_name.clone(),
        text: message.text.clone(),
        change: change.is_some(),
    })
}

pub(super) fn show(
    inner: &mut Inner,
    viewer: Option<UserId>,
    path: &[&str],
    request: &Request,
) -> Answer {
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
            about: viewer.and_then(|viewer| about(world, room, viewer, request)),
        },
    )
}
