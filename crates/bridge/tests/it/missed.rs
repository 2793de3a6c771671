//! Events which the homeserver never sends are read from the rooms' timelines.

use std::time::Duration;

use homeserver::{Appservice as _, IncomingEvent, PUPPET_KEY, Transaction};
use ruma::{OwnedRoomId, OwnedUserId, RoomId};
use serde_json::json;
use tokio::task::JoinHandle;

use stage::homeserver::{BOT, Failure};
use stage::road::last_word;
use stage::talk::{invites_bot, invites_bot_again};
use stage::{ALICE, Stage};

/// Alice writes something, and the homeserver forgets to tell.
fn writes_unheard(stage: &Stage, room: &RoomId, text: &str) -> IncomingEvent {
    let alice = OwnedUserId::try_from(ALICE).unwrap();
    let content = json!({"msgtype": "m.text", "body": text});
    let now = stage.now();
    let mut homeserver = stage.homeserver.lock();
    homeserver.append(room, &alice, "m.room.message", None, content, now)
}

/// Longer than anything remains unsettled.
const SETTLED: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn a_forgotten_message_is_found_and_delivered_once() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.wait(SETTLED).await;
    let forgotten = writes_unheard(&stage, &room, "forgotten");
    stage.restart().await;
    stage.wait(SETTLED).await;
    assert_eq!(stage.network.transcript("org/one"), ["alice: forgotten"]);
    stage.push(vec![forgotten]).await;
    stage.restart().await;
    stage.wait(SETTLED).await;
    assert_eq!(stage.network.transcript("org/one"), ["alice: forgotten"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_around_a_restart_keeps_its_place() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.kill().await;
    writes_unheard(&stage, &room, "one");
    writes_unheard(&stage, &room, "two");
    stage.start().await;
    stage.writes(&room, "three").await;
    stage.quiet().await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["alice: one", "alice: two", "alice: three"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_after_a_refusal_keeps_its_place() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.wait(SETTLED).await;
    let bridge = stage.bridge.clone().unwrap();
    stage.store.close().await;
    let one = writes_unheard(&stage, &room, "one");
    let transaction = Transaction {
        events: vec![one.clone()],
        ..Transaction::default()
    };
    bridge.transaction("900", transaction).await.unwrap_err();
    drop(bridge);
    stage.restart().await;
    stage.push(vec![one]).await;
    writes_unheard(&stage, &room, "two");
    stage.writes(&room, "three").await;
    stage.quiet().await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["alice: one", "alice: two", "alice: three"]
    );
}

/// A homeserver that was killed and started anew: it does not send what it had not sent, and comes over a new connection.
#[tokio::test(start_paused = true)]
async fn what_a_killed_homeserver_had_not_sent_keeps_its_place() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.wait(SETTLED).await;
    let bridge = stage.bridge.clone().unwrap();
    let push = async |id: &str, port: u16, event: IncomingEvent| {
        let transaction = Transaction {
            events: vec![event],
            peer: Some(([127, 0, 0, 1], port).into()),
            ..Transaction::default()
        };
        bridge.transaction(id, transaction).await.unwrap();
    };
    let requests = || stage.homeserver.lock().requests.len();
    stage.wait(Duration::from_secs(90)).await;
    push("901", 1, writes_unheard(&stage, &room, "one")).await;
    stage.wait(Duration::from_secs(90)).await;
    let before = requests();
    push("902", 1, writes_unheard(&stage, &room, "two")).await;
    assert_eq!(requests(), before, "the same connection");
    writes_unheard(&stage, &room, "three");
    push("903", 2, writes_unheard(&stage, &room, "four")).await;
    assert_eq!(requests(), before + 1, "another one");
    writes_unheard(&stage, &room, "five");
    push("904", 3, writes_unheard(&stage, &room, "six")).await;
    assert_eq!(requests(), before + 2, "it was killed again, at once");
    for port in 4..9 {
        let event = writes_unheard(&stage, &room, &port.to_string());
        push(&format!("90{}", port + 1), port, event).await;
    }
    assert_eq!(requests(), before + 5, "a new one each time, then");
    stage.quiet().await;
    let said = ["one", "two", "three", "four", "five", "six"];
    let said = said.into_iter().chain(["4", "5", "6", "7", "8"]);
    let said: Vec<_> = said.map(|text| format!("alice: {text}")).collect();
    assert_eq!(stage.network.transcript("org/one"), said);
    drop(bridge);
}

