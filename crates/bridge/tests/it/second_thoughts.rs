//! Changes and deletions on top of each other, and on top of what failed, was answered late, or is gone.

use std::sync::Arc;

use futures_util::{FutureExt as _, future::BoxFuture};
use homeserver::{Appservice as _, Transaction};
use remote::Message;
use ruma::{OwnedEventId, OwnedUserId, RoomId};
use serde_json::json;
use store::Steps;

use stage::{ALICE, Stage, network::Failure, road::last_word, talk::asks};

/// How many requests to the network a scene may make that are answered to nobody.
const SOME: usize = 8;

#[tokio::test(start_paused = true)]
async fn a_change_of_an_answer_to_the_unknown_keeps_its_quotation() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let mallory = json!({"msgtype": "m.text", "body": "hers"});
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
    let own = stage.answers(&room, &foreign, "mien").await.event_id;
    stage
        .reads_there("org/one", &["alice: [mallory: hers] mien"])
        .await;
    let edit = stage.edits(&room, &own, "mine").await.event_id;
    stage
        .reads_there("org/one", &["alice: [mallory: hers] mine"])
        .await;
    stage.redacts(&room, &edit).await;
    stage
        .reads_there("org/one", &["alice: [mallory: hers] mien"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_failed_does_not_overwrite_a_later_one() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "one").await.event_id;
    stage.quiet().await;
    stage.network.lock().failures.push_back(Failure::Forbidden);
    stage.edits(&room, &event, "two").await;
    stage.reads_there("org/one", &["alice: one"]).await;
    let last = stage.edits(&room, &event, "three").await.event_id;
    stage.reads_there("org/one", &["alice: three"]).await;
    asks(&mut stage, &room, "!gitter retry all").await;
    stage.reads_there("org/one", &["alice: three"]).await;
    // As Matrix shows it then.
    stage.redacts(&room, &last).await;
    stage.reads_there("org/one", &["alice: two"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_tried_again_without_the_change_that_was_taken_back() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Failure::Forbidden);
    let event = stage.writes(&room, "first").await.event_id;
    stage.quiet().await;
    let edit = stage.edits(&room, &event, "a secret").await.event_id;
    stage.quiet().await;
    stage.redacts(&room, &edit).await;
    stage.quiet().await;
    asks(&mut stage, &room, "!gitter retry all").await;
    stage.reads_there("org/one", &["alice: first"]).await;
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_former_text_does_not_follow_the_new_one() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    // The first part is found when it is looked for, the second one is refused.
    let failures = [Failure::AnswerLost, Failure::Forbidden];
    stage.network.lock().failures.extend(failures);
    let event = stage.writes(&room, "0123456789abcdefghij!").await.event_id;
    stage.reads_there("org/one", &["alice: 0123456789"]).await;
    stage.quiet().await;
    stage.edits(&room, &event, "short").await;
    stage.reads_there("org/one", &["alice: short"]).await;
    stage.quiet().await;
    asks(&mut stage, &room, "!gitter retry all").await;
    stage.quiet().await;
    stage.reads_there("org/one", &["alice: short"]).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_stands_as_long_as_one_of_its_parts_does() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "0123456789abcdefghij!").await.event_id;
    stage.quiet().await;
    let parts = stage.network.lock().messages.clone();
    assert_eq!(parts.len(), 3);
    let stands = |stage: &Stage| {
        let homeserver = stage.homeserver.lock();
        let mut timeline = homeserver.rooms[&room].timeline.iter();
        let found = timeline.find(|it| it.event_id == event);
        found.is_some_and(|it| it.content["body"].is_string())
    };
    stage.network.deletes(&parts[1]);
    stage.quiet().await;
    assert!(stands(&stage), "most of it is still to be read there");
    stage.edits(&room, &event, "short").await;
    stage.reads_there("org/one", &["alice: short"]).await;
    assert!(stands(&stage), "our own deletions take nothing back");
    stage.network.deletes(&parts[0]);
    stage.quiet().await;
    assert!(!stands(&stage));
}

