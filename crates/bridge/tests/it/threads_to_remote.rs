//! Threads and answers that the user writes on Matrix.

use remote::Threads;
use ruma::{OwnedEventId, RoomId};
use serde_json::json;

use stage::{ALICE, Stage};

fn last_event(stage: &Stage, room: &RoomId) -> OwnedEventId {
    let homeserver = stage.homeserver.lock();
    homeserver.rooms[room]
        .timeline
        .last()
        .unwrap()
        .event_id
        .clone()
}

#[tokio::test(start_paused = true)]
async fn an_answer_goes_into_the_thread_of_what_it_answers() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let parent = stage.network.says("bob", "org/one", "who?");
    stage.quiet().await;
    let asked = last_event(&stage, &room);
    let own = stage.answers(&room, &asked, "me").await.event_id;
    stage.quiet().await;
    // An answer to an answer: there is one level only.
    stage.answers(&room, &own, "really").await;
    let thread = json!({"rel_type": "m.thread", "event_id": asked, "is_falling_back": true, "m.in_reply_to": {"event_id": own}});
    let content = json!({"msgtype": "m.text", "body": "in it", "m.relates_to": thread});
    stage
        .happens(&room, ALICE, "m.room.message", None, content)
        .await;
    let expected = ["me", "really", "in it"].map(|text| format!("alice in {}: {text}", parent.id));
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    let all = [&["bob: who?"][..], &expected].concat();
    stage.reads_there("org/one", &all).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_the_unknown_quotes_a_little() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let mallory = json!({"msgtype": "m.text", "body": "words of\nsomebody else"});
    let foreign = stage
        .happens(
            &room,
            "@mallory:example.org",
            "m.room.message",
            None,
            mallory,
        )
        .await
        .event_id;
    stage.answers(&room, &foreign, "mine").await;
    let nowhere = OwnedEventId::try_from("$nowhere").unwrap();
    stage.answers(&room, &nowhere, "to nobody").await;
    let old = json!({
        "msgtype": "m.text", "body": "> <@bob:example.org> old words\n\nquoted",
        "m.relates_to": {"m.in_reply_to": {"event_id": "$nowhere"}},
    });
    stage
        .happens(&room, ALICE, "m.room.message", None, old)
        .await;
    let expected = [
        "alice: [mallory: words of somebody else] mine",
        "alice: to nobody",
        "alice: [bob: old words] quoted",
    ];
    stage.reads_there("org/one", &expected).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_what_is_gone_there_still_arrives() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "soon gone");
    stage.quiet().await;
    let asked = last_event(&stage, &room);
    stage.network.lock().messages.clear();
    stage.answers(&room, &asked, "mine").await;
    stage
        .reads_there("org/one", &["alice: [bob: soon gone] mine"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn without_threads_all_is_said_in_the_room() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.capabilities.threads = Threads::No;
    stage.restart().await;
    stage.network.says("bob", "org/one", "who?");
    stage.quiet().await;
    let asked = last_event(&stage, &room);
    stage.answers(&room, &asked, "me").await;
    stage
        .reads_there("org/one", &["bob: who?", "alice: me"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_late_change_stays_in_its_thread() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let parent = stage.network.says("bob", "org/one", "who?");
    stage.quiet().await;
    let asked = last_event(&stage, &room);
    let own = stage.answers(&room, &asked, "mee").await.event_id;
    stage.quiet().await;
    stage.edits(&room, &own, "meee").await;
    let inside = format!("alice in {}: meee", parent.id);
    stage.reads_there("org/one", &["bob: who?", &inside]).await;
    stage.wait(std::time::Duration::from_mins(11)).await;
    stage.edits(&room, &own, "me").await;
    let follow = format!(
        "alice in {}: [https://test.example/org/one/message0002] me",
        parent.id
    );
    stage
        .reads_there("org/one", &["bob: who?", &inside, &follow])
        .await;
}
