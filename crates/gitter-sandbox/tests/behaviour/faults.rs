//! What goes wrong on purpose goes wrong as it says.

use std::time::Duration;

use gitter_sandbox::{Effect, Fault, RoomId, Sandbox, UserId, Visibility};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::caller::{Socket, client};

struct Scene {
    sandbox: Sandbox,
    http: Client,
    alice: UserId,
    lobby: RoomId,
    token: String,
}

async fn scene() -> Scene {
    let sandbox = Sandbox::start().await.unwrap();
    let world = sandbox.world();
    let alice = world.add_user("alice-gh", "Alice");
    let lobby = world
        .add_room("acme/lobby", Visibility::Public, alice)
        .unwrap();
    let token = world.personal_token(alice).unwrap();
    Scene {
        http: client(),
        alice,
        lobby,
        token,
        sandbox,
    }
}

impl Scene {
    async fn say(&self, text: &str) -> Result<Response, reqwest::Error> {
        let url = format!(
            "{}/rooms/{}/chatMessages",
            self.sandbox.api_url(),
            self.lobby
        );
        self.http
            .post(url)
            .bearer_auth(&self.token)
            .json(&json!({ "text": text }))
            .send()
            .await
    }

    fn stored(&self) -> Vec<String> {
        let messages = self.sandbox.world().messages(self.lobby).unwrap();
        messages.into_iter().map(|message| message.text).collect()
    }

    async fn listening(&self) -> Socket {
        let mut socket = Socket::open(&self.sandbox).await;
        socket
            .listen(
                &self.token,
                &format!("/api/v1/rooms/{}/chatMessages", self.lobby),
            )
            .await;
        socket
    }
}

const SEND: &str = "POST /v1/rooms/*/chatMessages";

#[tokio::test]
async fn messages_are_acknowledged_and_dropped() {
    let scene = scene().await;
    scene.sandbox.faults().drop_messages(1);
    let answer = scene.say("lost").await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["text"], "lost");
    assert!(scene.stored().is_empty());
    scene.say("kept").await.unwrap();
    assert_eq!(scene.stored(), ["kept"]);
}

#[tokio::test]
async fn requests_fail_before_or_after_they_are_carried_out() {
    let scene = scene().await;
    let fail = |effect| scene.sandbox.faults().add(Fault::new(SEND, effect));
    let fired = fail(Effect::Status(502));
    assert_eq!(scene.say("refused").await.unwrap().status(), 502);
    assert_eq!(fired.count(), 1);
    fail(Effect::Html(503));
    let page = scene.say("a page").await.unwrap();
    assert_eq!(
        (
            page.status().as_u16(),
            page.headers()["content-type"].to_str().unwrap()
        ),
        (503, "text/html")
    );
    fail(Effect::DropBefore);
    assert!(scene.say("dropped before").await.is_err());
    assert_eq!(scene.stored(), Vec::<String>::new());
    fail(Effect::DropAfter);
    assert!(scene.say("dropped after").await.is_err());
    fail(Effect::Truncate);
    assert!(
        scene
            .say("truncated")
            .await
            .unwrap()
            .json::<Value>()
            .await
            .is_err()
    );
    assert_eq!(scene.say("well").await.unwrap().status(), 200);
    assert_eq!(scene.stored(), ["dropped after", "truncated", "well"]);
}

#[tokio::test]
async fn answers_come_late_or_never() {
    let scene = scene().await;
    scene.sandbox.faults().add(Fault::new(
        SEND,
        Effect::DelayAnswer(Duration::from_secs(30)),
    ));
    scene
        .sandbox
        .faults()
        .add(Fault::new(SEND, Effect::Hang).skip(1));
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    assert_eq!(scene.say("late").await.unwrap().status(), 200);
    assert!(start.elapsed() >= Duration::from_secs(30));
    scene.sandbox.faults().clear();
    scene.sandbox.faults().add(Fault::new(SEND, Effect::Hang));
    assert!(
        tokio::time::timeout(Duration::from_mins(10), scene.say("never"))
            .await
            .is_err()
    );
    assert_eq!(scene.stored(), ["late"]);
}

