//! What a control lane carries: everything from Matrix that is not a message on its way to the network.

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

/// An item of a control lane. Worked at least once, so whatever it causes has to be repeatable: derive
/// transaction ids from [`ControlEvent::event_id`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ControlEvent {
    /// Somebody's membership of a room changed: the bot's own (an invite, a kick), or anybody's in a room
    /// where we are. Never caused by the bot or a ghost.
    Member {
        /// The event.
        event_id: OwnedEventId,
        /// Where.
        room: OwnedRoomId,
        /// Who did it.
        sender: OwnedUserId,
        /// Whose membership it is.
        user: OwnedUserId,
        /// What it is now.
        membership: Membership,
        /// When, in milliseconds since 1970.
        ts: i64,
    },
    /// Somebody wrote text in a room that is no portal, or a command (with the prefix) in a portal.
    Said {
        /// The event.
        event_id: OwnedEventId,
        /// Where.
        room: OwnedRoomId,
        /// Who.
        sender: OwnedUserId,
        /// The text; in portals without the prefix.
        text: String,
        /// Whether it had the prefix.
        prefixed: bool,
    },
    /// Somebody sent something other than text in a room that is no portal: a picture, something encrypted.
    SentOther {
        /// The event.
        event_id: OwnedEventId,
        /// Where.
        room: OwnedRoomId,
        /// Who.
        sender: OwnedUserId,
        /// The event's type.
        kind: String,
    },
    /// Somebody changed the name, topic or picture of a portal. Never caused by the bot or a ghost.
    Changed {
        /// The event.
        event_id: OwnedEventId,
        /// Where.
        room: OwnedRoomId,
        /// Who.
        sender: OwnedUserId,
        /// The event's type.
        kind: String,
        /// What it is now; empty for none.
        value: String,
    },
    /// A room of ours, or none of ours, goes on in another one.
    Upgraded {
        /// The event.
        event_id: OwnedEventId,
        /// The old one.
        room: OwnedRoomId,
        /// The new one.
        replacement: OwnedRoomId,
    },
}

/// A membership, as Matrix knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// Invited.
    Invite,
    /// In the room.
    Join,
    /// Not in it (any longer).
    Leave,
    /// Banned.
    Ban,
    /// Asks to be let in.
    Knock,
}

impl ControlEvent {
    /// The event it came from.
    pub fn event_id(&self) -> &OwnedEventId {
        match self {
            Self::Member { event_id, .. }
            | Self::Said { event_id, .. }
            | Self::SentOther { event_id, .. }
            | Self::Changed { event_id, .. }
            | Self::Upgraded { event_id, .. } => event_id,
        }
    }

    /// Where it happened.
    pub fn room(&self) -> &OwnedRoomId {
        match self {
            Self::Member { room, .. }
            | Self::Said { room, .. }
            | Self::SentOther { room, .. }
            | Self::Changed { room, .. }
            | Self::Upgraded { room, .. } => room,
        }
    }
}
