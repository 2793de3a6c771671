//! A stop finishes what is in flight, begins nothing, and waits for nothing else.

use std::time::Duration;

use stage::{Stage, network::Failure};
use tokio::task::JoinHandle;

/// As the program does it.
fn stops(stage: &Stage) -> JoinHandle<()> {
    let bridge = stage.bridge.clone().expect("a bridge runs");
    tokio::spawn(async move { bridge.stop(Duration::from_secs(8)).await })
}

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_what_is_in_flight_and_begins_nothing() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "before");
    stage.quiet().await;
    stage.homeserver.lock().stuck = Some("send");
    stage.network.says("bob", "org/one", "in flight");
    stage.network.says("bob", "org/one", "behind it");
    stage.wait(Duration::from_secs(1)).await;

    let stop = stops(&stage);
    stage.wait(Duration::from_secs(3)).await;
    assert!(!stop.is_finished(), "something is in flight");
    stage.homeserver.lock().stuck = None;
    stage.wait(Duration::from_secs(1)).await;
    assert!(stop.is_finished());
    stop.await.unwrap();
    let there = ["gitter_id-bob: before", "gitter_id-bob: in flight"];
    assert_eq!(stage.transcript(&room), there);

    stage.homeserver.lock().requests.clear();
    stage.restart().await;
    stage.quiet().await;
    assert_eq!(
        stage.transcript(&room),
        [there[0], there[1], "gitter_id-bob: behind it"]
    );
    let requests = stage.homeserver.lock().requests.clone();
    let sent = requests.iter().filter(|it| **it == "send").count();
    assert_eq!(sent, 1, "what was finished is recorded: {requests:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_what_waits_itself() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let failures = [Failure::Unavailable; 100];
    stage.network.lock().failures.extend(failures);
    stage.writes(&room, "later").await;
    // It is tried once a minute by then.
    stage.wait(Duration::from_mins(5)).await;
    let stop = stops(&stage);
    stage.wait(Duration::from_secs(1)).await;
    assert!(stop.is_finished());
    stop.await.unwrap();
    assert!(stage.network.transcript("org/one").is_empty());

    stage.network.lock().failures.clear();
    stage.restart().await;
    stage.reads_there("org/one", &["alice: later"]).await;
}
