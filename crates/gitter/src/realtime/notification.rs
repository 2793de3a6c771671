//! What a connection tells.

use std::time::Duration;

use crate::realtime::Channel;
use crate::{
    Event, Message, MessageId, MessagePatch, Room, RoomId, RoomPatch, Unread, User, UserId,
};

/// Something a connection tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notification {
    /// The connection stands, and every channel wanted so far has been answered for: what happens from now on is told.
    /// Read what came before over REST, also if `resumed`.
    Connected {
        /// Whose account it is.
        user_id: UserId,
        /// Gitter kept its side over a short interruption, and tells what happened meanwhile as far as it can.
        resumed: bool,
    },
    /// The connection broke, or could not be made; it will be tried again.
    Disconnected {
        /// Why.
        why: Loss,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// A channel stands from now on.
    Subscribed(Channel),
    /// A channel was refused, and is no longer wanted: subscribe again once there is reason to.
    SubscribeRefused {
        /// Which.
        channel: Channel,
        /// Why.
        why: Refusal,
    },
    /// Something was not told, or could not be read: read over REST what came since.
    Gap {
        /// Where, if it is known.
        room: Option<RoomId>,
    },
    /// Something happened.
    Push(Box<Push>),
}

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// Where it was told. For a change in a room, [`Channel::room`] is that room.
    pub channel: Channel,
    /// What.
    pub change: Change,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A message was sent, by the account itself too.
    MessageCreated(Message),
    /// A message was saved anew: its text was changed (then `edited_at` changed), it was blanked, or it got or lost a reply.
    MessageUpdated(Message),
    /// A message was read by somebody.
    MessagePatched(MessagePatch),
    /// A message was taken back.
    MessageRemoved(MessageId),
    /// Somebody came into the room.
    MemberCreated(User),
    /// A member's name or picture changed.
    MemberUpdated(User),
    /// Somebody left the room, or was made to.
    MemberRemoved(UserId),
    /// The account is in one more room, or was mentioned in one it is not in (`room_member` is false).
    RoomCreated(Room),
    /// Something about a room changed; without what is personal, such as unread counts.
    RoomUpdated(Room),
    /// These things about a room changed.
    RoomPatched(RoomPatch),
    /// On [`Channel::Rooms`]: the account is no longer in the room, and its channels are no longer wanted. On
    /// [`Channel::Room`]: the room was deleted.
    RoomRemoved(RoomId),
    /// An integration reported something.
    EventCreated(Event),
    /// A notice, which belongs to no list.
    Notice(Notice),
}

/// A notice (Gitter 21.15, recorded sessions `ws_room_channels`, `ws_room_create_remove`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A desktop alert about a message.
    Alert {
        /// Where.
        room: Option<RoomId>,
        /// Which message.
        message: Option<MessageId>,
    },
    /// Somebody looks at the room, or no longer does.
    Presence {
        /// Who.
        user: UserId,
        /// Whether he does.
        here: bool,
    },
    /// These messages are unread.
    Unread(Unread),
    /// These messages are no longer unread.
    Read(Unread),
    /// Nothing is unread.
    AllRead,
    /// The token was revoked. Seldom comes: the connection is closed at the same moment (recorded session `ws_token_revoked`).
    TokenRevoked,
    /// Another kind, by Gitter's name for it.
    Other(String),
}

/// Why a connection broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// No connection could be made.
    #[error("cannot connect to Gitter's realtime service")]
    Unreachable,
    /// The server does not take a WebSocket here, or answers long-polling with this HTTP status.
    #[error("Gitter's realtime service refused the connection (status {0})")]
    Refused(u16),
    /// The server closed it, with this WebSocket code if it gave one.
    #[error("Gitter closed the realtime connection")]
    Closed(Option<u16>),
    /// It broke.
    #[error("the realtime connection to Gitter broke")]
    Broken,
    /// Nothing came for too long.
    #[error("Gitter's realtime service fell silent")]
    Silent,
    /// Gitter no longer knows this connection.
    #[error("Gitter has forgotten the realtime connection")]
    Forgotten,
    /// Gitter refused the handshake, with this code if it gave one; not for the token.
    #[error("Gitter refused the realtime handshake")]
    Handshake(Option<u16>),
    /// What came is not Bayeux.
    #[error("Gitter's realtime service talks nonsense")]
    Garbled,
}

/// Why a channel was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 403: the account may not read it.
    #[error("not allowed")]
    Forbidden,
    /// 404: there is no such room.
    #[error("no such room")]
    NotFound,
    /// Gitter never answered, and everything else waited for it.
    #[error("no answer")]
    NoAnswer,
    /// Another code, if there was one.
    #[error("refused")]
    Other(Option<u16>),
}

/// Why a connection is not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RealtimeError {
    /// The token is not, or no longer, valid. The person has to log in again.
    #[error("Gitter does not accept the access token")]
    TokenRefused,
    /// Gitter asked not to be contacted again, with this code if it gave one.
    #[error("Gitter does not want this connection")]
    Banished(Option<u16>),
}