/// Where each transaction comes over a connection of its own, nothing tells of a restart but what is missing.
#[tokio::test(start_paused = true)]
async fn what_is_changed_though_nobody_told_of_it_is_found() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.wait(SETTLED).await;
    let lost = writes_unheard(&stage, &room, "lost").event_id;
    let gone = writes_unheard(&stage, &room, "gone").event_id;
    stage.edits(&room, &lost, "found").await;
    stage.redacts(&room, &gone).await;
    stage.reads_there("org/one", &["alice: found"]).await;
    let notices = stage.transcript(&room).len() - 3;
    assert_eq!(notices, 0, "{:?}", stage.transcript(&room));
}

/// The homeserver was killed while it had nothing to tell, and nobody says anything afterwards in that room.
#[tokio::test(start_paused = true)]
async fn what_a_quiet_homeserver_had_not_sent_is_found_within_an_hour() {
    let mut stage = Stage::with_rooms(&["org/one", "org/two"]).await;
    let (one, two) = (stage.enter("org/one").await, stage.enter("org/two").await);
    stage.wait(SETTLED).await;
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
    stage.wait(Duration::from_mins(5)).await;
    writes_unheard(&stage, &two, "unheard");
    push("903", 2, writes_unheard(&stage, &one, "c")).await;
    stage.wait(Duration::from_mins(61)).await;
    assert_eq!(stage.network.transcript("org/two"), ["alice: unheard"]);
    let requests = || stage.homeserver.lock().requests.len();
    let before = requests();
    stage.wait(Duration::from_mins(61)).await;
    assert_eq!(requests(), before, "there is no doubt left");
    drop(bridge);
}

/// What comes first over the new connection need not be about the room, nor about any: receipts come, too.
#[tokio::test(start_paused = true)]
async fn a_killed_homeserver_may_come_back_with_something_else() {
    let mut stage = Stage::with_rooms(&["org/one", "org/two"]).await;
    let (one, two) = (stage.enter("org/one").await, stage.enter("org/two").await);
    stage.wait(SETTLED).await;
    let bridge = stage.bridge.clone().unwrap();
    let push = async |id: &str, port: u16, events: Vec<IncomingEvent>| {
        let transaction = Transaction {
            events,
            peer: Some(([127, 0, 0, 1], port).into()),
            ..Transaction::default()
        };
        bridge.transaction(id, transaction).await.unwrap();
    };
    push("901", 1, vec![writes_unheard(&stage, &one, "one")]).await;
    push("902", 1, vec![writes_unheard(&stage, &one, "two")]).await;
    writes_unheard(&stage, &one, "three");
    push("1", 2, Vec::new()).await;
    push("2", 2, vec![writes_unheard(&stage, &two, "elsewhere")]).await;
    push("3", 2, vec![writes_unheard(&stage, &one, "four")]).await;
    stage.quiet().await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["one", "two", "three", "four"].map(|text| format!("alice: {text}"))
    );
    drop(bridge);
}

/// As before, in a room in which nobody says anything afterwards.
#[tokio::test(start_paused = true)]
async fn a_busy_homeserver_that_was_killed_has_all_rooms_swept() {
    let mut stage = Stage::with_rooms(&["org/one", "org/two"]).await;
    let (one, two) = (stage.enter("org/one").await, stage.enter("org/two").await);
    stage.wait(Duration::from_mins(2)).await;
    let bridge = stage.bridge.clone().unwrap();
    for (id, port) in [("901", 1), ("902", 1), ("903", 2)] {
        if port == 2 {
            writes_unheard(&stage, &two, "unheard");
        }
        let transaction = Transaction {
            events: vec![writes_unheard(&stage, &one, id)],
            peer: Some(([127, 0, 0, 1], port).into()),
            ..Transaction::default()
        };
        bridge.transaction(id, transaction).await.unwrap();
    }
    stage.wait(SETTLED).await;
    assert_eq!(stage.network.transcript("org/two"), ["alice: unheard"]);
    drop(bridge);
}

