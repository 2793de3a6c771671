//! What waits for the network while its room becomes another one: replaced on Matrix, renamed or left on the network.

use std::time::Duration;

use remote::Event;
use ruma::OwnedRoomId;
use serde_json::json;
use stage::{ALICE, Stage, talk::asks, talk::said, talk::talking};

use crate::rooms::replacement;

/// What arrives of what [`waiting`] leaves.
const THERE: [&str; 2] = ["alice: one!", "alice: three"];

/// Alice talks with the bot and is in a room, the network is away, and she has written there, changed and taken back.
async fn waiting() -> (Stage, OwnedRoomId, OwnedRoomId) {
    let (mut stage, talk) = talking(&["org/one"]).await;
    let room = stage.enter("org/one").await;
    stage.quiet().await;
    stage.network.lock().down = true;
    let one = stage.writes(&room, "one").await.event_id;
    let two = stage.writes(&room, "two").await.event_id;
    stage.writes(&room, "three").await;
    stage.edits(&room, &one, "one!").await;
    stage.redacts(&room, &two).await;
    stage.wait(Duration::from_secs(5)).await;
    (stage, talk, room)
}

/// The network comes back.
async fn returns(stage: &mut Stage, killed: bool) {
    if killed {
        stage.restart().await;
    }
    stage.network.lock().down = false;
    stage.quiet().await;
}

async fn failed(stage: &Stage) -> usize {
    stage.store.failed_items(ALICE).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn what_waits_while_its_room_is_replaced_on_matrix_arrives_once_and_in_order() {
    for killed in [false, true] {
        let (mut stage, _, room) = waiting().await;
        let new = replacement(&stage, &room, 100, &[ALICE]);
        replaces(&mut stage, &room, &new).await;
        stage
            .until("the bridge goes along", async || {
                stage.portal("org/one").await.room_id.as_deref() == Some(new.as_str())
            })
            .await;
        stage.writes(&new, "four").await;
        returns(&mut stage, killed).await;
        stands_once(&mut stage, &new).await;
    }
}

/// The bridge makes a room of its own then, for which it has to ask the network.
#[tokio::test(start_paused = true)]
async fn what_waits_while_its_room_is_replaced_by_one_that_does_not_fit_arrives_and_a_room_follows()
{
    for killed in [false, true] {
        let (mut stage, _, room) = waiting().await;
        let powerless = replacement(&stage, &room, 0, &[ALICE]);
        replaces(&mut stage, &room, &powerless).await;
        stage.wait(Duration::from_secs(30)).await;
        returns(&mut stage, killed).await;
        let ours = stage.enter("org/one").await;
        assert!(ours != room && ours != powerless);
        stage.writes(&ours, "four").await;
        stands_once(&mut stage, &ours).await;
    }
}

/// The homeserver makes no room when it is asked for one.
#[tokio::test(start_paused = true)]
async fn a_room_that_could_not_be_made_for_one_that_does_not_fit_is_made_after_a_kill() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.homeserver.lock().stuck = Some("create_room");
    let powerless = replacement(&stage, &room, 0, &[ALICE]);
    replaces(&mut stage, &room, &powerless).await;
    stage.wait(Duration::from_secs(30)).await;
    stage.kill().await;
    stage.homeserver.lock().stuck = None;
    stage.start().await;
    let ours = stage.enter("org/one").await;
    assert!(ours != room && ours != powerless);
}

/// All that was written stands there once, and is not shown again.
async fn stands_once(stage: &mut Stage, now: &OwnedRoomId) {
    let there = [&THERE[..], &["alice: four"]].concat();
    stage.reads_there("org/one", &there).await;
    assert_eq!(failed(stage).await, 0);
    stage.network.says("bob", "org/one", "after");
    stage.quiet().await;
    let mut shown = stage.transcript(now);
    shown.retain(|line| line.starts_with("gitter_id-"));
    assert_eq!(shown, ["gitter_id-bob: after"]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_while_its_room_is_renamed_on_the_network_arrives_once_and_in_order() {
    for killed in [false, true] {
        let (mut stage, talk, room) = waiting().await;
        {
            let mut network = stage.network.lock();
            "org/renamed".clone_into(&mut network.rooms[0].name);
            "org/renamed".clone_into(&mut network.rooms[0].address);
        }
        returns(&mut stage, killed).await;
        stage.writes(&room, "four").await;
        let there = [&THERE[..], &["alice: four"]].concat();
        stage.reads_there("org/one", &there).await;
        assert_eq!(failed(&stage).await, 0);
        // Nobody need hear of it at once.
        asks(&mut stage, &talk, "sync").await;
        assert_eq!(stage.portal("org/one").await.shown.address, "org/renamed");
        assert_eq!(
            stage.portal("org/one").await.room_id.as_deref(),
            Some(room.as_str())
        );
    }
}

/// Whoever has left a public room may be able to write there all the same.
#[tokio::test(start_paused = true)]
async fn what_waits_while_its_room_is_left_on_the_network_arrives_once_or_is_told() {
    for (closed, killed) in [(false, false), (false, true), (true, false), (true, true)] {
        let (mut stage, talk, room) = waiting().await;
        let before = said(&stage, &talk).len();
        let id = stage::network::room("org/one").id;
        {
            let mut network = stage.network.lock();
            if closed {
                network.closed.push(id.clone());
            } else {
                network.left.push(id.clone());
            }
        }
        returns(&mut stage, killed).await;
        stage.network.tell(Event::RoomRemoved(id));
        stage.quiet().await;
        assert!(
            !stage.homeserver.lock().rooms[&room]
                .joined()
                .contains(ALICE),
            "she is taken out on Matrix, too"
        );
        let there: &[&str] = if closed { &[] } else { &THERE };
        stage.reads_there("org/one", there).await;
        // Where she read it when it was given up.
        let mut told = said(&stage, &talk).split_off(before);
        told.extend(said(&stage, &room));
        let lost = told.iter().filter(|words| words.contains("not delivered"));
        if !closed {
            assert_eq!((lost.count(), failed(&stage).await), (0, 0), "{told:?}");
            continue;
        }
        assert_eq!((lost.count(), failed(&stage).await), (2, 2), "{told:?}");
        let answer = asks(&mut stage, &talk, "failed").await;
        assert!(
            answer.contains("1. org/one: one!: ") && answer.contains("2. org/one: three: "),
            "{answer}"
        );
        let answer = asks(&mut stage, &talk, "retry all").await;
        assert!(answer.contains("you are no longer in org/one"), "{answer}");
        stage.reads_there("org/one", &[]).await;
    }
}

/// Somebody replaces a room on Matrix.
async fn replaces(stage: &mut Stage, room: &OwnedRoomId, new: &OwnedRoomId) {
    let content = json!({"body": "moved", "replacement_room": new});
    let admin = "@admin:example.org";
    stage
        .happens(room, admin, "m.room.tombstone", Some(""), content)
        .await;
}
