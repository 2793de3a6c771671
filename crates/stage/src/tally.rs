//! Counts what the bridge asks of its database, where a scene is about how much that is, or about a database that fails.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use futures_util::future::{BoxFuture, FutureExt as _, ready};
use store::{Error, Steps};

/// What was asked of the database.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    trips: AtomicUsize,
    rows: AtomicUsize,
    most_at_once: AtomicUsize,
    fails: AtomicBool,
}

impl Tally {
    /// Trips to the database: statements, or batches that are one commit.
    pub fn trips(&self) -> usize {
        self.0.trips.load(Ordering::Relaxed)
    }

    /// Rows that were read.
    pub fn rows(&self) -> usize {
        self.0.rows.load(Ordering::Relaxed)
    }

    /// The most rows that one trip brought.
    pub fn most_at_once(&self) -> usize {
        self.0.most_at_once.load(Ordering::Relaxed)
    }

    /// Has the database take nothing and say nothing, as when its disk is full or its server away, or work again.
    pub fn fails(&self, fails: bool) {
        self.0.fails.store(fails, Ordering::Relaxed);
    }

    /// Begins anew.
    pub fn reset(&self) {
        for count in [&self.0.trips, &self.0.rows, &self.0.most_at_once] {
            count.store(0, Ordering::Relaxed);
        }
    }
}

impl Steps for Tally {
    fn before(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.0.trips.fetch_add(1, Ordering::Relaxed);
        let fails = self.0.fails.load(Ordering::Relaxed);
        let done = if fails {
            Err(Error::Unavailable("make room on its disk".to_owned()))
        } else {
            Ok(())
        };
        ready(done).boxed()
    }

    fn after(&self) -> BoxFuture<'_, Result<(), Error>> {
        ready(Ok(())).boxed()
    }

    fn gave(&self, rows: usize) {
        self.0.rows.fetch_add(rows, Ordering::Relaxed);
        self.0.most_at_once.fetch_max(rows, Ordering::Relaxed);
    }
}
