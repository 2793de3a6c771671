//! Channels: who may subscribe, and what a snapshot holds.
//!
//! To add a channel, add it to [`Channel`], [`read`], [`admit`] and [`snapshot`].

use serde_json::{Value, json};

use crate::ids::{MessageId, RoomId, UserId};
use crate::world::history::{MOST, Wanted};
use crate::world::message_view::MessageForm;
use crate::world::room_view::RoomFields;
use crate::world::views::activity_view;
use crate::world::{Refusal, World};

/// What a channel's name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Room(RoomId),
    /// `chatMessages`, `users`, `events`, or any other word: Gitter takes them all.
    RoomPart(RoomId, String),
    ReadBy(RoomId, String),
    User(String),
    /// `rooms`, `groups`, …
    UserPart(String, String),
    Unread(String, String),
    Token(String),
    Ping,
}

impl Channel {
    pub(crate) fn room(&self) -> Option<RoomId> {
        match self {
            Self::Room(room) | Self::RoomPart(room, _) | Self::ReadBy(room, _) => Some(*room),
            _ => None,
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// The channel of that name, or the error text Gitter sends.
pub(crate) fn read(name: &str) -> Result<Channel, String> {
    let unknown = || format!("404::Unknown subscription {name}");
    let rest = name.strip_prefix("/api/v1/").ok_or_else(unknown)?;
    let parts: Vec<&str> = rest.split('/').collect();
    let room = |id: &str| id.parse().map_err(|_| format!("400::Invalid ID: {id}"));
    match parts.as_slice() {
        ["token", token] => Ok(Channel::Token((*token).to_owned())),
        parts if !parts.iter().all(|part| is_word(part)) => Err(unknown()),
        ["rooms", id] => Ok(Channel::Room(room(id)?)),
        ["rooms", id, part] => Ok(Channel::RoomPart(room(id)?, (*part).to_owned())),
        ["rooms", id, "chatMessages", message, "readBy"] => {
            Ok(Channel::ReadBy(room(id)?, (*message).to_owned()))
        }
        ["user", id] => Ok(Channel::User((*id).to_owned())),
        ["user", id, part] => Ok(Channel::UserPart((*id).to_owned(), (*part).to_owned())),
        ["user", id, "rooms", room, "unreadItems"] => {
            Ok(Channel::Unread((*id).to_owned(), (*room).to_owned()))
        }
        ["ping"] | ["ping", _] => Ok(Channel::Ping),
        _ => Err(unknown()),
    }
}

/// Whether the person may listen; the error text if not.
pub(crate) fn admit(world: &World, user: UserId, channel: &Channel) -> Result<(), String> {
    let denied = || Err("403::Authorisation denied.".to_owned());
    match channel {
        Channel::Room(room) | Channel::RoomPart(room, _) | Channel::ReadBy(room, _) => {
            match world.enterable(*room, user) {
                Ok(_) => Ok(()),
                Err(Refusal::NotFound) => Err("404::Not Found".to_owned()),
                Err(_) => denied(),
            }
        }
        Channel::User(id) | Channel::UserPart(id, _) | Channel::Unread(id, _) => {
            if *id == user.to_string() {
                Ok(())
            } else {
                denied()
            }
        }
        Channel::Token(token) => {
            if world
                .tokens
                .get(token)
                .is_some_and(|token| token.user == user)
            {
                Ok(())
            } else {
                denied()
            }
        }
        Channel::Ping => Ok(()),
    }
}

/// What the channel is about as it stands, if a snapshot is wanted. `asked` is the `snapshot` of the subscription: false for
/// none, an object with options, or nothing.
pub(crate) fn snapshot(
    world: &World,
    user: UserId,
    channel: &Channel,
    asked: Option<&Value>,
) -> Option<Value> {
    if asked == Some(&Value::Bool(false)) {
        return None;
    }
    let option = |key: &str| asked.and_then(|asked| asked.get(key));
    let limit = option("limit")
        .and_then(Value::as_u64)
        .and_then(|limit| usize::try_from(limit).ok());
    let lean = option("lean").and_then(Value::as_bool).unwrap_or(false);
    match channel {
        Channel::Room(room) => {
            let wanted =
                asked.is_some_and(|asked| !matches!(asked, Value::Null | Value::Bool(false)));
            if wanted {
                world.room_view(*room, Some(user), RoomFields::JOINED).ok()
            } else {
                None
            }
        }
        Channel::RoomPart(room, part) => match part.as_str() {
            "chatMessages" => {
                let lookups = option("lookups").and_then(Value::as_array);
                let before: Option<MessageId> = option("beforeInclId")
                    .and_then(Value::as_str)
                    .and_then(|id| id.parse().ok());
                let wanted = Wanted {
                    limit: limit.unwrap_or(30).min(MOST),
                    before_inclusive: before,
                    threads: option("includeThreads")
                        .and_then(Value::as_bool)
                        .unwrap_or(false),
                    ..Wanted::default()
                };
                let form = MessageForm {
                    lean,
                    lookups: lookups.is_some_and(|lookups| lookups.contains(&json!("user"))),
                    initial: None,
                };
                let messages = world.history(*room, &wanted).ok()?;
                Some(world.message_views(&messages, Some(user), form))
            }
            "users" => {
                crate::rest::member_views(world, *room, 0, limit.unwrap_or(30).min(MOST), lean).ok()
            }
            "events" => {
                let newest = world.room(*room).ok()?.activity.iter().rev().take(20);
                Some(newest.map(activity_view).collect())
            }
            _ => None,
        },
        Channel::ReadBy(room, message) => {
            let message = world.message_in(*room, message.parse().ok()?).ok()?;
            Some(
                message
                    .read_by
                    .iter()
                    .map(|reader| world.user_view(*reader))
                    .collect(),
            )
        }
        Channel::UserPart(_, part) => match part.as_str() {
            "rooms" => Some(world.room_views(user)),
            "groups" => Some(
                world
                    .groups_of(user)
                    .into_iter()
                    .map(|group| world.group_view(group))
                    .collect(),
            ),
            "orgs" => Some(json!([])),
            _ => None,
        },
        Channel::Unread(_, room) => {
            let seat = world.room(room.parse().ok()?).ok()?.seats.get(&user);
            let text = |id: &MessageId| Value::String(id.to_string());
            let chat: Vec<Value> = seat
                .map(|seat| seat.unread.iter().map(text).collect())
                .unwrap_or_default();
            let mention: Vec<Value> = seat
                .map(|seat| seat.mentions.iter().map(text).collect())
                .unwrap_or_default();
            Some(json!({ "chat": chat, "mention": mention }))
        }
        Channel::User(_) | Channel::Token(_) | Channel::Ping => None,
    }
}
