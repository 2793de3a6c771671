//! Portals: made, entered, left, brought back.

use std::time::Duration;

use remote::{Event, Member};
use ruma::RoomId;
use serde_json::{Value, json};
use store::PortalState;

use stage::{ALICE, Stage, homeserver::BOT, network};

fn state_of(stage: &Stage, room: &RoomId, kind: &str, key: &str) -> Value {
    stage.homeserver.lock().rooms[room].state[&(kind.to_owned(), key.to_owned())].clone()
}

fn state(stage: &Stage, room: &RoomId, kind: &str) -> Option<Value> {
    let homeserver = stage.homeserver.lock();
    homeserver.rooms[room]
        .state
        .iter()
        .find(|((known, _), _)| known == kind)
        .map(|(_, content)| content.clone())
}

#[tokio::test(start_paused = true)]
async fn an_invite_costs_one_small_room() {
    let stage = Stage::with_rooms(&["org/one"]).await;
    stage.network.says("bob", "org/one", "before");
    stage.network.lock().members = vec![Member {
        person: network::person("carol"),
        admin: false,
    }];
    stage
        .until("she is invited", async || {
            stage
                .homeserver
                .lock()
                .requests
                .iter()
                .filter(|it| **it == "invite")
                .count()
                == 2
        })
        .await;
    stage.quiet().await;
    stage.network.says("bob", "org/one", "meanwhile");
    let portal = stage.portal("org/one").await;
    let id = remote::RoomId::from(portal.remote_room.as_str());
    let (carol, dave) = (network::person("carol"), network::person("dave"));
    for event in [
        Event::Joined {
            room: id.clone(),
            person: dave,
        },
        Event::Left {
            room: id,
            person: carol.id,
        },
    ] {
        stage.network.tell(event);
    }
    stage.quiet().await;
    let queue = stage.store.count_items(ALICE).await.unwrap();
    assert_eq!(queue.waiting, 0, "who comes and goes does not matter yet");
    let portal = stage.portal("org/one").await;
    assert_eq!(
        (portal.state, portal.in_space),
        (PortalState::Invited, true)
    );
    let room = ruma::OwnedRoomId::try_from(portal.room_id.unwrap()).unwrap();
    let homeserver = stage.homeserver.lock();
    assert!(
        !homeserver.requests.contains(&"send")
            && !homeserver
                .users
                .keys()
                .any(|user| user.localpart().contains('_'))
    );
    let new = &homeserver.rooms[&room].new;
    insta::assert_json_snapshot!(json!({
        "name": new.name, "topic": new.topic, "federate": new.federate, "is_direct": new.is_direct, "invite": new.invite,
        "power_levels": new.power_levels,
        "state": new.initial_state.iter().map(|it| json!({"kind": it.kind, "key": it.key, "content": it.content})).collect::<Vec<_>>(),
    }));
    let space = homeserver
        .rooms
        .values()
        .find(|room| room.new.room_type.as_deref() == Some("m.space"))
        .unwrap();
    assert!(
        space
            .state
            .contains_key(&("m.space.child".to_owned(), room.to_string()))
    );
}

