//! What the simulation (`crates/torture`) found, each as a scene of its own.
//!
//! To add one: the shortest story that goes wrong without what mended it.

use std::time::Duration;

use homeserver::{Appservice as _, IncomingEvent, Transaction};
use ruma::{OwnedUserId, RoomId};
use serde_json::json;
use stage::{
    ALICE, Stage,
    homeserver::Failure as Homeserver,
    network::{Failure as Network, UNDER_WAY},
    talk::asks,
};

#[tokio::test(start_paused = true)]
async fn a_request_that_was_under_way_at_the_kill_is_not_repeated() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Network::Late);
    stage.writes(&room, "once").await;
    stage.wait(Duration::from_secs(1)).await;
    stage.restart().await;
    stage.wait(UNDER_WAY * 4).await;
    stage.reads_there("org/one", &["alice: once"]).await;
    assert_eq!(stage.transcript(&room), ["alice: once"], "no echo is shown");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_does_not_make_it_forget_that_an_earlier_try_was_not_answered() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "one").await.event_id;
    stage.quiet().await;
    let failures = [Network::AnswerLost, Network::Unavailable];
    stage.network.lock().failures.extend(failures);
    stage.edits(&room, &event, "two").await;
    stage.reads_there("org/one", &["alice: two"]).await;
    assert_eq!(stage.transcript(&room), ["alice: one", "alice: * two"]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_while_it_is_deleted_is_not_shown() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let failures = [Homeserver::Lost; 4];
    stage.homeserver.lock().failures.extend(failures);
    stage.network.says("bob", "org/one", "one");
    let two = stage.network.says("bob", "org/one", "two");
    stage
        .until("they wait", async || {
            stage.homeserver.lock().failures.len() < 3
        })
        .await;
    stage.kill().await;
    stage.network.deletes(&two);
    stage.start().await;
    stage.quiet().await;
    let standing: Vec<_> = stage.transcript(&room);
    assert_eq!(standing, ["gitter_id-bob: one"]);
}

/// A post into a thread whose answer never came; by the next try its first is gone, so it would be quoted.
#[tokio::test(start_paused = true)]
async fn what_was_posted_is_looked_for_as_it_was_posted() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let first = stage.network.says("bob", "org/one", "root");
    stage.shows(&room, &["gitter_id-bob: root"]).await;
    let shown = stage.homeserver.lock().rooms[&room]
        .timeline
        .last()
        .unwrap()
        .event_id
        .clone();
    stage.network.lock().failures.push_back(Network::Hangs);
    stage.answers(&room, &shown, "reply").await;
    stage
        .until("it is posted", async || stage.network.lock().posts == 1)
        .await;
    stage.kill().await;
    stage.network.deletes(&first);
    stage.start().await;
    stage
        .reads_there("org/one", &[&format!("alice in {}: reply", first.id)])
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_shown_a_moment_ago_can_be_answered() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage
        .homeserver
        .lock()
        .failures
        .push_back(Homeserver::AnswerLost);
    let first = stage.network.says("bob", "org/one", "root");
    stage
        .until("it is shown", async || {
            stage.transcript(&room) == ["gitter_id-bob: root"]
        })
        .await;
    let rows = stage.store.messages(1, first.id.as_str()).await.unwrap();
    assert!(rows.is_empty(), "the bridge does not know yet");
    let shown = stage.homeserver.lock().rooms[&room]
        .timeline
        .last()
        .unwrap()
        .event_id
        .clone();
    stage.answers(&room, &shown, "reply").await;
    stage
        .reads_there(
            "org/one",
            &["bob: root", &format!("alice in {}: reply", first.id)],
        )
        .await;
}

/// Alice writes something, and the homeserver forgets to tell.
fn writes_unheard(stage: &Stage, room: &RoomId, text: &str) -> IncomingEvent {
    let alice = OwnedUserId::try_from(ALICE).unwrap();
    let content = json!({"msgtype": "m.text", "body": text});
    let now = stage.now();
    let mut homeserver = stage.homeserver.lock();
    homeserver.append(room, &alice, "m.room.message", None, content, now)
}

