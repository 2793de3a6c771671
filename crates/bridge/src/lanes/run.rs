//! The task of a lane: takes its items in order until none is left.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use remote::Millis;
use store::{Item, Lane};

use super::{
    Lease, Outcome, PATIENCE, TRIES,
    turns::{Owner, Turn},
};
use crate::{Ctx, Error, delivery, intake::missed::Doubt};

/// For how long an item is put off at most, in milliseconds.
pub(crate) const LONGEST_PAUSE: i64 = 3_600_000;

/// What to do after a look at a lane.
enum Next {
    /// The item's successor was found while it was finished, if there is one.
    Found(Option<Item>),
    /// Look again.
    Look,
    /// Look again after so long, or when nudged.
    Pause(Duration),
    /// Nothing is left.
    Empty,
    /// Leave the lane as it is, unless something was put in meanwhile.
    Leave,
}

/// A lane that is being worked.
struct Worker {
    world: Ctx,
    lease: Lease,
    wait: Backoff,
    /// The head of an inherited lane, and whatever failed after it was sent, may stand on the other side already.
    suspect: bool,
    /// A place that was waited for.
    turn: Option<Turn>,
    stumbles: Option<Stumbles>,
}

/// Over what the homeserver failed each time it was tried, though it answered.
struct Stumbles {
    item: i64,
    since: Millis,
    times: i64,
}

/// Works a lane until it is empty, paused, or the bridge stops. While it waits for something it holds no item: thousands
/// may wait at once.
pub(super) async fn lane(world: Ctx, lease: Lease) {
    let suspect = lease.is_inherited();
    let mut worker = Worker {
        world,
        lease,
        wait: Backoff::default(),
        suspect,
        turn: None,
        stumbles: None,
    };
    // What finishing an item found behind it.
    let mut found = None;
    while !worker.world.stop.is_cancelled() {
        let head = if let Some(found) = found.take() {
            Ok(found)
        } else {
            worker.lease.looking();
            worker.world.store.next_item(worker.lease.lane()).await
        };
        let next = match head {
            Ok(Some(item)) => worker.one(item).await,
            Ok(None) => Next::Empty,
            Err(error @ store::Error::Corrupt(_))
                if set_aside(&worker.world, &worker.lease, &error).await =>
            {
                Next::Look
            }
            Err(error) => {
                // Told as an error by the store, once for all lanes.
                tracing::debug!(lane = %worker.lease.lane(), %error, "the database does not answer");
                Next::Pause(worker.wait.next(&worker.world))
            }
        };
        match next {
            Next::Found(head) => found = Some(head),
            Next::Look => {}
            Next::Pause(time) => {
                worker.turn = None;
                pause(&worker.world, &worker.lease, time).await;
            }
            Next::Empty if worker.lease.release() => {
                worker.world.lanes.troubles.over(worker.lease.lane());
                return;
            }
            Next::Leave if worker.lease.release() => {
                // It waits for something else by now.
                worker.world.lanes.troubles.over(worker.lease.lane());
                return;
            }
            Next::Empty | Next::Leave => worker.turn = None,
        }
    }
}

impl Worker {
    /// Works the lane's head.
    async fn one(&mut self, item: Item) -> Next {
        if let Some(ahead) = ahead(&item, self.world.now()) {
            return Next::Pause(ahead);
        }
        let turn = match self.world.lanes.turns(self.lease.lane()) {
            None => None,
            Some(turns) => {
                let waited_for = self.turn.take().filter(|it| it.owner() == item.login_id);
                let Some(turn) = waited_for.or_else(|| turns.try_take(item.login_id)) else {
                    let owner = item.login_id;
                    drop(item);
                    return self.wait_for_turn(owner).await;
                };
                Some(turn)
            }
        };
        let outcome = step(&self.world, self.lease.lane(), &item, self.suspect, turn).await;
        let outcome = match outcome {
            Err(error) if self.is_hopeless(&item, &error).await => {
                tracing::error!(lane = %self.lease.lane(), item = item.id, %error, "given up: the homeserver fails over it each time");
                given_up(&self.world, &item, error.sentence()).await
            }
            outcome => outcome,
        };
        match outcome {
            Ok(Outcome::Paused) => Next::Leave,
            Ok(Outcome::Later(time)) => Next::Pause(time),
            Ok(outcome) => match record(&self.world, &self.lease, &item, &outcome).await {
                Ok(head) => {
                    self.world.meters.ended(&item, &outcome, self.world.now());
                    self.world.lanes.troubles.over(self.lease.lane());
                    self.wait.reset();
                    self.suspect = false;
                    head.map_or(Next::Look, Next::Found)
                }
                Err(error) => {
                    tracing::debug!(lane = %self.lease.lane(), %error, "the database does not answer");
                    self.suspect = true;
                    Next::Pause(self.wait.next(&self.world))
                }
            },
            Err(error) => {
                self.suspect = true;
                let wanted = error.retry_after().unwrap_or_default();
                let time = self.wait.next(&self.world).max(wanted);
                tracing::debug!(lane = %self.lease.lane(), %error, ?time, "not now");
                self.world
                    .lanes
                    .stumbles(self.lease.lane(), error.sentence(), self.world.now());
                if matches!(
                    error,
                    Error::Homeserver(homeserver::Error::Unreachable { .. })
                ) {
                    // If it was killed, it will not send everything.
                    self.world.missed.doubt(Doubt::Away, self.world.now());
                }
                Next::Pause(time)
            }
        }
    }

