//! The messages of a room, each thread below the message that began it, in a frame that reloads itself.

use askama::Template;
use http::StatusCode;

use super::{absent, address, find_room};
use crate::answer::Answer;
use crate::ids::{MessageId, UserId};
use crate::inner::Inner;
use crate::pages::{emoji, page};
use crate::world::{Message, World};

/// So many messages are shown.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "messages.html")]
struct MessagesPage {
    room: String,
    signed_in: bool,
    threads: Vec<Vec<Shown>>,
}

struct Shown {
    id: String,
    name: String,
    username: String,
    picture: String,
    /// When it was sent, and whether it was edited.
    when: String,
    /// None if it was deleted.
    html: Option<String>,
    status: bool,
    reply: bool,
    own: bool,
}

/// Newest thread first; the style sheet turns them round, so that the frame stays at the newest.
pub(in crate::pages) fn show(inner: &mut Inner, viewer: Option<UserId>, path: &[&str]) -> Answer {
    let path = path.split_last().map_or(&[][..], |(_, path)| path);
    let Ok(id) = find_room(inner, viewer, path) else {
        return absent();
    };
    let world = &inner.world;
    let Some(room) = world.rooms.get(&id) else {
        return absent();
    };
    let Some((url, _, _)) = address(world, room, viewer) else {
        return absent();
    };
    let newest: Vec<&Message> = room
        .messages
        .iter()
        .rev()
        .take(SHOWN)
        .filter_map(|id| world.messages.get(id))
        .collect();
    let present = |id: MessageId| newest.iter().any(|message| message.id == id);
    // A reply whose beginning is too old to be shown stands for itself.
    let begins = |message: &&&Message| !message.parent.is_some_and(present);
    let threads = newest.iter().filter(begins).map(|first| {
        let replies = newest.iter().rev();
        let replies = replies.filter(|message| message.parent == Some(first.id));
        std::iter::once(first)
            .chain(replies)
            .map(|message| shown(world, message, viewer))
            .collect()
    });
    page(
        StatusCode::OK,
        &MessagesPage {
            room: url,
            signed_in: viewer.is_some(),
            threads: threads.collect(),
        },
    )
}

fn shown(world: &World, message: &Message, viewer: Option<UserId>) -> Shown {
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
    let edited = if message.edited_at.is_some() {
        " · edited"
    } else {
        ""
    };
    Shown {
        id: message.id.to_string(),
        name,
        username,
        picture,
        when: format!("{}{edited}", message.sent.strftime("%H:%M:%S")),
        html: (!message.text.is_empty()).then(|| emoji::show(&message.html)),
        status: message.status,
        reply: message.parent.is_some(),
        own: viewer == Some(message.from),
    }
}