/// The homeserver was away when something was to be sent to it.
#[tokio::test(start_paused = true)]
async fn an_absent_homeserver_has_the_rooms_swept_when_it_is_back() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.wait(Duration::from_mins(2)).await;
    writes_unheard(&stage, &room, "unheard");
    stage.homeserver.lock().failures.push_back(Failure::Lost);
    stage.network.says("bob", "org/one", "his");
    stage.wait(SETTLED).await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["bob: his", "alice: unheard"]
    );
}

#[tokio::test(start_paused = true)]
async fn much_that_was_forgotten_is_read_page_by_page() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let texts: Vec<_> = (0..120).map(|number| number.to_string()).collect();
    for text in &texts {
        writes_unheard(&stage, &room, text);
    }
    stage.restart().await;
    stage.wait(SETTLED).await;
    stage.quiet().await;
    let expected: Vec<_> = texts.iter().map(|text| format!("alice: {text}")).collect();
    assert_eq!(stage.network.transcript("org/one"), expected);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_the_bot_came_is_not_for_it() {
    let mut stage = Stage::new().await;
    stage.start().await;
    stage.wait(SETTLED).await;
    let talk = OwnedRoomId::try_from("!talk").unwrap();
    {
        let alice = OwnedUserId::try_from(ALICE).unwrap();
        let mut homeserver = stage.homeserver.lock();
        homeserver.rooms.entry(talk.clone()).or_default();
        let joins = json!({"membership": "join"});
        homeserver.append(&talk, &alice, "m.room.member", Some(ALICE), joins, 0);
    }
    writes_unheard(&stage, &talk, "version");
    invites_bot_again(&mut stage, ALICE, &talk).await;
    stage.restart().await;
    writes_unheard(&stage, &talk, "help");
    stage.wait(SETTLED).await;
    let said = stage.transcript(&talk);
    assert!(!said.iter().any(|line| line.contains("0.0.0")), "{said:#?}");
    assert!(last_word(&stage, &talk).contains("invite"), "{said:#?}");
}

#[tokio::test(start_paused = true)]
async fn it_costs_a_request_a_room_at_the_start_and_none_later() {
    let (mut stage, _) = Stage::in_room("org/one").await;
    stage.wait(SETTLED).await;
    stage.homeserver.lock().requests.clear();
    stage.wait(Duration::from_hours(1)).await;
    let none: [&str; 0] = [];
    assert_eq!(stage.homeserver.lock().requests, none);
    stage.restart().await;
    stage.wait(Duration::from_hours(1)).await;
    let requests = stage.homeserver.lock().requests.clone();
    let read = requests.iter().filter(|request| **request == "timeline");
    assert_eq!(read.count(), 1, "{requests:?}");
}

/// What gets into no lane is never known; it must not make the bridge read on and on.
#[tokio::test(start_paused = true)]
async fn what_does_not_concern_us_is_no_reason_to_read_on() {
    let mut stage = Stage::new().await;
    stage.start().await;
    let talk = invites_bot(&mut stage, ALICE, &[]).await;
    let alice = OwnedUserId::try_from(ALICE).unwrap();
    for number in 0..300 {
        let content = json!({"msgtype": "m.notice", "body": number.to_string()});
        let now = stage.now();
        let mut homeserver = stage.homeserver.lock();
        homeserver.append(&talk, &alice, "m.room.message", None, content, now);
    }
    stage.homeserver.lock().requests.clear();
    stage.restart().await;
    stage.wait(SETTLED).await;
    let requests = stage.homeserver.lock().requests.clone();
    let read = requests.iter().filter(|request| **request == "timeline");
    assert_eq!(read.count(), 1, "{requests:?}");
}

