//! The bot comes into rooms, stays, and goes.

use serde_json::json;

use stage::homeserver::BOT;
use stage::talk::{
    asks, comes, invites_bot, invites_bot_again, is_in, management_room, said, talking,
};
use stage::{ALICE, Stage};

const BOB: &str = "@bob:example.org";

const STRANGER: &str = "@eve:elsewhere.org";

#[tokio::test(start_paused = true)]
async fn a_permitted_user_is_greeted_with_a_login_link() {
    let mut stage = Stage::new().await;
    stage.start().await;
    let room = invites_bot(&mut stage, ALICE, &[]).await;
    assert!(is_in(&stage, &room, BOT));
    let said = said(&stage, &room);
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("not logged in"), "{}", said[0]);
    assert!(
        said[0].contains("https://bridge.example.org/login/"),
        "{}",
        said[0]
    );
    assert_eq!(
        management_room(&stage).await.as_deref(),
        Some(room.as_str())
    );
}

#[tokio::test(start_paused = true)]
async fn somebody_without_permission_is_refused() {
    let mut stage = Stage::new().await;
    stage.start().await;
    let room = invites_bot(&mut stage, STRANGER, &[]).await;
    assert!(!is_in(&stage, &room, BOT));
    assert!(said(&stage, &room).is_empty());
    let requests = stage.homeserver.lock().requests.clone();
    assert!(
        requests.contains(&"leave") && !requests.contains(&"join"),
        "{requests:?}"
    );
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
    let joins = stage
        .homeserver
        .lock()
        .requests
        .iter()
        .filter(|request| **request == "join")
        .count();
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
    assert_eq!(
        management_room(&stage).await.as_deref(),
        Some(second.as_str())
    );
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
    stage
        .happens(
            &room,
            BOB,
            "m.room.message",
            None,
            json!({"msgtype": "m.text", "body": "help"}),
        )
        .await;
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
    stage
        .happens(
            &room,
            ALICE,
            "m.room.member",
            Some(BOT),
            json!({"membership": "leave"}),
        )
        .await;
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
    assert_eq!(
        management_room(&stage).await.as_deref(),
        Some(room.as_str())
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_bot_cannot_read_is_answered() {
    let (mut stage, room) = talking(&[]).await;
    let cases = [
        (
            "m.room.encrypted",
            json!({"algorithm": "m.megolm.v1.aes-sha2"}),
            "encrypted",
        ),
        (
            "m.room.message",
            json!({"msgtype": "m.image", "body": "cat.png", "url": "mxc://a/b"}),
            "text only",
        ),
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
