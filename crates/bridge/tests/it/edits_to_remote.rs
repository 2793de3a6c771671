//! Changes that the user makes on Matrix.

use std::time::Duration;

use remote::EditWindow;
use ruma::{EventId, OwnedRoomId};
use serde_json::json;

use stage::{
    ALICE, Stage,
    network::Failure,
    road::{last_word, words},
    talk::asks,
};

const LATE: Duration = Duration::from_mins(11);

#[tokio::test(start_paused = true)]
async fn a_change_is_made_in_place() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "helo").await.event_id;
    stage.reads_there("org/one", &["alice: helo"]).await;
    let edit = stage.edits(&room, &event, "hello").await.event_id;
    stage.reads_there("org/one", &["alice: hello"]).await;
    // Of the change itself, as some clients have it.
    stage.edits(&room, &edit, "hello!").await;
    stage.reads_there("org/one", &["alice: hello!"]).await;
    let network = stage.network.lock();
    assert_eq!((network.posts, network.edits), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn the_parts_follow_the_text() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "0123456789abc").await.event_id;
    stage.quiet().await;
    stage.edits(&room, &event, "0123456789abcdefghijABC").await;
    let longer = ["alice: 0123456789", "alice: abcdefghij", "alice: ABC"];
    stage.reads_there("org/one", &longer).await;
    stage.edits(&room, &event, "short").await;
    stage.reads_there("org/one", &["alice: short"]).await;
    stage.edits(&room, &event, "0123456789again").await;
    stage
        .reads_there("org/one", &["alice: 0123456789", "alice: again"])
        .await;
    stage.redacts(&room, &event).await;
    stage.reads_there("org/one", &[]).await;
}

#[tokio::test(start_paused = true)]
async fn fast_changes_end_in_the_last_text() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "0").await.event_id;
    stage.quiet().await;
    // While the first change hangs, the others pile up behind it.
    stage
        .network
        .lock()
        .failures
        .push_back(Failure::Unavailable);
    for number in 1..=9 {
        stage.edits(&room, &event, &number.to_string()).await;
    }
    stage.writes(&room, "after").await;
    stage
        .reads_there("org/one", &["alice: 9", "alice: after"])
        .await;
    let edits = stage.network.lock().edits;
    assert!(edits <= 3, "{edits} changes went out");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_what_still_waits_changes_what_is_sent() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage
        .network
        .lock()
        .failures
        .push_back(Failure::Unavailable);
    let event = stage.writes(&room, "helo").await.event_id;
    stage.edits(&room, &event, "hallo").await;
    let last = stage.edits(&room, &event, "hello").await.event_id;
    stage.reads_there("org/one", &["alice: hello"]).await;
    assert_eq!(stage.network.lock().edits, 0);
    // Taken back later, it reads as it did first.
    stage.redacts(&room, &last).await;
    stage.reads_there("org/one", &["alice: hallo"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_sent_is_found_as_it_was_sent() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Failure::AnswerLost);
    let event = stage.writes(&room, "helo").await.event_id;
    stage
        .until("it stands there", async || stage.network.lock().posts == 1)
        .await;
    stage.edits(&room, &event, "hello").await;
    stage.restart().await;
    stage.reads_there("org/one", &["alice: hello"]).await;
    assert_eq!(stage.network.lock().posts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_what_failed_changes_what_is_tried_again() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Failure::Forbidden);
    let event = stage.writes(&room, "helo").await.event_id;
    stage.quiet().await;
    stage.edits(&room, &event, "hello").await;
    stage.reads_there("org/one", &[]).await;
    asks(&mut stage, &room, "!gitter retry all").await;
    stage.reads_there("org/one", &["alice: hello"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_late_change_leaves_no_rest_of_the_former_text_to_be_tried_again() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let failures = [Failure::AnswerLost, Failure::Forbidden];
    stage.network.lock().failures.extend(failures);
    let event = stage.writes(&room, "0123456789old").await.event_id;
    stage.reads_there("org/one", &["alice: 0123456789"]).await;
    assert_eq!(stage.store.failed_items(ALICE).await.unwrap().len(), 1);
    stage.wait(LATE).await;
    stage.edits(&room, &event, "new").await;
    let follow = "alice: [https://test.example/org/one/message0001] new";
    let there = ["alice: 0123456789", follow];
    stage.reads_there("org/one", &there).await;
    asks(&mut stage, &room, "!gitter retry all").await;
    stage.reads_there("org/one", &there).await;
}

#[tokio::test(start_paused = true)]
async fn a_late_change_follows_and_points_at_the_original() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "helo").await.event_id;
    stage.quiet().await;
    stage.wait(LATE).await;
    let first = stage.edits(&room, &event, "hello").await.event_id;
    let follow = "alice: [https://test.example/org/one/message0001] hello";
    stage.reads_there("org/one", &["alice: helo", follow]).await;
    let told = last_word(&stage, &room);
    assert!(told.contains("It was too late"), "{told}");
    // What follows can itself be changed for a while.
    let second = stage.edits(&room, &event, "hello!").await.event_id;
    let changed = format!("{follow}!");
    stage
        .reads_there("org/one", &["alice: helo", &changed])
        .await;
    // Taken back one by one, it goes the same way back.
    stage.redacts(&room, &second).await;
    stage.reads_there("org/one", &["alice: helo", follow]).await;
    stage.redacts(&room, &first).await;
    stage.reads_there("org/one", &["alice: helo"]).await;
    let own = stage.transcript(&room);
    let own = own.iter().filter(|line| line.starts_with("gitter_"));
    assert_eq!(own.count(), 0, "no echo is shown");
}

