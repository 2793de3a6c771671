//! What outlives the bridge.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use bridge::{Bridge, Clock};
use stage::{clock::StageClock, homeserver::FakeHomeserver, network::FakeNetwork};
use store::Store;
use tokio::sync::Notify;

use crate::{faults::Faults, life::Life};

/// Homeserver, network, and the bridge that lives at the moment.
pub(crate) struct World {
    pub(crate) homeserver: FakeHomeserver,
    pub(crate) network: FakeNetwork,
    pub(crate) clock: Arc<StageClock>,
    pub(crate) faults: Arc<Faults>,
    /// Whether the homeserver runs.
    pub(crate) up: Up,
    /// The bridge asked to be called.
    pub(crate) pinged: Notify,
    /// The homeserver has told everything.
    pub(crate) told: AtomicBool,
    now: Mutex<Option<Now>>,
    lives: AtomicU64,
}

/// A bridge that lives.
#[derive(Clone)]
pub(crate) struct Now {
    pub(crate) life: Arc<Life>,
    pub(crate) bridge: Arc<Bridge>,
    /// Its database, to look into.
    pub(crate) store: Store,
}

impl World {
    pub(crate) fn new(network: FakeNetwork, clock: Arc<StageClock>, faults: Arc<Faults>) -> Self {
        let homeserver = FakeHomeserver::default();
        homeserver.lock().clock = Some(clock.clone());
        Self {
            homeserver,
            network,
            clock,
            faults,
            up: Up::default(),
            pinged: Notify::new(),
            told: AtomicBool::new(false),
            now: Mutex::default(),
            lives: AtomicU64::new(0),
        }
    }

    /// One more life.
    pub(crate) fn count(&self) {
        self.lives.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn lives(&self) -> u64 {
        self.lives.load(Ordering::Relaxed)
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    /// The bridge, if one lives.
    pub(crate) fn living(&self) -> Option<Now> {
        self.now
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .filter(|now| !now.life.is_over())
    }

    pub(crate) fn bridge(&self) -> Option<Arc<Bridge>> {
        self.living().map(|now| now.bridge)
    }

    /// Puts a bridge there, or takes it away, and gives the former one.
    pub(crate) fn replace(&self, now: Option<Now>) -> Option<Now> {
        std::mem::replace(
            &mut *self.now.lock().unwrap_or_else(PoisonError::into_inner),
            now,
        )
    }
}

/// Whether the homeserver runs, and for the how many-th time.
#[derive(Default)]
pub(crate) struct Up {
    away: AtomicBool,
    life: AtomicU64,
}

impl Up {
    /// Which time it is, if it runs.
    pub(crate) fn of(&self) -> Option<u64> {
        (!self.away.load(Ordering::Relaxed)).then(|| self.life.load(Ordering::Relaxed))
    }

    /// It goes away, or comes back.
    pub(crate) fn set(&self, up: bool) {
        self.away.store(!up, Ordering::Relaxed);
    }

    /// It was started anew.
    pub(crate) fn again(&self) {
        self.life.fetch_add(1, Ordering::Relaxed);
        self.set(true);
    }
}
