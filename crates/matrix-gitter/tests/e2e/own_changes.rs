//! What is changed, taken back and answered on Matrix, as Gitter shows it; and what its sender gets to know.

use serde_json::{Value, json};

use crate::scene::{Result, Scene};

fn edit(event: &str, text: &str) -> Value {
    json!({
        "msgtype": "m.text",
        "body": format!("* {text}"),
        "m.new_content": {"msgtype": "m.text", "body": text},
        "m.relates_to": {"rel_type": "m.replace", "event_id": event},
    })
}

/// "in place within the window", "Several fast edits end in the last text", and an edit taken back.
#[tokio::test]
async fn edits_are_made_in_place() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    let said = chat.user.say(&room, "helo").await?;
    scene.town.hears(&lounge, "helo").await?;
    let first = chat
        .user
        .send(&room, "m.room.message", &edit(&said, "hello *there*"))
        .await?;
    scene.town.hears(&lounge, "hello *there*").await?;
    chat.user.redact(&room, &first).await?;
    scene.town.hears(&lounge, "helo").await?;
    for number in 0..5 {
        let edit = edit(&said, &format!("version {number}"));
        chat.user.send(&room, "m.room.message", &edit).await?;
    }
    scene.town.hears(&lounge, "version 4").await?;
    chat.user.say(&room, "after").await?;
    scene.town.hears(&lounge, "after").await?;
    assert_eq!(scene.town.texts(&lounge), ["version 4", "after"]);
    Ok(())
}

/// "delete; of a message which has replies, too": all parts go, and what has replies stays as an empty one.
#[tokio::test]
async fn deletions_take_everything_back() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = (
        scene.town.person("maria", "Maria"),
        scene.town.person("ben", "Ben"),
    );
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    let long = chat.user.say(&room, &"long story ".repeat(600)).await?;
    scene.town.next(&lounge, 1).await?;
    chat.user.say(&room, "between").await?;
    scene.town.hears(&lounge, "between").await?;
    chat.user.redact(&room, &long).await?;
    chat.user.say(&room, "after").await?;
    scene.town.hears(&lounge, "after").await?;
    assert_eq!(scene.town.texts(&lounge), ["between", "after"]);
    Ok(())
}

/// "`m.thread` and `m.in_reply_to` to `parentId`", "a reply to something unknown still arrives with a short quote".
#[tokio::test]
async fn answers_go_into_threads() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = (
        scene.town.person("maria", "Maria"),
        scene.town.person("ben", "Ben"),
    );
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    let asked = scene.town.say(&ben, &lounge, "who?");
    let heard = chat.hears(&room, "who?").await?;
    let answer = |text: &str, to: &str| {
        json!({
            "msgtype": "m.text", "body": text,
            "m.relates_to": {"m.in_reply_to": {"event_id": to}},
        })
    };
    let content = answer("me", heard.id());
    let me = chat.user.send(&room, "m.room.message", &content).await?;
    scene.town.hears(&lounge, "me").await?;
    let content = answer("really", &me);
    chat.user.send(&room, "m.room.message", &content).await?;
    scene.town.hears(&lounge, "really").await?;
    for text in ["me", "really"] {
        assert_eq!(
            scene.town.parent_of(&lounge, text).as_deref(),
            Some(asked.as_str()),
            "{text}"
        );
    }
    let command = chat.user.say(&room, "!gitter version").await?;
    let content = answer("about that", &command);
    chat.user.send(&room, "m.room.message", &content).await?;
    let quoting = "> **maria**: !gitter version\n\nabout that";
    scene.town.hears(&lounge, quoting).await?;
    Ok(())
}

/// "`com.beeper.message_send_status` events and/or read receipts by the bot on success".
#[tokio::test]
async fn the_sender_gets_to_know() -> Result {
    let wanted = |setup: testbed::bridge::Setup| setup.set("bridge.message_status_events", true);
    let scene = Scene::with(wanted).await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    let said = chat.user.say(&room, "hello").await?;
    let status = chat
        .user
        .wait_for("a word about the message", |event| {
            event.kind() == "com.beeper.message_send_status"
        })
        .await?;
    assert_eq!(status.sender(), scene.bot());
    assert_eq!(status.content()["status"], "SUCCESS");
    assert_eq!(status.content()["m.relates_to"]["event_id"], json!(said));
    Ok(())
}