#[tokio::test(start_paused = true)]
async fn a_message_goes_with_all_that_followed_it() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "helo").await.event_id;
    stage.quiet().await;
    stage.wait(LATE).await;
    stage.edits(&room, &event, "hello").await;
    stage.quiet().await;
    stage.redacts(&room, &event).await;
    stage.reads_there("org/one", &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_follow_up_whose_answer_was_lost_is_not_sent_twice() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "helo").await.event_id;
    stage.quiet().await;
    stage.wait(LATE).await;
    stage.network.lock().failures.push_back(Failure::AnswerLost);
    stage.edits(&room, &event, "hello").await;
    stage
        .until("it stands there", async || stage.network.lock().posts == 2)
        .await;
    stage.restart().await;
    let follow = "alice: [https://test.example/org/one/message0001] hello";
    stage.reads_there("org/one", &["alice: helo", follow]).await;
    assert_eq!(stage.network.lock().posts, 2);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_changed_the_new_text_follows() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.capabilities.edits = EditWindow::Never;
    stage.restart().await;
    let event = stage.writes(&room, "helo").await.event_id;
    stage.edits(&room, &event, "hello").await;
    stage.quiet().await;
    let there = stage.network.transcript("org/one");
    assert!(there.last().unwrap().ends_with("hello"), "{there:?}");
    assert_eq!(stage.network.lock().edits, 0);
}

