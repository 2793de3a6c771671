//! The client and the endpoints with a real Synapse between them, which was given our registration.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by unwrapping"
)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use homeserver::registration::Identity;
use homeserver::{
    Actor, Appservice, Client, Direction, Error, Homeserver, Membership, NewEvent, NewRoom,
    NewState, Registration, Settings, StateEvent, Transaction, Unavailable,
};
use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::json;
use testbed::progress::Lines;
use testbed::synapse::{Options, Synapse};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

struct Bridge {
    events: mpsc::UnboundedSender<homeserver::IncomingEvent>,
    pings: mpsc::UnboundedSender<Option<String>>,
}

#[async_trait]
impl Appservice for Bridge {
    async fn transaction(&self, _: &str, transaction: Transaction) -> Result<(), Unavailable> {
        assert_eq!(transaction.malformed, 0);
        for event in transaction.events {
            self.events.send(event).map_err(|_| Unavailable)?;
        }
        Ok(())
    }

    async fn user_exists(&self, _: &UserId) -> bool {
        false
    }

    fn ping_received(&self, txn: Option<&str>) {
        self.pings.send(txn.map(ToOwned::to_owned)).unwrap();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test has to make its own HTTP client"
)]
fn speaker(synapse: &Synapse, as_token: &str) -> Client {
    Client::new(
        reqwest::Client::builder().no_proxy().build().unwrap(),
        Settings {
            address: synapse.base().clone(),
            as_token: as_token.into(),
            bot: OwnedUserId::try_from("@bot.x:matrix.test").unwrap(),
            appservice_id: "gitter".to_owned(),
        },
    )
}

fn ids(members: &[homeserver::RoomMember]) -> Vec<(&str, Membership)> {
    let mut ids: Vec<_> = members
        .iter()
        .map(|member| (member.user.localpart(), member.membership))
        .collect();
    ids.sort_by_key(|(name, _)| name.to_owned());
    ids
}

struct Stage {
    client: Client,
    synapse: Synapse,
    incoming: mpsc::UnboundedReceiver<homeserver::IncomingEvent>,
    pinged: mpsc::UnboundedReceiver<Option<String>>,
    server: tokio::task::JoinHandle<()>,
}

async fn stage() -> Stage {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let registration = Registration::new(&Identity {
        id: "gitter",
        url: &format!("http://{}", listener.local_addr().unwrap()),
        as_token: &"our-token".into(),
        hs_token: &"their-token".into(),
        bot: "bot.x",
        ghosts: "ghost_{id}",
        domain: "matrix.test",
    });
    let folder = testbed::scratch::directory("registration").unwrap();
    let file = folder.path().join("registration.yaml");
    std::fs::write(&file, registration.to_yaml()).unwrap();
    let options = Options {
        registrations: vec![file],
        ..Options::default()
    };
    let synapse = Synapse::start(options, &Lines).await.unwrap();

    let (events, incoming) = mpsc::unbounded_channel();
    let (pings, pinged) = mpsc::unbounded_channel();
    let router =
        homeserver::appservice::router(Arc::new(Bridge { events, pings }), "their-token".into());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Stage {
        client: speaker(&synapse, "our-token"),
        synapse,
        incoming,
        pinged,
        server,
    }
}

#[tokio::test]
async fn the_whole_road() {
    let mut stage = stage().await;
    who_we_are(&mut stage).await;
    let ghost_id = OwnedUserId::try_from("@ghost_1:matrix.test").unwrap();
    a_ghost(&stage.client, &ghost_id).await;
    let alice = stage.synapse.user("alice").await.unwrap();
    let alice_id = OwnedUserId::try_from(alice.id.as_str()).unwrap();
    let room = a_room(&stage.client, &alice_id).await;
    what_is_so_already_is_success(&stage.client, &room, &alice_id, &ghost_id).await;
    a_message_of_long_ago(&mut stage, &room, &ghost_id).await;
    the_way_out(&stage.client, &room, &alice_id, &ghost_id).await;
    assert_eq!(stage.client.counters().repeated(), 0);

    stage.server.abort();
    let error = stage.client.ping("p2").await.unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Refused {
                status: 502 | 504,
                ..
            }
        ),
        "{error:?}"
    );
}

