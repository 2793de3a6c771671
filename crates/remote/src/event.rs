//! What a network tells by itself while an account is connected.
//!
//! To add an event: a variant here, the network that sends it, and its arm in the bridge's intake.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Message, MessageId, Person, PersonId, Room, RoomId};

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The connection stands. With `missed`, something may have happened that was not told:
    /// read what came after the cursor of each watched room.
    Connected {
        /// Something may have been missed.
        missed: bool,
    },
    /// The connection is broken and is being made anew.
    Disconnected {
        /// One sentence for the user, without a full stop.
        why: String,
    },
    /// Something in these rooms was not told (all watched rooms if empty): read what came after the cursor.
    Gap {
        /// Where; empty means everywhere.
        rooms: Vec<RoomId>,
    },
    /// A new message, the account's own included.
    Message(Box<Message>),
    /// A message changed: compare its `edited_at` and `blanked` with what is known.
    Changed(Box<Message>),
    /// A message is gone.
    Deleted {
        /// Where it stood.
        room: RoomId,
        /// Which.
        message: MessageId,
    },
    /// Somebody came into a room.
    Joined {
        /// Where.
        room: RoomId,
        /// Who.
        person: Person,
    },
    /// Somebody left a room, by himself or not.
    Left {
        /// Where.
        room: RoomId,
        /// Who.
        person: PersonId,
    },
    /// Somebody's name or picture changed.
    Person(Person),
    /// The account is now in this room (joined elsewhere, added by somebody, or a one-to-one was opened).
    RoomAdded(Box<Room>),
    /// A room's name, topic or picture may have changed: read it again.
    RoomChanged(RoomId),
    /// Something happened in a room that nobody said and that is worth a line, such as a ban.
    Happened {
        /// Where.
        room: RoomId,
        /// Tells it from everything else that happens there.
        id: String,
        /// The line, as plain text.
        text: String,
    },
    /// The account is no longer in this room.
    RoomRemoved(RoomId),
    /// The account's person has read up to this message in the room, here or elsewhere; `None`: everything there is.
    Read {
        /// Where.
        room: RoomId,
        /// The last one he has read.
        up_to: Option<MessageId>,
    },
}

/// The other end went away: stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody takes events any longer")]
pub struct SinkClosed;

/// Takes what a connected account tells.
#[async_trait]
pub trait EventSink: Send {
    /// Takes one event. The network waits for this before it goes on, since an accepted event is a stored
    /// event.
    ///
    /// # Errors
    /// [`SinkClosed`] when nobody takes events any longer; the network ends its connection.
    async fn accept(&mut self, event: Event) -> Result<(), SinkClosed>;
}
