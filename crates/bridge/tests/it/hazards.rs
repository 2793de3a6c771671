//! What homeservers and networks were seen to do, or may do, each hazard for itself.

use std::time::Duration;

use homeserver::{Appservice as _, IncomingEvent, Transaction};
use remote::{Event, RoomId as RemoteRoom};
use ruma::{OwnedUserId, RoomId};
use serde_json::json;
use store::PortalState;

use stage::{
    ALICE, Stage,
    homeserver::{BOT, Failure},
    network::Failure as Refusal,
    talk::{asks, invites_bot, said},
};

/// The homeserver sends these events in a transaction of this name.
async fn sends(stage: &Stage, id: &str, events: &[IncomingEvent]) {
    let bridge = stage.bridge.as_ref().unwrap();
    let transaction = Transaction {
        events: events.to_vec(),
        ..Transaction::default()
    };
    bridge.transaction(id, transaction).await.unwrap();
}

/// Alice writes, and the bridge is not told yet.
fn writes_untold(stage: &Stage, room: &RoomId, content: serde_json::Value) -> IncomingEvent {
    let alice = stage::ALICE.try_into().unwrap();
    let now = stage.now();
    let mut homeserver = stage.homeserver.lock();
    homeserver.append(room, alice, "m.room.message", None, content, now)
}

fn text(body: &str) -> serde_json::Value {
    json!({"msgtype": "m.text", "body": body})
}

/// Longer than anything remains unsettled.
const SETTLED: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn a_homeserver_that_is_down_for_hours_has_everything_in_order_when_it_is_back() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.wait(SETTLED).await;
    stage
        .homeserver
        .lock()
        .failures
        .extend(std::iter::repeat_n(Failure::Lost, 10_000));
    stage.network.says("bob", "org/one", "one");
    stage.network.says("carol", "org/one", "two");
    stage.wait_long(Duration::from_hours(5)).await;
    stage.network.says("bob", "org/one", "three");
    stage.wait_long(Duration::from_mins(10)).await;
    let tries = 10_000 - stage.homeserver.lock().failures.len();
    assert!((300..600).contains(&tries), "about one a minute: {tries}");
    assert!(stage.transcript(&room).is_empty());
    stage.homeserver.lock().failures.clear();
    stage
        .shows(
            &room,
            &[
                "gitter_id-bob: one",
                "gitter_id-carol: two",
                "gitter_id-bob: three",
            ],
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_homeserver_out_of_order_is_tried_again_and_one_that_wants_a_pause_gets_it() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.wait(SETTLED).await;
    stage.homeserver.lock().failures.extend([
        Failure::Broken,
        Failure::Broken,
        Failure::Limited(Duration::from_mins(5)),
    ]);
    stage.network.says("bob", "org/one", "one");
    stage
        .until("it wants a pause", async || {
            stage.homeserver.lock().failures.is_empty()
        })
        .await;
    let sends = || {
        let homeserver = stage.homeserver.lock();
        homeserver
            .requests
            .iter()
            .filter(|it| **it == "send")
            .count()
    };
    let before = sends();
    stage.wait(Duration::from_secs(295)).await;
    assert_eq!(sends(), before, "it is left alone for as long as it wants");
    stage.wait(Duration::from_secs(10)).await;
    assert_eq!(stage.transcript(&room), ["gitter_id-bob: one"]);
}

