//! Greets the homeserver at the start: makes sure that the bot exists and looks as configured, and pings,
//! which makes a homeserver that has events waiting for us deliver them at once.

use std::time::Duration;

use homeserver::Actor;

use crate::{Ctx, Error, intake::gate};

/// Takes transactions after a while, whether or not the ping went through.
pub(super) async fn open_gate(world: &Ctx) {
    tokio::time::sleep(gate::LONGEST).await;
    world.gate.open(world.now());
}

/// Tries until it worked. Only the first failure is told as a warning.
pub(super) async fn run(world: &Ctx) {
    let mut wait = Duration::from_secs(1);
    let mut told = false;
    while let Err(error) = settle(world).await {
        if told {
            tracing::debug!(%error, "the homeserver is still not ready");
        } else {
            tracing::warn!(%error, "the homeserver is not ready; trying again until it is");
            told = true;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(30));
    }
    world.missed.sweep();
    tracing::info!(bot = %world.names.bot(), "the homeserver knows us");
}

async fn settle(world: &Ctx) -> Result<(), Error> {
    let homeserver = &world.homeserver;
    let bot = &world.config.bot;
    homeserver.register(&bot.username).await?;
    // At once, since transactions wait for it.
    match homeserver.ping(&format!("start-{}", world.now())).await {
        Ok(took) => tracing::debug!(?took, "the homeserver reaches us"),
        Err(error) if error.is_not_found() => tracing::debug!("the homeserver knows no pings"),
        Err(error) => return Err(error.into()),
    }
    world.gate.open(world.now());
    let profile = homeserver.profile(world.names.bot()).await?;
    if profile.display_name.as_deref() != Some(&bot.display_name) {
        homeserver
            .set_display_name(&Actor::Bot, &bot.display_name)
            .await?;
    }
    if bot.avatar.is_some() && profile.avatar != bot.avatar {
        homeserver
            .set_avatar(&Actor::Bot, bot.avatar.as_deref())
            .await?;
    }
    Ok(())
}