async fn who_we_are(stage: &mut Stage) {
    let client = &stage.client;
    client.register("bot.x").await.unwrap();
    client.register("bot.x").await.unwrap();
    let bot = client.whoami().await.unwrap();
    assert_eq!(bot, "@bot.x:matrix.test");
    assert!(
        client
            .versions()
            .await
            .unwrap()
            .iter()
            .any(|version| version.starts_with("v1."))
    );
    assert!(client.ping("p1").await.unwrap() < Duration::from_mins(1));
    assert_eq!(stage.pinged.recv().await.unwrap().as_deref(), Some("p1"));
    let stranger = speaker(&stage.synapse, "another-token");
    assert!(stranger.whoami().await.unwrap_err().is_unknown_token());
}

async fn a_ghost(client: &Client, ghost_id: &UserId) {
    let ghost = Actor::Ghost(ghost_id.to_owned());
    assert!(
        client
            .set_display_name(&ghost, "x")
            .await
            .unwrap_err()
            .is_forbidden()
    );
    client.register("ghost_1").await.unwrap();
    client
        .set_display_name(&ghost, "Ghost \u{1f47b}")
        .await
        .unwrap();
    let picture = client
        .upload(b"\x89PNG".to_vec(), "image/png", Some("a b.png"))
        .await
        .unwrap();
    client.set_avatar(&ghost, Some(&picture)).await.unwrap();
    let profile = client.profile(ghost_id).await.unwrap();
    assert_eq!(
        (profile.display_name.as_deref(), profile.avatar),
        (Some("Ghost \u{1f47b}"), Some(picture))
    );
    client.set_avatar(&ghost, None).await.unwrap();
    assert_eq!(client.profile(ghost_id).await.unwrap().avatar, None);
    let nobody = OwnedUserId::try_from("@nobody:matrix.test").unwrap();
    assert_eq!(
        client.profile(&nobody).await.unwrap(),
        homeserver::Profile::default()
    );
}

async fn a_room(client: &Client, alice_id: &UserId) -> OwnedRoomId {
    let bot = client.whoami().await.unwrap();
    let content = json!({"bridgebot": bot});
    let new = NewRoom {
        name: Some("org/room".into()),
        topic: Some("talk".into()),
        invite: vec![alice_id.to_owned()],
        power_levels: Some(json!({"events": {"m.room.name": 100}, "invite": 50})),
        initial_state: vec![StateEvent {
            kind: "m.bridge".into(),
            key: "a/b".into(),
            content: content.clone(),
        }],
        creation: [("example.made_for".to_owned(), json!("x"))]
            .into_iter()
            .collect(),
        ..NewRoom::default()
    };
    let room: OwnedRoomId = client.create_room(&new).await.unwrap();
    assert!(client.joined_rooms().await.unwrap().contains(&room));
    let created = client.state(&room, "m.room.create", "").await.unwrap();
    assert_eq!(created.unwrap()["example.made_for"], "x");
    assert_eq!(
        client.state(&room, "m.bridge", "a/b").await.unwrap(),
        Some(content)
    );
    assert_eq!(client.state(&room, "m.bridge", "").await.unwrap(), None);
    assert_eq!(
        client.state(&room, "m.room.name", "").await.unwrap(),
        Some(json!({"name": "org/room"}))
    );
    let levels = client
        .state(&room, "m.room.power_levels", "")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (&levels["invite"], &levels["events"]["m.room.name"]),
        (&json!(50), &json!(100))
    );
    assert_eq!(
        ids(&client.members(&room).await.unwrap())[0].1,
        Membership::Invite
    );
    room
}

