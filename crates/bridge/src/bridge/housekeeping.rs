//! What has to be done now and then: forgets what is of no use any more.
//!
//! To add a chore: a line in [`chores`].

use std::time::Duration;

use remote::Millis;

use crate::{Ctx, Error};

const PAUSE: Duration = Duration::from_hours(6);

/// How long the ids of accepted events are kept. Synapse repeats what it could not deliver for as long as
/// we are away, but only what it did not get an answer for; what it repeats after an answer (seen after it
/// was stopped in mid-push) is minutes old.
const REPEATS_END: Millis = 30 * 24 * 3_600_000;

/// A sweep may meet events that are so much older than the sweep before it.
const READ_AGAIN: Millis = 24 * 3_600_000;

/// Does the chores, now and then, until the bridge stops.
pub(super) async fn run(world: &Ctx) {
    loop {
        if let Err(error) = chores(world).await {
            tracing::warn!(%error, "housekeeping has to wait");
        }
        tokio::select! {
            biased;
            () = world.stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn chores(world: &Ctx) -> Result<(), Error> {
    let now = world.now();
    // What a sweep finds is told apart by these ids, however long we were away.
    let swept_at = world.store.swept_at().await?;
    let read_again = swept_at.map_or(now, |at| at - READ_AGAIN);
    world.store.prune(read_again.min(now - REPEATS_END)).await?;
    world.store.drop_expired_tickets(now).await?;
    // Kept for a while after they are of use, so that no repeat makes anew what was revoked.
    let lifetime = world.config.media.link_lifetime;
    let expired = lifetime.map_or(Millis::MIN, |lifetime| now - lifetime - REPEATS_END);
    world.store.drop_links(expired, now - REPEATS_END).await?;
    world.store.drop_uploaded(now - REPEATS_END).await?;
    Ok(())
}
