//! Double puppeting: Alice's own account does on Matrix what she did on the network.

use std::time::Duration;

use homeserver::{IncomingEvent, PUPPET_KEY};
use ruma::{OwnedRoomId, RoomId};
use serde_json::json;
use store::PortalState;

use stage::{ALICE, Stage, homeserver::Failure};

/// The homeserver lets the bridge speak as its users, and Alice has one room.
async fn stage() -> Stage {
    let mut stage = Stage::new().await;
    stage.config.double_puppet = bridge::config::DoublePuppet::On;
    stage.homeserver.lock().puppets = true;
    stage.network.lock().rooms = vec![stage::network::room("org/one")];
    stage.log_in().await;
    stage.start().await;
    stage
}

/// Her membership, as the homeserver has it, once she is in the room; as it would be told to the bridge.
async fn has_joined(stage: &Stage) -> (OwnedRoomId, IncomingEvent) {
    let joined = || {
        let homeserver = stage.homeserver.lock();
        homeserver.rooms.iter().find_map(|(id, room)| {
            let is_join = |event: &&IncomingEvent| {
                event.state_key.as_deref() == Some(ALICE) && event.content["membership"] == "join"
            };
            let event = room.timeline.iter().find(is_join)?;
            (room.new.room_type.is_none()).then(|| (id.clone(), event.clone()))
        })
    };
    stage
        .until("she has joined", async || joined().is_some())
        .await;
    joined().unwrap()
}

/// The same, with her in her room.
async fn in_room() -> (Stage, OwnedRoomId) {
    let mut stage = stage().await;
    let (room, join) = has_joined(&stage).await;
    stage.push(vec![join]).await;
    stage
        .until("the room is opened", async || {
            stage.portal("org/one").await.opened
        })
        .await;
    (stage, room)
}

/// The messages of a room, as events.
fn messages(stage: &Stage, room: &RoomId) -> Vec<IncomingEvent> {
    let homeserver = stage.homeserver.lock();
    let timeline = homeserver.rooms[room].timeline.iter();
    timeline
        .filter(|event| event.kind == "m.room.message")
        .cloned()
        .collect()
}

#[tokio::test(start_paused = true)]
async fn invites_are_accepted_for_her_and_her_join_opens_the_room() {
    let (stage, _) = in_room().await;
    assert_eq!(stage.portal("org/one").await.state, PortalState::Joined);
    let homeserver = stage.homeserver.lock();
    let spaces = homeserver
        .rooms
        .values()
        .filter(|room| room.new.room_type.as_deref() == Some("m.space"));
    let mut count = 0;
    for space in spaces {
        assert!(space.joined().contains(ALICE), "she is in her space");
        count += 1;
    }
    assert_eq!(count, 1);
}

