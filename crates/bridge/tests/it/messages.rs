//! Messages both ways.

use remote::{Event, MessageKind};
use serde_json::json;

use stage::{ALICE, START, Stage, homeserver::BOT, network::person};

#[tokio::test(start_paused = true)]
async fn both_ways() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.writes(&room, "hello").await;
    stage
        .until("it arrives", async || {
            stage.network.transcript("org/one") == ["alice: hello"]
        })
        .await;
    let answer = stage.network.says("bob", "org/one", "hi alice");
    stage
        .shows(&room, &["alice: hello", "gitter_id-bob: hi alice"])
        .await;
    stage.quiet().await;
    assert_eq!(
        stage.transcript(&room).len(),
        2,
        "the echo of her own message is not shown again"
    );

    let shown = stage.homeserver.lock().rooms[&room]
        .timeline
        .last()
        .unwrap()
        .clone();
    assert_eq!(shown.ts, answer.sent_at);
    assert_eq!(
        shown.content,
        json!({
            "msgtype": "m.text",
            "body": "hi alice",
            "m.mentions": {},
            "example.test.message": {"id": answer.id, "room": answer.room},
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_costs_one_request_in_the_steady_state() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "first");
    stage.shows(&room, &["gitter_id-bob: first"]).await;
    stage.quiet().await;
    stage.homeserver.lock().requests.clear();
    for number in 0..5 {
        stage.network.says("bob", "org/one", &number.to_string());
    }
    stage.quiet().await;
    assert_eq!(stage.homeserver.lock().requests, ["send"; 5]);
}

#[tokio::test(start_paused = true)]
async fn order_holds_in_a_flood() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    for number in 0..30 {
        stage.writes(&room, &format!("mine {number}")).await;
        stage
            .network
            .says("bob", "org/one", &format!("his {number}"));
    }
    stage.quiet().await;
    let ours: Vec<_> = stage
        .network
        .transcript("org/one")
        .into_iter()
        .filter(|line| line.starts_with("alice"))
        .collect();
    assert_eq!(
        ours,
        (0..30)
            .map(|number| format!("alice: mine {number}"))
            .collect::<Vec<_>>()
    );
    let his: Vec<_> = stage
        .transcript(&room)
        .into_iter()
        .filter(|line| line.starts_with("gitter"))
        .collect();
    assert_eq!(
        his,
        (0..30)
            .map(|number| format!("gitter_id-bob: his {number}"))
            .collect::<Vec<_>>()
    );
}

#[tokio::test(start_paused = true)]
async fn the_users_own_messages_from_elsewhere_come_from_his_own_ghost() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.says("alice", "org/one", "from the web");
    stage.shows(&room, &["gitter_id-alice: from the web"]).await;
    // Also while something of hers is on its way.
    stage.writes(&room, "from matrix").await;
    stage.network.says("alice", "org/one", "from the web too");
    stage.quiet().await;
    assert_eq!(
        stage.transcript(&room),
        [
            "gitter_id-alice: from the web",
            "alice: from matrix",
            "gitter_id-alice: from the web too"
        ]
    );
    assert_eq!(
        stage.network.lock().posts,
        2,
        "`from matrix` takes two parts of ten characters"
    );
}

#[tokio::test(start_paused = true)]
async fn a_long_message_becomes_several_and_none_of_them_comes_back() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.writes(&room, "0123456789abcdefghijABCDEFGHIJ!").await;
    stage.quiet().await;
    assert_eq!(
        stage.network.transcript("org/one"),
        [
            "alice: 0123456789",
            "alice: abcdefghij",
            "alice: ABCDEFGHIJ",
            "alice: !"
        ]
    );
    assert_eq!(stage.transcript(&room).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_twice_crosses_once() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "once").await;
    stage.push(vec![event.clone(), event.clone()]).await;
    stage.quiet().await;
    stage.push(vec![event]).await;
    stage.quiet().await;
    assert_eq!(stage.network.transcript("org/one"), ["alice: once"]);
}