    /// Whether the homeserver fails over this item again and again, though it answers and does not fail over others.
    async fn is_hopeless(&mut self, item: &Item, error: &Error) -> bool {
        let now = self.world.now();
        if !error.is_of_this_request() {
            self.stumbles = None;
            return false;
        }
        let stumbles = self.stumbles.take().filter(|it| it.item == item.id);
        let stumbles = self.stumbles.insert(stumbles.unwrap_or(Stumbles {
            item: item.id,
            since: now,
            times: 0,
        }));
        stumbles.times += 1;
        stumbles.times >= TRIES
            && now.saturating_sub(stumbles.since) >= PATIENCE
            && self.world.homeserver.whoami().await.is_ok()
    }

    /// Waits for a place, and looks again then: the head may be another one by that time.
    async fn wait_for_turn(&mut self, owner: Owner) -> Next {
        let Some(turns) = self.world.lanes.turns(self.lease.lane()) else {
            return Next::Look;
        };
        tokio::select! {
            biased;
            () = self.world.stop.cancelled() => {}
            turn = turns.take(owner) => self.turn = Some(turn),
        }
        Next::Look
    }
}

/// Works one item. `Err` is only what may pass by itself.
async fn step(
    world: &Ctx,
    lane: &Lane,
    item: &Item,
    suspect: bool,
    turn: Option<Turn>,
) -> Result<Outcome, Error> {
    let work = async {
        match lane {
            Lane::Control(_) => delivery::control::work(world, item).await,
            Lane::ToRemote(portal) => delivery::to_remote::work(world, *portal, item).await,
            Lane::ToMatrix(portal) => {
                delivery::to_matrix::work(world, *portal, item, suspect).await
            }
        }
    };
    let work = super::in_turn(turn, work);
    // What an item stumbles over is a bug of ours, and no reason to hold up those behind it for ever.
    // On the heap: it is large, and most lanes wait most of the time.
    let Ok(outcome) = Box::pin(AssertUnwindSafe(work).catch_unwind()).await else {
        return given_up(world, item, "the bridge has a fault there".to_owned()).await;
    };
    match outcome {
        Err(error) if error.is_transient() => {
            world.meters.retry(lane);
            Err(error)
        }
        Err(error) if error.needs_login() => Ok(Outcome::Paused),
        Err(error) => {
            tracing::error!(%lane, item = item.id, %error, "given up");
            given_up(world, item, error.sentence()).await
        }
        outcome => outcome,
    }
}

/// Whatever it is, the lane goes on, its user is told, and `failed` shows it.
async fn given_up(world: &Ctx, item: &Item, why: String) -> Result<Outcome, Error> {
    match delivery::tell::given_up(world, item, &why).await {
        Err(error) if error.is_transient() => Err(error),
        _ => Ok(Outcome::Failed(why)),
    }
}

/// Gives up the item at a lane's head, which cannot be read, so that those behind it go on. `false` if that has to wait.
async fn set_aside(world: &Ctx, lease: &Lease, error: &store::Error) -> bool {
    let lane = lease.lane();
    let why = Error::Unreadable(String::new()).sentence();
    let given_up = async {
        let Some(id) = world.store.head(lane).await? else {
            return Ok(());
        };
        delivery::tell::unreadable(world, lane, id).await?;
        world.store.fail_item(id, &why, world.now()).await?;
        world.meters.gave_up(lane);
        tracing::error!(%lane, item = id, %error, "given up; `failed` lists it, and it stays in table `items`");
        Ok::<_, Error>(())
    };
    given_up.await.is_ok()
}

/// Stores how a step came out. Gives what is now at the lane's head, or says that nobody looked.
async fn record(
    world: &Ctx,
    lease: &Lease,
    item: &Item,
    outcome: &Outcome,
) -> Result<Option<Option<Item>>, Error> {
    let head = match outcome {
        Outcome::Done(rows) => {
            lease.looking();
            let head = world.store.finish(item, rows, world.now()).await?;
            if rows.iter().any(|row| row.awaited_since.is_some()) {
                world.echoes.expect();
            }
            Some(head)
        }
        Outcome::Nothing => {
            lease.looking();
            Some(world.store.finish(item, &[], world.now()).await?)
        }
        Outcome::Failed(why) => {
            world.store.fail_item(item.id, why, world.now()).await?;
            None
        }
        Outcome::Later(_) | Outcome::Paused => None,
    };
    if let Lane::ToRemote(portal) = &item.lane {
        // A message of the user's own may be waiting on the other lane to know whether it is this one.
        super::nudge_if_leased(world, &Lane::ToMatrix(*portal));
    }
    Ok(head)
}

/// How long until the item's time has come, if it has not.
fn ahead(item: &Item, now: i64) -> Option<Duration> {
    let millis = item.not_before? - now;
    // A clock that was set back must not hold up anything.
    let waits = (1..=LONGEST_PAUSE).contains(&millis);
    let millis = u64::try_from(millis).ok().filter(|_| waits)?;
    Some(Duration::from_millis(millis))
}

async fn pause(world: &Ctx, lease: &Lease, time: Duration) {
    tokio::select! {
        biased;
        () = world.stop.cancelled() => {}
        () = lease.nudged() => {}
        () = tokio::time::sleep(time) => {}
    }
}

/// How long to wait after failures in a row.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    const LONGEST: Duration = Duration::from_mins(1);

    /// One more failure: doubles from a second to a minute, less up to a quarter so that lanes do not march
    /// in step.
    pub(crate) fn next(&mut self, world: &Ctx) -> Duration {
        let whole = Duration::from_secs(1 << self.failures.min(6)).min(Self::LONGEST);
        self.failures += 1;
        let quarter = u64::try_from(whole.as_millis() / 4).unwrap_or(0);
        whole.saturating_sub(Duration::from_millis(world.random.below(quarter.max(1))))
    }

    fn reset(&mut self) {
        self.failures = 0;
    }
}
