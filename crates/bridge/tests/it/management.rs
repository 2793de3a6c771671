//! The bot and the people who write to it.

use ruma::{OwnedRoomId, RoomId};
use serde_json::json;

use crate::stage::homeserver::{self, BOT};
use crate::stage::{ALICE, Stage, network};
use bridge::config::InvitePolicy;
use bridge::permissions::{Level, Permissions};

const BOB: &str = "@bob:example.org";
const STRANGER: &str = "@eve:elsewhere.org";

/// Somebody makes a room with these people in it, and invites the bot.
async fn invites_bot(stage: &mut Stage, inviter: &str, others: &[&str]) -> OwnedRoomId {
    let room = {
        let mut homeserver = stage.homeserver.lock();
        let room = OwnedRoomId::try_from(format!("!talk{}", homeserver.rooms.len())).unwrap();
        homeserver.rooms.insert(room.clone(), Default::default());
        for user in [inviter].iter().chain(others) {
            let content = json!({"membership": "join"});
            homeserver.append(&room, (*user).try_into().unwrap(), "m.room.member", Some(user), content, 0);
        }
        room
    };
    invites_bot_again(stage, inviter, &room).await;
    room
}

async fn invites_bot_again(stage: &mut Stage, inviter: &str, room: &RoomId) {
    stage.happens(room, inviter, "m.room.member", Some(BOT), json!({"membership": "invite"})).await;
    stage.quiet().await;
}

/// Somebody's membership changes by his own doing.
async fn comes(stage: &mut Stage, room: &RoomId, user: &str, membership: &str) {
    stage.happens(room, user, "m.room.member", Some(user), json!({"membership": membership})).await;
    stage.quiet().await;
}

