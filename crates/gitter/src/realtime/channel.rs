//! What one can subscribe to.

use std::fmt;

use crate::{RoomId, UserId};

/// Something to be told of. The names are those of Gitter 21.15, recorded session `ws_room_channels`.
///
/// Subscribing to anything of a room makes Gitter note that the person has looked at it just now, and shows the person as
/// present to others there until [`Client::look_away`](crate::Client::look_away).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Which rooms the account is in, and what changes about them.
    Rooms,
    /// Desktop alerts and the like.
    Alerts,
    /// A room's messages. Everybody who can read the room can have them.
    Messages(RoomId),
    /// A room's members. Those who come are told only while there are at most 100; those who leave, always.
    Members(RoomId),
    /// A room's activity feed.
    Events(RoomId),
    /// A room's topic and the like, and who is present. Nothing comes for a one-to-one.
    Room(RoomId),
    /// What the account has not read in a room.
    Unread(RoomId),
}

impl Channel {
    /// The room it is about, if it is about one.
    pub fn room(&self) -> Option<&RoomId> {
        match self {
            Self::Rooms | Self::Alerts => None,
            Self::Messages(room)
            | Self::Members(room)
            | Self::Events(room)
            | Self::Room(room)
            | Self::Unread(room) => Some(room),
        }
    }

    /// Whether Gitter takes whoever subscribes to it to be in the room.
    pub(super) fn shows_presence(&self) -> bool {
        self.room().is_some() && !matches!(self, Self::Unread(_))
    }

    /// Its name for Gitter. Some have the account's own id in it.
    pub(super) fn name(&self, me: &UserId) -> String {
        match self {
            Self::Rooms => format!("/api/v1/user/{me}/rooms"),
            Self::Alerts => format!("/api/v1/user/{me}"),
            Self::Messages(room) => format!("/api/v1/rooms/{room}/chatMessages"),
            Self::Members(room) => format!("/api/v1/rooms/{room}/users"),
            Self::Events(room) => format!("/api/v1/rooms/{room}/events"),
            Self::Room(room) => format!("/api/v1/rooms/{room}"),
            Self::Unread(room) => format!("/api/v1/user/{me}/rooms/{room}/unreadItems"),
        }
    }

    /// The channel of this name, if it is one of these and, where it is somebody's, the account's own.
    pub(super) fn read(name: &str, me: &UserId) -> Option<Self> {
        let mut parts = name.strip_prefix("/api/v1/")?.split('/');
        let (kind, id) = (parts.next()?, parts.next()?);
        let rest: Vec<&str> = parts.collect();
        match (kind, rest.as_slice()) {
            ("rooms", []) => Some(Self::Room(id.into())),
            ("rooms", ["chatMessages"]) => Some(Self::Messages(id.into())),
            ("rooms", ["users"]) => Some(Self::Members(id.into())),
            ("rooms", ["events"]) => Some(Self::Events(id.into())),
            ("user", []) if id == me.as_str() => Some(Self::Alerts),
            ("user", ["rooms"]) if id == me.as_str() => Some(Self::Rooms),
            ("user", ["rooms", room, "unreadItems"]) if id == me.as_str() => {
                Some(Self::Unread((*room).into()))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rooms => out.write_str("rooms"),
            Self::Alerts => out.write_str("alerts"),
            Self::Messages(room) => write!(out, "messages of {room}"),
            Self::Members(room) => write!(out, "members of {room}"),
            Self::Events(room) => write!(out, "events of {room}"),
            Self::Room(room) => write!(out, "room {room}"),
            Self::Unread(room) => write!(out, "unread of {room}"),
        }
    }
}
