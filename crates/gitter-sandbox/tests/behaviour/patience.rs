//! What happens when nothing happens, as in the recorded sessions `ws_ping_idle`, `longpoll_idle` and
//! `longpoll_client_gone`. Time is virtual: it jumps to the next timer whenever nobody has anything to do.

use std::time::Duration;

use gitter_sandbox::{RoomId, Sandbox, UserId, Visibility};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::caller::{Socket, client, connect, handshake, subscribe};

struct Scene {
    sandbox: Sandbox,
    http: Client,
    alice: UserId,
    lobby: RoomId,
    token: String,
    channel: String,
}

async fn scene() -> Scene {
    let sandbox = Sandbox::start().await.unwrap();
    let world = sandbox.world();
    let (alice, bob) = (
        world.add_user("alice-gh", "Alice"),
        world.add_user("bob-gh", "Bob"),
    );
    let lobby = world
        .add_room("acme/lobby", Visibility::Public, alice)
        .unwrap();
    world.join(bob, lobby).unwrap();
    let token = world.personal_token(bob).unwrap();
    let channel = format!("/api/v1/rooms/{lobby}/chatMessages");
    Scene {
        sandbox,
        http: client(),
        alice,
        lobby,
        token,
        channel,
    }
}

impl Scene {
    async fn post(&self, messages: &Value) -> Result<Value, reqwest::Error> {
        let url = self.sandbox.web_url().join("/bayeux").unwrap();
        self.http
            .post(url)
            .json(messages)
            .send()
            .await?
            .json()
            .await
    }

    /// A long-polling client that listens: its id.
    async fn polling(&self) -> String {
        let shaken = self.post(&handshake(&self.token)).await.unwrap();
        let id = shaken[0]["clientId"].as_str().unwrap().to_owned();
        self.post(&subscribe(&id, &self.channel)).await.unwrap();
        self.poll_once(&id).await;
        id
    }

    /// Asks for what there is without waiting.
    async fn poll_once(&self, id: &str) -> Value {
        let mut message = connect(id, "long-polling");
        message[0]["advice"] = json!({ "timeout": 0 });
        self.post(&message).await.unwrap()
    }
}

#[tokio::test]
async fn an_idle_socket_is_pinged_and_its_connect_answered() {
    let scene = scene().await;
    let mut socket = Socket::open(&scene.sandbox).await;
    let start = Instant::now();
    socket.listen(&scene.token, &scene.channel).await;
    tokio::time::pause();
    // The third ping and the answer fall on the same moment.
    let (mut pings, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        match socket.frame().await.unwrap().unwrap() {
            Message::Ping(ping) => pings.push(ping),
            Message::Text(text) => answers.push(serde_json::from_str::<Value>(&text).unwrap()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pings, ["1", "2", "3"]);
    let channel = &answers[0][0]["channel"];
    assert_eq!(
        (channel, &answers[0][0]["successful"]),
        (&json!("/meta/connect"), &json!(true))
    );
    let waited = start.elapsed();
    assert!(waited >= Duration::from_mins(2) && waited < Duration::from_secs(160));
}

#[tokio::test]
async fn an_idle_long_poll_is_reset() {
    let scene = scene().await;
    let id = scene.polling().await;
    tokio::time::pause();
    let start = Instant::now();
    assert!(scene.post(&connect(&id, "long-polling")).await.is_err());
    assert!(start.elapsed() >= Duration::from_mins(2));
}

#[tokio::test]
async fn a_silent_client_keeps_its_queue_for_a_while_and_its_id_a_little_longer() {
    let scene = scene().await;
    let id = scene.polling().await;
    tokio::time::pause();
    let say = |text| {
        scene
            .sandbox
            .world()
            .say(scene.alice, scene.lobby, text)
            .unwrap()
    };
    say("soon");
    tokio::time::advance(Duration::from_secs(30)).await;
    let queued = scene.poll_once(&id).await;
    assert_eq!(queued[1]["data"]["model"]["text"], "soon");
    say("late");
    tokio::time::advance(Duration::from_secs(210)).await;
    assert_eq!(scene.poll_once(&id).await.as_array().unwrap().len(), 1);
    tokio::time::advance(Duration::from_secs(260)).await;
    let gone = scene.poll_once(&id).await;
    assert_eq!(gone[0]["error"], format!("401:{id}:Unknown client"));
    assert_eq!(
        gone[0]["advice"],
        json!({ "reconnect": "handshake", "interval": 2000 })
    );
}
