//! What people tell the bot to do.

use bridge::config::InvitePolicy;
use bridge::permissions::{Level, Permissions};
use remote::Event;
use store::PortalState;

use stage::talk::{asks, asks_as, invites_bot, is_in, said, talking};
use stage::{ALICE, Stage, homeserver, network};

const BOB: &str = "@bob:example.org";

#[tokio::test(start_paused = true)]
async fn an_answer_whose_sending_failed_is_said_once() {
    let (mut stage, room) = talking(&[]).await;
    stage
        .homeserver
        .lock()
        .failures
        .extend([homeserver::Failure::AnswerLost, homeserver::Failure::Lost]);
    assert!(asks(&mut stage, &room, "version").await.contains("0.0.0"));
    assert_eq!(said(&stage, &room).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn commands_are_understood_kindly() {
    let (mut stage, room) = talking(&["org/room"]).await;
    assert!(
        asks(&mut stage, &room, "HELP")
            .await
            .contains("invite ROOM")
    );
    assert!(
        asks(&mut stage, &room, "help gpart")
            .await
            .contains("leaves a room on Test")
    );
    assert!(
        asks(&mut stage, &room, "lsit")
            .await
            .contains("Did you mean `list`?")
    );
    assert!(
        asks(&mut stage, &room, "!gitter version")
            .await
            .contains("0.0.0")
    );
    assert!(
        asks(&mut stage, &room, "users")
            .await
            .contains("I do not know"),
        "a command for admins"
    );
    assert!(
        asks(&mut stage, &room, "login")
            .await
            .contains("as @alice already")
    );
    assert!(
        asks(&mut stage, &room, "retry")
            .await
            .contains("nothing that failed")
    );
    assert!(
        asks(&mut stage, &room, "invite")
            .await
            .contains("which room")
    );
    let no = asks(&mut stage, &room, "invite no/where").await;
    assert!(no.contains("There is no such thing on Test."), "{no}");
}

#[tokio::test(start_paused = true)]
async fn commands_need_a_login() {
    let mut stage = Stage::new().await;
    stage.start().await;
    let room = invites_bot(&mut stage, ALICE, &[]).await;
    for command in [
        "list",
        "invite org/room",
        "invite all",
        "gjoin org/room",
        "gpart org/room",
        "sync",
    ] {
        assert!(
            asks(&mut stage, &room, command).await.contains("`login`"),
            "{command}"
        );
    }
    assert!(
        asks(&mut stage, &room, "status")
            .await
            .contains("not logged in")
    );
    assert!(
        asks(&mut stage, &room, "logout")
            .await
            .contains("You are logged out")
    );
    let answer = asks(&mut stage, &room, "login").await;
    assert!(
        answer.contains("https://bridge.example.org/login/"),
        "{answer}"
    );
}

#[tokio::test(start_paused = true)]
async fn rooms_are_listed_without_regard_to_case() {
    let (mut stage, room) = talking(&["Beta/b", "alpha/a", "@carol"]).await;
    stage.enter("Beta/b").await;
    let answer = asks(&mut stage, &room, "list").await;
    let lines: Vec<_> = answer
        .lines()
        .filter(|line| line.starts_with("- "))
        .collect();
    assert_eq!(lines, ["- @carol", "- alpha/a", "- Beta/b *"]);
}

#[tokio::test(start_paused = true)]
async fn an_invite_links_the_room() {
    let mut stage = Stage::new().await;
    stage.config.invites.policy = InvitePolicy::None;
    stage.network.lock().rooms = vec![network::room("org/room")];
    stage.log_in().await;
    stage.start().await;
    let talk = invites_bot(&mut stage, ALICE, &[]).await;
    assert!(stage.store.portals_of(ALICE).await.unwrap().is_empty());
    let answer = asks(&mut stage, &talk, "invite org/room").await;
    let room = stage.portal("org/room").await.room_id.unwrap();
    assert!(
        answer.contains(&format!("https://matrix.to/#/{room}")),
        "{answer}"
    );
    assert!(
        asks(&mut stage, &talk, "invite Org/Room")
            .await
            .contains("https://matrix.to/#/")
    );
    let room = stage.enter("org/room").await;
    assert!(
        asks(&mut stage, &talk, "invite org/room")
            .await
            .contains("already")
    );
    // Gone from Matrix, and brought back into the same room.
    stage.member(&room, "leave").await;
    stage.quiet().await;
    let answer = asks(&mut stage, &talk, "invite org/room").await;
    assert!(answer.contains(room.as_str()), "{answer}");
    stage.enter("org/room").await;
}

#[tokio::test(start_paused = true)]
async fn leaving_there_is_leaving_here() {
    let (mut stage, talk) = talking(&["org/room", "org/other"]).await;
    let room = stage.enter("org/room").await;
    assert!(
        asks(&mut stage, &talk, "gpart org/nothing")
            .await
            .contains("You are not in")
    );
    let answer = asks(&mut stage, &talk, "gpart org/room").await;
    assert!(answer.contains("Left org/room"), "{answer}");
    assert!(!is_in(&stage, &room, ALICE));
    assert!(!asks(&mut stage, &talk, "list").await.contains("org/room"));
}

#[tokio::test(start_paused = true)]
async fn leaving_there_is_said_once_and_survives_a_crash() {
    for crash in [false, true] {
        let (mut stage, talk) = talking(&["org/room", "org/other"]).await;
        let room = stage.enter("org/room").await;
        stage.homeserver.lock().stuck = Some("kick");
        stage.writes(&talk, "gpart org/room").await;
        stage
            .until("he is about to be taken out", async || {
                stage.homeserver.lock().requests.ends_with(&["kick"])
            })
            .await;
        // The network tells the same in its own way.
        let id = remote::RoomId::from(stage.portal("org/room").await.remote_room);
        stage.network.tell(Event::RoomRemoved(id));
        if crash {
            stage.kill().await;
        }
        stage.homeserver.lock().stuck = None;
        if crash {
            stage.start().await;
        }
        stage.quiet().await;
        assert!(!is_in(&stage, &room, ALICE));
        let said = said(&stage, &talk);
        if !crash {
            assert!(said.last().unwrap().contains("Left org/room"), "{said:?}");
            let no_news = !said.iter().any(|it| it.contains("no longer in"));
            assert!(no_news, "{said:?}");
        }
        assert_eq!(stage.portal("org/room").await.state, PortalState::Gone);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_a_room_hears_how_it_comes_here() {
    let (mut stage, talk) = talking(&["org/room"]).await;
    let joins = "gjoin org/room";
    let room = stage.portal("org/room").await.room_id.unwrap();
    let answer = asks(&mut stage, &talk, joins).await;
    assert!(answer.contains("You have an invite to it"), "{answer}");
    assert!(answer.contains(&room), "{answer}");
    let room = stage.enter("org/room").await;
    let answer = asks(&mut stage, &talk, joins).await;
    assert!(answer.contains("You have it here already"), "{answer}");
    stage.member(&room, "leave").await;
    stage.quiet().await;
    let answer = asks(&mut stage, &talk, joins).await;
    assert!(answer.contains("`invite org/room`"), "{answer}");
    asks(&mut stage, &talk, "gpart org/room").await;
    stage.network.lock().rooms.push(network::room("org/room"));
    let answer = asks(&mut stage, &talk, joins).await;
    assert!(answer.contains("on its way"), "{answer}");
    stage.enter("org/room").await;
}

#[tokio::test(start_paused = true)]
async fn in_a_portal_commands_have_a_prefix() {
    let (mut stage, talk) = talking(&["org/room"]).await;
    let room = stage.enter("org/room").await;
    let answer = asks(&mut stage, &room, "!gitter status").await;
    assert!(answer.contains("you have 1 room here"), "{answer}");
    assert_eq!(said(&stage, &talk).len(), 1, "answered where it was asked");
    assert!(
        asks(&mut stage, &room, "!GITTER gpart")
            .await
            .contains("Left org/room")
    );
    assert!(!is_in(&stage, &room, ALICE));
    let told = said(&stage, &talk);
    assert!(
        told.last().unwrap().contains("Left org/room"),
        "where she still reads: {told:?}"
    );
    assert!(
        stage.network.transcript("org/room").is_empty(),
        "commands do not cross"
    );
}

#[tokio::test(start_paused = true)]
async fn a_logout_in_a_portal_is_answered_where_it_can_be_read() {
    let (mut stage, talk) = talking(&["org/room"]).await;
    let room = stage.enter("org/room").await;
    let answer = asks(&mut stage, &room, "!gitter logout").await;
    assert!(answer.contains("You are logged out"), "{answer}");
    assert!(!is_in(&stage, &room, ALICE));
    let told = said(&stage, &talk);
    assert!(
        told.last().unwrap().contains("You are logged out"),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn failures_are_numbered_tried_again_and_given_up() {
    let (mut stage, talk) = talking(&["org/room"]).await;
    let room = stage.enter("org/room").await;
    stage
        .network
        .lock()
        .failures
        .extend([network::Failure::Forbidden; 3]);
    for text in ["one", "two", "three"] {
        stage.writes(&room, text).await;
        stage.quiet().await;
    }
    let answer = asks(&mut stage, &talk, "failed").await;
    let lines: Vec<_> = answer
        .lines()
        .filter(|line| line.contains(". org/room: "))
        .collect();
    let expected = [
        "1. org/room: one: you may",
        "2. org/room: two: you may",
        "3. org/room: three: you may",
    ];
    assert!(
        lines
            .iter()
            .zip(expected)
            .all(|(line, expected)| line.starts_with(expected)),
        "{answer}"
    );
    assert_eq!(lines.len(), 3);
    assert!(
        asks(&mut stage, &talk, "status")
            .await
            .contains("3 messages")
    );
    assert!(
        asks(&mut stage, &talk, "discard 4")
            .await
            .contains("not a number from 1 to 3")
    );
    assert!(
        asks(&mut stage, &talk, "discard 2")
            .await
            .contains("discarded 1 message")
    );
    assert!(
        asks(&mut stage, &talk, "retry 1")
            .await
            .contains("trying 1 message")
    );
    assert_eq!(stage.network.transcript("org/room"), ["alice: one"]);
    assert!(
        asks(&mut stage, &talk, "retry all")
            .await
            .contains("trying 1 message")
    );
    assert_eq!(
        stage.network.transcript("org/room"),
        ["alice: one", "alice: three"]
    );
    assert!(
        asks(&mut stage, &talk, "failed")
            .await
            .contains("nothing failed")
    );
}

#[tokio::test(start_paused = true)]
async fn sync_reads_names_again() {
    let (mut stage, talk) = talking(&["org/room"]).await;
    let room = stage.enter("org/room").await;
    stage.network.lock().rooms[0].topic = Some("Something new".to_owned());
    let answer = asks(&mut stage, &talk, "sync").await;
    assert!(answer.contains("1 room on Test"), "{answer}");
    let homeserver = stage.homeserver.lock();
    let topic = &homeserver.rooms[&room].state[&("m.room.topic".to_owned(), String::new())];
    assert_eq!(topic["topic"], "Something new");
}

#[tokio::test(start_paused = true)]
async fn sync_offers_the_space_again() {
    const AGAIN: &str = "invited you to your space again";
    let (mut stage, talk) = talking(&["org/room", "org/other"]).await;
    stage.enter("org/room").await;
    let space = stage.store.user(ALICE).await.unwrap().unwrap().space;
    let space = ruma::OwnedRoomId::try_from(space.unwrap()).unwrap();
    let membership = |stage: &Stage, space: &ruma::RoomId, user: &str| {
        let key = ("m.room.member".to_owned(), user.to_owned());
        stage.homeserver.lock().rooms[space].state[&key]["membership"].clone()
    };
    stage.member(&space, "join").await;
    let answer = asks(&mut stage, &talk, "sync").await;
    assert!(!answer.contains(AGAIN), "she is in it: {answer}");
    stage.member(&space, "leave").await;
    let answer = asks(&mut stage, &talk, "sync").await;
    assert!(answer.contains(AGAIN), "{answer}");
    assert_eq!(membership(&stage, &space, ALICE), "invite");
    let answer = asks(&mut stage, &talk, "sync").await;
    assert!(!answer.contains(AGAIN), "one invite is enough: {answer}");

    // The bot was thrown out of it: another takes its place, with all that was in the first.
    stage
        .happens(
            &space,
            ALICE,
            "m.room.member",
            Some(stage::homeserver::BOT),
            serde_json::json!({"membership": "leave"}),
        )
        .await;
    let answer = asks(&mut stage, &talk, "sync").await;
    assert!(answer.contains(AGAIN), "{answer}");
    let other = stage.store.user(ALICE).await.unwrap().unwrap().space;
    let other = ruma::OwnedRoomId::try_from(other.unwrap()).unwrap();
    assert_ne!(other, space);
    assert_eq!(membership(&stage, &other, ALICE), "invite");
    let children = stage.homeserver.lock().rooms[&other]
        .state
        .keys()
        .filter(|(kind, _)| kind == "m.space.child")
        .count();
    assert_eq!(children, 2);
}

#[tokio::test(start_paused = true)]
async fn logout_leaves_nothing_behind() {
    let (mut stage, talk) = talking(&["org/room", "org/other"]).await;
    let room = stage.enter("org/room").await;
    let login = stage.login().await;
    let scope = format!("login/{}", login.id);
    stage.store.mark(&scope, "invite all", 0).await.unwrap();
    let answer = asks(&mut stage, &talk, "logout").await;
    assert!(answer.contains("You are logged out"), "{answer}");
    assert!(answer.contains("2 rooms"), "{answer}");
    assert!(!stage.store.marked(&scope, "invite all").await.unwrap());
    assert!(!is_in(&stage, &room, ALICE));
    assert!(
        stage
            .store
            .login_credentials(login.id)
            .await
            .unwrap()
            .is_none()
    );
    assert!(stage.store.login_of(ALICE).await.unwrap().is_none());
    stage.network.says("bob", "org/room", "hello?");
    stage.quiet().await;
    assert!(
        !stage
            .transcript(&room)
            .iter()
            .any(|line| line.contains("hello?"))
    );
    assert!(
        asks(&mut stage, &talk, "logout")
            .await
            .contains("You are logged out")
    );
}

#[tokio::test(start_paused = true)]
async fn admins_look_after_the_others() {
    let mut stage = Stage::new().await;
    stage.config.permissions = Permissions::new([
        ("example.org".to_owned(), Level::User),
        (BOB.to_owned(), Level::Admin),
    ]);
    stage.network.lock().rooms = vec![network::room("org/room")];
    stage.log_in().await;
    stage.start().await;
    let alices = invites_bot(&mut stage, ALICE, &[]).await;
    let room = stage.enter("org/room").await;
    let bobs = invites_bot(&mut stage, BOB, &[]).await;
    let users = asks_as(&mut stage, BOB, &bobs, "users").await;
    assert!(
        users.contains("@alice:example.org is @alice: connected"),
        "{users}"
    );
    let unbridged = asks_as(&mut stage, BOB, &bobs, "unbridge org/room").await;
    assert!(unbridged.contains("1 person"), "{unbridged}");
    assert!(!is_in(&stage, &room, ALICE));
    let out = asks_as(&mut stage, BOB, &bobs, "logout @alice:example.org").await;
    assert!(out.contains("is logged out"), "{out}");
    assert!(said(&stage, &alices).last().unwrap().contains("An admin"));
    assert!(stage.store.login_of(ALICE).await.unwrap().is_none());
    assert!(
        asks(&mut stage, &alices, "logout @bob:example.org")
            .await
            .contains("only admins")
    );
}

#[tokio::test(start_paused = true)]
async fn commands_of_any_length_are_answered() {
    let (mut stage, talk) = talking(&["org/room"]).await;
    for command in [
        "", "help", "list", "invite", "gjoin", "gpart", "retry", "discard", "unbridge", "nonsense",
    ] {
        for odd in ["<", "\u{0}", "\u{202e}", "!", "\u{1f600}"] {
            let long = format!("{command} {}", odd.repeat(50_000 / odd.len()));
            asks(&mut stage, &talk, &long).await;
        }
    }
}

/// The homeserver does not let the bot take her out at once, and she goes on.
#[tokio::test(start_paused = true)]
async fn what_is_written_between_logout_and_leaving_is_told_and_not_kept() {
    let (mut stage, talk) = talking(&["org/one"]).await;
    let room = stage.enter("org/one").await;
    stage.homeserver.lock().stuck = Some("kick");
    stage.writes(&talk, "logout").await;
    let out = async || stage.store.login_of(ALICE).await.unwrap().is_none();
    stage.until("she is logged out", out).await;
    stage.writes(&room, "still here").await;
    stage.wait(std::time::Duration::from_secs(5)).await;
    stage.homeserver.lock().stuck = None;
    stage.quiet().await;
    let told = stage::talk::said(&stage, &room).concat();
    assert!(told.contains("you are logged out"), "{told}");
    stage.log_in().await;
    stage.restart().await;
    stage.enter("org/one").await;
    stage.reads_there("org/one", &[]).await;
}
