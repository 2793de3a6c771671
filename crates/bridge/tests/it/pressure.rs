//! Much at once: thousands of messages wait, rooms are flooded, and what is in memory stays small all the same.

use std::collections::BTreeSet;
use std::time::Duration;

use bridge::config::InvitePolicy;
use bytes::Bytes;
use homeserver::IncomingEvent;
use remote::text::html::parse_plainly;
use ruma::{EventId, OwnedRoomId, OwnedUserId, RoomId};
use serde_json::json;
use store::{NewLogin, Portal, PortalState};

use stage::network::{person, room};
use stage::road::last_word;
use stage::talk::{said, talking};
use stage::{ALICE, Stage};

/// Messages that wait.
const MANY: usize = 10_000;

/// Alice writes a lot; the bridge is yet to be told.
fn writes(stage: &Stage, room: &RoomId, texts: impl Iterator<Item = String>) -> Vec<IncomingEvent> {
    let alice = OwnedUserId::try_from(ALICE).unwrap();
    let now = stage.now();
    texts
        .map(|text| {
            let content = json!({"msgtype": "m.text", "body": text});
            let mut homeserver = stage.homeserver.lock();
            homeserver.append(room, &alice, "m.room.message", None, content, now)
        })
        .collect()
}

/// The homeserver sends what waits in transactions, as Synapse does.
async fn pushes(stage: &mut Stage, events: &[IncomingEvent]) {
    for some in events.chunks(100) {
        stage.push(some.to_vec()).await;
    }
}

/// Moves time on until nothing waits.
async fn drained(stage: &Stage) {
    for _ in 0..1_000 {
        if stage.store.waiting_lanes().await.unwrap().is_empty() {
            return;
        }
        stage.wait(Duration::from_secs(10)).await;
    }
    panic!("something waits for ever");
}

