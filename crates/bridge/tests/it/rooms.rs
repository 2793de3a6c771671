//! What becomes of rooms: changed, lost, deleted, replaced, on either side.

use remote::{Event, Person, Room, RoomKind, Standing};
use ruma::{OwnedRoomId, RoomId};
use serde_json::{Value, json};
use store::PortalState;

use stage::{
    ALICE, Stage,
    homeserver::BOT,
    network,
    talk::{invites_bot, management_room, said},
};

fn state(stage: &Stage, room: &RoomId, kind: &str, key: &str) -> Value {
    let homeserver = stage.homeserver.lock();
    homeserver.rooms[room]
        .state
        .get(&(kind.to_owned(), key.to_owned()))
        .cloned()
        .unwrap_or_default()
}

/// Alice, who may change her room on the network or not, changes it on Matrix.
async fn changes(stage: &mut Stage, room: &RoomId, kind: &str, content: Value) {
    stage.happens(room, ALICE, kind, Some(""), content).await;
    stage.quiet().await;
}

fn requests(stage: &Stage, name: &str) -> usize {
    let homeserver = stage.homeserver.lock();
    homeserver.requests.iter().filter(|it| **it == name).count()
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_handed_on_where_the_network_lets_him() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().rooms[0].standing = Standing::Admin;
    stage.homeserver.lock().requests.clear();
    changes(&mut stage, &room, "m.room.topic", json!({"topic": "Tea"})).await;
    assert_eq!(stage.network.lock().rooms[0].topic.as_deref(), Some("Tea"));
    // The network says so, too.
    stage
        .network
        .tell(Event::RoomChanged(network::room("org/one").id));
    stage.quiet().await;
    assert_eq!(requests(&stage, "set_state"), 0, "it stands there already");
    // What the network made of it is shown.
    let untidy = json!({"topic": " Coffee "});
    changes(&mut stage, &room, "m.room.topic", untidy).await;
    assert_eq!(state(&stage, &room, "m.room.topic", "")["topic"], "Coffee");
    changes(&mut stage, &room, "m.room.topic", json!({})).await;
    assert_eq!(stage.network.lock().rooms[0].topic, None);
    assert!(said(&stage, &room).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_he_may_not_change_is_put_back_with_a_word_why() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    for (kind, content, before) in [
        (
            "m.room.topic",
            json!({"topic": "Tea"}),
            json!({"topic": "About org/one"}),
        ),
        (
            "m.room.name",
            json!({"name": "Mine"}),
            json!({"name": "org/one"}),
        ),
        ("m.room.avatar", json!({"url": "mxc://x/y"}), json!({})),
    ] {
        changes(&mut stage, &room, kind, content).await;
        assert_eq!(state(&stage, &room, kind, ""), before, "{kind}");
    }
    assert_eq!(
        said(&stage, &room),
        [
            "I have put back the topic of this room, which follows Test: only admins may do this on Test.",
            "I have put back the name of this room, which follows Test: Test's rooms keep their names.",
            "I have put back the picture of this room, which follows Test: pictures of rooms cannot be changed from here.",
        ]
    );
    // Somebody with power over the homeserver.
    let topic = json!({"topic": "Order!"});
    stage
        .happens(&room, "@admin:example.org", "m.room.topic", Some(""), topic)
        .await;
    stage.quiet().await;
    assert_eq!(
        state(&stage, &room, "m.room.topic", "")["topic"],
        "About org/one"
    );
    assert!(
        said(&stage, &room)
            .pop()
            .unwrap()
            .ends_with("the room belongs to @alice:example.org.")
    );
}

#[tokio::test(start_paused = true)]
async fn what_changed_while_nobody_listened_is_seen_at_the_start() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let bot = invites_bot(&mut stage, ALICE, &[]).await;
    stage.kill().await;
    {
        let mut network = stage.network.lock();
        "org/renamed".clone_into(&mut network.rooms[0].name);
        "org/renamed".clone_into(&mut network.rooms[0].address);
        network.rooms[0].topic = Some("New".to_owned());
    }
    stage.start().await;
    stage.quiet().await;
    assert_eq!(
        state(&stage, &room, "m.room.name", "")["name"],
        "org/renamed"
    );
    assert_eq!(state(&stage, &room, "m.room.topic", "")["topic"], "New");
    let portal = stage.portal("org/one").await;
    assert_eq!(portal.shown.address, "org/renamed");
    let space = stage.store.user(ALICE).await.unwrap().unwrap().space;
    let space = OwnedRoomId::try_from(space.unwrap()).unwrap();
    assert_eq!(
        state(&stage, &space, "m.space.child", room.as_str())["order"],
        "org/renamed"
    );
    assert!(stage.portal("org/one").await.in_space);
    assert_eq!(management_room(&stage).await.unwrap(), bot.as_str());
}

