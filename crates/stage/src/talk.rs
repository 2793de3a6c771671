//! Talking with the bot.

use ruma::{OwnedRoomId, RoomId};
use serde_json::json;

use crate::homeserver::{BOT, Room};
use crate::{ALICE, Stage};

/// Somebody makes a room with these people in it, and invites the bot.
pub async fn invites_bot(stage: &mut Stage, inviter: &str, others: &[&str]) -> OwnedRoomId {
    let room = {
        let mut homeserver = stage.homeserver.lock();
        let room = OwnedRoomId::try_from(format!("!talk{}", homeserver.rooms.len())).unwrap();
        homeserver.rooms.insert(room.clone(), Room::default());
        for user in [inviter].iter().chain(others) {
            let content = json!({"membership": "join"});
            homeserver.append(
                &room,
                (*user).try_into().unwrap(),
                "m.room.member",
                Some(user),
                content,
                0,
            );
        }
        room
    };
    invites_bot_again(stage, inviter, &room).await;
    room
}

pub async fn invites_bot_again(stage: &mut Stage, inviter: &str, room: &RoomId) {
    stage
        .happens(
            room,
            inviter,
            "m.room.member",
            Some(BOT),
            json!({"membership": "invite"}),
        )
        .await;
    stage.quiet().await;
}

/// Somebody's membership changes by his own doing.
pub async fn comes(stage: &mut Stage, room: &RoomId, user: &str, membership: &str) {
    stage
        .happens(
            room,
            user,
            "m.room.member",
            Some(user),
            json!({"membership": membership}),
        )
        .await;
    stage.quiet().await;
}

/// What the bot said in a room, in full.
pub fn said(stage: &Stage, room: &RoomId) -> Vec<String> {
    let homeserver = stage.homeserver.lock();
    let events = homeserver.rooms[room]
        .timeline
        .iter()
        .filter(|event| event.sender == BOT && event.kind == "m.room.message");
    events
        .map(|event| {
            assert_eq!(event.content["msgtype"], "m.notice");
            assert!(
                event.content["formatted_body"]
                    .as_str()
                    .is_some_and(|html| html.starts_with('<'))
            );
            event.content["body"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// Says something in a room and gives the bot's answer.
pub async fn asks(stage: &mut Stage, room: &RoomId, text: &str) -> String {
    asks_as(stage, ALICE, room, text).await
}

pub async fn asks_as(stage: &mut Stage, who: &str, room: &RoomId, text: &str) -> String {
    let before = said(stage, room).len();
    stage
        .happens(
            room,
            who,
            "m.room.message",
            None,
            json!({"msgtype": "m.text", "body": text}),
        )
        .await;
    stage
        .until("the bot answers", async || said(stage, room).len() > before)
        .await;
    stage.quiet().await;
    said(stage, room).swap_remove(before)
}

pub fn is_in(stage: &Stage, room: &RoomId, user: &str) -> bool {
    stage.homeserver.lock().rooms[room].joined().contains(user)
}

pub async fn management_room(stage: &Stage) -> Option<String> {
    stage
        .store
        .user(ALICE)
        .await
        .unwrap()
        .and_then(|user| user.management_room)
}

/// Alice talks with the bot, is logged in and invited to these rooms.
pub async fn talking(rooms: &[&str]) -> (Stage, OwnedRoomId) {
    let mut stage = Stage::with_rooms(rooms).await;
    let talk = invites_bot(&mut stage, ALICE, &[]).await;
    (stage, talk)
}
