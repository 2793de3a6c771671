//! Portals: the Matrix rooms that stand for a user's rooms on the network.
//!
//! `New` (recorded; no room yet, or the user not yet invited to it) → `Invited` (one small room, nothing
//! else) → `Joined` (history and members come in, traffic flows) → `Left` when the user leaves, `Declined`
//! when he refuses the invite, `Gone` when he was taken out. From each of the last three an invite leads
//! back, into the same room as long as the bot is in it.
//!
//! To show one more thing of a room on Matrix: its state in `state`, and its change in `shown`.

mod changed;
mod create;
pub(crate) mod enter;
mod leave;
mod member;
pub(crate) mod replaced;
mod shown;
mod state;
mod unusable;

use ruma::{OwnedRoomId, OwnedUserId};
use store::Portal;

use crate::{Error, delivery::tell::Told, world::Keyed};

pub(crate) use changed::changed;
pub(crate) use create::PUBLIC;
pub use create::{create_and_invite, invite_again, record};
pub use enter::membership;
pub use leave::take_out;
pub(crate) use leave::{archive, part};
pub(crate) use member::{forget_member, note_member, was_member};
pub(crate) use replaced::upgraded;
pub use shown::refresh;
pub(crate) use shown::{follow, is_shown};
pub(crate) use unusable::is_lost;

/// What is going on with portals.
pub struct Portals {
    /// One at a time per portal, so that a room is not made twice.
    making: Keyed<i64>,
    /// How many rooms are filled with members at once; what people wait for comes first.
    filling: tokio::sync::Semaphore,
    pub(crate) told: Told,
}

impl Default for Portals {
    fn default() -> Self {
        const FILLING_AT_ONCE: usize = 2;
        Self {
            making: Keyed::default(),
            filling: tokio::sync::Semaphore::new(FILLING_AT_ONCE),
            told: Told::default(),
        }
    }
}

/// The Matrix room of a portal, if it has one.
pub(crate) fn room_of(portal: &Portal) -> Option<OwnedRoomId> {
    portal
        .room_id
        .as_deref()
        .and_then(|room| OwnedRoomId::try_from(room).ok())
}

/// The Matrix user of a portal.
pub(crate) fn user_of(portal: &Portal) -> Result<OwnedUserId, Error> {
    OwnedUserId::try_from(portal.mxid.as_str())
        .map_err(|_| Error::Unreadable("a portal's user".to_owned()))
}
