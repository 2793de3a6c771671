//! The recorded Bayeux sessions. Those in which somebody waits for minutes are in `tests/patience.rs`.

use serde_json::Value;

use crate::replay::Replay;
use crate::rest;
use crate::stage::Stage;

fn alike(_: &Value) -> bool {
    false
}

async fn play(session: &str, prepare: fn(&mut Stage), unlike: fn(&Value) -> bool) {
    let mut stage = Stage::set(10_000).await;
    prepare(&mut stage);
    let wrong = Replay::new(stage, unlike).play(session).await;
    assert!(wrong.is_empty(), "{session}:\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn handshake_errors() {
    play("handshake_errors", rest::nothing, alike).await;
}

#[tokio::test]
async fn legacy_endpoint() {
    play(
        "legacy_endpoint",
        |stage| {
            stage.say(
                "6b0312179899fb466689e1dc",
                "alice-gh",
                "quiet",
                "queued while away",
            );
        },
        alike,
    )
    .await;
}

#[tokio::test]
async fn longpoll_basic() {
    play("longpoll_basic", rest::something_unread, alike).await;
}

#[tokio::test]
async fn ws_errors() {
    play(
        "ws_errors",
        |stage| {
            rest::quiet_history(stage);
            stage.say(
                "6b0310999899fb466689e193",
                "dave_twitter",
                "quiet",
                "after leaving",
            );
            stage.say(
                "6b0312179899fb466689e1dc",
                "alice-gh",
                "quiet",
                "queued while away",
            );
        },
        alike,
    )
    .await;
}

#[tokio::test]
async fn ws_events() {
    play("ws_events", rest::nothing, alike).await;
}

#[tokio::test]
async fn ws_reconnect_queue() {
    play("ws_reconnect_queue", rest::nothing, alike).await;
}

#[tokio::test]
async fn ws_removed() {
    play("ws_removed", rest::nothing, alike).await;
}

/// A lobby in which six messages are unread for Bob, and somebody was banned once.
fn busy_lobby(stage: &mut Stage) {
    rest::something_unread(stage);
    let control = stage.sandbox.world();
    let [alice, carol] = ["alice-gh", "carol_gitlab"].map(|name| stage.user(name));
    let lobby = stage.room("lobby");
    control.ban(lobby, carol, alice).unwrap();
    control.unban(lobby, carol, alice).unwrap();
    control.join(carol, lobby).unwrap();
    for text in ["burst 0", "burst 1", "burst 2", "after unsubscribe"] {
        stage.say(&format!("<{text}>"), "alice-gh", "lobby", text);
    }
}

#[tokio::test]
async fn ws_room_channels() {
    play("ws_room_channels", busy_lobby, alike).await;
}

#[tokio::test]
async fn ws_room_create_remove() {
    // Alice had made the lobby her favourite at another time.
    let favourite = |message: &Value| {
        message["channel"] == "/meta/handshake" && message["ext"]["context"].get("troupe").is_some()
    };
    play("ws_room_create_remove", rest::nothing, favourite).await;
}

#[tokio::test]
async fn ws_token_revoked() {
    play(
        "ws_token_revoked",
        |stage| {
            let lobby = stage.room("lobby").to_string();
            stage
                .names
                .insert("6b0313e7593fe777cc114caf".to_owned(), lobby);
        },
        alike,
    )
    .await;
}

#[tokio::test]
async fn ws_webhook_event() {
    play(
        "ws_webhook_event",
        |stage| {
            let lobby = stage.room("lobby").to_string();
            stage
                .names
                .insert("6b0313e7593fe777cc114caf".to_owned(), lobby);
        },
        alike,
    )
    .await;
}
