//! What the sender gets to know.

use serde_json::json;

use stage::{ALICE, Stage, homeserver::BOT, network::Failure, road::last_word};

#[tokio::test(start_paused = true)]
async fn the_bot_reads_what_has_arrived_once_per_burst() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.config.status.receipts = true;
    stage.restart().await;
    let mut last = None;
    for number in 0..10 {
        last = Some(stage.writes(&room, &number.to_string()).await.event_id);
    }
    stage.quiet().await;
    let receipts = stage.homeserver.lock().receipts.clone();
    let (reader, event) = receipts.last().unwrap();
    assert_eq!((reader.as_str(), Some(event)), (BOT, last.as_ref()));
    assert!(receipts.len() <= 4, "{receipts:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_that_did_not_arrive() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.config.status.receipts = true;
    stage.restart().await;
    stage.network.lock().failures.push_back(Failure::Forbidden);
    stage.writes(&room, "lost").await;
    stage
        .happens(&room, ALICE, "m.reaction", None, json!({}))
        .await;
    stage.quiet().await;
    assert_eq!(stage.homeserver.lock().receipts, []);
    let told = last_word(&stage, &room);
    assert!(!told.is_empty());
    let said = stage.transcript(&room);
    assert!(
        said.iter()
            .any(|line| line.contains("was not delivered to Test")),
        "{said:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn each_message_has_a_status_event_if_wanted() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.config.status.events = true;
    stage.restart().await;
    let good = stage.writes(&room, "good").await.event_id;
    stage.quiet().await;
    stage.network.lock().failures.push_back(Failure::Forbidden);
    let bad = stage.writes(&room, "bad").await.event_id;
    let odd = stage
        .happens(&room, ALICE, "m.reaction", None, json!({}))
        .await
        .event_id;
    stage.quiet().await;
    let homeserver = stage.homeserver.lock();
    let statuses: Vec<_> = homeserver.rooms[&room]
        .timeline
        .iter()
        .filter(|event| event.kind == "com.beeper.message_send_status")
        .map(|event| {
            assert_eq!(event.sender, BOT);
            assert_eq!(event.content["network"], "test");
            let about = &event.content["m.relates_to"];
            assert_eq!(about["rel_type"], "m.reference");
            let id = about["event_id"].as_str().unwrap().to_owned();
            (id, event.content["status"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(
        statuses,
        [
            (good.to_string(), "SUCCESS".to_owned()),
            (bad.to_string(), "FAIL_RETRIABLE".to_owned()),
            (odd.to_string(), "FAIL_PERMANENT".to_owned())
        ]
    );
    assert_eq!(homeserver.receipts, []);
}
