//! What is announced to realtime clients, and on which channel.

use std::time::Duration;

use serde_json::{Value, json};

use super::room_view::RoomFields;
use super::{Refusal, World, iso};
use crate::ids::{MessageId, RoomId, UserId};

/// One notification for everybody who subscribed to a channel.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    pub(crate) channel: String,
    pub(crate) data: Value,
    /// Gitter batches some notifications; this one is sent so much later.
    pub(crate) after: Duration,
}

/// What the realtime side has to do, in the order in which the world changed.
#[derive(Clone, Debug)]
pub(crate) enum Announcement {
    Push(Push),
    /// Somebody lost the right to listen: his clients are unsubscribed from the room without a word.
    Hush {
        user: UserId,
        room: RoomId,
    },
    /// The token is no more: its clients are thrown out.
    Revoke {
        token: String,
    },
}

pub(crate) fn room_channel(room: RoomId, part: &str) -> String {
    format!("/api/v1/rooms/{room}{part}")
}

pub(crate) fn user_channel(user: UserId, part: &str) -> String {
    format!("/api/v1/user/{user}{part}")
}

impl World {
    pub(crate) fn push(&mut self, channel: String, data: Value) {
        self.outbox.push(Announcement::Push(Push {
            channel,
            data,
            after: Duration::ZERO,
        }));
    }

    pub(crate) fn push_operation(&mut self, channel: String, operation: &str, model: &Value) {
        self.push(channel, json!({ "operation": operation, "model": model }));
    }

    pub(crate) fn push_room(&mut self, room: RoomId, part: &str, operation: &str, model: &Value) {
        self.push_operation(room_channel(room, part), operation, model);
    }

    pub(crate) fn patch_my_room(&mut self, user: UserId, model: &Value) {
        self.push_operation(user_channel(user, "/rooms"), "patch", model);
    }

    /// `create` or `update` of a message; the message is without `unread`, which differs from reader to reader.
    pub(crate) fn announce_message(
        &mut self,
        id: MessageId,
        operation: &str,
    ) -> Result<(), Refusal> {
        let room = self.messages.get(&id).ok_or(Refusal::NotFound)?.room;
        let model = self.message_view(id, None)?;
        self.push_room(room, "/chatMessages", operation, &model);
        Ok(())
    }

    /// A name or picture changed: every room of that person hears it.
    pub(crate) fn announce_user(&mut self, id: UserId) {
        let view = self.user_view(id);
        let rooms: Vec<_> = self
            .rooms
            .values()
            .filter(|room| room.has(id))
            .map(|room| room.id)
            .collect();
        for room in rooms {
            self.push_room(room, "/users", "update", &view);
        }
    }

    /// Notes that the person is in the room now, and tells his own clients.
    pub(crate) fn touch(&mut self, room: RoomId, user: UserId) {
        let now = self.now();
        let Some(found) = self.rooms.get_mut(&room) else {
            return;
        };
        found.seat(user).last_access = Some(now);
        self.patch_my_room(
            user,
            &json!({ "id": room.to_string(), "lastAccessTime": iso(now) }),
        );
    }

    /// The room appears in the person's list.
    pub(crate) fn announce_room_to(&mut self, room: RoomId, user: UserId) -> Result<(), Refusal> {
        let model = self.room_view(room, Some(user), RoomFields::PUSHED)?;
        self.push_operation(user_channel(user, "/rooms"), "create", &model);
        Ok(())
    }

    /// `presence` on the room's own channel.
    pub(crate) fn announce_presence(&mut self, room: RoomId, user: UserId, here: bool) {
        let status = if here { "in" } else { "out" };
        self.push(
            room_channel(room, ""),
            json!({ "notification": "presence", "userId": user.to_string(), "status": status }),
        );
    }
}