/// What the bot said in a room, in full.
fn said(stage: &Stage, room: &RoomId) -> Vec<String> {
    let homeserver = stage.homeserver.lock();
    let events = homeserver.rooms[room].timeline.iter().filter(|event| event.sender == BOT && event.kind == "m.room.message");
    events
        .map(|event| {
            assert_eq!(event.content["msgtype"], "m.notice");
            assert!(event.content["formatted_body"].as_str().is_some_and(|html| html.starts_with('<')));
            event.content["body"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// Says something in a room and gives the bot's answer.
async fn asks(stage: &mut Stage, room: &RoomId, text: &str) -> String {
    asks_as(stage, ALICE, room, text).await
}

async fn asks_as(stage: &mut Stage, who: &str, room: &RoomId, text: &str) -> String {
    let before = said(stage, room).len();
    stage.happens(room, who, "m.room.message", None, json!({"msgtype": "m.text", "body": text})).await;
    stage.until("the bot answers", async || said(stage, room).len() > before).await;
    stage.quiet().await;
    said(stage, room).swap_remove(before)
}

fn is_in(stage: &Stage, room: &RoomId, user: &str) -> bool {
    stage.homeserver.lock().rooms[room].joined().contains(user)
}

async fn management_room(stage: &Stage) -> Option<String> {
    stage.store.user(ALICE).await.unwrap().and_then(|user| user.management_room)
}

/// Alice talks with the bot, is logged in and invited to these rooms.
async fn talking(rooms: &[&str]) -> (Stage, OwnedRoomId) {
    let mut stage = Stage::with_rooms(rooms).await;
    let talk = invites_bot(&mut stage, ALICE, &[]).await;
    (stage, talk)
}

#[tokio::test(start_paused = true)]
async fn a_permitted_user_is_greeted_with_a_login_link() {
    let mut stage = Stage::new().await;
    stage.start().await;
    let room = invites_bot(&mut stage, ALICE, &[]).await;
    assert!(is_in(&stage, &room, BOT));
    let said = said(&stage, &room);
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("not logged in"), "{}", said[0]);
    assert!(said[0].contains("https://bridge.example.org/login/"), "{}", said[0]);
    assert_eq!(management_room(&stage).await.as_deref(), Some(room.as_str()));
}

#[tokio::test(start_paused = true)]
async fn somebody_without_permission_is_refused() {
    let mut stage = Stage::new().await;
    stage.start().await;
    let room = invites_bot(&mut stage, STRANGER, &[]).await;
    assert!(!is_in(&stage, &room, BOT));
    assert!(said(&stage, &room).is_empty());
    let requests = stage.homeserver.lock().requests.clone();
    assert!(requests.contains(&"leave") && !requests.contains(&"join"), "{requests:?}");
}

#[tokio::test(start_paused = true)]
async fn the_bot_leaves_a_crowd_and_never_comes_back() {
    let mut stage = Stage::new().await;
    stage.start().await;
    let room = invites_bot(&mut stage, ALICE, &[BOB]).await;
    assert!(!is_in(&stage, &room, BOT));
    assert_eq!(said(&stage, &room).len(), 1);
    assert_eq!(management_room(&stage).await, None);
    comes(&mut stage, &room, BOB, "leave").await;
    invites_bot_again(&mut stage, ALICE, &room).await;
    assert!(!is_in(&stage, &room, BOT));
    assert_eq!(said(&stage, &room).len(), 1, "one notice is enough");
    let joins = stage.homeserver.lock().requests.iter().filter(|request| **request == "join").count();
    assert_eq!(joins, 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_room_replaces_the_former_one() {
    let mut stage = Stage::new().await;
    stage.start().await;
    let first = invites_bot(&mut stage, ALICE, &[]).await;
    let second = invites_bot(&mut stage, ALICE, &[]).await;
    assert!(!is_in(&stage, &first, BOT));
    assert!(is_in(&stage, &second, BOT));
    assert_eq!(management_room(&stage).await.as_deref(), Some(second.as_str()));
}

#[tokio::test(start_paused = true)]
async fn the_bot_obeys_its_owner_alone() {
    let (mut stage, room) = talking(&[]).await;
    for membership in ["join", "leave", "join"] {
        comes(&mut stage, &room, BOB, membership).await;
    }
    let after = said(&stage, &room);
    assert_eq!(after.len(), 2, "said once: {after:?}");
    assert!(after[1].contains(ALICE), "{}", after[1]);
    stage.happens(&room, BOB, "m.room.message", None, json!({"msgtype": "m.text", "body": "help"})).await;
    stage.quiet().await;
    assert_eq!(said(&stage, &room).len(), 2);
    assert!(asks(&mut stage, &room, "help").await.contains("logout"));
}

#[tokio::test(start_paused = true)]
async fn when_its_user_leaves_the_bot_leaves() {
    let (mut stage, room) = talking(&[]).await;
    stage.member(&room, "leave").await;
    stage.quiet().await;
    assert!(!is_in(&stage, &room, BOT));
    assert_eq!(management_room(&stage).await, None);
    assert!(stage.homeserver.lock().requests.contains(&"forget"));
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_was_thrown_out_forgets_the_room() {
    let (mut stage, room) = talking(&[]).await;
    stage.happens(&room, ALICE, "m.room.member", Some(BOT), json!({"membership": "leave"})).await;
    stage.quiet().await;
    assert_eq!(management_room(&stage).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_room_of_a_lost_database_is_found_again() {
    let mut stage = Stage::new().await;
    stage.start().await;
    let room = invites_bot(&mut stage, ALICE, &[]).await;
    stage.store.set_management_room(ALICE, None).await.unwrap();
    assert!(asks(&mut stage, &room, "help").await.contains("Hello!"));
    assert_eq!(management_room(&stage).await.as_deref(), Some(room.as_str()));
}

#[tokio::test(start_paused = true)]
async fn what_the_bot_cannot_read_is_answered() {
    let (mut stage, room) = talking(&[]).await;
    let cases = [
        ("m.room.encrypted", json!({"algorithm": "m.megolm.v1.aes-sha2"}), "encrypted"),
        ("m.room.message", json!({"msgtype": "m.image", "body": "cat.png", "url": "mxc://a/b"}), "text only"),
        ("m.sticker", json!({"body": "cat"}), "text only"),
    ];
    for (kind, content, expected) in cases {
        let before = said(&stage, &room).len();
        stage.happens(&room, ALICE, kind, None, content).await;
        stage.quiet().await;
        let after = said(&stage, &room);
        assert_eq!(after.len(), before + 1, "{kind}");
        assert!(after[before].contains(expected), "{}", after[before]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_sending_failed_is_said_once() {
    let (mut stage, room) = talking(&[]).await;
    stage.homeserver.lock().failures.extend([homeserver::Failure::AnswerLost, homeserver::Failure::Lost]);
    assert!(asks(&mut stage, &room, "version").await.contains("0.0.0"));
    assert_eq!(said(&stage, &room).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn commands_are_understood_kindly() {
    let (mut stage, room) = talking(&["org/room"]).await;
    assert!(asks(&mut stage, &room, "HELP").await.contains("invite ROOM"));
    assert!(asks(&mut stage, &room, "help gpart").await.contains("leaves a room on Test"));
    assert!(asks(&mut stage, &room, "lsit").await.contains("Did you mean `list`?"));
    assert!(asks(&mut stage, &room, "!gitter version").await.contains("0.0.0"));
    assert!(asks(&mut stage, &room, "users").await.contains("I do not know"), "a command for admins");
    assert!(asks(&mut stage, &room, "login").await.contains("as @alice already"));
    assert!(asks(&mut stage, &room, "retry").await.contains("nothing that failed"));
    assert!(asks(&mut stage, &room, "invite").await.contains("which room"));
    let no = asks(&mut stage, &room, "invite no/where").await;
    assert!(no.contains("There is no such thing on Test."), "{no}");
}

#[tokio::test(start_paused = true)]
async fn commands_need_a_login() {
    let mut stage = Stage::new().await;
    stage.start().await;
    let room = invites_bot(&mut stage, ALICE, &[]).await;
    for command in ["list", "invite org/room", "invite all", "gjoin org/room", "gpart org/room", "sync"] {
        assert!(asks(&mut stage, &room, command).await.contains("`login`"), "{command}");
    }
    assert!(asks(&mut stage, &room, "status").await.contains("not logged in"));
    assert!(asks(&mut stage, &room, "logout").await.contains("You are logged out"));
    let answer = asks(&mut stage, &room, "login").await;
    assert!(answer.contains("https://bridge.example.org/login/"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn rooms_are_listed_without_regard_to_case() {
    let (mut stage, room) = talking(&["Beta/b", "alpha/a", "@carol"]).await;
    stage.enter("Beta/b").await;
    let answer = asks(&mut stage, &room, "list").await;
    let lines: Vec<_> = answer.lines().filter(|line| line.starts_with("- ")).collect();
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
    assert!(answer.contains(&format!("https://matrix.to/#/{room}")), "{answer}");
    assert!(asks(&mut stage, &talk, "invite Org/Room").await.contains("https://matrix.to/#/"));
    let room = stage.enter("org/room").await;
    assert!(asks(&mut stage, &talk, "invite org/room").await.contains("already"));
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
    assert!(asks(&mut stage, &talk, "gpart org/nothing").await.contains("You are not in"));
    let answer = asks(&mut stage, &talk, "gpart org/room").await;
    assert!(answer.contains("Left org/room"), "{answer}");
    assert!(!is_in(&stage, &room, ALICE));
    assert!(!asks(&mut stage, &talk, "list").await.contains("org/room"));
}

#[tokio::test(start_paused = true)]
async fn in_a_portal_commands_have_a_prefix() {
    let (mut stage, talk) = talking(&["org/room"]).await;
    let room = stage.enter("org/room").await;
    let answer = asks(&mut stage, &room, "!gitter status").await;
    assert!(answer.contains("you have 1 room here"), "{answer}");
    assert_eq!(said(&stage, &talk).len(), 1, "answered where it was asked");
    assert!(asks(&mut stage, &room, "!GITTER gpart").await.contains("Left org/room"));
    assert!(!is_in(&stage, &room, ALICE));
    assert!(stage.network.transcript("org/room").is_empty(), "commands do not cross");
}

#[tokio::test(start_paused = true)]
async fn failures_are_numbered_tried_again_and_given_up() {
    let (mut stage, talk) = talking(&["org/room"]).await;
    let room = stage.enter("org/room").await;
    stage.network.lock().failures.extend([network::Failure::Forbidden; 3]);
    for text in ["one", "two", "three"] {
        stage.writes(&room, text).await;
        stage.quiet().await;
    }
    let answer = asks(&mut stage, &talk, "failed").await;
    let lines: Vec<_> = answer.lines().filter(|line| line.contains(". org/room: ")).collect();
    let expected = ["1. org/room: one: you may", "2. org/room: two: you may", "3. org/room: three: you may"];
    assert!(lines.iter().zip(expected).all(|(line, expected)| line.starts_with(expected)), "{answer}");
    assert_eq!(lines.len(), 3);
    assert!(asks(&mut stage, &talk, "status").await.contains("3 messages"));
    assert!(asks(&mut stage, &talk, "discard 4").await.contains("not a number from 1 to 3"));
    assert!(asks(&mut stage, &talk, "discard 2").await.contains("discarded 1 message"));
    assert!(asks(&mut stage, &talk, "retry 1").await.contains("trying 1 message"));
    assert_eq!(stage.network.transcript("org/room"), ["alice: one"]);
    assert!(asks(&mut stage, &talk, "retry all").await.contains("trying 1 message"));
    assert_eq!(stage.network.transcript("org/room"), ["alice: one", "alice: three"]);
    assert!(asks(&mut stage, &talk, "failed").await.contains("nothing failed"));
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
async fn logout_leaves_nothing_behind() {
    let (mut stage, talk) = talking(&["org/room", "org/other"]).await;
    let room = stage.enter("org/room").await;
    let login = stage.login().await;
    let answer = asks(&mut stage, &talk, "logout").await;
    assert!(answer.contains("You are logged out"), "{answer}");
    assert!(answer.contains("2 rooms"), "{answer}");
    assert!(!is_in(&stage, &room, ALICE));
    assert!(stage.store.login_credentials(login.id).await.unwrap().is_none());
    assert!(stage.store.login_of(ALICE).await.unwrap().is_none());
    stage.network.says("bob", "org/room", "hello?");
    stage.quiet().await;
    assert!(!stage.transcript(&room).iter().any(|line| line.contains("hello?")));
    assert!(asks(&mut stage, &talk, "logout").await.contains("You are logged out"));
}

#[tokio::test(start_paused = true)]
async fn admins_look_after_the_others() {
    let mut stage = Stage::new().await;
    stage.config.permissions =
        Permissions::new([("example.org".to_owned(), Level::User), (BOB.to_owned(), Level::Admin)]);
    stage.network.lock().rooms = vec![network::room("org/room")];
    stage.log_in().await;
    stage.start().await;
    let alices = invites_bot(&mut stage, ALICE, &[]).await;
    let room = stage.enter("org/room").await;
    let bobs = invites_bot(&mut stage, BOB, &[]).await;
    let users = asks_as(&mut stage, BOB, &bobs, "users").await;
    assert!(users.contains("@alice:example.org is @alice: connected"), "{users}");
    let unbridged = asks_as(&mut stage, BOB, &bobs, "unbridge org/room").await;
    assert!(unbridged.contains("1 person"), "{unbridged}");
    assert!(!is_in(&stage, &room, ALICE));
    let out = asks_as(&mut stage, BOB, &bobs, "logout @alice:example.org").await;
    assert!(out.contains("is logged out"), "{out}");
    assert!(said(&stage, &alices).last().unwrap().contains("An admin"));
    assert!(stage.store.login_of(ALICE).await.unwrap().is_none());
    assert!(asks(&mut stage, &alices, "logout @bob:example.org").await.contains("only admins"));
}