#[tokio::test(start_paused = true)]
async fn what_she_writes_on_the_network_is_said_by_herself_and_does_not_come_back() {
    let (mut stage, room) = in_room().await;
    let message = stage.network.says("alice", "org/one", "mine");
    stage.network.says("bob", "org/one", "his");
    stage
        .shows(&room, &["alice: mine", "gitter_id-bob: his"])
        .await;
    let said = messages(&stage, &room);
    assert_eq!(said[0].content[PUPPET_KEY], "gitter");
    assert_eq!(said[0].ts, message.sent_at);
    assert!(said[1].content.get(PUPPET_KEY).is_none());
    assert!(
        !stage.homeserver.lock().rooms[&room]
            .joined()
            .contains("@gitter_id-alice:example.org"),
        "nobody needs her ghost"
    );
    // The homeserver tells of it, as of anything that a user says.
    stage.push(vec![said[0].clone()]).await;
    stage.quiet().await;
    assert_eq!(stage.network.transcript("org/one").len(), 2);
    // What she writes on Matrix crosses, whatever other bridges have marked.
    stage
        .happens(
            &room,
            ALICE,
            "m.room.message",
            None,
            json!({"msgtype": "m.text", "body": "typed", PUPPET_KEY: "another"}),
        )
        .await;
    stage
        .until("it has crossed", async || {
            stage.network.transcript("org/one").len() == 3
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_got_lost_gives_no_second_message() {
    for failure in [Failure::AnswerLost, Failure::Restart] {
        let (mut stage, room) = in_room().await;
        stage.homeserver.lock().failures.push_back(failure);
        stage.network.says("alice", "org/one", "mine");
        stage.shows(&room, &["alice: mine"]).await;
        stage.restart().await;
        stage.quiet().await;
        stage.shows(&room, &["alice: mine"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn her_edits_and_deletions_are_her_own() {
    let (stage, room) = in_room().await;
    let message = stage.network.says("alice", "org/one", "frist");
    stage.shows(&room, &["alice: frist"]).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    let message = stage.network.edits(&message, "first");
    stage.quiet().await;
    let said = messages(&stage, &room);
    assert_eq!(said.len(), 2);
    assert_eq!(said[1].sender, ALICE);
    assert_eq!(said[1].content[PUPPET_KEY], "gitter");
    assert_eq!(
        said[1].content["m.relates_to"]["event_id"],
        said[0].event_id.as_str()
    );
    stage.network.deletes(&message);
    stage.quiet().await;
    assert_eq!(messages(&stage, &room)[0].content, json!({}));
}

#[tokio::test(start_paused = true)]
async fn what_she_wrote_on_matrix_and_changes_on_the_network_is_changed_by_herself() {
    let (mut stage, room) = in_room().await;
    let written = stage.writes(&room, "helo").await;
    stage.quiet().await;
    let message = stage.network.lock().messages.last().unwrap().clone();
    tokio::time::advance(Duration::from_secs(1)).await;
    let changed = stage.network.edits(&message, "hello");
    stage.quiet().await;
    // Told again, it is no news.
    stage
        .network
        .tell(remote::Event::Changed(Box::new(changed.clone())));
    stage.quiet().await;
    let said = messages(&stage, &room);
    assert_eq!(said.len(), 2);
    assert_eq!(said[1].sender, ALICE);
    assert_eq!(said[1].content[PUPPET_KEY], "gitter");
    assert_eq!(
        said[1].content["m.relates_to"]["event_id"],
        written.event_id.as_str()
    );
    stage.push(vec![said[1].clone()]).await;
    // Back to what it read at first, there too.
    stage.edits(&room, &written.event_id, "helo").await;
    stage.reads_there("org/one", &["alice: helo"]).await;
    stage.network.deletes(&changed);
    stage.quiet().await;
    let homeserver = stage.homeserver.lock();
    let redactions = homeserver.rooms[&room]
        .timeline
        .iter()
        .filter(|event| event.kind == "m.room.redaction");
    let by: Vec<_> = redactions.map(|event| event.sender.as_str()).collect();
    assert_eq!(by, [ALICE; 3], "the message and both changes of it");
}

#[tokio::test(start_paused = true)]
async fn where_the_homeserver_does_not_let_us_her_ghost_speaks_and_edits_what_it_said() {
    let (stage, room) = in_room().await;
    let first = stage.network.says("alice", "org/one", "one");
    stage.shows(&room, &["alice: one"]).await;
    stage.homeserver.lock().puppets = false;
    let second = stage.network.says("alice", "org/one", "two");
    stage
        .shows(&room, &["alice: one", "gitter_id-alice: two"])
        .await;
    tokio::time::advance(Duration::from_secs(1)).await;
    // What she herself said cannot be replaced by anybody else: her ghost answers it.
    stage.network.edits(&first, "ONE");
    stage.quiet().await;
    let last = messages(&stage, &room).pop().unwrap();
    assert_eq!(last.sender, "@gitter_id-alice:example.org");
    assert_eq!(last.content["body"], "(edited) ONE");
    // Later we are let again. What her ghost said stays its own.
    stage.homeserver.lock().puppets = true;
    stage.wait(Duration::from_mins(11)).await;
    stage.network.edits(&second, "TWO");
    stage.quiet().await;
    let last = messages(&stage, &room).pop().unwrap();
    assert_eq!(last.sender, "@gitter_id-alice:example.org");
    assert_eq!(last.content["m.relates_to"]["rel_type"], "m.replace");
    stage.network.says("alice", "org/one", "three");
    stage.quiet().await;
    assert_eq!(messages(&stage, &room).pop().unwrap().sender, ALICE);
}

#[tokio::test(start_paused = true)]
async fn without_it_she_is_invited_and_nothing_is_done_for_her() {
    let mut stage = stage().await;
    stage.homeserver.lock().puppets = false;
    let (stage, room) = {
        // Refused right away, since the stage has just begun.
        let room = stage.enter("org/one").await;
        (stage, room)
    };
    stage.network.says("alice", "org/one", "mine");
    stage.shows(&room, &["gitter_id-alice: mine"]).await;
}

#[tokio::test(start_paused = true)]
async fn her_marker_follows_what_she_reads_on_the_network() {
    let (mut stage, room) = in_room().await;
    let message = stage.network.says("bob", "org/one", "one");
    stage.shows(&room, &["gitter_id-bob: one"]).await;
    stage.quiet().await;
    stage.network.tell(remote::Event::Read {
        room: message.room.clone(),
        up_to: Some(message.id.clone()),
    });
    stage
        .until("it is read", async || {
            !stage.homeserver.lock().receipts.is_empty()
        })
        .await;
    let event = messages(&stage, &room)[0].event_id.clone();
    assert_eq!(
        stage.homeserver.lock().receipts,
        [(ALICE.try_into().unwrap(), event.clone())]
    );
    // The homeserver tells of that, too, and it is no news to the network.
    stage.reads(&room, ALICE, event.as_str(), None).await;
    stage.wait(Duration::from_mins(1)).await;
    assert!(stage.network.lock().read.is_empty());
}

#[tokio::test(start_paused = true)]
async fn old_messages_of_hers_do_not_look_like_events_that_were_held_back() {
    let (mut stage, room) = in_room().await;
    stage.network.says("alice", "org/one", "mine");
    stage.shows(&room, &["alice: mine"]).await;
    let mut said = messages(&stage, &room).remove(0);
    // Within an hour of having been looked through, rooms are not looked through again.
    stage.wait(Duration::from_mins(70)).await;
    for (is_marked, expected) in [(true, false), (false, true)] {
        said.ts -= 86_400_000;
        if !is_marked {
            said.content.as_object_mut().unwrap().remove(PUPPET_KEY);
            said.event_id = "$unmarked".try_into().unwrap();
        }
        let before = stage.homeserver.lock().requests.len();
        stage.push(vec![said.clone()]).await;
        stage.wait(Duration::from_mins(2)).await;
        let is_looked_through = stage.homeserver.lock().requests[before..].contains(&"timeline");
        assert_eq!(is_looked_through, expected);
    }
}
