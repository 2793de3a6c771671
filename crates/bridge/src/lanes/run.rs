//! The task of a lane: takes its items in order until none is left.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use store::{Item, Lane};

use super::{Lease, Outcome};
use crate::{Ctx, Error, delivery, intake::missed::Doubt};

/// Works a lane until it is empty, paused, or the bridge stops.
pub(super) async fn lane(world: Ctx, mut lease: Lease) {
    let mut wait = Backoff::default();
    // The head of an inherited lane, and whatever failed after it was sent, may stand on the other side
    // already.
    let mut suspect = lease.is_inherited();
    // What finishing an item found behind it.
    let mut found = None;
    while !world.stop.is_cancelled() {
        let head = if let Some(found) = found.take() {
            Ok(found)
        } else {
            lease.looking();
            world.store.next_item(lease.lane()).await
        };
        let item = match head {
            Ok(Some(item)) => item,
            Ok(None) if lease.release() => {
                world.lanes.troubles.over(lease.lane());
                return;
            }
            Ok(None) => continue,
            Err(error @ store::Error::Corrupt(_)) if set_aside(&world, &lease, &error).await => {
                continue;
            }
            Err(error) => {
                // Told as an error by the store, once for all lanes.
                tracing::debug!(lane = %lease.lane(), %error, "the database does not answer");
                pause(&world, &lease, wait.next(&world)).await;
                continue;
            }
        };
        if let Some(ahead) = ahead(&item, world.now()) {
            pause(&world, &lease, ahead).await;
            continue;
        }
        match step(&world, lease.lane(), &item, suspect).await {
            Ok(Outcome::Paused) if lease.release() => return,
            Ok(Outcome::Paused) => {}
            Ok(Outcome::Later(time)) => pause(&world, &lease, time).await,
            Ok(outcome) => match record(&world, &lease, &item, &outcome).await {
                Ok(head) => {
                    found = head;
                    world.lanes.count(lease.lane(), &outcome);
                    world.lanes.troubles.over(lease.lane());
                    wait.reset();
                    suspect = false;
                }
                Err(error) => {
                    tracing::debug!(lane = %lease.lane(), %error, "the database does not answer");
                    suspect = true;
                    pause(&world, &lease, wait.next(&world)).await;
                }
            },
            Err(error) => {
                suspect = true;
                let time = wait.next(&world);
                tracing::debug!(lane = %lease.lane(), %error, ?time, "not now");
                world
                    .lanes
                    .stumbles(lease.lane(), error.sentence(), world.now());
                if matches!(
                    error,
                    Error::Homeserver(homeserver::Error::Unreachable { .. })
                ) {
                    // If it was killed, it will not send everything.
                    world.missed.doubt(Doubt::Away, world.now());
                }
                pause(&world, &lease, time).await;
            }
        }
    }
}

/// Works one item. `Err` is only what may pass by itself.
async fn step(world: &Ctx, lane: &Lane, item: &Item, suspect: bool) -> Result<Outcome, Error> {
    let work = async {
        match lane {
            Lane::Control(_) => delivery::control::work(world, item).await,
            Lane::ToRemote(portal) => delivery::to_remote::work(world, *portal, item).await,
            Lane::ToMatrix(portal) => {
                // Never closed, so never an error; without a permit the work is merely less evenly spread.
                let _permit = world.lanes.to_matrix.acquire().await.ok();
                delivery::to_matrix::work(world, *portal, item, suspect).await
            }
        }
    };
    // What an item stumbles over is a bug of ours, and no reason to hold up those behind it for ever.
    let outcome = match AssertUnwindSafe(work).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(_) => Ok(Outcome::Failed("the bridge has a fault there".to_owned())),
    };
    match outcome {
        Err(error) if error.is_transient() => Err(error),
        Err(error) if error.needs_login() => Ok(Outcome::Paused),
        // Whatever it is, the lane goes on, and `failed` shows it.
        Err(error) => {
            tracing::error!(%lane, item = item.id, %error, "given up");
            Ok(Outcome::Failed(error.sentence()))
        }
        outcome => outcome,
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
    let millis = u64::try_from(item.not_before? - now)
        .ok()
        .filter(|millis| *millis > 0)?;
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