#[tokio::test(start_paused = true)]
async fn a_conversation_of_two_is_called_after_the_other_one() {
    let mut stage = Stage::new().await;
    let other = network::person("bob");
    let chat = Room {
        kind: RoomKind::OneToOne,
        name: "BOB".to_owned(),
        other: Some(other.clone()),
        ..network::room("@bob")
    };
    stage.network.lock().rooms = vec![chat];
    stage.log_in().await;
    stage.start().await;
    let room = stage.enter("@bob").await;
    let renamed = Person {
        display_name: "Bobby".to_owned(),
        ..other
    };
    {
        let mut network = stage.network.lock();
        "Bobby".clone_into(&mut network.rooms[0].name);
        network.rooms[0].other = Some(renamed.clone());
    }
    stage.network.tell(Event::Person(renamed));
    stage.quiet().await;
    assert_eq!(state(&stage, &room, "m.room.name", "")["name"], "Bobby");
}

/// How a room is lost.
type Way = fn(&mut network::State);

/// Alice talks with the bot, is in a room, and loses it.
async fn loses(stage: &mut Stage, how: impl FnOnce(&mut network::State), away: bool) {
    if away {
        stage.kill().await;
    }
    how(&mut stage.network.lock());
    if away {
        stage.start().await;
    } else {
        let id = network::room("org/one").id;
        stage.network.tell(Event::RoomRemoved(id));
    }
    stage.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn who_loses_a_room_is_told_how_also_after_a_while_away() {
    let close = |state: &mut network::State| state.closed.push(network::room("org/one").id);
    let leave = |state: &mut network::State| state.left.push(network::room("org/one").id);
    let cases: [(&str, RoomKind, Way); 3] = [
        ("You were banned from", RoomKind::Public, close),
        ("You were removed from", RoomKind::Private, close),
        ("You are no longer in", RoomKind::Public, leave),
    ];
    for (words, kind, how) in cases {
        for away in [false, true] {
            let mut stage = Stage::new().await;
            stage.network.lock().rooms = vec![Room {
                kind,
                ..network::room("org/one")
            }];
            stage.log_in().await;
            stage.start().await;
            let room = stage.enter("org/one").await;
            let talk = invites_bot(&mut stage, ALICE, &[]).await;
            loses(&mut stage, how, away).await;
            assert_eq!(
                state(&stage, &room, "m.room.member", ALICE),
                json!({"membership": "leave", "reason": format!("{words} org/one on Test")}),
                "{away}"
            );
            assert_eq!(
                said(&stage, &talk).pop().unwrap(),
                format!("{words} org/one on Test, so I have taken you out of its room here.")
            );
            assert_eq!(stage.portal("org/one").await.state, PortalState::Gone);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_room_becomes_an_archive() {
    for away in [false, true] {
        let (mut stage, room) = Stage::in_room("org/one").await;
        stage.network.says("bob", "org/one", "remember this");
        stage.quiet().await;
        loses(&mut stage, |state| state.rooms.clear(), away).await;
        assert_eq!(
            state(&stage, &room, "m.room.member", ALICE)["membership"],
            "join"
        );
        let words = said(&stage, &room);
        assert!(
            words.len() == 1 && words[0].starts_with("org/one was deleted on Test."),
            "{words:?}"
        );
        assert_eq!(
            state(&stage, &room, "m.room.power_levels", "")["events_default"],
            100
        );
        let portal = stage.portal("org/one").await;
        assert_eq!((portal.state, portal.in_space), (PortalState::Gone, false));
        stage.restart().await;
        stage.quiet().await;
        assert_eq!(said(&stage, &room).len(), 1, "once");

        stage.member(&room, "leave").await;
        stage.quiet().await;
        assert_eq!(
            state(&stage, &room, "m.room.member", BOT)["membership"],
            "leave"
        );
        assert_eq!(stage.portal("org/one").await.room_id, None);
    }
}

/// A room that replaces another one, made by an admin who lets the bot in and gives it this level.
pub(crate) fn replacement(
    stage: &Stage,
    follows: &RoomId,
    level: i64,
    people: &[&str],
) -> OwnedRoomId {
    let mut homeserver = stage.homeserver.lock();
    let room = OwnedRoomId::try_from(format!("!new{}", homeserver.rooms.len())).unwrap();
    homeserver
        .rooms
        .insert(room.clone(), stage::homeserver::Room::default());
    let admin = "@admin:example.org".try_into().unwrap();
    let create = json!({"room_version": "11", "predecessor": {"room_id": follows}});
    let levels = json!({"users": {BOT: level}, "state_default": 100, "invite": 100});
    for (kind, content) in [("m.room.create", create), ("m.room.power_levels", levels)] {
        homeserver.append(&room, admin, kind, Some(""), content, 0);
    }
    for (user, membership) in [(BOT, "invite")]
        .into_iter()
        .chain(people.iter().map(|user| (*user, "join")))
    {
        let content = json!({"membership": membership});
        let sender = user.try_into().unwrap();
        homeserver.append(&room, sender, "m.room.member", Some(user), content, 0);
    }
    room
}

async fn upgrades(stage: &mut Stage, room: &RoomId, replacement: &RoomId, by: &str) {
    let tombstone = json!({"body": "moved", "replacement_room": replacement});
    stage
        .happens(room, by, "m.room.tombstone", Some(""), tombstone)
        .await;
    stage.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_replaced_room_is_followed() {
    for (by, there) in [
        ("@admin:example.org", &[ALICE][..]),
        ("@admin:example.org", &[]),
        (BOT, &[]),
    ] {
        let (mut stage, room) = Stage::in_room("org/one").await;
        stage.network.says("bob", "org/one", "before");
        stage.shows(&room, &["gitter_id-bob: before"]).await;
        let new = replacement(&stage, &room, 100, there);
        upgrades(&mut stage, &room, &new, by).await;
        let portal = stage.portal("org/one").await;
        assert_eq!(portal.room_id.as_deref(), Some(new.as_str()));
        if there.is_empty() {
            assert_eq!(stage.enter("org/one").await, new);
        }
        stage.network.says("bob", "org/one", "after");
        stage.shows(&new, &["gitter_id-bob: after"]).await;
        stage.writes(&new, "me too").await;
        stage.quiet().await;
        assert_eq!(
            stage.network.transcript("org/one"),
            ["bob: before", "bob: after", "alice: me too"]
        );
        assert_eq!(stage.transcript(&room).len(), 1, "nothing comes twice");
        assert!(stage.portal("org/one").await.in_space);
    }
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_does_not_fit_is_replaced_by_one_of_ours() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let powerless = replacement(&stage, &room, 0, &[ALICE]);
    upgrades(&mut stage, &room, &powerless, "@admin:example.org").await;
    let ours = stage.enter("org/one").await;
    assert!(ours != room && ours != powerless);
    stage.network.says("bob", "org/one", "here");
    stage.shows(&ours, &["gitter_id-bob: here"]).await;

    let elsewhere = OwnedRoomId::try_from("!elsewhere").unwrap();
    let unrelated = replacement(&stage, &elsewhere, 100, &[ALICE]);
    upgrades(&mut stage, &ours, &unrelated, "@admin:example.org").await;
    let portal = stage.portal("org/one").await;
    assert_ne!(portal.room_id.as_deref(), Some(unrelated.as_str()));
    // To itself, and to nowhere.
    let again = stage.enter("org/one").await;
    for odd in [
        json!({"replacement_room": again}),
        json!({"replacement_room": 7}),
        json!({}),
    ] {
        stage
            .happens(
                &again,
                "@admin:example.org",
                "m.room.tombstone",
                Some(""),
                odd,
            )
            .await;
    }
    stage.quiet().await;
    let last = stage.portal("org/one").await;
    assert!(last.room_id.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_replaced_management_room_is_followed() {
    let (mut stage, _) = Stage::in_room("org/one").await;
    let talk = invites_bot(&mut stage, ALICE, &[]).await;
    let new = replacement(&stage, &talk, 0, &[ALICE]);
    upgrades(&mut stage, &talk, &new, ALICE).await;
    assert_eq!(management_room(&stage).await.unwrap(), new.as_str());
    assert_eq!(said(&stage, &new).len(), 1, "it greets");
    // An invite into it, which clients send, too, changes nothing.
    upgrades(&mut stage, &talk, &new, ALICE).await;
    assert_eq!(management_room(&stage).await.unwrap(), new.as_str());
}

#[tokio::test(start_paused = true)]
async fn a_replaced_space_is_followed() {
    for (level, puppets) in [(100, false), (100, true), (0, false)] {
        let mut stage = Stage::new().await;
        if puppets {
            stage.config.double_puppet = bridge::config::DoublePuppet::On;
            stage.homeserver.lock().puppets = true;
        }
        stage.network.lock().rooms = vec![network::room("org/one"), network::room("org/two")];
        stage.log_in().await;
        stage.start().await;
        stage
            .until("her rooms are listed", async || {
                let portals = stage.store.portals_of(ALICE).await.unwrap();
                portals.iter().filter(|portal| portal.in_space).count() == 2
            })
            .await;
        let space = async |stage: &Stage| {
            let user = stage.store.user(ALICE).await.unwrap().unwrap();
            OwnedRoomId::try_from(user.space.unwrap()).unwrap()
        };
        let old = space(&stage).await;
        let new = replacement(&stage, &old, level, &[]);
        upgrades(&mut stage, &old, &new, "@admin:example.org").await;
        stage.wait(std::time::Duration::from_secs(10)).await;
        let now = space(&stage).await;
        assert_eq!(
            now == new,
            level == 100,
            "a powerless one is replaced by ours"
        );
        assert_ne!(now, old);
        for address in ["org/one", "org/two"] {
            let portal = stage.portal(address).await;
            assert!(portal.in_space);
            let child = state(&stage, &now, "m.space.child", &portal.room_id.unwrap());
            assert_eq!(child["via"][0], "example.org");
        }
        let expected = if puppets { "join" } else { "invite" };
        assert_eq!(
            state(&stage, &now, "m.room.member", ALICE)["membership"],
            expected
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_happens_is_told_once_in_the_room() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let ban = Event::Happened {
        room: network::room("org/one").id,
        id: "7".to_owned(),
        text: "@bob banned @mallory".to_owned(),
    };
    stage.network.tell(ban.clone());
    stage.network.tell(ban.clone());
    stage.quiet().await;
    stage.network.tell(ban.clone());
    stage.quiet().await;
    assert_eq!(said(&stage, &room), ["@bob banned @mallory"]);
    stage.member(&room, "leave").await;
    stage.quiet().await;
    stage.network.tell(ban);
    stage.quiet().await;
    assert_eq!(said(&stage, &room).len(), 1, "nobody is there");
}