#[tokio::test]
async fn pushes_get_lost_and_doubled() {
    let scene = scene().await;
    let mut socket = scene.listening().await;
    let world = scene.sandbox.world();
    scene.sandbox.faults().lose_pushes(1);
    world.say(scene.alice, scene.lobby, "lost").unwrap();
    world.say(scene.alice, scene.lobby, "after").unwrap();
    let push = socket.next().await;
    assert_eq!(
        (&push[0]["data"]["model"]["text"], &push[0]["ext"]["c"]),
        (&json!("after"), &json!(2))
    );
    scene.sandbox.faults().double_pushes(1);
    world.say(scene.alice, scene.lobby, "twice").unwrap();
    for number in [3, 4] {
        let push = socket.next().await;
        assert_eq!(
            (&push[0]["data"]["model"]["text"], &push[0]["ext"]["c"]),
            (&json!("twice"), &json!(number))
        );
    }
}

#[tokio::test]
async fn connections_are_cut_and_the_client_goes_on_where_it_was() {
    let scene = scene().await;
    let mut socket = Socket::open(&scene.sandbox).await;
    let id = socket
        .listen(
            &scene.token,
            &format!("/api/v1/rooms/{}/chatMessages", scene.lobby),
        )
        .await;
    scene.sandbox.faults().cut_connections();
    assert!(socket.frame().await.is_none_or(|frame| frame.is_err()));
    scene
        .sandbox
        .world()
        .say(scene.alice, scene.lobby, "meanwhile")
        .unwrap();
    let mut again = Socket::open(&scene.sandbox).await;
    again.send(crate::caller::connect(&id, "websocket")).await;
    assert_eq!(again.next().await[0]["data"]["model"]["text"], "meanwhile");
}

#[tokio::test]
async fn half_open_connections_are_silent_and_new_ones_work() {
    let scene = scene().await;
    let mut socket = scene.listening().await;
    scene.sandbox.faults().freeze_connections();
    scene
        .sandbox
        .world()
        .say(scene.alice, scene.lobby, "unheard")
        .unwrap();
    assert_eq!(scene.say("heard").await.unwrap().status(), 200);
    tokio::time::pause();
    assert!(
        tokio::time::timeout(Duration::from_mins(10), socket.frame())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn unplugged_nobody_gets_through() {
    let scene = scene().await;
    scene.sandbox.faults().unplug();
    assert!(scene.say("unplugged").await.is_err());
    scene.sandbox.faults().plug_in();
    assert_eq!(scene.say("plugged in").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_flagged_account_is_answered_and_ignored() {
    let scene = scene().await;
    let mut socket = scene.listening().await;
    let world = scene.sandbox.world();
    let bob = world.add_user("bob-gh", "Bob");
    world.hellban(scene.alice).unwrap();
    let answer: Value = scene
        .say("into the void")
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let url = format!(
        "{}/rooms/{}/chatMessages/{}",
        scene.sandbox.api_url(),
        scene.lobby,
        answer["id"].as_str().unwrap()
    );
    assert_eq!(
        scene
            .http
            .get(url)
            .bearer_auth(&scene.token)
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    world.say(bob, scene.lobby, "heard").unwrap();
    assert_eq!(socket.next().await[0]["data"]["model"]["text"], "heard");
}

#[tokio::test]
async fn repeating_oneself_gets_a_young_account_flagged_if_that_is_wanted() {
    let sandbox = Sandbox::builder().spam_filter(true).start().await.unwrap();
    let world = sandbox.world();
    let alice = world.add_user("alice-gh", "Alice");
    let lobby = world
        .add_room("acme/lobby", Visibility::Public, alice)
        .unwrap();
    for _ in 0..12 {
        world.say(alice, lobby, "the same again and again").unwrap();
    }
    world.say(alice, lobby, "something else").unwrap();
    assert_eq!(world.messages(lobby).unwrap().len(), 10);
}
