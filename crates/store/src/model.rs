//! What the store keeps, as plain data.
//!
//! Ids are texts of the other two sides and opaque here; times are milliseconds since 1970. One more column: a migration,
//! a field here, and its place in the `SELECT` and the reader of its file in `queries/`.

use secrecy::SecretString;

use crate::Lane;

/// Id of a login. Never used twice.
pub type LoginId = i64;
/// Id of a portal. Never used twice.
pub type PortalId = i64;

/// A Matrix user who has met the bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// His Matrix id.
    pub mxid: String,
    /// The room in which he talks with the bot.
    pub management_room: Option<String>,
    /// His personal space.
    pub space: Option<String>,
}

/// A login link that was handed out and not used up yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// SHA-256 of the link's secret.
    pub hash: String,
    /// Who asked for it.
    pub mxid: String,
    /// It is worth nothing from then on. The store does not look at that.
    pub expires_at: i64,
    /// SHA-256 of the cookie of the browser that it is bound to.
    pub browser: Option<String>,
    /// SHA-256 of the `state` with which that browser was sent to the network.
    pub state: Option<String>,
}

/// A login to be stored.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// The Matrix user.
    pub mxid: String,
    /// His id on the network.
    pub person_id: String,
    /// His username there.
    pub username: String,
    /// His display name there.
    pub display_name: String,
    /// What opens his account. Sealed before it is written.
    pub credentials: SecretString,
    /// The time.
    pub now: i64,
}

/// A Matrix user's account on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Its id.
    pub id: LoginId,
    /// The Matrix user.
    pub mxid: String,
    /// His id on the network.
    pub person_id: String,
    /// His username there.
    pub username: String,
    /// His display name there.
    pub display_name: String,
    /// Whether it still opens.
    pub state: LoginState,
    /// Since when that is so.
    pub since: i64,
}

/// Whether a login still opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginState {
    /// As far as we know.
    Ok,
    /// The network does not accept it any longer.
    Expired,
}

/// A portal to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPortal {
    /// Through whose login.
    pub login_id: LoginId,
    /// Whose it is.
    pub mxid: String,
    /// Id of the room on the network.
    pub remote_room: String,
    /// What a person types to name it.
    pub address: String,
    /// Its name.
    pub name: String,
    /// Its topic.
    pub topic: Option<String>,
    /// What sort of room it is there; the store does not care.
    pub kind: String,
    /// The other one, in a one-to-one.
    pub other_person: Option<String>,
}

/// A room of the network, bridged for one Matrix user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portal {
    /// Its id.
    pub id: PortalId,
    /// The login that carries it; `None` after logging out.
    pub login_id: Option<LoginId>,
    /// Whose it is.
    pub mxid: String,
    /// Id of the room on the network.
    pub remote_room: String,
    /// Its Matrix room.
    pub room_id: Option<String>,
    /// How far it is.
    pub state: PortalState,
    /// What the Matrix room shows.
    pub shown: Shown,
    /// What sort of room it is on the network.
    pub kind: String,
    /// Up to where the network's messages were accepted.
    pub cursor: Option<String>,
    /// History and members are in.
    pub opened: bool,
    /// The user's space lists it.
    pub in_space: bool,
    /// The other one, in a one-to-one.
    pub other_person: Option<String>,
}

/// Whose portal a Matrix room is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The portal.
    pub portal_id: PortalId,
    /// The login that carries it; `None` after logging out.
    pub login_id: Option<LoginId>,
    /// Whose it is.
    pub mxid: String,
}

/// How far a portal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortalState {
    /// Its user is not invited yet; there may be no Matrix room either.
    New,
    /// Its user was invited.
    Invited,
    /// He is in it: traffic flows.
    Joined,
    /// He did not want it.
    Declined,
    /// He left it.
    Left,
    /// The room is gone on the network, or he is no longer in it there.
    Gone,
}

/// What a Matrix room was last made to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// What a person types to name the room.
    pub address: String,
    /// Room name.
    pub name: String,
    /// Topic.
    pub topic: Option<String>,
    /// Which picture it is on the network.
    pub avatar_key: Option<String>,
    /// That picture on Matrix.
    pub avatar_mxc: Option<String>,
}

/// The Matrix shape of somebody on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ghost {
    /// His id on the network.
    pub person_id: String,
    /// Localpart on Matrix.
    pub localpart: String,
    /// The homeserver knows it.
    pub registered: bool,
    /// His username on the network.
    pub username: String,
    /// Display name as last set on Matrix.
    pub display_name: Option<String>,
    /// Which picture it is on the network.
    pub avatar_key: Option<String>,
    /// That picture as last set on Matrix.
    pub avatar_mxc: Option<String>,
}

