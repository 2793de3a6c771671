//! What Alice has read on Matrix, told to the network.

use std::time::Duration;

use ruma::{OwnedRoomId, RoomId};

use stage::{ALICE, Stage, homeserver::BOT};

/// The event with this text.
fn event(stage: &Stage, room: &RoomId, text: &str) -> String {
    let homeserver = stage.homeserver.lock();
    let found = homeserver.rooms[room]
        .timeline
        .iter()
        .find(|event| event.content["body"] == text);
    found.expect("it was said").event_id.to_string()
}

fn read(stage: &Stage) -> Vec<String> {
    stage.network.lock().read.clone()
}

async fn conversation() -> (Stage, OwnedRoomId) {
    let (stage, room) = Stage::in_room("org/one").await;
    for text in ["one", "two", "three"] {
        stage.network.says("bob", "org/one", text);
    }
    stage.quiet().await;
    (stage, room)
}

#[tokio::test(start_paused = true)]
async fn only_the_newest_of_a_burst_of_receipts_is_told() {
    let (mut stage, room) = conversation().await;
    for text in ["one", "two", "three"] {
        let event = event(&stage, &room, text);
        stage.reads(&room, ALICE, &event, Some("main")).await;
        stage.wait(Duration::from_millis(500)).await;
    }
    assert!(read(&stage).is_empty(), "it may not be the last one");
    stage
        .until("it is told", async || !read(&stage).is_empty())
        .await;
    stage.wait(Duration::from_mins(1)).await;
    assert_eq!(read(&stage), ["room-org/one: message0003"]);
}

#[tokio::test(start_paused = true)]
async fn what_others_read_is_nobodys_business() {
    let (mut stage, room) = conversation().await;
    let one = event(&stage, &room, "one");
    for user in [BOT, "@gitter_id-bob:example.org", "@mallory:example.org"] {
        stage.reads(&room, user, &one, None).await;
    }
    let nowhere = OwnedRoomId::try_from("!nowhere").unwrap();
    stage.reads(&nowhere, ALICE, &one, None).await;
    stage.reads(&room, ALICE, "$unheard-of", None).await;
    stage.wait(Duration::from_mins(1)).await;
    assert!(read(&stage).is_empty());
}

#[tokio::test(start_paused = true)]
async fn reading_on_past_the_last_message_means_that_message() {
    let (mut stage, room) = conversation().await;
    let notice = "a word of the bot";
    let bot = BOT.try_into().unwrap();
    let content = serde_json::json!({"msgtype": "m.notice", "body": notice});
    let event = stage
        .homeserver
        .lock()
        .append(&room, bot, "m.room.message", None, content, 0);
    stage
        .reads(&room, ALICE, event.event_id.as_str(), None)
        .await;
    stage
        .until("it is told", async || !read(&stage).is_empty())
        .await;
    assert_eq!(read(&stage), ["room-org/one: message0003"]);
}

#[tokio::test(start_paused = true)]
async fn reading_in_a_thread_is_told_as_such() {
    let (mut stage, room) = conversation().await;
    let (one, three) = (event(&stage, &room, "one"), event(&stage, &room, "three"));
    stage.reads(&room, ALICE, &three, Some(&one)).await;
    stage.reads(&room, ALICE, &three, Some("$unheard-of")).await;
    stage
        .until("it is told", async || !read(&stage).is_empty())
        .await;
    stage.wait(Duration::from_mins(1)).await;
    assert_eq!(read(&stage), ["room-org/one: message0003 in message0001"]);
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_away_for_a_moment_is_told_later() {
    let (mut stage, room) = conversation().await;
    stage.network.lock().refuse_read = true;
    let two = event(&stage, &room, "two");
    stage.reads(&room, ALICE, &two, None).await;
    stage
        .until("it is told", async || !read(&stage).is_empty())
        .await;
    assert_eq!(read(&stage), ["room-org/one: message0002"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_lost_in_a_restart_is_made_up_for_by_the_next_receipt() {
    let (mut stage, room) = conversation().await;
    let (one, three) = (event(&stage, &room, "one"), event(&stage, &room, "three"));
    stage.reads(&room, ALICE, &one, None).await;
    stage.restart().await;
    stage.wait(Duration::from_mins(1)).await;
    stage.reads(&room, ALICE, &three, None).await;
    stage
        .until("it is told", async || !read(&stage).is_empty())
        .await;
    assert_eq!(read(&stage), ["room-org/one: message0003"]);
}
