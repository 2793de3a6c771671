//! What is done to the parts: kills, and trouble on the roads between them.
//!
//! To add a kind of trouble: a line in [`trouble`].

use std::time::Duration;

use gitter_sandbox::{Effect, Fault};
use testbed::bridge::Bridge;
use tokio::time::{Instant, sleep};

use crate::check::{Finding, Wrong};
use crate::dice::Dice;
use crate::proxy::{Proxy, Weather};
use crate::world::World;

/// How long after its start a bridge hears a SIGTERM, for sure.
const HEARS: Duration = Duration::from_secs(1);

/// How many there were.
#[derive(Clone, Copy, Debug, Default)]
pub struct Blows {
    /// SIGKILLs of the bridge.
    pub kills: usize,
    /// SIGTERMs of the bridge; one that does not end in time and well is a finding.
    pub stops: usize,
    /// SIGKILLs of the homeserver.
    pub homeserver_kills: usize,
    /// Roads that were cut, stalled or slow, answers and pushes lost, requests refused.
    pub troubles: usize,
}

/// Deals them until there were so many kills of the bridge, or the time is over. Afterwards everything stands and nothing
/// goes wrong any more.
pub(crate) async fn deal(
    world: &World,
    bridge: &mut Bridge,
    kills: usize,
    until: Instant,
    dice: &Dice,
) -> anyhow::Result<(Blows, Vec<Finding>)> {
    let mut blows = Blows::default();
    let mut findings = Vec::new();
    while blows.kills < kills && Instant::now() < until {
        blows.troubles += trouble(world, dice);
        // Some live for moments only, most long enough to do something.
        let lives = match dice.below(100) {
            0..15 => dice.millis(0, 60),
            15..85 => dice.millis(200, 3_000),
            _ => dice.millis(3_000, 9_000),
        };
        sleep(lives).await;
        if dice.percent(60) {
            clear(world);
        }
        if dice.percent(8) {
            kill_homeserver(world, dice).await?;
            blows.homeserver_kills += 1;
            sleep(dice.millis(0, 3_000)).await;
        }
        if dice.percent(12) {
            // One that has only just begun has nothing yet that hears a SIGTERM, and then simply ends.
            sleep(HEARS).await;
            blows.stops += 1;
            if let Err(error) = bridge.stop().await {
                let what = format!("stop {}: {error:#}", blows.stops);
                let wrong = Wrong::Broken;
                findings.push(Finding { wrong, what });
                bridge.kill().await?;
            }
        } else {
            bridge.kill().await?;
            blows.kills += 1;
        }
        sleep(dice.millis(0, 500)).await;
        bridge.launch_again()?;
    }
    clear(world);
    Ok((blows, findings))
}

/// What people said until now was taken, and perhaps not yet passed on.
async fn kill_homeserver(world: &World, dice: &Dice) -> anyhow::Result<()> {
    let _nobody_speaks = world.homeserver_stands.write().await;
    world.synapse.kill().await?;
    sleep(dice.millis(0, 2_000)).await;
    world.synapse.start_again().await
}

/// Perhaps something goes wrong from now on; says how much.
fn trouble(world: &World, dice: &Dice) -> usize {
    let roads = &world.roads;
    let mut number = 0;
    for road in [
        &roads.homeserver_to_bridge,
        &roads.bridge_to_homeserver,
        &roads.bridge_to_gitter,
    ] {
        if dice.percent(20) {
            road.set(weather(dice));
            number += 1;
        }
    }
    if dice.percent(40) {
        number += 1;
        faults(world, dice);
    }
    number
}

fn weather(dice: &Dice) -> Weather {
    match dice.below(4) {
        0 => Weather::Slow(dice.millis(20, 400)),
        1 => Weather::AnswersLost,
        2 => Weather::Stalled,
        _ => Weather::Cut,
    }
}

fn faults(world: &World, dice: &Dice) {
    let faults = world.sandbox.faults();
    let requests = [
        "POST /v1/rooms/*/chatMessages",
        "PUT /v1/rooms/*/chatMessages/*",
        "DELETE /v1/rooms/*/chatMessages/*",
        "GET /v1/**",
        "/v1/**",
    ];
    let times = 1 + u32::try_from(dice.below(3)).unwrap_or(0);
    let on = |effect: Effect| {
        if let Some(requests) = dice.pick(&requests) {
            faults.add(Fault::new(requests, effect).times(times));
        }
    };
    match dice.below(14) {
        0 => on(Effect::Status(503)),
        1 => on(Effect::Html(502)),
        2 => on(Effect::Truncate),
        3 => on(Effect::Delay(dice.millis(50, 3_000))),
        4 => on(Effect::DelayAnswer(dice.millis(50, 3_000))),
        5 => on(Effect::DropBefore),
        6 => on(Effect::DropAfter),
        7 => faults.cut_connections(),
        8 => faults.freeze_connections(),
        9 => faults.lose_pushes(times),
        10 => faults.double_pushes(times),
        11 => on(Effect::Status(429)),
        12 => on(Effect::Hang),
        _ => faults.forget_clients(),
    }
}

/// Nothing goes wrong any more.
fn clear(world: &World) {
    let roads = &world.roads;
    let all: [&Proxy; 3] = [
        &roads.homeserver_to_bridge,
        &roads.bridge_to_homeserver,
        &roads.bridge_to_gitter,
    ];
    for road in all {
        road.set(Weather::Fine);
    }
    world.sandbox.faults().clear();
}
