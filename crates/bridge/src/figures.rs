//! Figures for the metrics: what is counted while the bridge works, and what is asked when somebody looks.
//!
//! Counting costs an addition to an atomic number, and nothing else. Counts begin anew with each start of the bridge, as Prometheus expects.
//!
//! To add one: a field of [`Meters`] where it is counted or a question in [`read`], a field of [`Figures`], and its line in `web::metrics`.

mod histogram;

use std::sync::atomic::{AtomicU64, Ordering};

use remote::{Millis, Traffic};
use store::{Item, Lane};

use crate::{Ctx, Error, lanes::Outcome, login::Status};
use histogram::Histogram;
pub use histogram::{BOUNDS, Latency};

/// What is counted while the bridge works.
#[derive(Default)]
pub(crate) struct Meters {
    to_remote: Way,
    to_matrix: Way,
    found: AtomicU64,
    sent_again: AtomicU64,
    told: AtomicU64,
}

/// One direction.
#[derive(Default)]
struct Way {
    failed: AtomicU64,
    retries: AtomicU64,
    duplicates: AtomicU64,
    latency: Histogram,
}

/// What became of a message of which nobody knew whether the network took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// It stands there.
    Found,
    /// It does not, and was sent again.
    SentAgain,
    /// Nobody can know; its sender was told.
    Told,
}

impl Meters {
    /// What controls the bridge is not counted.
    fn way(&self, lane: &Lane) -> Option<&Way> {
        match lane {
            Lane::Control(_) => None,
            Lane::ToRemote(_) => Some(&self.to_remote),
            Lane::ToMatrix(_) => Some(&self.to_matrix),
        }
    }

    /// An item came to its end, which is stored.
    pub(crate) fn ended(&self, item: &Item, outcome: &Outcome, now: Millis) {
        let Some(way) = self.way(&item.lane) else {
            return;
        };
        match outcome {
            Outcome::Done(_) => way.latency.add(now - item.accepted_at),
            Outcome::Failed(_) => add(&way.failed, 1),
            Outcome::Nothing | Outcome::Later(_) | Outcome::Paused => {}
        }
    }

    /// What nobody can read was given up.
    pub(crate) fn gave_up(&self, lane: &Lane) {
        if let Some(way) = self.way(lane) {
            add(&way.failed, 1);
        }
    }

    /// An item could not be carried now, and will be tried again.
    pub(crate) fn retry(&self, lane: &Lane) {
        if let Some(way) = self.way(lane) {
            add(&way.retries, 1);
        }
    }

    /// So many events came again that had been taken before, and were left out.
    pub(crate) fn repeated_by_matrix(&self, count: usize) {
        add(&self.to_remote.duplicates, count as u64);
    }

    /// A message came again that had been taken before, and was left out.
    pub(crate) fn repeated_by_remote(&self) {
        add(&self.to_matrix.duplicates, 1);
    }

    /// It is known now, or told, what became of a message.
    pub(crate) fn resolved(&self, how: Resolved) {
        let count = match how {
            Resolved::Found => &self.found,
            Resolved::SentAgain => &self.sent_again,
            Resolved::Told => &self.told,
        };
        add(count, 1);
    }
}

fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

fn get(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

/// Figures for the metrics. Counts are since the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Logins by their state: those whose credentials hold, and those that have to log in again.
    pub logins: (u64, u64),
    /// Connections to the network by their state: standing, being made for the first time, broken and being made anew.
    pub connections: (u64, u64, u64),
    /// Matrix rooms whose user is in them.
    pub portals: u64,
    /// Lanes with a task.
    pub lanes: u64,
    /// Those of them that cannot go on now, and try again.
    pub stumbling: u64,
    /// From Matrix to the network.
    pub to_remote: WayFigures,
    /// From the network to Matrix.
    pub to_matrix: WayFigures,
    /// Messages of which nobody knew whether the network took them, by what became of them: found there, sent again, their sender told
    /// to have a look.
    pub resolved: (u64, u64, u64),
    /// Messages which the network keeps and did not tell of in time.
    pub echoes_missed: u64,
    /// Events whose message the network acknowledged and did not keep.
    pub dropped: u64,
    /// What was asked of the homeserver.
    pub homeserver: HomeserverFigures,
    /// What was asked of the network.
    pub network: Traffic,
}

/// One direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WayFigures {
    /// What waits or is under way.
    pub waiting: u64,
    /// For how long the oldest of it has, in milliseconds; 0 if nothing does.
    pub oldest: u64,
    /// Messages, changes and deletions that were carried, by how long it took from the moment when the bridge had stored them.
    pub delivered: Latency,
    /// What could not be carried and was given up, until somebody says `retry`.
    pub failed: u64,
    /// How often something could not be carried at that time, and was put off.
    pub retries: u64,
    /// What came again that had been taken before.
    pub duplicates: u64,
}

/// What was asked of the homeserver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HomeserverFigures {
    /// Requests by what they are for, repetitions included; those kinds which were ever made.
    pub requests: Vec<(&'static str, u64)>,
    /// How many of them were repetitions of one that failed.
    pub repeated: u64,
    /// Calls that failed for good, refusals included.
    pub failed: u64,
}

/// Reads all figures.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn read(world: &Ctx) -> Result<Figures, Error> {
    let meters = &world.meters;
    let mut figures = Figures {
        lanes: world.lanes.len() as u64,
        stumbling: world.lanes.stumbling() as u64,
        to_remote: way(&meters.to_remote),
        to_matrix: way(&meters.to_matrix),
        resolved: (
            get(&meters.found),
            get(&meters.sent_again),
            get(&meters.told),
        ),
        homeserver: homeserver(world),
        network: world.network.traffic(),
        ..Figures::default()
    };
    world.echoes.fill(&mut figures);
    for status in world.connections.statuses() {
        match status {
            Status::Connected => figures.connections.0 += 1,
            Status::Connecting => figures.connections.1 += 1,
            Status::Broken { .. } => figures.connections.2 += 1,
        }
    }
    for login in world.store.logins().await? {
        match login.state {
            store::LoginState::Ok => figures.logins.0 += 1,
            store::LoginState::Expired => figures.logins.1 += 1,
        }
    }
    figures.portals = world.store.count_joined_portals().await?;
    let (to_remote, to_matrix) = world.store.backlogs().await?;
    let now = world.now();
    for (way, backlog) in [
        (&mut figures.to_remote, to_remote),
        (&mut figures.to_matrix, to_matrix),
    ] {
        way.waiting = backlog.items;
        let age = backlog.oldest.map_or(0, |oldest| now - oldest);
        way.oldest = u64::try_from(age).unwrap_or(0);
    }
    Ok(figures)
}

fn way(way: &Way) -> WayFigures {
    WayFigures {
        waiting: 0,
        oldest: 0,
        delivered: way.latency.read(),
        failed: get(&way.failed),
        retries: get(&way.retries),
        duplicates: get(&way.duplicates),
    }
}

fn homeserver(world: &Ctx) -> HomeserverFigures {
    let Some(counters) = world.homeserver.counters() else {
        return HomeserverFigures::default();
    };
    let sent = homeserver::RequestKind::ALL
        .into_iter()
        .map(|kind| (kind.name(), counters.sent(kind)))
        .filter(|(_, sent)| *sent > 0);
    HomeserverFigures {
        requests: sent.collect(),
        repeated: counters.repeated(),
        failed: counters.failed(),
    }
}