/// The first thing that a homeserver tells after it was killed may be about another room.
#[tokio::test(start_paused = true)]
async fn each_room_is_looked_through_after_the_homeserver_was_killed() {
    let mut stage = Stage::with_rooms(&["org/one", "org/two"]).await;
    let (one, two) = (stage.enter("org/one").await, stage.enter("org/two").await);
    stage.wait(Duration::from_mins(2)).await;
    let bridge = stage.bridge.clone().unwrap();
    let push = async |id: &str, port: u16, event: IncomingEvent| {
        let transaction = Transaction {
            events: vec![event],
            peer: Some(([127, 0, 0, 1], port).into()),
            ..Transaction::default()
        };
        bridge.transaction(id, transaction).await.unwrap();
    };
    push("901", 1, writes_unheard(&stage, &one, "a")).await;
    push("902", 1, writes_unheard(&stage, &one, "b")).await;
    writes_unheard(&stage, &two, "unheard");
    push("903", 2, writes_unheard(&stage, &one, "c")).await;
    push("904", 2, writes_unheard(&stage, &two, "heard")).await;
    drop(bridge);
    stage
        .reads_there("org/two", &["alice: unheard", "alice: heard"])
        .await;
}

/// Seed 2279: the homeserver was killed after its very first transaction, so that two strange connections came in a row, as
/// with a homeserver that uses a new one each time; and the first thing it told afterwards was a change of what it had not told.
#[tokio::test(start_paused = true)]
async fn a_change_of_what_a_killed_homeserver_never_told_is_not_lost() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.wait(Duration::from_mins(2)).await;
    let bridge = stage.bridge.clone().unwrap();
    let push = async |id: &str, port: u16, event: IncomingEvent| {
        let transaction = Transaction {
            events: vec![event],
            peer: Some(([127, 0, 0, 1], port).into()),
            ..Transaction::default()
        };
        bridge.transaction(id, transaction).await.unwrap();
    };
    push("47", 1, writes_unheard(&stage, &room, "told")).await;
    let lost = writes_unheard(&stage, &room, "v0").event_id;
    let alice = OwnedUserId::try_from(ALICE).unwrap();
    let content = json!({
        "msgtype": "m.text",
        "body": "* v1",
        "m.new_content": {"msgtype": "m.text", "body": "v1"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": lost},
    });
    let now = stage.now();
    let edit = {
        let mut homeserver = stage.homeserver.lock();
        homeserver.append(&room, &alice, "m.room.message", None, content, now)
    };
    push("1", 2, edit).await;
    stage
        .reads_there("org/one", &["alice: told", "alice: v1"])
        .await;
    drop(bridge);
}

/// Seed 267: the change is told before the room's history has come, which was read before the change.
#[tokio::test(start_paused = true)]
async fn what_is_changed_while_its_room_is_read_is_shown_as_it_is_now() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "first");
    stage.shows(&room, &["gitter_id-bob: first"]).await;
    stage.kill().await;
    let missed = stage.network.says("bob", "org/one", "old");
    stage.network.lock().history_takes = Duration::from_secs(5);
    // So that what waits in the lane still waits when the room is compared.
    let failures = [Homeserver::Lost; 4];
    stage.homeserver.lock().failures.extend(failures);
    let before = stage.network.lock().histories;
    stage.start().await;
    stage
        .until("the room is being read", async || {
            stage.network.lock().histories > before
        })
        .await;
    stage.network.edits(&missed, "new");
    stage.wait(Duration::from_secs(3)).await;
    stage.network.lock().history_takes = Duration::ZERO;
    stage.quiet().await;
    assert_eq!(
        stage.transcript(&room),
        ["gitter_id-bob: first", "gitter_id-bob: new"]
    );
}

