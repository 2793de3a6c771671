//! Messages: reading, sending, changing, taking back.

use serde::Serialize;

use super::{Call, Client};
use crate::{Draft, Effect, Error, Listing, MAX_TEXT, Message, MessageId, RoomId};

/// Which messages of a room to read. At most 100 come at once, always the oldest first.
///
/// Without `before`, `after` or `around` they are the newest of the room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageQuery {
    /// Only those before this one, the newest of them.
    pub before: Option<MessageId>,
    /// Only those after this one, the oldest of them: for catching up.
    pub after: Option<MessageId>,
    /// Half of them before and up to this one, half after it. If it does not exist, the newest of the room.
    pub around: Option<MessageId>,
    /// How many, at most 100. Gitter's own choice is 50.
    pub limit: Option<u32>,
    /// Replies in threads too; Gitter leaves them out otherwise.
    pub include_threads: bool,
}

impl MessageQuery {
    /// The newest `limit`, with replies in threads.
    pub fn newest(limit: u32) -> Self {
        Self {
            limit: Some(limit),
            include_threads: true,
            ..Self::default()
        }
    }

    /// The `limit` right before this message, with replies in threads.
    pub fn before(message: &MessageId, limit: u32) -> Self {
        Self {
            before: Some(message.clone()),
            ..Self::newest(limit)
        }
    }

    /// The `limit` right after this message, with replies in threads.
    pub fn after(message: &MessageId, limit: u32) -> Self {
        Self {
            after: Some(message.clone()),
            ..Self::newest(limit)
        }
    }
}

impl Client {
    /// Some messages of a room, oldest first. A member or not: what counts is that the account may read the room.
    ///
    /// Two messages sent at nearly the same time may be sorted differently by id and by time: expect stragglers after the
    /// greatest id seen, and tell messages apart by id.
    ///
    /// # Errors
    /// [`Error::Forbidden`] or [`Error::NotFound`] for the room; [`Error::ServerFault`] for a malformed message id.
    pub async fn messages(
        &self,
        room: &RoomId,
        which: &MessageQuery,
    ) -> Result<Listing<Message>, Error> {
        let limit = which.limit.map(|limit| limit.to_string());
        let mut query = Vec::with_capacity(4);
        query.extend(which.before.as_ref().map(|id| ("beforeId", id.as_str())));
        query.extend(which.after.as_ref().map(|id| ("afterId", id.as_str())));
        query.extend(which.around.as_ref().map(|id| ("aroundId", id.as_str())));
        query.extend(limit.as_ref().map(|limit| ("limit", limit.as_str())));
        query.extend(which.include_threads.then_some(("includeThreads", "true")));
        self.call(Call::get(&["rooms", room.as_str(), "chatMessages"]).query(&query))
            .await?
            .list()
    }

    /// One message.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it does not exist (any more) or is in another room; [`Error::ServerFault`] for a malformed id.
    pub async fn message(&self, room: &RoomId, message: &MessageId) -> Result<Message, Error> {
        self.call(Call::get(&[
            "rooms",
            room.as_str(),
            "chatMessages",
            message.as_str(),
        ]))
        .await?
        .object(Effect::None)
    }

    /// The replies to a message, oldest first: at most 100 (Gitter's own choice is 50), after the given one if any. Nothing if the message does
    /// not exist.
    pub async fn thread(
        &self,
        room: &RoomId,
        parent: &MessageId,
        after: Option<&MessageId>,
        limit: Option<u32>,
    ) -> Result<Listing<Message>, Error> {
        let limit = limit.map(|limit| limit.to_string());
        let mut query = Vec::with_capacity(2);
        query.extend(after.map(|id| ("afterId", id.as_str())));
        query.extend(limit.as_ref().map(|limit| ("limit", limit.as_str())));
        let path = [
            "rooms",
            room.as_str(),
            "chatMessages",
            parent.as_str(),
            "thread",
        ];
        self.call(Call::get(&path).query(&query)).await?.list()
    }

    /// Sends a message. It also comes back by realtime, before or after this returns.
    ///
    /// Gitter silently drops messages of accounts which it takes for spammers: it answers as always, with an id that never
    /// existed. Only a message that came back by realtime is there for certain.
    ///
    /// # Errors
    /// [`Error::TooLarge`] over [`MAX_TEXT`]; [`Error::BadRequest`] for an empty text or an unfit parent;
    /// [`Error::Forbidden`] if the account may not write there. Gitter has no means against doubles: see
    /// [`Error::may_have_been_carried_out`] before sending again.
    pub async fn send(&self, room: &RoomId, draft: &Draft) -> Result<Message, Error> {
        let path = ["rooms", room.as_str(), "chatMessages"];
        let answer = self
            .call(Call::post(&path, draft)?)
            .await
            .map_err(|error| too_long(error, &draft.text))?;
        answer.object(Effect::Unknown)
    }

    /// Changes the text of a message. Only its author can, and only for 600 s after it was sent. An empty text blanks it.
    ///
    /// # Errors
    /// [`Error::BadRequest`] if it is too late; [`Error::TooLarge`] over [`MAX_TEXT`]; [`Error::Forbidden`] for others'
    /// messages; [`Error::NotFound`] if it does not exist (any more).
    pub async fn edit(
        &self,
        room: &RoomId,
        message: &MessageId,
        text: &str,
    ) -> Result<Message, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            text: &'a str,
        }
        let path = ["rooms", room.as_str(), "chatMessages", message.as_str()];
        let answer = self
            .call(Call::put(&path, &Body { text })?)
            .await
            .map_err(|error| too_long(error, text))?;
        answer.object(Effect::Unknown)
    }

    /// Takes a message back: its author at any time, and those who administer the room. If it has replies, it stays as an
    /// empty one ([`Message::is_blanked`]).
    ///
    /// # Errors
    /// [`Error::NotFound`] if it does not exist (any more), [`Error::Forbidden`] for others' messages.
    pub async fn delete(&self, room: &RoomId, message: &MessageId) -> Result<(), Error> {
        self.call(Call::delete(&[
            "rooms",
            room.as_str(),
            "chatMessages",
            message.as_str(),
        ]))
        .await?
        .done()
    }
}

/// Gitter answers 400 to a text that is too long, as it does to everything else; say which it is.
fn too_long(error: Error, text: &str) -> Error {
    match error {
        Error::BadRequest { .. } if text.encode_utf16().count() > MAX_TEXT => Error::TooLarge,
        other => other,
    }
}