#[tokio::test(start_paused = true)]
async fn history_and_members_come_when_the_user_enters() {
    let mut stage = Stage::with_rooms(&["org/one"]).await;
    let mut times = Vec::new();
    for number in 0..8 {
        stage.wait(Duration::from_mins(1)).await;
        times.push(
            stage
                .network
                .says(
                    if number % 2 == 0 { "bob" } else { "alice" },
                    "org/one",
                    &number.to_string(),
                )
                .sent_at,
        );
    }
    stage.network.lock().members = ["alice", "bob", "carol", "dave", "erin"]
        .map(|name| Member {
            person: network::person(name),
            admin: false,
        })
        .to_vec();
    let room = stage.enter("org/one").await;
    stage
        .shows(
            &room,
            &[
                "gitter_id-alice: 3",
                "gitter_id-bob: 4",
                "gitter_id-alice: 5",
                "gitter_id-bob: 6",
                "gitter_id-alice: 7",
            ],
        )
        .await;
    stage.quiet().await;
    let homeserver = stage.homeserver.lock();
    let room = &homeserver.rooms[&room];
    let shown: Vec<_> = room
        .timeline
        .iter()
        .filter(|event| event.kind == "m.room.message")
        .map(|event| event.ts)
        .collect();
    assert_eq!(shown, times[3..]);
    let join = room
        .timeline
        .iter()
        .find(|event| event.state_key.as_deref() == Some("@gitter_id-alice:example.org"))
        .unwrap();
    assert_eq!(
        join.ts, times[3],
        "who speaks in the history came before it"
    );
    let joined: Vec<_> = room.joined().into_iter().collect();
    assert_eq!(
        joined,
        [
            ALICE,
            "@gitter:example.org",
            "@gitter_id-alice:example.org",
            "@gitter_id-bob:example.org",
            "@gitter_id-carol:example.org"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_said_while_history_is_read_comes_after_it() {
    let mut stage = Stage::with_rooms(&["org/one"]).await;
    for number in 0..3 {
        stage.network.says("bob", "org/one", &number.to_string());
    }
    stage
        .until("she is invited", async || {
            stage
                .homeserver
                .lock()
                .requests
                .iter()
                .filter(|it| **it == "invite")
                .count()
                == 2
        })
        .await;
    let room = ruma::OwnedRoomId::try_from(stage.portal("org/one").await.room_id.unwrap()).unwrap();
    stage.member(&room, "join").await;
    for number in 3..6 {
        stage.network.says("bob", "org/one", &number.to_string());
        stage.wait(Duration::from_millis(10)).await;
    }
    stage.quiet().await;
    let shown = stage.transcript(&room);
    let expected: Vec<_> = (0..6)
        .map(|number| format!("gitter_id-bob: {number}"))
        .collect();
    assert_eq!(shown[..], expected[6 - shown.len()..]);
    assert!(shown.len() >= 5, "{shown:?}");
}

#[tokio::test(start_paused = true)]
async fn leaving_ends_it_and_an_invite_brings_it_back_with_what_was_missed() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "one");
    stage.shows(&room, &["gitter_id-bob: one"]).await;
    stage.member(&room, "leave").await;
    stage
        .until("it is left", async || {
            stage.portal("org/one").await.state == PortalState::Left
        })
        .await;
    stage.network.says("bob", "org/one", "two");
    stage.quiet().await;
    stage.restart().await;
    stage.quiet().await;
    assert_eq!(stage.transcript(&room).len(), 1);
    assert!(!stage.portal("org/one").await.in_space);

    let world = stage.bridge.as_ref().unwrap().world().clone();
    let portal = stage.portal("org/one").await;
    bridge::portal::invite_again(&world, &stage.login().await, &portal)
        .await
        .unwrap();
    drop(world);
    assert_eq!(stage.enter("org/one").await, room, "the same room");
    stage
        .shows(&room, &["gitter_id-bob: one", "gitter_id-bob: two"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_declined_invite_is_not_repeated() {
    let mut stage = Stage::with_rooms(&["org/one"]).await;
    stage
        .until("she is invited", async || {
            stage
                .homeserver
                .lock()
                .requests
                .iter()
                .filter(|it| **it == "invite")
                .count()
                == 2
        })
        .await;
    let room = ruma::OwnedRoomId::try_from(stage.portal("org/one").await.room_id.unwrap()).unwrap();
    stage.member(&room, "leave").await;
    stage
        .until("it is declined", async || {
            stage.portal("org/one").await.state == PortalState::Declined
        })
        .await;
    stage.homeserver.lock().requests.clear();
    stage.restart().await;
    stage.wait(Duration::from_secs(30)).await;
    assert!(!stage.homeserver.lock().requests.contains(&"invite"));
}

#[tokio::test(start_paused = true)]
async fn a_room_without_the_bot_is_replaced() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage
        .happens(
            &room,
            "@admin:example.org",
            "m.room.member",
            Some(BOT),
            json!({"membership": "leave"}),
        )
        .await;
    stage
        .until("it is forgotten", async || {
            stage.portal("org/one").await.room_id.is_none()
        })
        .await;
    let world = stage.bridge.as_ref().unwrap().world().clone();
    let portal = stage.portal("org/one").await;
    bridge::portal::invite_again(&world, &stage.login().await, &portal)
        .await
        .unwrap();
    drop(world);
    let other = stage.enter("org/one").await;
    assert_ne!(other, room);
    stage.network.says("bob", "org/one", "here now");
    stage.shows(&other, &["gitter_id-bob: here now"]).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_taken_out_is_told_why() {
    let (stage, room) = Stage::in_room("org/one").await;
    let world = stage.bridge.as_ref().unwrap().world().clone();
    bridge::portal::take_out(&world, &stage.portal("org/one").await, "because")
        .await
        .unwrap();
    assert_eq!(
        state_of(&stage, &room, "m.room.member", ALICE),
        json!({"membership": "leave", "reason": "because"})
    );
    assert_eq!(stage.portal("org/one").await.state, PortalState::Gone);
}

#[tokio::test(start_paused = true)]
async fn a_topic_of_any_length_fits_into_an_event() {
    let (stage, room) = Stage::in_room("org/one").await;
    {
        let mut network = stage.network.lock();
        // Each of these takes six bytes in JSON.
        network.rooms[0].topic = Some("\u{1}".repeat(100_000));
        network.rooms[0].name = "ü".repeat(10_000);
    }
    stage
        .network
        .tell(Event::RoomChanged(network::room("org/one").id));
    stage.quiet().await;
    for kind in ["m.room.topic", "m.room.name", "m.bridge"] {
        let content = state(&stage, &room, kind).unwrap().to_string();
        assert!(content.contains('…'), "{kind}");
        assert!(content.len() < 60_000, "{kind}");
    }
    // And it is no change to be written again and again.
    stage.homeserver.lock().requests.clear();
    stage
        .network
        .tell(Event::RoomChanged(network::room("org/one").id));
    stage.quiet().await;
    assert!(!stage.homeserver.lock().requests.contains(&"set_state"));
}

#[tokio::test(start_paused = true)]
async fn name_and_topic_follow() {
    let (stage, room) = Stage::in_room("org/one").await;
    let id = network::room("org/one").id;
    {
        let mut network = stage.network.lock();
        network.rooms[0].name = "org/renamed".to_owned();
        network.rooms[0].topic = None;
        network.rooms[0].avatar = Some(remote::Avatar {
            key: "new".to_owned(),
            url: String::new(),
        });
    }
    stage.network.tell(Event::RoomChanged(id));
    stage.quiet().await;
    assert_eq!(
        state(&stage, &room, "m.room.name").unwrap()["name"],
        "org/renamed"
    );
    assert_eq!(state(&stage, &room, "m.room.topic").unwrap()["topic"], "");
    assert!(state(&stage, &room, "m.room.avatar").unwrap()["url"].is_string());
    assert_eq!(
        state(&stage, &room, "m.bridge").unwrap()["channel"]["displayname"],
        "org/renamed"
    );
    stage.homeserver.lock().requests.clear();
    stage
        .network
        .tell(Event::RoomChanged(network::room("org/one").id));
    stage.quiet().await;
    assert!(
        stage.homeserver.lock().requests.is_empty(),
        "what did not change is not written"
    );
}

#[tokio::test(start_paused = true)]
async fn a_one_to_one_is_invited_to_as_such() {
    let mut stage = Stage::new().await;
    let mut chat = network::room("@bob");
    chat.kind = remote::RoomKind::OneToOne;
    chat.name = "BOB".to_owned();
    chat.other = Some(network::person("bob"));
    stage.network.lock().rooms = vec![chat];
    stage.log_in().await;
    stage.start().await;
    stage
        .until("she is invited", async || {
            let portal = stage.store.portal_of(ALICE, "room-@bob").await.unwrap();
            portal.is_some_and(|portal| portal.state == PortalState::Invited)
        })
        .await;
    stage.wait(Duration::from_secs(1)).await;
    let room = ruma::OwnedRoomId::try_from(stage.portal("@bob").await.room_id.unwrap()).unwrap();
    let homeserver = stage.homeserver.lock();
    let member = &homeserver.rooms[&room].state[&("m.room.member".to_owned(), ALICE.to_owned())];
    assert_eq!(*member, json!({"membership": "invite", "is_direct": true}));
    assert_eq!(homeserver.rooms[&room].new.name.as_deref(), Some("BOB"));
}
