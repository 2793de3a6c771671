//! Much at once: thousands of messages wait, rooms are flooded, and what is in memory stays small all the same.

use std::time::Duration;

use homeserver::IncomingEvent;
use ruma::{OwnedUserId, RoomId};
use serde_json::json;

use stage::{ALICE, Stage};

/// Messages that wait.
const MANY: usize = 10_000;

/// Alice writes a lot while nothing crosses; the homeserver sends it in transactions as Synapse does.
async fn writes_many(stage: &mut Stage, room: &RoomId, texts: impl Iterator<Item = String>) {
    let alice = OwnedUserId::try_from(ALICE).unwrap();
    let now = stage.now();
    let events: Vec<IncomingEvent> = texts
        .map(|text| {
            let content = json!({"msgtype": "m.text", "body": text});
            let mut homeserver = stage.homeserver.lock();
            homeserver.append(room, &alice, "m.room.message", None, content, now)
        })
        .collect();
    for some in events.chunks(100) {
        stage.push(some.to_vec()).await;
    }
}

/// Moves time on until nothing waits.
async fn drained(stage: &Stage) {
    for _ in 0..1_000 {
        if stage.store.waiting_lanes().await.unwrap().is_empty() {
            return;
        }
        stage.wait(Duration::from_secs(10)).await;
    }
    panic!("something waits for ever");
}

/// Each stands there once, in order. Says no more than what is amiss, since they are many.
#[track_caller]
fn all_stand(said: &[String], who: &str, count: usize) {
    let said: Vec<_> = said.iter().filter(|line| line.starts_with(who)).collect();
    for (number, line) in said.iter().enumerate() {
        assert_eq!(**line, format!("{who}: {number}"));
    }
    assert_eq!(said.len(), count);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_messages_for_the_network_wait_in_the_database_and_go_out_in_order_once() {
    let (mut stage, room) = Stage::in_room("org/room").await;
    let tally = stage.tallied().await;
    // Whatever is sent now waits until she logs in again.
    stage.network.revoke();
    stage.start().await;
    stage.quiet().await;
    writes_many(
        &mut stage,
        &room,
        (0..MANY).map(|number| number.to_string()),
    )
    .await;
    assert_eq!(stage.network.lock().posts, 0);

    stage.kill().await;
    stage.network.lock().revoked = false;
    stage.log_in().await;
    tally.reset();
    stage.start().await;
    let (trips, rows) = (tally.trips(), tally.rows());
    assert!(
        trips < 20 && rows < 20,
        "a start reads no queue: {trips} trips, {rows} rows"
    );

    drained(&stage).await;
    all_stand(&stage.network.transcript("org/room"), "alice", MANY);
    let (trips, rows) = (tally.trips() / MANY, tally.rows() / MANY);
    // With its echo, and what had to be read of the room when the bridge came back.
    assert!(
        trips <= 14 && rows <= 14,
        "for each: {trips} trips, {rows} rows"
    );
    let most = tally.most_at_once();
    assert!(most <= 200, "{most} rows were in memory at once");
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_messages_for_matrix_wait_in_the_database_and_come_in_order_once() {
    let (mut stage, room) = Stage::in_room("org/room").await;
    let tally = stage.tallied().await;
    stage.start().await;
    stage.quiet().await;
    stage.homeserver.lock().stuck = Some("send");
    for number in 0..MANY {
        stage.network.says("bob", "org/room", &number.to_string());
    }
    let newest = stage.network.lock().messages.last().unwrap().id.to_string();
    stage
        .until("all are accepted", async || {
            stage.portal("org/room").await.cursor.as_deref() == Some(newest.as_str())
        })
        .await;

    stage.kill().await;
    stage.homeserver.lock().stuck = None;
    tally.reset();
    stage.start().await;
    let (trips, rows) = (tally.trips(), tally.rows());
    assert!(
        trips < 20 && rows < 20,
        "a start reads no queue: {trips} trips, {rows} rows"
    );

    drained(&stage).await;
    all_stand(&stage.transcript(&room), "gitter_id-bob", MANY);
    let (trips, rows) = (tally.trips() / MANY, tally.rows() / MANY);
    assert!(
        trips <= 6 && rows <= 6,
        "for each: {trips} trips, {rows} rows"
    );
    // Those that are compared after a connection was made.
    let most = tally.most_at_once();
    assert!(most <= 200, "{most} rows were in memory at once");
}