async fn what_is_so_already_is_success(
    client: &Client,
    room: &RoomId,
    alice_id: &UserId,
    ghost_id: &UserId,
) {
    let ghost = Actor::Ghost(ghost_id.to_owned());
    client
        .invite(&Actor::Bot, room, alice_id, Some("welcome"))
        .await
        .unwrap();
    let uninvited = client.join(&ghost, room).await.unwrap_err();
    assert!(uninvited.is_forbidden(), "{uninvited}");
    client.leave(&ghost, room, None).await.unwrap();
    client.kick(room, ghost_id, None).await.unwrap();
    client
        .invite(&Actor::Bot, room, ghost_id, None)
        .await
        .unwrap();
    client.join(&ghost, room).await.unwrap();
    client.join(&ghost, room).await.unwrap();
    client
        .invite(&Actor::Bot, room, ghost_id, None)
        .await
        .unwrap();
    assert_eq!(
        ids(&client.members(room).await.unwrap())[1..],
        [("bot.x", Membership::Join), ("ghost_1", Membership::Join)]
    );
}

async fn a_message_of_long_ago(stage: &mut Stage, room: &RoomId, ghost_id: &UserId) {
    let client = &stage.client;
    let ghost = Actor::Ghost(ghost_id.to_owned());
    let content = json!({"msgtype": "m.text", "body": "hi"});
    let message = NewEvent {
        who: &ghost,
        room,
        kind: "m.room.message",
        content: &content,
        txn: "t/1 ?",
        ts: Some(1_500_000_000_000),
        in_doubt: homeserver::InDoubt::SendAgain,
    };
    let sent = client.send(&message).await.unwrap();
    assert_eq!(client.send(&message).await.unwrap(), sent);
    let echo = loop {
        let event = stage.incoming.recv().await.unwrap();
        if event.event_id == sent {
            break event;
        }
    };
    assert_eq!(
        (echo.ts, &*echo.sender, &echo.content["body"]),
        (1_500_000_000_000, ghost_id, &json!("hi"))
    );
    assert_eq!(echo.room_id, room);
    let large = json!({"msgtype": "m.text", "body": "x".repeat(70_000)});
    let too_large = NewEvent {
        content: &large,
        txn: "t2",
        ..message
    };
    assert_eq!(client.send(&too_large).await, Err(Error::TooLarge));
    client.read_receipt(&ghost, room, &sent).await.unwrap();
    let membership = json!({"membership": "join", "displayname": "Other"});
    let entering = NewState {
        who: &ghost,
        room,
        kind: "m.room.member",
        key: ghost_id.as_str(),
        content: &membership,
        ts: Some(1_500_000_000_001),
    };
    client.set_state(&entering).await.unwrap();
    let page = client
        .timeline(room, None, Direction::Backward, &[ghost_id], 2)
        .await
        .unwrap();
    assert!(page.events.iter().any(|event| event.event_id == sent) && page.next.is_some());
    assert!(page.events.iter().all(|event| event.sender == ghost_id));
    let redaction = client
        .redact(&Actor::Bot, room, &sent, Some("spam"), "t3")
        .await
        .unwrap();
    let redacted = loop {
        let event = stage.incoming.recv().await.unwrap();
        if event.event_id == redaction {
            break event;
        }
    };
    assert_eq!(
        (redacted.kind.as_str(), redacted.redacts),
        ("m.room.redaction", Some(sent))
    );
}

async fn the_way_out(client: &Client, room: &RoomId, alice_id: &UserId, ghost_id: &UserId) {
    let ghost = Actor::Ghost(ghost_id.to_owned());
    client.leave(&ghost, room, Some("bye")).await.unwrap();
    client.leave(&ghost, room, None).await.unwrap();
    client.forget(&ghost, room).await.unwrap();
    client.kick(room, alice_id, Some("the end")).await.unwrap();
    client.kick(room, alice_id, None).await.unwrap();
    client.leave(&Actor::Bot, room, None).await.unwrap();
    client.leave(&Actor::Bot, room, None).await.unwrap();
    let gone = client
        .invite(&Actor::Bot, room, alice_id, None)
        .await
        .unwrap_err();
    assert!(gone.is_forbidden(), "{gone}");
}
