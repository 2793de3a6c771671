//! Everything the sandbox knows: people, communities, rooms, messages, clients, tokens. Pure state: no I/O, no waiting.
//!
//! What changes here is announced as an [`Announcement`] in the outbox, which the server hands to realtime clients. To add
//! something that can be done to the world, write it as a method in the file whose subject it is, let it refuse with a
//! [`Refusal`], announce what Gitter announces, and offer it in `control.rs` and in `rest/`.

pub(crate) mod access;
pub(crate) mod chat;
pub(crate) mod files;
pub(crate) mod history;
pub(crate) mod members;
pub(crate) mod message_view;
pub(crate) mod oauth_apps;
pub(crate) mod people;
pub(crate) mod push;
pub(crate) mod room_view;
pub(crate) mod rooms;
pub(crate) mod unread;
pub(crate) mod views;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::clock::Clock;
use crate::ids::{GroupId, IdSource, MessageId, ObjectId, RoomId, UserId};

pub(crate) use chat::{Draft, Message, VirtualUser};
pub(crate) use oauth_apps::{OAuthApp, Token};
pub(crate) use people::User;
pub(crate) use push::{Announcement, Push};
pub(crate) use rooms::{Group, Room};

/// Why the world does not do what was asked: Gitter's answers, which name a status and nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The room was renamed; Gitter answers 301 without saying where it is now.
    #[error("moved")]
    Moved,
    /// Something in the request is wrong: 400.
    #[error("bad request")]
    BadRequest,
    /// No token, or one that only an anonymous reader has: 401.
    #[error("unauthorised")]
    Unauthorised,
    /// The person may not do that: 403.
    #[error("forbidden")]
    Forbidden,
    /// There is no such thing, or it is not shown: 404.
    #[error("not found")]
    NotFound,
    /// The name is taken: 409.
    #[error("conflict")]
    Conflict,
    /// Gitter trips over this input: 500.
    #[error("internal server error")]
    Internal,
}

/// The sandbox's whole state apart from who is connected.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) rng: StdRng,
    ids: IdSource,
    /// Where the web pages are, without a slash at the end; avatar links begin with it.
    pub(crate) web_url: String,
    pub(crate) users: BTreeMap<UserId, User>,
    pub(crate) groups: BTreeMap<GroupId, Group>,
    pub(crate) rooms: BTreeMap<RoomId, Room>,
    pub(crate) messages: BTreeMap<MessageId, Message>,
    pub(crate) apps: Vec<OAuthApp>,
    pub(crate) tokens: BTreeMap<String, Token>,
    /// Who looks at which room just now, as the realtime side reports it.
    pub(crate) looking: BTreeSet<(UserId, RoomId)>,
    /// Who has a realtime client.
    pub(crate) online: BTreeSet<UserId>,
    /// What was uploaded, by its path below `_files`.
    pub(crate) files: BTreeMap<String, files::File>,
    /// Addresses at which integrations report, and the rooms they report to.
    pub(crate) hooks: BTreeMap<String, RoomId>,
    pub(crate) outbox: Vec<Announcement>,
    /// Accounts may be dropped silently for repeating themselves.
    pub(crate) spam_filter: bool,
    /// So many messages are acknowledged and not kept.
    pub(crate) to_drop: u32,
}

impl World {
    pub(crate) fn new(clock: Clock, seed: u64, web_url: String, spam_filter: bool) -> Self {
        let mut world = Self {
            clock,
            rng: StdRng::seed_from_u64(seed),
            ids: IdSource::default(),
            web_url,
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            rooms: BTreeMap::new(),
            messages: BTreeMap::new(),
            apps: Vec::new(),
            tokens: BTreeMap::new(),
            looking: BTreeSet::new(),
            online: BTreeSet::new(),
            files: BTreeMap::new(),
            hooks: BTreeMap::new(),
            outbox: Vec::new(),
            spam_filter,
            to_drop: 0,
        };
        world.add_personal_app();
        world
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn new_id(&mut self) -> ObjectId {
        self.ids.next(self.clock.now())
    }

    pub(crate) fn user(&self, id: UserId) -> Result<&User, Refusal> {
        self.users.get(&id).ok_or(Refusal::NotFound)
    }

    pub(crate) fn room(&self, id: RoomId) -> Result<&Room, Refusal> {
        self.rooms.get(&id).ok_or(Refusal::NotFound)
    }

    pub(crate) fn room_mut(&mut self, id: RoomId) -> Result<&mut Room, Refusal> {
        self.rooms.get_mut(&id).ok_or(Refusal::NotFound)
    }

    /// The message, if it is in that room.
    pub(crate) fn message_in(&self, room: RoomId, id: MessageId) -> Result<&Message, Refusal> {
        self.messages
            .get(&id)
            .filter(|message| message.room == room)
            .ok_or(Refusal::NotFound)
    }
}

/// A point in time as Gitter writes it: ISO 8601, milliseconds, `Z`.
pub(crate) fn iso(time: Timestamp) -> String {
    format!("{time:.3}")
}
