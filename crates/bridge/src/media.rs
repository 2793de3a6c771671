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
mod places;
mod serve;

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use remote::Millis;
use tokio::sync::Semaphore;

pub use serve::{MediaFile, MediaProblem, MediaRange, MediaRequest, open};

use crate::world::Keyed;

/// What a file is said to be, by its bytes; for a fuzzer.
#[cfg(feature = "fuzzing")]
pub fn look_at(bytes: &[u8], whole: bool) -> serde_json::Value {
    look::look(bytes, whole).about(bytes.len() as u64)
}

/// So many files of the network are fetched at once.
const FETCHES: usize = 2;

/// After the place of the network's files did not answer, it is left alone for so long: its messages must not wait for each of
/// their files in turn.
const LEFT_ALONE: Millis = 60_000;

/// After the homeserver failed so often over one file, but answers otherwise, the file is what it stumbles over.
const STUMBLES: u32 = 3;

/// What is going on with files.
pub struct Media {
    places: places::Places,
    fetches: Semaphore,
    /// Unpacking a picture takes memory, so that is done to one at a time.
    looks: Semaphore,
    /// By address, so that a file which several rooms show is fetched once.
    addresses: Keyed<String>,
    /// Until when the place of the network's files is left alone.
    away_until: AtomicI64,
    /// How often the homeserver failed over a file, by its address.
    stumbled: Mutex<HashMap<String, u32>>,
}

impl Default for Media {
    fn default() -> Self {
        Self {
            places: places::Places::default(),
            fetches: Semaphore::new(FETCHES),
            looks: Semaphore::new(1),
            addresses: Keyed::default(),
            away_until: AtomicI64::new(Millis::MIN),
            stumbled: Mutex::default(),
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
    /// The homeserver failed over this file. Whether it does so again and again.
    fn stumbles(&self, address: &str) -> bool {
        /// Files that are remembered; more at a time are no fault of theirs.
        const AT_MOST: usize = 1_000;
        let mut stumbled = self.stumbled.lock().unwrap_or_else(PoisonError::into_inner);
        if stumbled.len() >= AT_MOST {
            stumbled.clear();
        }
        let times = stumbled.entry(address.to_owned()).or_default();
        *times += 1;
        *times >= STUMBLES
    }

    /// It is stored, or given up.
    fn is_settled(&self, address: &str) {
        self.stumbled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(address);
    }
}
