//! What the user takes back on Matrix.

use serde_json::json;

use stage::{ALICE, Stage, network::Failure, road::last_word, talk::asks};

#[tokio::test(start_paused = true)]
async fn all_parts_go() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "0123456789abcdefghij!").await.event_id;
    stage.quiet().await;
    stage.network.says("bob", "org/one", "his");
    stage.redacts(&room, &event).await;
    stage.reads_there("org/one", &["bob: his"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_never_sent() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage
        .network
        .lock()
        .failures
        .push_back(Failure::Unavailable);
    let event = stage.writes(&room, "oops").await.event_id;
    stage.edits(&room, &event, "oops!").await;
    stage.redacts(&room, &event).await;
    stage.writes(&room, "after").await;
    stage.reads_there("org/one", &["alice: after"]).await;
    assert_eq!(stage.network.lock().posts, 1);
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_sent_is_looked_for_and_taken_back() {
    for failure in [Failure::AnswerLost, Failure::Lost] {
        let (mut stage, room) = Stage::in_room("org/one").await;
        stage.network.lock().failures.push_back(failure);
        let event = stage.writes(&room, "oops").await.event_id;
        stage
            .until("it was tried", async || {
                stage.network.lock().failures.is_empty()
            })
            .await;
        stage.redacts(&room, &event).await;
        stage.restart().await;
        stage.reads_there("org/one", &[]).await;
        assert!(stage.network.lock().posts <= 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_not_tried_again() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Failure::Forbidden);
    let event = stage.writes(&room, "oops").await.event_id;
    stage.quiet().await;
    stage.redacts(&room, &event).await;
    stage.quiet().await;
    let answer = asks(&mut stage, &room, "!gitter retry all").await;
    assert!(answer.contains("nothing that failed"), "{answer}");
    stage.reads_there("org/one", &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_survives_troubles() {
    for failure in [Failure::Unavailable, Failure::AnswerLost, Failure::Lost] {
        let (mut stage, room) = Stage::in_room("org/one").await;
        let event = stage.writes(&room, "oops").await.event_id;
        stage.quiet().await;
        stage.network.lock().failures.push_back(failure);
        stage.redacts(&room, &event).await;
        stage
            .until("it was tried", async || {
                stage.network.lock().failures.is_empty()
            })
            .await;
        stage.restart().await;
        stage.reads_there("org/one", &[]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_taken_back_the_user_is_told() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.capabilities.deletions = false;
    stage.restart().await;
    let event = stage.writes(&room, "oops").await.event_id;
    stage.quiet().await;
    stage.redacts(&room, &event).await;
    stage.reads_there("org/one", &["alice: oops"]).await;
    let told = last_word(&stage, &room);
    assert!(told.contains("still stands there"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_deletion_is_told_and_can_be_tried_again() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "oops").await.event_id;
    stage.quiet().await;
    stage.network.lock().failures.push_back(Failure::Forbidden);
    stage.redacts(&room, &event).await;
    stage.quiet().await;
    let told = last_word(&stage, &room);
    assert!(
        told.contains("Your deletion of a message was not delivered"),
        "{told}"
    );
    asks(&mut stage, &room, "!gitter retry all").await;
    stage.reads_there("org/one", &[]).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_bridged_goes_in_silence() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.writes(&room, "mine").await;
    let reaction =
        json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": "$x", "key": "+"}});
    let reaction = stage
        .happens(&room, ALICE, "m.reaction", None, reaction)
        .await;
    stage.quiet().await;
    let before = stage.transcript(&room);
    stage.redacts(&room, &reaction.event_id).await;
    // A redaction of nothing at all, and one by somebody else.
    stage
        .happens(&room, ALICE, "m.room.redaction", None, json!({}))
        .await;
    stage.reads_there("org/one", &["alice: mine"]).await;
    assert_eq!(stage.transcript(&room), before);
}

const MODERATOR: &str = "@moderator:example.org";

#[tokio::test(start_paused = true)]
async fn what_a_moderator_takes_back_of_the_user_goes_with_all_its_parts() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "0123456789abcdefghij!").await.event_id;
    stage.writes(&room, "stays").await;
    stage.quiet().await;
    let before = stage.transcript(&room).len();
    stage.network.lock().failures.push_back(Failure::Lost);
    stage.redacts_as(MODERATOR, &room, &event).await;
    stage.restart().await;
    stage.reads_there("org/one", &["alice: stays"]).await;
    assert_eq!(stage.transcript(&room).len(), before, "nobody is told");
}

#[tokio::test(start_paused = true)]
async fn a_change_that_a_moderator_takes_back_is_undone() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "before").await.event_id;
    stage.quiet().await;
    let change = stage.edits(&room, &event, "rude").await.event_id;
    stage.reads_there("org/one", &["alice: rude"]).await;
    stage.redacts_as(MODERATOR, &room, &change).await;
    stage.reads_there("org/one", &["alice: before"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_not_tried_again_once_a_moderator_took_it_back() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Failure::Forbidden);
    let event = stage.writes(&room, "oops").await.event_id;
    stage.quiet().await;
    stage.redacts_as(MODERATOR, &room, &event).await;
    stage.quiet().await;
    let answer = asks(&mut stage, &room, "!gitter retry all").await;
    assert!(answer.contains("nothing that failed"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn who_may_not_takes_back_nothing_of_the_user() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "mine").await.event_id;
    stage.quiet().await;
    // The homeserver hands it on, and does not let it count.
    let redaction = json!({ "redacts": event });
    let kind = "m.room.redaction";
    let sender = ruma::OwnedUserId::try_from(MODERATOR).unwrap();
    let now = stage.now();
    let mut redaction = stage
        .homeserver
        .lock()
        .append(&room, &sender, kind, None, redaction, now);
    redaction.redacts = Some(event);
    stage.push(vec![redaction]).await;
    stage.reads_there("org/one", &["alice: mine"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_others_said_on_the_network_stays_there_when_a_moderator_takes_it_back() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "his");
    stage.quiet().await;
    let timeline = stage.homeserver.lock().rooms[&room].timeline.clone();
    let his = timeline.iter().rfind(|it| it.content["body"] == "his");
    let his = his.unwrap().event_id.clone();
    let refusal = Failure::Forbidden;
    stage.network.lock().failures.push_back(refusal);
    stage.redacts_as(MODERATOR, &room, &his).await;
    stage.reads_there("org/one", &["bob: his"]).await;
    assert_eq!(stage.network.lock().failures.len(), 1, "not even tried");
}
