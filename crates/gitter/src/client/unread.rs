//! What the account's person has read.

use super::{Call, Client};
use crate::{Effect, Error, MessageId, RoomId, Unread};

impl Client {
    /// What is unread in a room.
    pub async fn unread(&self, room: &RoomId) -> Result<Unread, Error> {
        self.call(Call::get(&[
            "user",
            "me",
            "rooms",
            room.as_str(),
            "unreadItems",
        ]))
        .await?
        .object(Effect::None)
    }

    /// Marks messages as read; others then see that the person has read them. Gitter sends e-mail about what stays unread.
    /// Nothing is sent for an empty list, which Gitter refuses.
    pub async fn mark_read(&self, room: &RoomId, messages: &[MessageId]) -> Result<(), Error> {
        #[derive(serde::Serialize)]
        struct Body<'a> {
            chat: &'a [MessageId],
        }
        if messages.is_empty() {
            return Ok(());
        }
        let path = ["user", "me", "rooms", room.as_str(), "unreadItems"];
        self.call(Call::post(&path, &Body { chat: messages })?)
            .await?
            .done()
    }

    /// Marks everything in a room as read.
    pub async fn mark_all_read(&self, room: &RoomId) -> Result<(), Error> {
        let path = ["user", "me", "rooms", room.as_str(), "unreadItems", "all"];
        self.call(Call::delete(&path)).await?.done()
    }
}