/// A message of the network and the Matrix event that is the same. One message may be several events (`part`), and one
/// event several messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Where.
    pub portal_id: PortalId,
    /// Id on the network.
    pub remote_id: String,
    /// Which piece, counted from 0.
    pub part: i64,
    /// The Matrix event.
    pub event_id: String,
    /// The Matrix room it is in.
    pub room_id: String,
    /// Who wrote it: id of the person on the network.
    pub sender: String,
    /// It came from Matrix.
    pub by_us: bool,
    /// It came from the network, and the user's own account says it on Matrix.
    pub as_user: bool,
    /// When it was written, as the network says.
    pub sent_at: i64,
    /// When it was last changed.
    pub edited_at: Option<i64>,
    /// Id on the network of the message in whose thread it is.
    pub thread: Option<String>,
    /// It was taken back. The row stays, since others may answer it.
    pub deleted: bool,
    /// A digest of what was shown last where it was carried to, if that is known: what has the same one need not be shown again.
    pub digest: Option<i64>,
    /// The network acknowledged it then, and has yet to show it: with a new row, its echo is awaited from now on
    /// ([`Store::awaited`](crate::Store::awaited)). Never read back.
    pub awaited_since: Option<i64>,
}

/// A message whose echo is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// Where.
    pub portal_id: PortalId,
    /// Id on the network.
    pub remote_id: String,
    /// When the network acknowledged it.
    pub since: i64,
}

/// A Matrix event that changed another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditRow {
    /// The portal in whose room they are.
    pub portal_id: PortalId,
    /// The change.
    pub event_id: String,
    /// What it changed; never a change itself.
    pub original: String,
    /// When it was written, as its homeserver says.
    pub written_at: i64,
}

/// What a delivery to the network begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayToRemote {
    /// Where.
    pub portal: Portal,
    /// What the event became so far, in order.
    pub sent: Vec<MessageRow>,
    /// What waits that is about the event, or about such an item, in order.
    pub about: Vec<Item>,
}

/// Something to be done, to be put into a lane.
#[derive(Clone, PartialEq, Eq)]
pub struct NewItem {
    /// Which queue.
    pub lane: Lane,
    /// Whose it is, if it is a logged-in user's: it goes when the login is deleted.
    pub login_id: Option<LoginId>,
    /// Tells it from others in the lane; the event id for what came from Matrix.
    pub key: String,
    /// Key of the item of the same lane that it changes or takes back, if it does such a thing.
    pub about: Option<String>,
    /// What to do, as JSON.
    pub payload: String,
}

/// Something to be done.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// Its id; a lane is worked in their order.
    pub id: i64,
    /// Its queue.
    pub lane: Lane,
    /// Whose it is.
    pub login_id: Option<LoginId>,
    /// Tells it from others in the lane.
    pub key: String,
    /// Key of what it changes or takes back.
    pub about: Option<String>,
    /// What to do, as JSON.
    pub payload: String,
    /// How far it is.
    pub state: ItemState,
    /// How often it was attempted.
    pub attempts: i64,
    /// Not to be tried again before.
    pub not_before: Option<i64>,
    /// When it was stored.
    pub accepted_at: i64,
    /// What the last attempt wrote down for those after it.
    pub note: Option<String>,
    /// Why it waits or failed, in words for the user.
    pub why: Option<String>,
}

/// How far an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemState {
    /// It surely was not carried out yet.
    Waiting,
    /// It is being carried out, or it is not known whether it was.
    Attempting,
    /// It was given up; the lane went on without it.
    Failed,
}

/// A room, and the Matrix user whose writing there concerns us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Matrix room id.
    pub room_id: String,
    /// His Matrix id.
    pub mxid: String,
}

/// How many items a user has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not yet begun.
    pub waiting: i64,
    /// Begun.
    pub attempting: i64,
    /// Given up.
    pub failed: i64,
    /// When the oldest was stored that is not given up.
    pub oldest: Option<i64>,
}

/// What waits in a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Which one.
    pub lane: Lane,
    /// How many items it has that were not given up.
    pub items: i64,
    /// When the oldest of them was stored.
    pub since: i64,
}

/// What became of events that were to be accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The lanes which got something.
    pub lanes: Vec<Lane>,
    /// How many were left out, having been accepted before.
    pub repeated: usize,
}

/// What is known of a message that the network tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    New,
    /// It waits in its lane.
    Waits,
    /// It came from the network and is shown.
    Shown,
    /// It came from Matrix.
    Own,
}

/// What waits in all lanes of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many items, those under way included.
    pub items: u64,
    /// When the oldest of them was stored.
    pub oldest: Option<i64>,
}

// Payloads hold people's words, and these are sometimes logged.
impl std::fmt::Debug for NewItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewItem")
            .field("lane", &self.lane)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Item")
            .field("id", &self.id)
            .field("lane", &self.lane)
            .field("key", &self.key)
            .field("state", &self.state)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// A link to a file on Matrix, for people who have no account there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The event the file came with.
    pub event_id: String,
    /// The file on the homeserver; `None` once the link was revoked.
    pub mxc: Option<String>,
    /// What the file is called.
    pub name: String,
    /// What is known of it, as JSON.
    pub info: String,
    /// When the link was made.
    pub made_at: i64,
}

/// A file of the network, as it was uploaded to the homeserver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// The file on the homeserver.
    pub mxc: String,
    /// What is known of it, as JSON.
    pub info: String,
}
