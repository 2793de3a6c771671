//! What the bridge has to be told: plain data, filled by the program from its `config.yaml`.
//!
//! To add a setting: a field here, its key in the program's configuration, and the one place that reads it.

use ruma::{OwnedMxcUri, OwnedServerName};
use url::Url;

use crate::permissions::Permissions;

/// Settings of the bridge.
#[derive(Clone, Debug)]
pub struct Config {
    /// Version of the program, for the command of that name.
    pub version: String,
    /// The homeserver's name, behind the colon of its users.
    pub domain: OwnedServerName,
    /// `id` of the registration: marks what we send as users.
    pub appservice_id: String,
    /// Whether the homeserver lets us speak as its users.
    pub double_puppet: DoublePuppet,
    /// The bot.
    pub bot: Bot,
    /// How ghosts are called.
    pub ghosts: Ghosts,
    /// Base of the links that users open, without a trailing slash in what is made of it.
    pub public_address: Url,
    /// What a command starts with in rooms other than the management room.
    pub command_prefix: String,
    /// Who may use the bridge.
    pub permissions: Permissions,
    /// Which rooms a user is invited to after login.
    pub invites: Invites,
    /// How many members are put into a Matrix room when its user enters it; 0: only those who speak.
    pub members_initial: usize,
    /// How much history is read.
    pub backfill: Backfill,
    /// Files.
    pub media: Media,
    /// What is delivered.
    pub delivery: Delivery,
    /// What a sender gets to know of what arrived.
    pub status: Status,
    /// Whether each user gets a space which holds his rooms.
    pub space: bool,
    /// `m.federate` of the rooms made here.
    pub federate: bool,
    /// Whether the user's `m.notice` messages, which are a machine's, cross to the network.
    pub relay_notices: bool,
}

/// Whether users of the homeserver speak for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoublePuppet {
    /// Their ghosts do.
    Off,
    /// They do, where the homeserver lets us.
    On,
}

/// The bot.
#[derive(Clone, Debug)]
pub struct Bot {
    /// Localpart of its Matrix id.
    pub username: String,
    /// What people see.
    pub display_name: String,
    /// Its picture.
    pub avatar: Option<OwnedMxcUri>,
}

/// How ghosts are called.
#[derive(Clone, Debug)]
pub struct Ghosts {
    /// Localpart; `{id}` stands for the person's id on the network, once.
    pub username_template: String,
    /// What people see; `{name}` is the display name, `{username}` the username.
    pub display_name_template: String,
}

/// Which rooms a user is invited to after login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invites {
    /// All or none.
    pub policy: InvitePolicy,
    /// At most so many, most recently active first.
    pub max: usize,
}

/// Which rooms a user is invited to without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitePolicy {
    /// Those he is in.
    All,
    /// None.
    None,
}

/// Files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    /// The largest file, in bytes, that is carried from the network to Matrix; larger ones stay links.
    pub max_size: u64,
    /// For how long the links work that people of the network get to files on Matrix, in milliseconds; `None` for ever.
    pub link_lifetime: Option<remote::Millis>,
}

/// What is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The longest that a message may have waited, in milliseconds, so that it is sent to the network without asking; `None` for
    /// ever.
    pub max_age: Option<remote::Millis>,
}

/// What a sender gets to know of what arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Each message has its own event that says how it came out (`com.beeper.message_send_status`).
    pub events: bool,
    /// The bot marks as read what has arrived on the network.
    pub receipts: bool,
}

/// How much history is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backfill {
    /// Messages in a room that is new on Matrix.
    pub initial: usize,
    /// Messages per room after the bridge, or the user, was away.
    pub missed: usize,
}