#[tokio::test(start_paused = true)]
async fn transaction_ids_that_begin_again_at_one_hide_nothing() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.wait(SETTLED).await;
    for id in 1..5 {
        let event = writes_untold(&stage, &room, text(&format!("before {id}")));
        sends(&stage, &id.to_string(), &[event]).await;
    }
    for restart in [false, true] {
        if restart {
            stage.restart().await;
            stage.wait(SETTLED).await;
        }
        let event = writes_untold(&stage, &room, text(&format!("{restart}")));
        sends(&stage, "1", &[event]).await;
    }
    stage.quiet().await;
    assert_eq!(
        stage.network.transcript("org/one"),
        [
            "alice: before 1",
            "alice: before 2",
            "alice: before 3",
            "alice: before 4",
            "alice: false",
            "alice: true",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_stored_is_refused_and_comes_before_anything_newer() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let tally = stage.tallied().await;
    stage.start().await;
    stage.wait(SETTLED).await;
    let bridge = stage.bridge.clone().unwrap();
    let is_taken = async |id: &str, event: &IncomingEvent| {
        let transaction = Transaction {
            events: vec![event.clone()],
            ..Transaction::default()
        };
        bridge.transaction(id, transaction).await.is_ok()
    };
    let one = writes_untold(&stage, &room, text("one"));
    let two = writes_untold(&stage, &room, text("two"));
    tally.fails(true);
    assert!(!is_taken("901", &one).await, "it is not stored");
    let ill = bridge.health().await.database.unwrap_err();
    assert!(ill.contains("make room on its disk"), "{ill}");
    tally.fails(false);
    assert!(!is_taken("902", &two).await, "it would overtake");
    assert!(stage.network.transcript("org/one").is_empty());
    assert!(is_taken("901", &one).await);
    assert!(is_taken("902", &two).await);
    assert_eq!(bridge.health().await.database, Ok(()));
    stage
        .reads_there("org/one", &["alice: one", "alice: two"])
        .await;
    drop(bridge);
}

/// What was carried out without a trace in the map: only what is noted of the event itself can tell.
#[tokio::test(start_paused = true)]
async fn commands_and_what_was_discarded_are_not_carried_out_again_when_they_come_again() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Refusal::Forbidden);
    let refused = stage.writes(&room, "no").await;
    stage.quiet().await;
    let discarded = asks(&mut stage, &room, "!gitter discard all").await;
    let command = {
        let homeserver = stage.homeserver.lock();
        let timeline = &homeserver.rooms[&room].timeline;
        let command = timeline.iter().rfind(|it| it.sender == ALICE);
        command.cloned().unwrap()
    };
    let before = said(&stage, &room);
    for restart in [false, true] {
        if restart {
            stage.restart().await;
            stage.wait(SETTLED).await;
        }
        stage.push(vec![command.clone(), refused.clone()]).await;
        stage.quiet().await;
        assert_eq!(said(&stage, &room), before, "after {discarded}");
        assert!(stage.network.transcript("org/one").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn old_history_that_is_sent_again_changes_nothing() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let one = stage.writes(&room, "one").await;
    let two = stage.writes(&room, "two").await;
    stage.quiet().await;
    stage.edits(&room, &one.event_id, "one anew").await;
    stage.redacts(&room, &two.event_id).await;
    stage.writes(&room, "three").await;
    stage.quiet().await;
    let there = stage.network.transcript("org/one");
    assert_eq!(there, ["alice: one anew", "alice: three"]);
    let history = stage.homeserver.lock().rooms[&room].timeline.clone();
    let here = history.len();
    for restart in [false, true] {
        if restart {
            stage.restart().await;
        }
        stage.wait(SETTLED).await;
        // As they were first sent, and after newer ones.
        let mut events = history.clone();
        events.extend([one.clone(), two.clone()]);
        sends(&stage, "900", &events).await;
        sends(&stage, "901", &events[3..]).await;
        stage.quiet().await;
        assert_eq!(stage.network.transcript("org/one"), there);
        let now = stage.homeserver.lock().rooms[&room].timeline.len();
        assert_eq!(now, here, "nor is anything said about it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_or_deletion_that_comes_before_its_message_counts_all_the_same() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.wait(SETTLED).await;
    let one = writes_untold(&stage, &room, text("one"));
    let edit = writes_untold(
        &stage,
        &room,
        json!({
            "msgtype": "m.text",
            "body": "* one anew",
            "m.new_content": text("one anew"),
            "m.relates_to": {"rel_type": "m.replace", "event_id": one.event_id},
        }),
    );
    let two = writes_untold(&stage, &room, text("two"));
    stage.redacts(&room, &two.event_id).await;
    sends(&stage, "900", &[edit]).await;
    stage.quiet().await;
    sends(&stage, "901", &[two, one]).await;
    stage.quiet().await;
    stage.reads_there("org/one", &["alice: one anew"]).await;
}

/// Homeservers keep one list of transaction ids for all ghosts.
#[tokio::test(start_paused = true)]
async fn people_who_say_the_same_at_once_are_all_heard() {
    let mut stage = Stage::with_rooms(&["org/one", "org/two"]).await;
    let one = stage.enter("org/one").await;
    let two = stage.enter("org/two").await;
    for room in ["org/one", "org/two"] {
        for who in ["bob", "carol", "bob"] {
            stage.network.says(who, room, "same");
        }
    }
    let expected = [
        "gitter_id-bob: same",
        "gitter_id-carol: same",
        "gitter_id-bob: same",
    ];
    stage.shows(&one, &expected).await;
    stage.shows(&two, &expected).await;
    stage.quiet().await;
    assert_eq!(stage.transcript(&one), expected);
    assert_eq!(stage.transcript(&two), expected);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_room_is_told_of_and_an_invite_brings_back_what_was_missed() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let talk = invites_bot(&mut stage, stage::ALICE, &[]).await;
    stage.network.says("bob", "org/one", "before");
    stage.quiet().await;
    stage.homeserver.lock().rooms.remove(&room);
    stage.network.says("bob", "org/one", "meanwhile");
    stage.network.says("carol", "org/one", "meanwhile, too");
    brings_it_back(&mut stage, &room, &talk).await;
}

#[tokio::test(start_paused = true)]
async fn a_room_without_its_bot_is_told_of_and_an_invite_brings_back_what_was_missed() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let talk = invites_bot(&mut stage, stage::ALICE, &[]).await;
    stage.network.says("bob", "org/one", "before");
    stage.quiet().await;
    let content = json!({"membership": "leave"});
    let admin = "@admin:example.org";
    stage
        .happens(&room, admin, "m.room.member", Some(BOT), content)
        .await;
    stage
        .until("it is forgotten", async || {
            stage.portal("org/one").await.room_id.is_none()
        })
        .await;
    stage.network.says("bob", "org/one", "meanwhile");
    stage.network.says("carol", "org/one", "meanwhile, too");
    brings_it_back(&mut stage, &room, &talk).await;
}

async fn brings_it_back(stage: &mut Stage, room: &RoomId, talk: &RoomId) {
    stage
        .until("it is forgotten", async || {
            stage.portal("org/one").await.room_id.is_none()
        })
        .await;
    stage.wait(SETTLED).await;
    let told = |stage: &Stage| {
        let said = said(stage, talk);
        let told = said
            .iter()
            .filter(|it| it.contains("I can no longer use the room of org/one"));
        told.count()
    };
    assert_eq!(told(stage), 1);
    assert_eq!(stage.portal("org/one").await.state, PortalState::Left);
    stage.writes(talk, "failed").await;
    stage.wait(SETTLED).await;
    let failed = said(stage, talk).last().cloned().unwrap();
    assert!(failed.ends_with("nothing failed."), "{failed}");
    stage.writes(talk, "invite org/one").await;
    let other = stage.enter("org/one").await;
    assert_ne!(other, room);
    stage.quiet().await;
    let shown = stage.transcript(&other);
    let texts: Vec<_> = shown.iter().filter(|it| it.contains("meanwhile")).collect();
    assert_eq!(
        texts,
        [
            "gitter_id-bob: meanwhile",
            "gitter_id-carol: meanwhile, too"
        ]
    );
    assert_eq!(told(stage), 1);
}

/// Whoever may not speak any more is told of by the bot, if it may; `failed` lists what was not shown.
#[tokio::test(start_paused = true)]
async fn a_room_whose_power_was_taken_loses_nothing_without_a_word() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let talk = invites_bot(&mut stage, stage::ALICE, &[]).await;
    stage.network.says("bob", "org/one", "before");
    stage.quiet().await;
    // What the ghost says, and says once more after it was let in again.
    stage
        .homeserver
        .lock()
        .failures
        .extend([Failure::Forbidden; 2]);
    stage.network.says("bob", "org/one", "not shown");
    stage.network.says("carol", "org/one", "goes on");
    stage.quiet().await;
    let shown = stage.transcript(&room);
    assert_eq!(shown.len(), 3);
    assert!(
        shown[1].starts_with("gitter: A message from BOB could not be shown here"),
        "{shown:?}"
    );
    assert_eq!(shown[2], "gitter_id-carol: goes on");
    stage.writes(&talk, "retry all").await;
    stage.quiet().await;
    assert!(
        stage
            .transcript(&room)
            .contains(&"gitter_id-bob: not shown".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn pushes_that_were_lost_are_read_and_come_in_their_order() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "one");
    stage.quiet().await;
    stage.network.lock().silent = true;
    stage.network.says("bob", "org/one", "two");
    stage.network.says("carol", "org/one", "three");
    stage.network.lock().silent = false;
    stage.network.tell(Event::Gap {
        rooms: vec![RemoteRoom::new("room-org/one".to_owned())],
    });
    stage.network.says("bob", "org/one", "four");
    let expected = [
        "gitter_id-bob: one",
        "gitter_id-bob: two",
        "gitter_id-carol: three",
        "gitter_id-bob: four",
    ];
    stage.shows(&room, &expected).await;
    stage.quiet().await;
    assert_eq!(stage.transcript(&room), expected);
}

#[tokio::test(start_paused = true)]
async fn pushes_that_come_twice_are_shown_once() {
    let (stage, room) = Stage::in_room("org/one").await;
    let one = stage.network.says("bob", "org/one", "one");
    stage.network.tell(Event::Message(Box::new(one.clone())));
    stage.quiet().await;
    let two = stage.network.says("bob", "org/one", "two");
    let changed = stage.network.edits(&two, "two, changed");
    stage.quiet().await;
    for event in [
        Event::Message(Box::new(one)),
        Event::Message(Box::new(two.clone())),
        Event::Changed(Box::new(changed)),
    ] {
        stage.network.tell(event);
    }
    stage.quiet().await;
    let events = || stage.homeserver.lock().rooms[&room].timeline.len();
    let before = events();
    assert_eq!(
        stage.transcript(&room)[..2],
        ["gitter_id-bob: one", "gitter_id-bob: two"]
    );
    stage.network.deletes(&two);
    stage.quiet().await;
    let after = events();
    assert!(after > before);
    stage.network.tell(Event::Deleted {
        room: two.room.clone(),
        message: two.id.clone(),
    });
    stage.network.tell(Event::Message(Box::new(two)));
    stage.quiet().await;
    assert_eq!(events(), after);
}

#[tokio::test(start_paused = true)]
async fn one_event_that_cannot_be_stored_holds_up_no_others_and_is_told() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage
        .meddle(
            "CREATE TRIGGER rot BEFORE INSERT ON items WHEN NEW.payload LIKE '%rotten%'
                BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .await;
    let mut events = Vec::new();
    for text in ["one", "rotten", "two"] {
        let alice = OwnedUserId::try_from(ALICE).unwrap();
        let content = json!({"msgtype": "m.text", "body": text});
        let now = stage.now();
        let mut homeserver = stage.homeserver.lock();
        events.push(homeserver.append(&room, &alice, "m.room.message", None, content, now));
    }
    stage.push(events).await;
    stage
        .reads_there("org/one", &["alice: one", "alice: two"])
        .await;
    let told = stage::talk::said(&stage, &room);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("What you wrote was not delivered: the bridge can no longer read it."),
        "{told:?}"
    );
    let answer = stage::talk::asks(&mut stage, &room, "!gitter failed").await;
    assert!(answer.contains("1. org/one: "), "{answer}");
}

/// It answers, and fails over one message each time.
#[tokio::test(start_paused = true)]
async fn what_the_homeserver_fails_over_each_time_holds_up_nothing_for_ever() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.homeserver.lock().fails_over = Some("poison".to_owned());
    stage.network.says("bob", "org/one", "poison");
    stage.network.says("bob", "org/one", "good");
    stage.wait_long(Duration::from_mins(50)).await;
    assert_eq!(stage.transcript(&room), Vec::<String>::new());
    stage.wait_long(Duration::from_mins(70)).await;
    let shown = stage.transcript(&room);
    assert!(
        shown.contains(&"gitter_id-bob: good".to_owned()),
        "{shown:?}"
    );
    assert!(
        shown.iter().any(|line| line.starts_with("gitter: ")),
        "its user is told: {shown:?}"
    );
    assert_eq!(stage.store.failed_items(ALICE).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_the_network_fails_over_each_time_holds_up_nothing_for_ever() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "old").await.event_id;
    stage.quiet().await;
    let trouble = stage::network::Failure::Unavailable;
    stage.network.lock().failures.extend([trouble; 500]);
    stage.edits(&room, &event, "new").await;
    stage.wait_long(Duration::from_mins(50)).await;
    assert!(stage.store.failed_items(ALICE).await.unwrap().is_empty());
    // As long as the account cannot be reached either, nothing is given up.
    stage.network.lock().down = true;
    stage.wait_long(Duration::from_hours(1)).await;
    assert!(stage.store.failed_items(ALICE).await.unwrap().is_empty());
    stage.network.lock().down = false;
    stage.wait_long(Duration::from_mins(5)).await;
    assert_eq!(stage.store.failed_items(ALICE).await.unwrap().len(), 1);
    stage.network.lock().failures.clear();
    stage.writes(&room, "good").await;
    stage
        .reads_there("org/one", &["alice: old", "alice: good"])
        .await;
    let told = stage.transcript(&room);
    let told = told
        .iter()
        .filter(|line| line.contains("change of a message was not delivered"));
    assert_eq!(told.count(), 1);
    stage::talk::asks(&mut stage, &room, "!gitter retry all").await;
    stage.quiet().await;
    let there = stage.network.transcript("org/one");
    assert!(there.iter().any(|line| line.ends_with("new")), "{there:?}");
}
