//! A message of the network, as the content of Matrix events.

use std::collections::BTreeSet;

use remote::{
    Message, MessageId, MessageKind, NetworkInfo,
    text::{Mention, Mentioned, Named, Naming, html, plain},
};
use ruma::{OwnedUserId, UserId};
use serde_json::{Value, json};
use store::Login;

use crate::{Ctx, world::Names};

/// Bytes of content that one event may have: 65,536 for the whole event (Matrix spec, "Size limits"), with
/// room for what the homeserver adds.
const MAX_CONTENT: usize = 60_000;
/// Bytes of plain text per event when a message has to be cut: JSON writes some characters with six bytes.
const MAX_PIECE: usize = 9_000;
/// Bytes of Matrix ids in `m.mentions`, about eighty ghosts: with a piece of text they still fit.
const MAX_MENTIONED: usize = 4_000;

/// How people of the network are called in the rooms of one Matrix user.
pub struct MatrixNames<'a> {
    names: &'a Names,
    /// The user's own person is the user himself.
    person: &'a str,
    user: &'a str,
}

impl<'a> MatrixNames<'a> {
    /// For the rooms of this login.
    pub fn new(world: &'a Ctx, login: &'a Login) -> Self {
        Self {
            names: &world.names,
            person: &login.person_id,
            user: &login.mxid,
        }
    }

    fn user(&self, mentioned: &Mentioned) -> Option<OwnedUserId> {
        match mentioned {
            Mentioned::Person { id, .. } if id.as_str() == self.person => self.user.try_into().ok(),
            Mentioned::Person { id, .. } => self.names.ghost(id).ok(),
            Mentioned::MatrixUser(user) => user.as_str().try_into().ok(),
            _ => None,
        }
    }
}

impl Naming for MatrixNames<'_> {
    fn mention(&self, mention: &Mention) -> Named {
        let href = self.user(&mention.who).map(|user| matrix_to(&user));
        Named {
            href,
            label: mention.label.clone(),
        }
    }

    fn message(&self, _message: &MessageId) -> Option<String> {
        // Links to messages lead to the network yet, which is right for messages that were never shown here.
        None
    }
}

fn matrix_to(user: &UserId) -> String {
    user.matrix_to_uri().to_string()
}

/// The contents of the `m.room.message` events that show a message: one, or more if it does not fit.
pub fn contents(message: &Message, names: &MatrixNames<'_>, network: &NetworkInfo) -> Vec<Value> {
    let body = plain::render(&message.text, names);
    let mut base = json!({
        "msgtype": match message.kind {
            MessageKind::Text => "m.text",
            MessageKind::Emote => "m.emote",
            MessageKind::Notice => "m.notice",
        },
        "m.mentions": mentions(message, names),
    });
    if message.sender.is_none() {
        base["msgtype"] = json!("m.notice");
    }
    base[network.event_key] = json!({"id": message.id, "room": message.room});
    let body = match &message.sender {
        Some(_) => body,
        None => format!("Somebody whose account is gone: {body}"),
    };
    let mut whole = base.clone();
    whole["body"] = json!(body);
    if message.sender.is_some() && !message.text.is_plain() {
        whole["format"] = json!("org.matrix.custom.html");
        whole["formatted_body"] = json!(html::render(&message.text, names));
    }
    if fits(&whole) {
        return vec![whole];
    }
    // Formatting is what can be done without.
    let pieces = cut(&body);
    pieces
        .iter()
        .enumerate()
        .map(|(part, piece)| {
            let mut content = base.clone();
            content["body"] = json!(piece);
            if part > 0 {
                content["m.mentions"] = json!({});
                content[network.event_key]["part"] = json!(part);
            }
            content
        })
        .collect()
}

/// Whether an event can have this content.
pub(crate) fn fits(content: &Value) -> bool {
    serde_json::to_vec(content).is_ok_and(|json| json.len() <= MAX_CONTENT)
}

fn mentions(message: &Message, names: &MatrixNames<'_>) -> Value {
    let mut users = BTreeSet::new();
    let mut everybody = false;
    for mentioned in message.text.mentions() {
        everybody |= *mentioned == Mentioned::Everyone;
        users.extend(names.user(mentioned));
    }
    // The rest of a crowd is mentioned in the text. The user of the room, whom it would ring, comes first.
    let mut users: Vec<OwnedUserId> = users.into_iter().collect();
    users.sort_by_key(|user| names.names.is_ours(user));
    let mut room = MAX_MENTIONED;
    users.retain(|user| {
        let left = room.checked_sub(user.as_str().len() + 3);
        room = left.unwrap_or(0);
        left.is_some()
    });
    let mut mentions = json!({});
    if !users.is_empty() {
        mentions["user_ids"] = json!(users);
    }
    if everybody {
        mentions["room"] = json!(true);
    }
    mentions
}

/// Cuts long text, at the end of a line where one is near.
fn cut(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > MAX_PIECE {
        let limit = rest.floor_char_boundary(MAX_PIECE);
        let line = rest[..limit].rfind('\n').filter(|at| *at > MAX_PIECE / 2);
        let (piece, behind) = rest.split_at(line.unwrap_or(limit));
        pieces.push(piece);
        rest = behind.strip_prefix('\n').unwrap_or(behind);
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests;
