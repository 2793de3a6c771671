//! What goes to the homeserver and comes from it, apart from events.
//!
//! One more thing to say in a request is one more field here; its place in the JSON is in `client/`.

use ruma::{OwnedMxcUri, OwnedUserId, RoomId};
use serde_json::Value;

use crate::IncomingEvent;

/// Who speaks. The homeserver lets an appservice speak as anybody in its namespace (Matrix spec, application services,
/// "Identity assertion").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The bridge's own bot.
    Bot,
    /// The Matrix shape of somebody on the remote network. It must be registered first.
    Ghost(OwnedUserId),
    /// A person of this homeserver, who has an account of his own. Only with the token of double puppeting
    /// ([`Client::with_puppets`](crate::Client::with_puppets)).
    User(OwnedUserId),
}

/// What marks the content of whatever we send as somebody else's account; the value is the bridge that did it. Bridges
/// have agreed on it (mautrix, "Double puppeting").
pub const PUPPET_KEY: &str = "fi.mau.double_puppet_source";

/// A room to be made by the bot: private (`private_chat`), not in the public directory, without an alias.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewRoom {
    /// Its name.
    pub name: Option<String>,
    /// Its topic.
    pub topic: Option<String>,
    /// Who gets an invite at once.
    pub invite: Vec<OwnedUserId>,
    /// Those invites say that it is a direct chat.
    pub is_direct: bool,
    /// Such as `m.space`; `None` for an ordinary room.
    pub room_type: Option<String>,
    /// Whether people of other homeservers can ever be in it (`m.federate`). It cannot be changed later.
    pub federate: bool,
    /// Laid over the power levels which the homeserver would set (`power_level_content_override`): shallowly, so without
    /// `users` its own stay, which every room version accepts.
    pub power_levels: Option<Value>,
    /// State it has from the start. Not `m.room.member`: homeservers refuse that.
    pub initial_state: Vec<StateEvent>,
    /// More fields of `m.room.create`, which the homeserver keeps as they are (Matrix spec, `creation_content`).
    pub creation: serde_json::Map<String, Value>,
    /// `None` for the homeserver's default.
    pub room_version: Option<String>,
}

/// One piece of a room's state.
#[derive(Clone, Debug, PartialEq)]
pub struct StateEvent {
    /// Event type, such as `m.room.join_rules`.
    pub kind: String,
    /// State key, mostly empty.
    pub key: String,
    /// An object.
    pub content: Value,
}

/// What becomes of an event that the homeserver may have taken or not, since its answer got lost. Transaction ids keep a repeat from
/// being a second event, but Synapse forgets them when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InDoubt {
    /// It is sent again at once: rather twice than never.
    SendAgain,
    /// The error is handed on; whoever sends it looks whether it is there before he tries again.
    Tell,
}

/// A message event to be sent.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent<'a> {
    /// Who says it. He must be in the room.
    pub who: &'a Actor,
    /// Where.
    pub room: &'a RoomId,
    /// Event type, such as `m.room.message`.
    pub kind: &'a str,
    /// An object; the whole event must stay below 65,536 bytes.
    pub content: &'a Value,
    /// Transaction id. Synapse remembers it per appservice, not per ghost: it has to be different for different ghosts.
    pub txn: &'a str,
    /// When it was said, in milliseconds since 1970; `None` for now.
    pub ts: Option<i64>,
    /// What becomes of it if the answer gets lost.
    pub in_doubt: InDoubt,
}

/// A state event to be sent.
#[derive(Clone, Copy, Debug)]
pub struct NewState<'a> {
    /// Who sets it.
    pub who: &'a Actor,
    /// Where.
    pub room: &'a RoomId,
    /// Event type.
    pub kind: &'a str,
    /// State key, mostly empty.
    pub key: &'a str,
    /// An object.
    pub content: &'a Value,
    /// When, in milliseconds since 1970; `None` for now.
    pub ts: Option<i64>,
}

/// How somebody shows himself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// His name, if he gave one.
    pub display_name: Option<String>,
    /// His picture, if he has one.
    pub avatar: Option<OwnedMxcUri>,
}

/// Somebody in a room, or asked into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomMember {
    /// Who.
    pub user: OwnedUserId,
    /// Whether he is in it already.
    pub membership: Membership,
}

/// How somebody belongs to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// He is in it.
    Join,
    /// He was invited and did not answer yet.
    Invite,
}

/// Which way to read a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From newer to older.
    Backward,
    /// From older to newer.
    Forward,
}

/// A piece of a room's timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct TimelinePage {
    /// In the direction that was asked for. Events we cannot read are left out.
    pub events: Vec<IncomingEvent>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
}

impl Actor {
    /// The ghost or person, or the bot whose id is handed in.
    pub fn user_id<'a>(&'a self, bot: &'a ruma::UserId) -> &'a ruma::UserId {
        match self {
            Self::Bot => bot,
            Self::Ghost(user) | Self::User(user) => user,
        }
    }

    /// The content as he sends it: marked with the bridge's `id` if it is somebody's own account that we speak as.
    pub fn marked(&self, content: &Value, id: &str) -> Value {
        let mut content = content.clone();
        if let (Self::User(_), Some(content)) = (self, content.as_object_mut()) {
            content.insert(PUPPET_KEY.to_owned(), id.into());
        }
        content
    }
}
