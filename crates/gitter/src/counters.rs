//! How often a Gitter was asked, and how long requests waited for their turn: shared by the clients of many accounts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Counts since it was made.
#[derive(Debug, Default)]
pub struct Counters {
    sent: AtomicU64,
    refused: AtomicU64,
    waits: AtomicU64,
    waited_micros: AtomicU64,
    waiting: AtomicU64,
}

impl Counters {
    /// REST requests, repetitions included.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How many of them Gitter answered with 429.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How many requests had to wait for their turn in their account's [`Budget`](crate::Budget).
    pub fn waits(&self) -> u64 {
        self.waits.load(Ordering::Relaxed)
    }

    /// For how long they did, all together; without those that still wait.
    pub fn waited(&self) -> Duration {
        Duration::from_micros(self.waited_micros.load(Ordering::Relaxed))
    }

    /// How many wait now.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(crate) fn count_sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// A request begins to wait, and ends it when this is dropped.
    pub(crate) fn wait(self: &Arc<Self>) -> Wait {
        self.waits.fetch_add(1, Ordering::Relaxed);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Wait {
            counters: self.clone(),
            since: Instant::now(),
        }
    }
}

/// A request that waits.
pub(crate) struct Wait {
    counters: Arc<Counters>,
    since: Instant,
}

impl Drop for Wait {
    fn drop(&mut self) {
        let micros = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.counters.waiting.fetch_sub(1, Ordering::Relaxed);
        self.counters
            .waited_micros
            .fetch_add(micros, Ordering::Relaxed);
    }
}