#[tokio::test(start_paused = true)]
async fn a_change_taken_back_brings_back_the_former_text() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "first").await.event_id;
    stage.quiet().await;
    let edit = stage.edits(&room, &event, "second").await.event_id;
    stage.reads_there("org/one", &["alice: second"]).await;
    stage.redacts(&room, &edit).await;
    stage.reads_there("org/one", &["alice: first"]).await;
    // Later it is too late, and the user is told.
    let edit = stage.edits(&room, &event, "third").await.event_id;
    stage.quiet().await;
    stage.wait(LATE).await;
    stage.redacts(&room, &edit).await;
    stage.reads_there("org/one", &["alice: third"]).await;
    let told = last_word(&stage, &room);
    assert!(told.contains("still reads as you had changed it"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn odd_changes_change_nothing() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "mine").await.event_id;
    stage.quiet().await;
    stage.network.says("bob", "org/one", "his");
    stage.quiet().await;
    let his = stage.homeserver.lock().rooms[&room]
        .timeline
        .last()
        .unwrap()
        .event_id
        .clone();
    let told = stage.transcript(&room).len();
    stage.edits(&room, &his, "forged").await;
    stage
        .edits_as("@mallory:example.org", &room, &event, "forged")
        .await;
    let unknown = ruma::OwnedEventId::try_from("$nowhere").unwrap();
    stage.edits(&room, &unknown, "of nothing").await;
    for relates_to in [
        json!({"rel_type": "m.replace"}),
        json!({"rel_type": "m.replace", "event_id": 7}),
        json!({"rel_type": "m.replace", "event_id": event}),
    ] {
        let content = json!({"msgtype": "m.text", "body": "* x", "m.relates_to": relates_to});
        stage
            .happens(&room, ALICE, "m.room.message", None, content)
            .await;
    }
    stage
        .reads_there("org/one", &["alice: mine", "bob: his"])
        .await;
    let lines = stage.transcript(&room);
    let notices = lines
        .iter()
        .skip(told)
        .filter(|line| line.starts_with("gitter:"));
    assert_eq!(notices.count(), 0, "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_what_never_crossed_says_so() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Failure::Forbidden);
    let event = stage.writes(&room, "helo").await.event_id;
    stage.quiet().await;
    asks(&mut stage, &room, "!gitter discard all").await;
    stage.edits(&room, &event, "hello").await;
    stage.reads_there("org/one", &[]).await;
    let told = last_word(&stage, &room);
    assert!(told.contains("is not on Test"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn parts_that_stay_as_they_are_are_left_alone() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage
        .writes(&room, "0123456789abcdefghij0123")
        .await
        .event_id;
    stage.quiet().await;
    stage.edits(&room, &event, "0123456789ABCDEFGHIJ0123").await;
    let changed = ["alice: 0123456789", "alice: ABCDEFGHIJ", "alice: 0123"];
    stage.reads_there("org/one", &changed).await;
    assert_eq!(stage.network.lock().edits, 1);
    stage.edits(&room, &event, "0123456789ABCDEFGHIJ0123").await;
    stage.reads_there("org/one", &changed).await;
    assert_eq!(stage.network.lock().edits, 1);
}

#[tokio::test(start_paused = true)]
async fn a_part_of_which_nobody_knows_how_it_reads_is_changed_again() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "one").await.event_id;
    stage.quiet().await;
    // She changes it on the network's own pages, and then back on Matrix.
    let message = stage.network.lock().messages.last().unwrap().clone();
    tokio::time::advance(Duration::from_secs(1)).await;
    stage.network.edits(&message, "two");
    stage.quiet().await;
    stage.edits(&room, &event, "one").await;
    stage.reads_there("org/one", &["alice: one"]).await;
    // The answer to a change is lost, and the next one would bring back what stood there before.
    stage.network.lock().failures.push_back(Failure::AnswerLost);
    stage.edits(&room, &event, "three").await;
    stage.wait(Duration::from_secs(1)).await;
    stage.edits(&room, &event, "one").await;
    stage.reads_there("org/one", &["alice: one"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_can_make_something_else_of_it() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "hi").await.event_id;
    stage.quiet().await;
    for (kind, text) in [("m.emote", "waves"), ("m.notice", "beeps")] {
        becomes(&mut stage, &room, &event, kind, text).await;
        let expected = format!("alice: {text}");
        stage.reads_there("org/one", &[&expected]).await;
    }
    assert_eq!(stage.network.lock().posts, 1);
}

#[tokio::test(start_paused = true)]
async fn changes_of_notices_go_where_the_notices_went() {
    for relay in [false, true] {
        let mut stage = Stage::with_rooms(&["org/one"]).await;
        stage.config.relay_notices = relay;
        stage.restart().await;
        let room = stage.enter("org/one").await;
        let content = json!({"msgtype": "m.notice", "body": "one"});
        let event = stage
            .happens(&room, ALICE, "m.room.message", None, content)
            .await
            .event_id;
        stage.quiet().await;
        let before = words(&stage, &room);
        becomes(&mut stage, &room, &event, "m.notice", "two").await;
        let expected: &[&str] = if relay { &["alice: two"] } else { &[] };
        stage.reads_there("org/one", expected).await;
        assert_eq!(words(&stage, &room), before, "nobody is told of it");
    }
}

/// Alice makes something else of an event.
async fn becomes(stage: &mut Stage, room: &OwnedRoomId, event: &EventId, kind: &str, text: &str) {
    let content = json!({
        "msgtype": kind,
        "body": format!("* {text}"),
        "m.new_content": {"msgtype": kind, "body": text},
        "m.relates_to": {"rel_type": "m.replace", "event_id": event},
    });
    stage
        .happens(room, ALICE, "m.room.message", None, content)
        .await;
}
