//! Realtime over both transports, with connections that are cut, lost, refused and forgotten.

use std::ops::ControlFlow;
use std::time::Duration;

use gitter::realtime::{
    Change, Channel, Loss, Notification, Realtime, RealtimeError, Sink, Subscriptions,
};
use gitter_sandbox::{Effect, Fault, Visibility};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Stage, http};

/// Passes on what is told, until nobody listens.
struct Ear(mpsc::UnboundedSender<Notification>);

impl Sink for Ear {
    async fn push(&mut self, notification: Notification) -> ControlFlow<()> {
        match self.0.send(notification) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// A connection that runs.
struct Connection {
    told: mpsc::UnboundedReceiver<Notification>,
    channels: Subscriptions,
    run: JoinHandle<(Realtime, Result<(), RealtimeError>)>,
}

impl Connection {
    fn new(stage: &Stage) -> Self {
        let (realtime, _) = Realtime::new(stage.endpoints(), http(), stage.token().into(), 1);
        Self::run(realtime)
    }

    fn run(mut realtime: Realtime) -> Self {
        let (ear, told) = mpsc::unbounded_channel();
        let channels = realtime.subscriptions();
        let run = tokio::spawn(async move {
            let end = realtime.run(&mut Ear(ear)).await;
            (realtime, end)
        });
        Self {
            told,
            channels,
            run,
        }
    }

    /// A connection that stands, with these channels.
    async fn live(stage: &Stage, channels: impl IntoIterator<Item = Channel>) -> Self {
        let mut connection = Self::new(stage);
        for channel in channels {
            connection.channels.subscribe(channel);
        }
        assert!(!connection.connected().await);
        connection
    }

    /// The next thing told.
    async fn next(&mut self) -> Notification {
        let next = tokio::time::timeout(Duration::from_secs(30), self.told.recv());
        next.await
            .expect("nothing was told")
            .expect("the connection has ended")
    }

    /// Waits until the connection stands; whether it was resumed.
    async fn connected(&mut self) -> bool {
        loop {
            if let Notification::Connected { resumed, .. } = self.next().await {
                return resumed;
            }
        }
    }

    /// Waits for the next change.
    async fn change(&mut self) -> Change {
        loop {
            match self.next().await {
                Notification::Push(push) => return push.change,
                Notification::Gap { .. } => panic!("a gap"),
                _ => {}
            }
        }
    }

    /// Waits for the next new message.
    async fn text(&mut self) -> String {
        loop {
            if let Change::MessageCreated(message) = self.change().await {
                return message.text;
            }
        }
    }
}

fn refuse_websockets(stage: &Stage) {
    stage
        .sandbox
        .faults()
        .add(Fault::new("GET /bayeux", Effect::Status(400)).always());
}

#[tokio::test]
async fn what_happens_in_a_room_is_told_over_both_transports() {
    for websocket in [true, false] {
        let stage = Stage::set().await;
        if !websocket {
            refuse_websockets(&stage);
        }
        let mut connection = Connection::live(
            &stage,
            [
                Channel::Rooms,
                Channel::Messages(stage.lobby()),
                Channel::Members(stage.lobby()),
            ],
        )
        .await;
        let world = stage.sandbox.world();

        let first = world.say(stage.bob, stage.lobby, "one").unwrap();
        assert_eq!(connection.text().await, "one");
        world.edit(stage.lobby, first, "changed").unwrap();
        loop {
            if let Change::MessageUpdated(message) = connection.change().await {
                assert_eq!(
                    (message.text.as_str(), message.edited_at.is_some()),
                    ("changed", true)
                );
                break;
            }
        }
        world.reply(stage.bob, stage.lobby, first, "reply").unwrap();
        assert_eq!(connection.text().await, "reply");
        world.delete(stage.lobby, first).unwrap();
        loop {
            if let Change::MessageUpdated(message) = connection.change().await
                && message.is_blanked()
            {
                break;
            }
        }
        // A room that comes along later.
        let dev = world.room("acme/dev").unwrap();
        world.join(stage.alice, dev).unwrap();
        loop {
            if let Change::RoomCreated(room) = connection.change().await {
                assert_eq!(room.uri.as_deref(), Some("acme/dev"));
                connection.channels.subscribe(Channel::Messages(room.id));
                break;
            }
        }
        while !matches!(
            connection.next().await,
            Notification::Subscribed(Channel::Messages(_))
        ) {}
        world.say(stage.bob, dev, "in the other room").unwrap();
        assert_eq!(connection.text().await, "in the other room");

        // Many at once, none lost, in order.
        for number in 0..50 {
            stage.say(&format!("burst {number}"));
        }
        for number in 0..50 {
            assert_eq!(connection.text().await, format!("burst {number}"));
        }
        world.leave(stage.alice, stage.lobby).unwrap();
        loop {
            if let Change::RoomRemoved(room) = connection.change().await {
                assert_eq!(room, stage.lobby());
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_cut_connection_is_resumed_and_brings_what_was_said_meanwhile() {
    for websocket in [true, false] {
        let stage = Stage::set().await;
        if !websocket {
            refuse_websockets(&stage);
        }
        let mut connection = Connection::live(&stage, [Channel::Messages(stage.lobby())]).await;
        stage.say("before");
        assert_eq!(connection.text().await, "before");
        // Let the next poll begin, so that there is something to cut.
        while stage.sandbox.open_connections() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stage.sandbox.faults().cut_connections();
        while !matches!(connection.next().await, Notification::Disconnected { .. }) {}
        stage.say("meanwhile");
        let mut text = None;
        loop {
            match connection.next().await {
                Notification::Push(push) => {
                    if let Change::MessageCreated(message) = push.change {
                        text = Some(message.text);
                    }
                }
                Notification::Connected { resumed, .. } => {
                    assert!(resumed);
                    break;
                }
                _ => {}
            }
        }
        match text {
            Some(text) => assert_eq!(text, "meanwhile"),
            None => assert_eq!(connection.text().await, "meanwhile"),
        }
        stage.say("after");
        assert_eq!(connection.text().await, "after");
    }
}

#[tokio::test]
async fn a_forgotten_client_begins_anew() {
    let stage = Stage::set().await;
    let mut connection = Connection::live(&stage, [Channel::Messages(stage.lobby())]).await;
    stage.sandbox.faults().forget_clients();
    stage.sandbox.faults().cut_connections();
    assert!(!connection.connected().await);
    stage.say("after");
    assert_eq!(connection.text().await, "after");
}

#[tokio::test]
async fn a_lost_push_is_a_gap() {
    let stage = Stage::set().await;
    let mut connection = Connection::live(&stage, [Channel::Messages(stage.lobby())]).await;
    stage.say("one");
    assert_eq!(connection.text().await, "one");
    stage.sandbox.faults().lose_pushes(1);
    stage.say("lost");
    stage.say("three");
    loop {
        match connection.next().await {
            Notification::Gap { .. } => break,
            Notification::Push(push) => assert!(!matches!(push.change, Change::MessageCreated(_))),
            _ => {}
        }
    }
    assert_eq!(connection.text().await, "three");
}

#[tokio::test]
async fn a_refused_channel_harms_no_other() {
    let stage = Stage::set().await;
    let world = stage.sandbox.world();
    let secret = world
        .add_room("acme/secret", Visibility::Private, stage.bob)
        .unwrap();
    let secret = Channel::Messages(secret.to_string().into());
    let missing = Channel::Messages("5f0000000000000000000000".into());
    let mut connection = Connection::new(&stage);
    for channel in [
        secret.clone(),
        Channel::Messages(stage.lobby()),
        missing.clone(),
    ] {
        connection.channels.subscribe(channel);
    }
    let mut refused = Vec::new();
    loop {
        match connection.next().await {
            Notification::SubscribeRefused { channel, .. } => refused.push(channel),
            Notification::Connected { .. } => break,
            _ => {}
        }
    }
    refused.sort();
    let mut expected = [secret, missing];
    expected.sort();
    assert_eq!(refused, expected);
    stage.say("hello");
    assert_eq!(connection.text().await, "hello");
}

#[tokio::test]
async fn a_revoked_token_ends_the_connection() {
    let stage = Stage::set().await;
    let mut connection = Connection::live(&stage, [Channel::Messages(stage.lobby())]).await;
    stage.sandbox.world().revoke_tokens(stage.alice);
    while connection.told.recv().await.is_some() {}
    let (_, end) = connection.run.await.unwrap();
    assert_eq!(end, Err(RealtimeError::TokenRefused));

    let (mut realtime, _) =
        Realtime::new(stage.endpoints(), http(), "nonsense".to_owned().into(), 1);
    let (ear, _told) = mpsc::unbounded_channel();
    assert_eq!(
        realtime.run(&mut Ear(ear)).await,
        Err(RealtimeError::TokenRefused)
    );
}

#[tokio::test]
async fn an_unplugged_server_is_tried_until_it_is_back() {
    let stage = Stage::set().await;
    let mut connection = Connection::live(&stage, [Channel::Messages(stage.lobby())]).await;
    stage.sandbox.faults().unplug();
    for _ in 0..2 {
        while !matches!(connection.next().await, Notification::Disconnected { .. }) {}
    }
    stage.sandbox.faults().plug_in();
    connection.connected().await;
    stage.say("after");
    assert_eq!(connection.text().await, "after");
}

#[tokio::test]
async fn a_connection_that_was_stopped_can_run_again() {
    let stage = Stage::set().await;
    let (mut realtime, channels) =
        Realtime::new(stage.endpoints(), http(), stage.token().into(), 1);
    channels.subscribe(Channel::Messages(stage.lobby()));
    // Dropped in the middle of anything.
    for milliseconds in [0, 1, 3, 10, 30] {
        let (ear, _told) = mpsc::unbounded_channel();
        let mut ear = Ear(ear);
        let run = realtime.run(&mut ear);
        let _ = tokio::time::timeout(Duration::from_millis(milliseconds), run).await;
    }
    // Ended by the sink.
    let (ear, told) = mpsc::unbounded_channel();
    drop(told);
    assert_eq!(realtime.run(&mut Ear(ear)).await, Ok(()));

    let mut connection = Connection::run(realtime);
    assert!(!connection.connected().await);
    stage.say("hello");
    assert_eq!(connection.text().await, "hello");
}

#[tokio::test]
async fn where_nothing_listens_it_says_so() {
    let address = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let endpoints = crate::it::support::endpoints(&address.to_string());
    let (realtime, _) = Realtime::new(endpoints, http(), "token".to_owned().into(), 1);
    let mut connection = Connection::run(realtime);
    let next = connection.next().await;
    assert!(
        matches!(
            next,
            Notification::Disconnected {
                why: Loss::Unreachable,
                ..
            }
        ),
        "{next:?}"
    );
}