#[tokio::test(start_paused = true)]
async fn pills_and_formatting_cross_both_ways() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "here");
    stage.quiet().await;
    let content = json!({
        "msgtype": "m.emote",
        "body": "hi BOB (Test)",
        "format": "org.matrix.custom.html",
        "formatted_body": "hi <a href=\"https://matrix.to/#/@gitter_id-bob:example.org\">BOB (Test)</a>",
        "m.mentions": {"user_ids": ["@gitter_id-bob:example.org"]},
    });
    stage
        .happens(&room, ALICE, "m.room.message", None, content)
        .await;
    stage.quiet().await;
    let last = stage.network.lock().messages.last().unwrap().clone();
    assert_eq!(last.kind, MessageKind::Emote);
    assert_eq!(
        stage.network.transcript("org/one").last().unwrap(),
        "alice: hi @bob"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_cross_is_answered_and_storms_are_answered_once() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let media =
        json!({"msgtype": "m.image", "body": "cat.png", "file": {"url": "mxc://example.org/cat"}});
    let picture = stage
        .happens(&room, ALICE, "m.room.message", None, media)
        .await;
    stage.quiet().await;
    for _ in 0..20 {
        stage
            .happens(&room, ALICE, "m.reaction", None, json!({}))
            .await;
    }
    stage.quiet().await;
    let notices: Vec<_> = {
        let homeserver = stage.homeserver.lock();
        let timeline = &homeserver.rooms[&room].timeline;
        timeline
            .iter()
            .filter(|event| event.sender == BOT && event.kind == "m.room.message")
            .cloned()
            .collect()
    };
    assert_eq!(notices.len(), 2);
    assert_eq!(notices[0].content["msgtype"], "m.notice");
    assert_eq!(
        notices[0].content["body"],
        "Encrypted pictures and files are not delivered to Test, since the bridge cannot read them."
    );
    assert_eq!(
        notices[0].content["m.relates_to"]["m.in_reply_to"]["event_id"],
        picture.event_id.as_str()
    );
    assert_eq!(
        notices[1].content["body"],
        "Test knows no reactions; nobody there sees yours."
    );
    assert!(stage.network.transcript("org/one").is_empty());
}

#[tokio::test(start_paused = true)]
async fn strangers_in_a_portal_do_not_speak_as_its_user() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    for _ in 0..2 {
        let content = json!({"msgtype": "m.text", "body": "I am Alice"});
        stage
            .happens(
                &room,
                "@mallory:example.org",
                "m.room.message",
                None,
                content,
            )
            .await;
    }
    stage.quiet().await;
    assert!(stage.network.transcript("org/one").is_empty());
    let said: Vec<_> = stage
        .transcript(&room)
        .into_iter()
        .filter(|line| line.starts_with("gitter:"))
        .collect();
    assert_eq!(
        said,
        [
            "gitter: What @mallory:example.org writes here does not reach Test: this room belongs to @alice:example.org."
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn profiles_are_written_when_they_change() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "one");
    stage.quiet().await;
    assert_eq!(stage.network.lock().fetched, 1, "a picture is fetched once");
    let mut bob = person("bob");
    bob.display_name = "Robert".to_owned();
    stage.network.tell(Event::Person(bob));
    stage.quiet().await;
    let homeserver = stage.homeserver.lock();
    let ghost = homeserver
        .users
        .get(<&ruma::UserId>::try_from("@gitter_id-bob:example.org").unwrap())
        .unwrap();
    assert_eq!(ghost.display_name.as_deref(), Some("Robert (Test)"));
    assert!(ghost.avatar.is_some());
    let join = &homeserver.rooms[&room].state[&(
        "m.room.member".to_owned(),
        "@gitter_id-bob:example.org".to_owned(),
    )];
    assert_eq!(
        (join["membership"].as_str(), join["displayname"].as_str()),
        (Some("join"), Some("BOB (Test)"))
    );
    assert_eq!(
        homeserver
            .requests
            .iter()
            .filter(|request| **request == "upload")
            .count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn who_leaves_there_leaves_here() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "bye");
    stage.quiet().await;
    let message = stage.network.lock().messages[0].clone();
    stage.network.tell(Event::Left {
        room: message.room,
        person: person("bob").id,
    });
    stage.quiet().await;
    assert!(
        !stage.homeserver.lock().rooms[&room]
            .joined()
            .contains("@gitter_id-bob:example.org")
    );
    stage.network.says("bob", "org/one", "back");
    stage
        .shows(&room, &["gitter_id-bob: bye", "gitter_id-bob: back"])
        .await;
    assert!(stage.now() > START);
}