/// Each stands there once, in order. Says no more than what is amiss, since they are many.
#[track_caller]
fn all_stand(said: &[String], who: &str, count: usize) {
    let said: Vec<_> = said.iter().filter(|line| line.starts_with(who)).collect();
    for (number, line) in said.iter().enumerate() {
        assert_eq!(**line, format!("{who}: {number}"));
    }
    assert_eq!(said.len(), count);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_messages_for_the_network_wait_in_the_database_and_go_out_in_order_once() {
    let (mut stage, room) = Stage::in_room("org/room").await;
    let tally = stage.tallied().await;
    // Whatever is sent now waits until she logs in again.
    stage.network.revoke();
    stage.start().await;
    stage.quiet().await;
    let events = writes(&stage, &room, (0..MANY).map(|number| number.to_string()));
    pushes(&mut stage, &events).await;
    assert_eq!(stage.network.lock().posts, 0);

    stage.kill().await;
    stage.network.lock().revoked = false;
    stage.log_in().await;
    tally.reset();
    stage.start().await;
    let (trips, rows) = (tally.trips(), tally.rows());
    assert!(
        trips < 20 && rows < 20,
        "a start reads no queue: {trips} trips, {rows} rows"
    );

    drained(&stage).await;
    all_stand(&stage.network.transcript("org/room"), "alice", MANY);
    let (trips, rows) = (tally.trips() / MANY, tally.rows() / MANY);
    // With its echo, and what had to be read of the room when the bridge came back.
    assert!(
        trips <= 14 && rows <= 14,
        "for each: {trips} trips, {rows} rows"
    );
    let most = tally.most_at_once();
    assert!(most <= 200, "{most} rows were in memory at once");
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_messages_for_matrix_wait_in_the_database_and_come_in_order_once() {
    let (mut stage, room) = Stage::in_room("org/room").await;
    let tally = stage.tallied().await;
    stage.start().await;
    stage.quiet().await;
    stage.homeserver.lock().stuck = Some("send");
    for number in 0..MANY {
        stage.network.says("bob", "org/room", &number.to_string());
    }
    let newest = stage.network.lock().messages.last().unwrap().id.to_string();
    stage
        .until("all are accepted", async || {
            stage.portal("org/room").await.cursor.as_deref() == Some(newest.as_str())
        })
        .await;

    stage.kill().await;
    stage.homeserver.lock().stuck = None;
    tally.reset();
    stage.start().await;
    let (trips, rows) = (tally.trips(), tally.rows());
    assert!(
        trips < 20 && rows < 20,
        "a start reads no queue: {trips} trips, {rows} rows"
    );

    drained(&stage).await;
    all_stand(&stage.transcript(&room), "gitter_id-bob", MANY);
    let (trips, rows) = (tally.trips() / MANY, tally.rows() / MANY);
    assert!(
        trips <= 6 && rows <= 6,
        "for each: {trips} trips, {rows} rows"
    );
    // Those that are compared after a connection was made.
    let most = tally.most_at_once();
    assert!(most <= 200, "{most} rows were in memory at once");
}

#[tokio::test(start_paused = true)]
async fn a_huge_transaction_is_stored_in_pieces_and_goes_out_in_order() {
    const EVENTS: usize = 1_000;
    let (mut stage, room) = Stage::in_room("org/room").await;
    let tally = stage.tallied().await;
    stage.start().await;
    stage.quiet().await;
    // What the homeserver may have left out is not what this is about.
    stage.wait(Duration::from_mins(1)).await;
    stage.network.revoke();
    stage.wait(Duration::from_secs(5)).await;
    let events = writes(&stage, &room, (0..EVENTS).map(|number| number.to_string()));
    tally.reset();
    stage.push(events).await;
    // The commits, and what it asks of the room; nothing for each event.
    let trips = tally.trips();
    assert!(trips <= 3 * EVENTS / 100 + 10, "{trips} trips");

    stage.kill().await;
    stage.network.lock().revoked = false;
    stage.log_in().await;
    stage.start().await;
    drained(&stage).await;
    all_stand(&stage.network.transcript("org/room"), "alice", EVENTS);
}

#[tokio::test(start_paused = true)]
async fn a_flooded_room_does_not_delay_another_one_to_the_network() {
    let mut stage = Stage::with_rooms(&["org/flooded", "org/quiet"]).await;
    let flooded = stage.enter("org/flooded").await;
    let quiet = stage.enter("org/quiet").await;
    let events = writes(
        &stage,
        &flooded,
        (0..1_000).map(|number| number.to_string()),
    );
    stage.push(events).await;
    stage.writes(&quiet, "hello").await;
    stage
        .until("it arrives", async || {
            !stage.network.transcript("org/quiet").is_empty()
        })
        .await;
    let before = stage.network.transcript("org/flooded").len();
    assert!(before <= 10, "{before} others went first");
}

#[tokio::test(start_paused = true)]
async fn a_flooded_room_does_not_delay_another_one_to_matrix() {
    let mut stage = Stage::with_rooms(&["org/flooded", "org/quiet"]).await;
    let flooded = stage.enter("org/flooded").await;
    let quiet = stage.enter("org/quiet").await;
    stage.homeserver.lock().stuck = Some("send");
    for number in 0..1_000 {
        stage
            .network
            .says("bob", "org/flooded", &number.to_string());
    }
    let hello = stage
        .network
        .says("bob", "org/quiet", "hello")
        .id
        .to_string();
    stage
        .until("all are accepted", async || {
            stage.portal("org/quiet").await.cursor.as_deref() == Some(&*hello)
        })
        .await;
    stage.homeserver.lock().stuck = None;
    stage
        .until("it arrives", async || !stage.transcript(&quiet).is_empty())
        .await;
    let homeserver = stage.homeserver.lock();
    let hello = &homeserver.rooms[&quiet].timeline.last().unwrap().event_id;
    let place = |id: &EventId| homeserver.stream.iter().position(|(_, it)| it == id);
    let flood = homeserver.rooms[&flooded].timeline.iter();
    let flood = flood.filter(|event| event.kind == "m.room.message");
    let before = flood.filter(|event| place(&event.event_id) < place(hello));
    let before = before.count();
    assert!(before <= 20, "{before} others went first");
}

/// More rooms than are carried at once, so that they wait for each other.
#[tokio::test(start_paused = true)]
async fn many_flooded_rooms_do_not_delay_others_to_matrix() {
    const FLOODED: usize = 14;
    let flooded: Vec<_> = (0..FLOODED)
        .map(|number| format!("org/flooded{number}"))
        .collect();
    let mut addresses: Vec<_> = flooded.iter().map(String::as_str).collect();
    addresses.extend(["org/early", "org/late"]);
    let mut stage = Stage::with_rooms(&addresses).await;
    for address in &flooded {
        stage.enter(address).await;
    }
    let quiet = [
        stage.enter("org/early").await,
        stage.enter("org/late").await,
    ];
    stage.quiet().await;
    stage.homeserver.lock().stuck = Some("send");
    for number in 0..20 {
        for (place, address) in flooded.iter().enumerate() {
            stage.network.says("bob", address, &number.to_string());
            if (number, place) == (0, FLOODED / 2) {
                stage.network.says("bob", "org/early", "hello");
                stage.wait(Duration::from_secs(1)).await;
            }
        }
    }
    let last = stage.network.says("bob", "org/late", "hello").id;
    stage
        .until("all are accepted", async || {
            stage.portal("org/late").await.cursor.as_deref() == Some(last.as_str())
        })
        .await;
    stage.homeserver.lock().stuck = None;
    stage.quiet().await;
    let homeserver = stage.homeserver.lock();
    let stream = homeserver.stream.iter();
    let said = stream.filter_map(|(room, id)| {
        let timeline = &homeserver.rooms[room].timeline;
        let event = timeline.iter().find(|event| event.event_id == *id)?;
        (event.kind == "m.room.message").then_some(room)
    });
    let said: Vec<_> = said.collect();
    assert_eq!(said.len(), 20 * FLOODED + 2);
    for quiet in &quiet {
        let before = said.iter().position(|room| *room == quiet).unwrap();
        // A few of each room, until its turn has come.
        assert!(before <= 3 * FLOODED, "{before} others went first");
    }
}

#[tokio::test(start_paused = true)]
async fn commands_are_answered_while_everything_else_waits() {
    let (mut stage, talk) = talking(&["org/room"]).await;
    let room = stage.enter("org/room").await;
    let events = writes(&stage, &room, (0..1_000).map(|number| number.to_string()));
    stage.push(events).await;
    let before = said(&stage, &talk).len();
    let alice = OwnedUserId::try_from(ALICE).unwrap();
    let question = {
        let content = json!({"msgtype": "m.text", "body": "version"});
        let mut homeserver = stage.homeserver.lock();
        homeserver.append(&talk, &alice, "m.room.message", None, content, 0)
    };
    stage.push(vec![question]).await;
    stage
        .until("the bot answers", async || {
            said(&stage, &talk).len() > before
        })
        .await;
    let sent = stage.network.transcript("org/room").len();
    assert!(sent <= 50, "{sent} messages went first");
}

#[tokio::test(start_paused = true)]
async fn the_same_file_in_many_rooms_at_once_stops_nobody() {
    const ROOMS: usize = 12;
    let addresses: Vec<_> = (0..ROOMS)
        .map(|number| format!("org/room{number}"))
        .collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    let mut stage = Stage::with_rooms(&addresses).await;
    let mut rooms = Vec::new();
    for address in &addresses {
        rooms.push(stage.enter(address).await);
    }
    let url = "https://files.example/cat.txt";
    {
        let mut network = stage.network.lock();
        let bytes = Bytes::from_static(b"meow");
        network.files.insert(url.to_owned(), Some(bytes));
        network.files_take = Duration::from_secs(2);
    }
    for address in &addresses {
        let text = parse_plainly(&format!("<a href='{url}'>cat</a>"));
        stage
            .network
            .says_with_files("bob", address, text, &[(url, "cat.txt")]);
    }
    stage
        .until("it is in every room", async || {
            rooms.iter().all(|room| {
                let said = stage.transcript(room);
                said.iter().any(|line| line.ends_with("cat.txt"))
            })
        })
        .await;
    assert_eq!(stage.network.lock().files_asked.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn five_hundred_rooms_come_most_recently_active_first_with_one_notice_also_over_a_kill() {
    const ROOMS: usize = 500;
    let (mut stage, talk) = talking(&[]).await;
    stage.config.invites.policy = InvitePolicy::None;
    stage.restart().await;
    stage.quiet().await;
    stage.network.lock().rooms = (0..ROOMS)
        .map(|number| remote::Room {
            active_at: Some(i64::try_from((number * 7_919) % ROOMS).unwrap()),
            ..stage::network::room(&format!("org/room{number}"))
        })
        .collect();
    let invited = async |stage: &Stage| {
        let mut portals = stage.store.portals_of(ALICE).await.unwrap();
        portals.retain(|portal| portal.state == PortalState::Invited);
        portals
    };
    let notices = said(&stage, &talk).len();
    let asked = stage.network.lock().asked;
    let answer = asks_at_once(&mut stage, &talk, "invite all").await;
    assert!(answer.contains("500 rooms"), "{answer}");
    while invited(&stage).await.len() < 100 {
        stage.wait(Duration::from_secs(5)).await;
    }
    let some: BTreeSet<_> = invited(&stage)
        .await
        .into_iter()
        .map(|it| it.remote_room)
        .collect();
    {
        let network = stage.network.lock();
        let mut newest: Vec<_> = network.rooms.iter().collect();
        newest.sort_by_key(|room| std::cmp::Reverse(room.active_at));
        for room in &newest[..some.len()] {
            assert!(
                some.contains(room.id.as_str()),
                "{} comes first",
                room.address
            );
        }
    }
    stage.restart().await;
    for _ in 0..200 {
        if last_word(&stage, &talk).contains("Done") {
            break;
        }
        stage.wait(Duration::from_secs(5)).await;
    }
    let said = last_word(&stage, &talk);
    assert!(said.contains("Done"), "{said}");
    assert_eq!(invited(&stage).await.len(), ROOMS);
    // The answer, how far it is, and that it is done; all else changes the second.
    let homeserver = stage.homeserver.lock();
    let words = homeserver.rooms[&talk].timeline.iter().filter(|event| {
        event.kind == "m.room.message"
            && event.sender != ALICE
            && event.content["m.relates_to"]["rel_type"] != "m.replace"
    });
    assert_eq!(words.count() - notices, 3);
    // It is told from the first room to the last, after each few rooms at least.
    let told = homeserver.rooms[&talk].timeline.iter().filter_map(|event| {
        let now = event.content.get("m.new_content").unwrap_or(&event.content);
        left(now["body"].as_str()?)
    });
    let told: Vec<_> = told.collect();
    assert_eq!(told.first(), Some(&ROOMS), "{told:?}");
    assert_eq!(told.last(), Some(&0), "{told:?}");
    for pair in told.windows(2) {
        assert!(pair[1] <= pair[0] && pair[0] - pair[1] <= 50, "{told:?}");
    }
    let made = homeserver
        .rooms
        .values()
        .filter(|room| room.new.power_levels.is_some());
    assert!(made.count() <= ROOMS + 1, "no room is made twice");
    // The list of rooms for each connection and command, and nothing for each room.
    let asked = stage.network.lock().asked - asked;
    assert!(asked <= 10, "{asked} requests of the network");
}

/// How many rooms are still to come, if that is what the bot says.
fn left(said: &str) -> Option<usize> {
    if said.starts_with("No room is left") {
        return Some(0);
    }
    let (_, left) = said.split_once("the most recently active first: ")?;
    left.split(' ').next()?.parse().ok()
}

/// Says something in a room and gives the bot's next words there, while other things go on.
async fn asks_at_once(stage: &mut Stage, room: &OwnedRoomId, text: &str) -> String {
    let before = said(stage, room).len();
    let content = json!({"msgtype": "m.text", "body": text});
    stage
        .happens(room, ALICE, "m.room.message", None, content)
        .await;
    stage
        .until("the bot answers", async || said(stage, room).len() > before)
        .await;
    said(stage, room).swap_remove(before)
}

/// Somebody else.
const BOB: &str = "@bob:example.org";

/// Alice is in so many rooms, and Bob in another one: what they are called, and his room.
async fn two_users(rooms: usize) -> (Stage, Vec<(String, OwnedRoomId)>, OwnedRoomId) {
    let hers: Vec<_> = (0..rooms)
        .map(|number| format!("org/hers{number}"))
        .collect();
    let addresses = ["org/his"]
        .into_iter()
        .chain(hers.iter().map(String::as_str));
    let mut stage = Stage::new().await;
    stage.network.lock().rooms = addresses.map(room).collect();
    stage.config.invites.max = rooms + 1;
    stage.log_in().await;
    let bob = person("bob");
    let login = NewLogin {
        mxid: BOB.to_owned(),
        person_id: bob.id.to_string(),
        username: bob.username,
        display_name: bob.display_name,
        credentials: "token".to_owned().into(),
        now: stage.now(),
    };
    stage.store.put_login(&login).await.unwrap();
    stage.start().await;
    let mut entered = Vec::new();
    for address in hers {
        let portal = stage.enter(&address).await;
        entered.push((address, portal));
    }
    let invited = async || {
        his_portal(&stage)
            .await
            .is_some_and(|it| it.state == PortalState::Invited)
    };
    stage.until("he is invited", invited).await;
    let his = his_portal(&stage).await.and_then(|it| it.room_id).unwrap();
    let his = OwnedRoomId::try_from(his).unwrap();
    let joins = json!({"membership": "join"});
    stage
        .happens(&his, BOB, "m.room.member", Some(BOB), joins)
        .await;
    let opened = async || his_portal(&stage).await.is_some_and(|it| it.opened);
    stage.until("his room is opened", opened).await;
    stage.quiet().await;
    (stage, entered, his)
}

async fn his_portal(stage: &Stage) -> Option<Portal> {
    stage.store.portal_of(BOB, "room-org/his").await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_busy_user_does_not_delay_another_one_to_the_network() {
    let (mut stage, hers, his) = two_users(18).await;
    let mut events = Vec::new();
    for (_, portal) in &hers {
        events.extend(writes(
            &stage,
            portal,
            (0..5).map(|number| number.to_string()),
        ));
    }
    let hello = json!({"msgtype": "m.text", "body": "hello"});
    let bob = OwnedUserId::try_from(BOB).unwrap();
    let now = stage.now();
    events.push(
        stage
            .homeserver
            .lock()
            .append(&his, &bob, "m.room.message", None, hello, now),
    );
    stage.push(events).await;
    let arrived = async || !stage.network.transcript("org/his").is_empty();
    stage.until("it arrives", arrived).await;
    let before = stage.network.lock().posts;
    assert!(before < hers.len(), "{before} others went first");
}

#[tokio::test(start_paused = true)]
async fn a_busy_user_does_not_delay_another_one_to_matrix() {
    const EACH: usize = 5;
    let (stage, hers, his) = two_users(48).await;
    stage.homeserver.lock().stuck = Some("send");
    for number in 0..EACH {
        for (address, _) in &hers {
            stage.network.says("carol", address, &number.to_string());
        }
    }
    // His connection is another one, and would be first.
    let waiting = i64::try_from(EACH * hers.len()).unwrap();
    let flooded = async || {
        let counts = stage.store.count_items(ALICE).await.unwrap();
        counts.waiting + counts.attempting == waiting
    };
    stage.until("all of hers are accepted", flooded).await;
    let hello = stage.network.says("carol", "org/his", "hello").id;
    let accepted = async || {
        let portal = his_portal(&stage).await;
        portal.is_some_and(|it| it.cursor.as_deref() == Some(hello.as_str()))
    };
    stage.until("his is accepted", accepted).await;
    stage.homeserver.lock().stuck = None;
    stage
        .until("it arrives", async || !stage.transcript(&his).is_empty())
        .await;
    let shown = hers
        .iter()
        .map(|(_, portal)| stage.transcript(portal).len());
    let before: usize = shown.sum();
    assert!(before < hers.len(), "{before} others went first");
}