/// Seed 3378: a change came while the message itself was late, and the lane was held up.
#[tokio::test(start_paused = true)]
async fn a_message_that_comes_after_its_change_is_shown_as_it_is_now() {
    let (stage, room) = Stage::in_room("org/one").await;
    let failures = [Homeserver::Lost; 4];
    stage.homeserver.lock().failures.extend(failures);
    stage.network.says("bob", "org/one", "first");
    stage
        .until("it waits", async || {
            stage.homeserver.lock().failures.len() < 3
        })
        .await;
    let old = stage.network.says("bob", "org/one", "old");
    stage.wait(Duration::from_millis(10)).await;
    let lane = store::Lane::ToMatrix(stage.portal("org/one").await.id);
    let key = format!("message/{}", old.id);
    assert!(
        stage.store.withdraw(&lane, &key).await.unwrap(),
        "it was lost"
    );
    stage.network.edits(&old, "new");
    stage.wait(Duration::from_millis(10)).await;
    stage.network.tell(remote::Event::Message(Box::new(old)));
    let shown = ["gitter_id-bob: first", "gitter_id-bob: new"];
    stage.shows(&room, &shown).await;
    stage.quiet().await;
    assert_eq!(stage.transcript(&room), shown);
}

/// Seed 2421: a request was refused because of a revoked login, and its answer came when the user had logged in again.
#[tokio::test(start_paused = true)]
async fn a_late_word_of_a_revoked_login_keeps_nothing_from_being_read() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "one");
    stage.shows(&room, &["gitter_id-bob: one"]).await;
    stage.network.lock().silent = true;
    stage.network.says("bob", "org/one", "two");
    let before = {
        let mut network = stage.network.lock();
        network.silent = false;
        network.history_takes = Duration::from_secs(30);
        network.history_refused = true;
        network.histories
    };
    stage.network.tell(remote::Event::Gap { rooms: Vec::new() });
    stage
        .until("the room is being read", async || {
            stage.network.lock().histories > before
        })
        .await;
    let login = stage.log_in().await;
    let bridge = stage.bridge.clone().unwrap();
    let world = bridge.world();
    world.connections.start(world, &login).await.unwrap();
    drop(bridge);
    stage.network.lock().history_takes = Duration::ZERO;
    stage
        .shows(&room, &["gitter_id-bob: one", "gitter_id-bob: two"])
        .await;
}

/// With drops alone, seed 12: of a long message, one part was acknowledged and never stored, and the whole was changed before that was
/// found out. The other parts kept their old text for ever.
#[tokio::test(start_paused = true)]
async fn a_change_reaches_all_parts_though_one_was_dropped() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Network::Dropped);
    let event = stage.writes(&room, "old first.old second").await.event_id;
    stage.quiet().await;
    stage.edits(&room, &event, "new first.new second").await;
    stage.reads_there("org/one", &["alice: new second"]).await;
    stage.wait(Duration::from_mins(1)).await;
    asks(&mut stage, &room, "!gitter retry all").await;
    let there = ["alice: new second", "alice: new first."];
    stage.reads_there("org/one", &there).await;
}

/// Seed 421: a message was given back with the text that it had when that began, while the homeserver took its time, and was changed meanwhile.
#[tokio::test(start_paused = true)]
async fn what_is_tried_again_says_what_it_says_now() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Network::Dropped);
    let event = stage.writes(&room, "old").await.event_id;
    stage.quiet().await;
    stage.homeserver.lock().stuck = Some("send");
    stage.wait(Duration::from_secs(40)).await;
    stage.edits(&room, &event, "new").await;
    stage.wait(Duration::from_secs(10)).await;
    stage.homeserver.lock().stuck = None;
    stage.wait(Duration::from_mins(1)).await;
    asks(&mut stage, &room, "!gitter retry all").await;
    stage.reads_there("org/one", &["alice: new"]).await;
}

/// The same, of what was taken back meanwhile.
#[tokio::test(start_paused = true)]
async fn what_was_taken_back_meanwhile_is_not_tried_again() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Network::Dropped);
    let event = stage.writes(&room, "old").await.event_id;
    stage.quiet().await;
    stage.homeserver.lock().stuck = Some("send");
    stage.wait(Duration::from_secs(40)).await;
    stage.redacts(&room, &event).await;
    stage.wait(Duration::from_secs(10)).await;
    stage.homeserver.lock().stuck = None;
    stage.wait(Duration::from_mins(1)).await;
    asks(&mut stage, &room, "!gitter retry all").await;
    stage.reads_there("org/one", &[]).await;
}