/// A new name of the bot is an event in each of its rooms, which looks as if it had just come.
#[tokio::test(start_paused = true)]
async fn what_was_forgotten_is_found_behind_a_new_name_of_the_bot() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.wait(SETTLED).await;
    stage.kill().await;
    writes_unheard(&stage, &room, "forgotten");
    {
        let bot = OwnedUserId::try_from(BOT).unwrap();
        let content = json!({"membership": "join", "displayname": "Another"});
        let mut homeserver = stage.homeserver.lock();
        homeserver.append(&room, &bot, "m.room.member", Some(BOT), content, 0);
        let timeline = &mut homeserver.rooms.get_mut(&room).unwrap().timeline;
        timeline.last_mut().unwrap().unsigned =
            json!({"prev_content": {"membership": "join", "displayname": "One"}});
    }
    stage.start().await;
    stage.wait(SETTLED).await;
    stage.reads_there("org/one", &["alice: forgotten"]).await;
}

/// Seed 9773: what is told on Matrix bears the time at which it was said on the network, however long ago that is.
#[tokio::test(start_paused = true)]
async fn what_was_forgotten_is_found_behind_old_news_of_the_network() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.wait(Duration::from_hours(2)).await;
    // All that there is has been read.
    stage.restart().await;
    stage.wait(SETTLED).await;
    stage.kill().await;
    writes_unheard(&stage, &room, "forgotten");
    {
        let bot = OwnedUserId::try_from(BOT).unwrap();
        let content = json!({"msgtype": "m.notice", "body": "said long ago"});
        let mut homeserver = stage.homeserver.lock();
        homeserver.append(&room, &bot, "m.room.message", None, content, 1);
    }
    stage.start().await;
    stage.wait(SETTLED).await;
    stage.reads_there("org/one", &["alice: forgotten"]).await;
}

/// What the user says on the network is said on Matrix as him, where we may: it stands among what he wrote there.
#[tokio::test(start_paused = true)]
async fn what_was_forgotten_is_found_behind_much_that_we_said_as_the_user() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.wait(SETTLED).await;
    stage.kill().await;
    writes_unheard(&stage, &room, "forgotten");
    let alice = OwnedUserId::try_from(ALICE).unwrap();
    for number in 0..120 {
        let content =
            json!({"msgtype": "m.text", "body": number.to_string(), PUPPET_KEY: "gitter"});
        let now = stage.now();
        let mut homeserver = stage.homeserver.lock();
        homeserver.append(&room, &alice, "m.room.message", None, content, now);
    }
    stage.start().await;
    stage.wait(SETTLED).await;
    stage.reads_there("org/one", &["alice: forgotten"]).await;
}

/// A homeserver that was started anew tells of an event: that it has our answer.
fn is_told(stage: &Stage, id: &'static str, event: IncomingEvent) -> JoinHandle<()> {
    let bridge = stage.bridge.clone().unwrap();
    let transaction = Transaction {
        events: vec![event],
        peer: Some(([127, 0, 0, 1], 1).into()),
        ..Transaction::default()
    };
    tokio::spawn(async move { bridge.transaction(id, transaction).await.unwrap() })
}

/// How many milliseconds it takes until a task has ended.
async fn takes(stage: &Stage, task: JoinHandle<()>) -> i64 {
    let began = stage.now();
    stage
        .until("it has ended", async || task.is_finished())
        .await;
    task.await.unwrap();
    stage.now() - began
}

