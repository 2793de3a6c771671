//! The shared context: what every part of the bridge is handed.
//!
//! To give the bridge another dependency: a field of [`Parts`], and its place in [`World`].

mod keyed;
pub mod names;
mod random;

use std::{
    future::Future,
    sync::{Arc, atomic::AtomicI64},
};

use homeserver::Homeserver;
use remote::{Millis, Network};
use store::Store;
use tokio::sync::oneshot;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use keyed::Keyed;
pub use names::Names;
pub use random::Random;

use crate::{
    Clock, Config,
    delivery::echoes::Echoes,
    figures::Meters,
    ghost::Ghosts,
    intake::{Clocks, Gate, Intakes, Missed},
    lanes::Lanes,
    login::Connections,
    media::Media,
    portal::Portals,
    reading::Readings,
    status::Statuses,
};

/// What a bridge is built from.
pub struct Parts {
    /// Settings.
    pub config: Config,
    /// The database.
    pub store: Store,
    /// The homeserver.
    pub homeserver: Arc<dyn Homeserver>,
    /// The network.
    pub network: Arc<dyn Network>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Where secrets and jitter come from.
    pub random: Random,
}

/// The shared context, as it is passed around.
pub type Ctx = Arc<World>;

/// The shared context. State in here is either handed in or can be lost at any moment: what matters is in
/// the store.
pub struct World {
    /// Settings.
    pub config: Config,
    /// The database.
    pub store: Store,
    /// The homeserver.
    pub homeserver: Arc<dyn Homeserver>,
    /// The network.
    pub network: Arc<dyn Network>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Where secrets and jitter come from.
    pub random: Random,
    /// Who is ours on Matrix.
    pub names: Names,
    /// What is counted for the metrics.
    pub(crate) meters: Meters,
    /// The lanes this process owns.
    pub lanes: Lanes,
    /// The logins' connections.
    pub connections: Connections,
    /// Whether transactions are taken.
    pub gate: Gate,
    /// How far the clocks of homeservers can be believed.
    pub(crate) clocks: Clocks,
    /// Reads what the homeserver did not send.
    pub(crate) missed: Missed,
    /// What the logins' intakes are catching up with.
    pub intakes: Intakes,
    /// What is going on with ghosts.
    pub ghosts: Ghosts,
    /// What is going on with portals.
    pub portals: Portals,
    /// What users have read and the network does not know yet.
    pub(crate) readings: Readings,
    /// What is going on with files.
    pub media: Media,
    /// By how many milliseconds the network's clock was ahead of ours when it last acknowledged something.
    pub(crate) network_ahead: AtomicI64,
    /// What of that came back.
    pub(crate) echoes: Echoes,
    /// What users are to know of what they sent.
    pub(crate) statuses: Statuses,
    /// One at a time per user, so that he does not get two spaces.
    pub(crate) spaces: Keyed<ruma::OwnedUserId>,
    /// Says that work has to end: finish the item in hand and take no other.
    pub stop: CancellationToken,
    kill: CancellationToken,
    tasks: TaskTracker,
}

impl World {
    pub(crate) fn new(parts: Parts) -> Result<Ctx, crate::Error> {
        let names = Names::new(&parts.config)?;
        Ok(Arc::new(Self {
            config: parts.config,
            store: parts.store,
            homeserver: parts.homeserver,
            network: parts.network,
            clock: parts.clock,
            random: parts.random,
            names,
            meters: Meters::default(),
            lanes: Lanes::default(),
            connections: Connections::default(),
            gate: Gate::default(),
            clocks: Clocks::default(),
            missed: Missed::default(),
            intakes: Intakes::default(),
            ghosts: Ghosts::default(),
            portals: Portals::default(),
            readings: Readings::default(),
            media: Media::default(),
            network_ahead: AtomicI64::new(0),
            echoes: Echoes::default(),
            statuses: Statuses::default(),
            spaces: Keyed::default(),
            stop: CancellationToken::new(),
            kill: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }))
    }

    /// The time of day.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Runs something beside everything else. It is dropped, at whichever await it stands, when the bridge
    /// is dropped or [`Bridge::stop`](crate::Bridge::stop) runs out of patience; [`World::stop`] asks it to
    /// end by itself before that.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let kill = self.kill.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = kill.cancelled() => {}
                () = task => {}
            }
        });
    }

    /// Runs something to its end even if nobody waits for it any more, as when the other side of a connection
    /// hangs up: half of it could be committed by then. `None` when the bridge ended before it did.
    pub(crate) async fn see_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (done, result) = oneshot::channel();
        self.spawn(async move {
            // Whoever asked may have gone, which is the point.
            let _ = done.send(work.await);
        });
        result.await.ok()
    }

    /// The same for what can be dropped as soon as the bridge is asked to stop.
    pub fn spawn_until_stop(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }

    /// Ends everything that was spawned at its next await, and takes no more.
    pub(crate) fn kill(&self) {
        self.stop.cancel();
        self.kill.cancel();
        self.tasks.close();
    }

    /// Comes back when everything that was spawned has ended.
    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
