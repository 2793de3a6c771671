//! Whether transactions are taken: not in the first moments of a life.
//!
//! When a transaction fails because we were killed, Synapse (1.163) sends what follows it at once, before it takes us
//! for down and keeps things in order; if we are back by then, newer events overtake the one that failed (seen with
//! kills and quick restarts). So a bridge that has just started refuses transactions until its ping went through: the
//! homeserver keeps them, and sends them from the oldest on, which the ping makes it do at once.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// For how long to refuse at most, where no ping goes through: not every homeserver knows them.
pub(crate) const LONGEST: Duration = Duration::from_secs(5);

/// Whether transactions are taken. Once open, it stays so.
#[derive(Debug, Default)]
pub struct Gate(AtomicBool);

impl Gate {
    /// From now on.
    pub fn open(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether they are taken.
    pub fn is_open(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