#[tokio::test(start_paused = true)]
async fn who_left_while_nobody_listened_leaves_here() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    for name in ["bob", "carol", "dave"] {
        stage.network.says(name, "org/one", "hi");
    }
    stage.quiet().await;
    let is_there = |stage: &Stage, name: &str| {
        stage.homeserver.lock().rooms[&room]
            .joined()
            .contains(&format!("@gitter_id-{name}:example.org"))
    };
    let member = |name: &str| remote::Member {
        person: person(name),
        admin: false,
    };
    // Alice and Carol are left, and Carol was heard while nobody listened.
    stage.kill().await;
    stage.network.lock().members = vec![member("alice"), member("carol")];
    stage.network.says("carol", "org/one", "they are gone");
    stage.start().await;
    stage
        .until("they are gone here, too", async || {
            !is_there(&stage, "bob") && !is_there(&stage, "dave")
        })
        .await;
    assert!(is_there(&stage, "carol"));
    // Not each time, and not where nothing was missed.
    stage.network.says("bob", "org/one", "back");
    stage.quiet().await;
    stage.kill().await;
    stage.network.says("carol", "org/one", "more");
    stage.start().await;
    stage.quiet().await;
    stage.wait(std::time::Duration::from_secs(10)).await;
    assert!(is_there(&stage, "bob"));
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_goes_and_comes_again_while_the_lane_waits_is_there() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.homeserver.lock().stuck = Some("set_state");
    let there = remote::RoomId::from(stage.portal("org/one").await.remote_room.as_str());
    let carol = person("carol");
    let comes = Event::Joined {
        room: there.clone(),
        person: carol.clone(),
    };
    stage.network.tell(comes.clone());
    stage
        .until("the lane is at it", async || {
            stage.store.count_items(ALICE).await.unwrap().waiting == 1
        })
        .await;
    let goes = Event::Left {
        room: there,
        person: carol.id,
    };
    stage.network.tell(goes);
    stage.network.tell(comes);
    stage
        .until("all three wait", async || {
            stage.store.count_items(ALICE).await.unwrap().waiting == 3
        })
        .await;
    stage.homeserver.lock().stuck = None;
    stage.quiet().await;
    assert!(
        stage.homeserver.lock().rooms[&room]
            .joined()
            .contains("@gitter_id-carol:example.org")
    );
}

/// A machine's words are no message of the user's, unless the admin says so; and nobody is told of them.
#[tokio::test(start_paused = true)]
async fn notices_stay_unless_the_admin_lets_them_cross() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let notice = json!({"msgtype": "m.notice", "body": "beep"});
    for relay in [false, true] {
        stage.config.relay_notices = relay;
        stage.restart().await;
        stage
            .happens(&room, ALICE, "m.room.message", None, notice.clone())
            .await;
        stage.quiet().await;
        let said = stage.network.transcript("org/one");
        assert_eq!(said, ["alice: beep"][usize::from(!relay)..]);
    }
    let shown = stage.transcript(&room);
    assert_eq!(shown, ["alice: beep", "alice: beep"]);
}

/// Who is called by name is called by his exact username there, whatever a client makes of it.
#[tokio::test(start_paused = true)]
async fn people_are_called_by_name_in_plain_text() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "hi");
    stage.shows(&room, &["gitter_id-bob: hi"]).await;
    // His display name is `BOB`.
    let ghost = "@gitter_id-bob:example.org";
    let named = json!({"user_ids": [ghost]});
    for (body, mentions, expected) in [
        // A client which completes names and says whom it means.
        ("BOB (Test): a", named.clone(), "@bob: a"),
        ("BOB: b", named.clone(), "@bob: b"),
        ("so BOB (Test) c", named.clone(), "so @bob c"),
        ("so BOB d", named.clone(), "so BOB d"),
        ("so @BOB e", named, "so @bob e"),
        // One that does not say.
        ("BOB: f", json!(null), "@bob: f"),
        ("so BOB: g", json!(null), "so BOB: g"),
        // Not meant.
        ("BOB: h", json!({}), "BOB: h"),
        // By id or username.
        ("@gitter_id-bob:example.org i", json!({}), "@bob i"),
        // The user himself, and somebody who is nobody there.
        ("@alice:example.org j", json!({}), "@alice j"),
        ("@x:y.z k", json!({"user_ids": ["@x:y.z"]}), "@x:y.z k"),
    ] {
        let before = stage.network.transcript("org/one").len();
        let mut content = json!({"msgtype": "m.text", "body": body});
        if !mentions.is_null() {
            content["m.mentions"] = mentions;
        }
        stage
            .happens(&room, ALICE, "m.room.message", None, content)
            .await;
        stage.quiet().await;
        // The network takes ten characters a message.
        let said: String = stage.network.transcript("org/one")[before..]
            .iter()
            .map(|line| line.strip_prefix("alice: ").unwrap_or(line))
            .collect();
        assert_eq!(said, expected, "{body}");
    }
}
