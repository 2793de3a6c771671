//! Lanes: ordered, durable queues, one row of the store an item; a task per lane that has rows, none
//! otherwise.
//!
//! A `Lease` is the right to work a lane; there is one at a time, and it ends with the task that holds
//! it. This process leases all lanes to itself; when several processes share a database, `Lanes::take` is
//! where they will have to ask.
//!
//! To add a kind of lane: a variant of [`store::Lane`], and its arm in `step`.

mod lease;
mod run;
mod trouble;
mod turns;

use std::{cell::RefCell, time::Duration};

use remote::Millis;
use store::{Lane, MessageRow};

use crate::{Ctx, Error};
use lease::{Lease, Leases};
use turns::{Turn, Turns};

pub(crate) use run::{Backoff, LONGEST_PAUSE};

/// What the other side fails over so often and for so long, though it answers otherwise, is given up: it would hold up all behind it.
pub(crate) const TRIES: i64 = 30;
pub(crate) const PATIENCE: Millis = 3_600_000;

pub(crate) use trouble::Trouble;

/// How one step of a lane came out, if it did not fail.
#[derive(Debug)]
pub enum Outcome {
    /// Carried out; these are the rows to remember it by.
    Done(Vec<MessageRow>),
    /// There was no message to carry, or nothing is to be remembered of what was done.
    Nothing,
    /// Not yet: look again after so long, or when the lane is nudged.
    Later(Duration),
    /// It will not work until somebody does something, who then nudges the lane. No task is kept for it.
    Paused,
    /// It can never work, for this reason; the user has been told.
    Failed(String),
}

impl Outcome {
    /// Done, with nothing to remember.
    pub fn done() -> Self {
        Self::Nothing
    }
}

/// The lanes this process owns.
pub struct Lanes {
    leases: Leases,
    troubles: trouble::Troubles,
    /// What is carried to the homeserver at once: a storm in many rooms must not become one there.
    to_matrix: Turns,
    /// What is carried to the network at once. An account's own pace is the network's business.
    to_remote: Turns,
}

tokio::task_local! {
    /// The place of the item that this task is carrying, unless it is lent.
    static TURN: RefCell<Option<Turn>>;
}

/// Carries something, having this place until the end.
async fn in_turn<T>(turn: Option<Turn>, work: impl Future<Output = T>) -> T {
    TURN.scope(RefCell::new(turn), work).await
}

impl Default for Lanes {
    fn default() -> Self {
        /// So much at once, and so much of it for one login.
        const TO_MATRIX: (usize, usize) = (8, 6);
        const TO_REMOTE: (usize, usize) = (usize::MAX, 16);
        Self {
            leases: Leases::default(),
            troubles: trouble::Troubles::default(),
            to_matrix: Turns::new(TO_MATRIX.0, TO_MATRIX.1),
            to_remote: Turns::new(TO_REMOTE.0, TO_REMOTE.1),
        }
    }
}

impl Lanes {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.leases.len()
    }

    /// Does something that takes its time, while others carry their items: the place of the item that is being carried is
    /// lent to them. What carries nothing lends nothing.
    ///
    /// It comes back with a place again, and may have to wait for one: whoever holds a lock meanwhile must be waited for in the
    /// same way.
    pub(crate) async fn meanwhile<T>(&self, work: impl Future<Output = T>) -> T {
        let lent = TURN.try_with(RefCell::take).ok().flatten();
        let Some(owner) = lent.map(|turn| turn.owner()) else {
            return work.await;
        };
        let done = work.await;
        let turn = self.to_matrix.take(owner).await;
        // It was there a moment ago.
        TURN.try_with(|place| place.replace(Some(turn))).ok();
        done
    }

    /// How many of them stumble over something.
    pub(crate) fn stumbling(&self) -> usize {
        self.troubles.len()
    }

    /// What a lane stumbles over.
    pub(crate) fn trouble(&self, lane: &Lane) -> Option<Trouble> {
        self.troubles.of(lane)
    }

    /// A lane cannot go on for this reason: one sentence for the user, without a full stop.
    pub(crate) fn stumbles(&self, lane: &Lane, why: String, now: Millis) {
        self.troubles.note(lane, why, now);
    }

    /// The places for what a lane carries. What controls the bridge waits for nothing.
    fn turns(&self, lane: &Lane) -> Option<&Turns> {
        match lane {
            Lane::Control(_) => None,
            Lane::ToRemote(_) => Some(&self.to_remote),
            Lane::ToMatrix(_) => Some(&self.to_matrix),
        }
    }
}

/// Starts a task for each lane that has rows from an earlier life.
pub(crate) async fn start(world: &Ctx) -> Result<(), Error> {
    const AT_ONCE: u32 = 500;
    let mut place = None;
    loop {
        let (lanes, next) = world
            .store
            .waiting_lanes_after(place.as_deref(), AT_ONCE)
            .await?;
        for lane in &lanes {
            if let Some(lease) = world.lanes.leases.take(lane) {
                // What stands at its head may have been carried out just before that life ended.
                world.spawn(run::lane(world.clone(), lease.inherited()));
            }
        }
        if next.is_none() {
            return Ok(());
        }
        place = next;
    }
}

/// Says that something was put into a lane.
pub fn wake(world: &Ctx, lane: &Lane) {
    if world.stop.is_cancelled() {
        return;
    }
    if let Some(lease) = world.lanes.leases.take(lane) {
        world.spawn(run::lane(world.clone(), lease));
    }
}

/// Says that what a lane may be waiting for has changed: it looks again at once.
pub fn nudge(world: &Ctx, lane: &Lane) {
    wake(world, lane);
    world.lanes.leases.nudge(lane);
}

/// Ends the wait of a lane's task, if it has one.
pub(crate) fn nudge_if_leased(world: &Ctx, lane: &Lane) {
    world.lanes.leases.nudge(lane);
}

/// Nudges all lanes of a login, after its connection or its credentials came back.
///
/// # Errors
/// When the database does not answer.
pub async fn wake_login(world: &Ctx, login_id: i64) -> Result<(), Error> {
    let Some(login) = world.store.login(login_id).await? else {
        return Ok(());
    };
    for lane in world.store.waiting_lanes_of(&login.mxid).await? {
        nudge(world, &lane);
    }
    Ok(())
}
