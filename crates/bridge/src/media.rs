//! Files, both ways.
//!
//! From Matrix a file crosses as a link ([`link`]) to the bridge's own pages, which stream it from the homeserver ([`serve`]), since
//! people on the network have no Matrix account. From the network, a file that a message links to is fetched once, looked at
//! ([`look`]), stored on the homeserver and shown as an event of its own ([`incoming`]).
//!
//! Files pass through piece by piece; what is held in memory at once is bounded by the constants here.

pub(crate) mod incoming;
pub(crate) mod link;
mod look;
pub(crate) mod name;
mod serve;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use remote::Millis;
use tokio::sync::Semaphore;

pub use serve::{MediaFile, MediaProblem, MediaRange, MediaRequest, open};

use crate::world::Keyed;

/// So many files are served at once; who comes then waits a little.
const STREAMS: usize = 32;

/// So many files of the network are fetched at once.
const FETCHES: usize = 2;

/// After the place of the network's files did not answer, it is left alone for so long: its messages must not wait for each of
/// their files in turn.
const LEFT_ALONE: Millis = 60_000;

/// What is going on with files.
pub struct Media {
    streams: Arc<Semaphore>,
    fetches: Semaphore,
    /// By address, so that a file which several rooms show is fetched once.
    addresses: Keyed<String>,
    /// Until when the place of the network's files is left alone.
    away_until: AtomicI64,
}

impl Default for Media {
    fn default() -> Self {
        Self {
            streams: Arc::new(Semaphore::new(STREAMS)),
            fetches: Semaphore::new(FETCHES),
            addresses: Keyed::default(),
            away_until: AtomicI64::new(Millis::MIN),
        }
    }
}

impl Media {
    fn is_away(&self, now: Millis) -> bool {
        now < self.away_until.load(Ordering::Relaxed)
    }

    fn went_away(&self, now: Millis) {
        let until = now.saturating_add(LEFT_ALONE);
        self.away_until.store(until, Ordering::Relaxed);
    }
}