/// Seed 17460: it was in trouble when it came back.
#[tokio::test(start_paused = true)]
async fn what_comes_is_held_back_until_what_came_before_it_can_be_read() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.wait(Duration::from_mins(2)).await;
    stage.homeserver.lock().unreadable.insert(room.clone());
    writes_unheard(&stage, &room, "one");
    let told = is_told(&stage, "901", writes_unheard(&stage, &room, "two"));
    stage.wait(Duration::from_secs(15)).await;
    assert!(!told.is_finished());
    stage.homeserver.lock().unreadable.clear();
    takes(&stage, told).await;
    stage.quiet().await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["alice: one", "alice: two"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_room_that_cannot_be_read_holds_up_no_other() {
    let mut stage = Stage::with_rooms(&["org/bad", "org/good"]).await;
    let (bad, good) = (stage.enter("org/bad").await, stage.enter("org/good").await);
    stage.wait(Duration::from_mins(2)).await;
    stage.homeserver.lock().unreadable.insert(bad.clone());
    writes_unheard(&stage, &good, "forgotten");
    let told = is_told(&stage, "901", writes_unheard(&stage, &bad, "here"));
    let took = takes(&stage, told).await;
    assert!(took < 30_000, "the homeserver waits no longer: {took}");
    // All rooms are read soon, but for that one.
    stage.wait(Duration::from_mins(1)).await;
    assert_eq!(stage.network.transcript("org/good"), ["alice: forgotten"]);
    assert_eq!(stage.network.transcript("org/bad"), ["alice: here"]);
    // It is known now.
    let told = is_told(&stage, "902", writes_unheard(&stage, &bad, "again"));
    let took = takes(&stage, told).await;
    assert!(took < 5_000, "{took}");
    let asked = stage.homeserver.lock().requests.len();
    stage.wait(Duration::from_mins(30)).await;
    let asked = stage.homeserver.lock().requests.len() - asked;
    assert!((1..100).contains(&asked), "{asked} requests");
    // Once it can be read, nothing is missing there.
    writes_unheard(&stage, &bad, "late");
    stage.homeserver.lock().unreadable.clear();
    stage.wait(Duration::from_mins(2)).await;
    assert_eq!(
        stage.network.transcript("org/bad"),
        ["alice: here", "alice: again", "alice: late"]
    );
}

/// What could not be read before a transaction is read later, also behind much that is known by then.
#[tokio::test(start_paused = true)]
async fn what_was_forgotten_is_found_behind_a_page_of_what_is_known() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.wait(SETTLED).await;
    stage.restart().await;
    stage.wait(Duration::from_secs(1)).await;
    writes_unheard(&stage, &room, "forgotten");
    stage.homeserver.lock().unreadable.insert(room.clone());
    let many = (0..60).map(|number| writes_unheard(&stage, &room, &number.to_string()));
    let transaction = Transaction {
        events: many.collect(),
        ..Transaction::default()
    };
    let bridge = stage.bridge.clone().unwrap();
    let told = tokio::spawn(async move { bridge.transaction("900", transaction).await.unwrap() });
    takes(&stage, told).await;
    stage.homeserver.lock().unreadable.clear();
    stage.wait(Duration::from_mins(2)).await;
    stage.quiet().await;
    let there = stage.network.transcript("org/one");
    let found = there.iter().filter(|it| *it == "alice: forgotten");
    assert_eq!(found.count(), 1);
    assert_eq!(there.len(), 61);
}

/// Seed 2715: our answer got lost, so the homeserver took us for down, and forgot an event at the end of its recovery.
#[tokio::test(start_paused = true)]
async fn what_is_forgotten_since_an_answer_got_lost_is_found_soon() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.wait(Duration::from_mins(2)).await;
    let one = writes_unheard(&stage, &room, "one");
    for _ in 0..2 {
        let told = is_told(&stage, "901", one.clone());
        takes(&stage, told).await;
    }
    // The recovery takes its time.
    for id in ["902", "903", "904"] {
        stage.wait(Duration::from_millis(1_500)).await;
        let told = is_told(&stage, id, writes_unheard(&stage, &room, id));
        takes(&stage, told).await;
    }
    writes_unheard(&stage, &room, "forgotten");
    stage.wait(Duration::from_mins(2)).await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["one", "902", "903", "904", "forgotten"].map(|text| format!("alice: {text}"))
    );
}

/// Seed 6922: what is said next does not overtake it.
#[tokio::test(start_paused = true)]
async fn what_is_forgotten_since_an_answer_got_lost_keeps_its_place() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.wait(Duration::from_mins(2)).await;
    let one = writes_unheard(&stage, &room, "one");
    let told = is_told(&stage, "901", one.clone());
    takes(&stage, told).await;
    writes_unheard(&stage, &room, "forgotten");
    let told = is_told(&stage, "901", one);
    takes(&stage, told).await;
    let told = is_told(&stage, "902", writes_unheard(&stage, &room, "two"));
    takes(&stage, told).await;
    stage.quiet().await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["one", "forgotten", "two"].map(|text| format!("alice: {text}"))
    );
}