/// Bob says something on the network; gives it, and an answer to it that Alice writes in its thread.
async fn answers_in_thread(
    stage: &mut Stage,
    room: &RoomId,
    text: &str,
) -> (Message, OwnedEventId) {
    let question = stage.network.says("bob", "org/one", "root");
    stage.quiet().await;
    let shown = {
        let homeserver = stage.homeserver.lock();
        let mut timeline = homeserver.rooms[room].timeline.iter();
        let found = timeline.find(|it| it.content["body"] == "root");
        found.unwrap().event_id.clone()
    };
    let content = json!({
        "msgtype": "m.text", "body": text,
        "m.relates_to": {"rel_type": "m.thread", "event_id": shown},
    });
    let own = stage.happens(room, ALICE, "m.room.message", None, content);
    let own = own.await.event_id;
    (question, own)
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_change_stands_by_itself_where_its_thread_is_gone() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let (question, own) = answers_in_thread(&mut stage, &room, "short").await;
    stage
        .reads_there("org/one", &["bob: root", "alice in message0001: short"])
        .await;
    stage.network.deletes(&question);
    stage.quiet().await;
    stage.edits(&room, &own, "0123456789abc").await;
    stage
        .reads_there(
            "org/one",
            &["alice in message0001: 0123456789", "alice: abc"],
        )
        .await;
    stage.quiet().await;
    assert!(stage.store.failed_items(ALICE).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_long_message_stands_by_itself_where_its_thread_is_gone() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let (question, _) = answers_in_thread(&mut stage, &room, "0123456789abcdefghij!").await;
    let second = async || stage.network.lock().posts == 1;
    stage.until("the second is next", second).await;
    stage.network.deletes(&question);
    stage
        .reads_there(
            "org/one",
            &[
                "alice in message0001: 0123456789",
                "alice: abcdefghij",
                "alice: !",
            ],
        )
        .await;
    stage.quiet().await;
    assert!(stage.store.failed_items(ALICE).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_change_that_leaves_nothing_is_told() {
    for new in [
        json!({"msgtype": "m.text", "body": " "}),
        json!({"msgtype": "m.text", "body": "", "format": "org.matrix.custom.html", "formatted_body": ""}),
    ] {
        let (mut stage, room) = Stage::in_room("org/one").await;
        let event = stage.writes(&room, "one").await.event_id;
        stage.quiet().await;
        let content = json!({
            "msgtype": "m.text", "body": "* ", "m.new_content": new,
            "m.relates_to": {"rel_type": "m.replace", "event_id": event},
        });
        stage
            .happens(&room, ALICE, "m.room.message", None, content)
            .await;
        stage.reads_there("org/one", &["alice: one"]).await;
        let told = last_word(&stage, &room);
        assert!(told.contains("still reads as before"), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn lost_answers_double_nothing_of_a_change_of_many_parts() {
    for failure in [Failure::AnswerLost, Failure::Lost, Failure::Unavailable] {
        let (mut stage, room) = Stage::in_room("org/one").await;
        let event = stage.writes(&room, "0123456789abc").await.event_id;
        stage.quiet().await;
        stage.network.lock().failures = [failure].repeat(SOME).into();
        stage.edits(&room, &event, "0123456789ABCDEFGHIJxyz").await;
        stage.writes(&room, "after").await;
        let longer = [
            "alice: 0123456789",
            "alice: ABCDEFGHIJ",
            "alice: xyz",
            "alice: after",
        ];
        stage.reads_there("org/one", &longer).await;
        stage.network.lock().failures = [failure].repeat(SOME).into();
        stage.edits(&room, &event, "short").await;
        stage
            .reads_there("org/one", &["alice: short", "alice: after"])
            .await;
        stage.network.lock().failures = [failure].repeat(SOME).into();
        stage.redacts(&room, &event).await;
        stage.reads_there("org/one", &["alice: after"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_at_any_step_of_a_change_doubles_nothing() {
    for step in 1..=5 {
        for failure in [Failure::Hangs, Failure::Lost] {
            let (mut stage, room) = Stage::in_room("org/one").await;
            let event = stage.writes(&room, "0123456789abc").await.event_id;
            stage.quiet().await;
            let lost = [failure].repeat(step);
            stage.network.lock().failures = lost.into();
            stage.edits(&room, &event, "0123456789ABCDEFGHIJxyz").await;
            for left in (0..step).rev() {
                stage
                    .until("it goes on", async || {
                        stage.network.lock().failures.len() <= left
                            || stage.store.waiting_lanes().await.unwrap().is_empty()
                    })
                    .await;
                stage.restart().await;
            }
            stage.network.lock().failures.clear();
            let longer = ["alice: 0123456789", "alice: ABCDEFGHIJ", "alice: xyz"];
            stage.reads_there("org/one", &longer).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn relations_in_a_circle_and_upon_what_is_gone_lose_nothing() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let first = stage.writes(&room, "one").await.event_id;
    stage.quiet().await;
    let edit = stage.edits(&room, &first, "two").await.event_id;
    stage.quiet().await;
    // An answer to a change is one to what it changed.
    stage.answers(&room, &edit, "to it").await;
    let inside = format!("alice in {}: to it", stage.network.lock().messages[0].id);
    stage.reads_there("org/one", &["alice: two", &inside]).await;
    stage.redacts(&room, &first).await;
    stage.reads_there("org/one", &[&inside]).await;
    // Of what is gone: changes, another deletion, and one of the change.
    stage.edits(&room, &first, "three").await;
    stage.edits(&room, &edit, "four").await;
    stage.redacts(&room, &first).await;
    stage.redacts(&room, &edit).await;
    stage.reads_there("org/one", &[&inside]).await;
    // What it says of itself is known only when it has an id.
    let next = OwnedEventId::try_from("$none").unwrap();
    let both = json!({
        "msgtype": "m.text", "body": "both",
        "m.relates_to": {
            "rel_type": "m.thread", "event_id": next, "is_falling_back": false,
            "m.in_reply_to": {"event_id": next},
        },
    });
    stage
        .happens(&room, ALICE, "m.room.message", None, both)
        .await;
    stage
        .reads_there("org/one", &[&inside, "alice: both"])
        .await;
}

/// Lets others go on at each question to the database.
#[derive(Debug)]
struct Turns;

impl Steps for Turns {
    fn before(&self) -> BoxFuture<'_, Result<(), store::Error>> {
        tokio::task::yield_now().map(Ok).boxed()
    }

    fn after(&self) -> BoxFuture<'_, Result<(), store::Error>> {
        tokio::task::yield_now().map(Ok).boxed()
    }
}

/// They come in lanes of their own, so any order of their steps may happen.
#[tokio::test(start_paused = true)]
async fn a_second_try_in_the_moment_of_a_change_or_deletion_says_what_matrix_shows() {
    for deletes in [false, true] {
        for steps in 0..60 {
            let (mut stage, room) = Stage::in_room("org/one").await;
            stage.network.lock().failures.push_back(Failure::Forbidden);
            let event = stage.writes(&room, "one").await.event_id;
            stage.quiet().await;
            stage.kill().await;
            stage.store = stage.store.clone().in_steps(Arc::new(Turns));
            stage.start().await;
            stage.quiet().await;
            let (second, retry) = {
                let alice = OwnedUserId::try_from(ALICE).unwrap();
                let now = stage.now();
                let mut homeserver = stage.homeserver.lock();
                let edit = json!({
                    "msgtype": "m.text", "body": "* two", "m.new_content": {"msgtype": "m.text", "body": "two"},
                    "m.relates_to": {"rel_type": "m.replace", "event_id": event},
                });
                let second = if deletes {
                    homeserver.redacts(&room, &alice, &event, now)
                } else {
                    homeserver.append(&room, &alice, "m.room.message", None, edit, now)
                };
                let retry = json!({"msgtype": "m.text", "body": "!gitter retry all"});
                let kind = "m.room.message";
                (
                    second,
                    homeserver.append(&room, &alice, kind, None, retry, now),
                )
            };
            let bridge = stage.bridge.clone().unwrap();
            let takes = async |id: &str, event| {
                let transaction = Transaction {
                    events: vec![event],
                    ..Transaction::default()
                };
                bridge.transaction(id, transaction).await.unwrap();
            };
            tokio::join!(takes("900", second), async {
                for _ in 0..steps {
                    tokio::task::yield_now().await;
                }
                takes("901", retry).await;
            });
            drop(bridge);
            let there: &[&str] = if deletes { &[] } else { &["alice: two"] };
            stage.quiet().await;
            assert_eq!(
                stage.network.transcript("org/one"),
                there,
                "after {steps} steps"
            );
        }
    }
}
