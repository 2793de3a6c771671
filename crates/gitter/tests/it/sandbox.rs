//! Against the Gitter in memory: a walk through REST, and realtime over both transports, with everything that happens to
//! connections.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use gitter::realtime::{
    Change, Channel, Loss, Notification, Realtime, RealtimeError, Sink, Subscriptions,
};
use gitter::{
    Client, Clock, Draft, Endpoints, Error, MessageQuery, NetworkFault, Nonsense, OAuthError,
    RoomId,
};
use gitter_sandbox::{Effect, Fault, Sandbox, Visibility};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::support::http;

/// A sandbox with two people in a room, and another room nobody of them is in.
struct Stage {
    sandbox: Sandbox,
    alice: gitter_sandbox::UserId,
    bob: gitter_sandbox::UserId,
    lobby: gitter_sandbox::RoomId,
}

impl Stage {
    async fn set() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let world = sandbox.world();
        let alice = world.add_user("alice-gh", "Alice Anders");
        let bob = world.add_user("bob-gh", "Bob Brown");
        let lobby = world
            .add_room("acme/lobby", Visibility::Public, bob)
            .unwrap();
        world.add_room("acme/dev", Visibility::Public, bob).unwrap();
        world.join(alice, lobby).unwrap();
        Self {
            sandbox,
            alice,
            bob,
            lobby,
        }
    }

    fn endpoints(&self) -> Arc<Endpoints> {
        Arc::new(Endpoints {
            web_url: self.sandbox.web_url().clone(),
            api_url: self.sandbox.api_url().clone(),
            realtime_url: self.sandbox.realtime_url().clone(),
        })
    }

    fn token(&self) -> String {
        self.sandbox.world().personal_token(self.alice).unwrap()
    }

    fn client(&self) -> Client {
        Client::new(self.endpoints(), http(), clock(), self.token().into())
    }

    fn lobby(&self) -> RoomId {
        self.lobby.to_string().into()
    }

    fn say(&self, text: &str) -> String {
        self.sandbox
            .world()
            .say(self.bob, self.lobby, text)
            .unwrap()
            .to_string()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox goes by the system's clock"
)]
fn clock() -> Clock {
    Arc::new(Timestamp::now)
}

#[tokio::test]
async fn a_walk_through_rest() {
    let stage = Stage::set().await;
    let client = stage.client();
    gitter::ping(client.endpoints(), &http()).await.unwrap();
    gitter::realtime::ping(client.endpoints(), &http())
        .await
        .unwrap();

    let me = client.me().await.unwrap();
    assert_eq!(
        (me.username.as_str(), me.name()),
        ("alice-gh", "Alice Anders")
    );
    let rooms = client.rooms().await.unwrap();
    assert_eq!(rooms.items.len(), 1);
    assert_eq!(rooms.items[0].uri.as_deref(), Some("acme/lobby"));

    let dev = client.resolve("Acme/DEV").await.unwrap();
    assert_eq!((dev.room_member, dev.is_public()), (Some(false), true));
    assert_eq!(client.join(&dev.id).await.unwrap().room_member, Some(true));
    assert_eq!(client.members_up_to(&dev.id, 10).await.unwrap().len(), 2);

    let first = client
        .urgent()
        .send(&dev.id, &Draft::new("first"))
        .await
        .unwrap();
    let second = client
        .send(&dev.id, &Draft::new("second **bold**"))
        .await
        .unwrap();
    assert_eq!(second.html, "second <strong>bold</strong>");
    let reply = Draft {
        parent: Some(first.id.clone()),
        ..Draft::new("reply")
    };
    let reply = client.send(&dev.id, &reply).await.unwrap();
    assert_eq!(reply.parent_id.as_ref(), Some(&first.id));
    let edited = client.edit(&dev.id, &second.id, "changed").await.unwrap();
    assert!(edited.edited_at.is_some());

    let after = client
        .background()
        .messages(&dev.id, &MessageQuery::after(&first.id, 10))
        .await
        .unwrap();
    let texts: Vec<&str> = after
        .items
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    assert_eq!(texts, ["changed", "reply"]);
    let before = client
        .messages(&dev.id, &MessageQuery::before(&second.id, 10))
        .await
        .unwrap();
    assert_eq!(before.items.len(), 1);
    assert_eq!(
        client
            .thread(&dev.id, &first.id, None, None)
            .await
            .unwrap()
            .items
            .len(),
        1
    );

    client.delete(&dev.id, &second.id).await.unwrap();
    assert_eq!(
        client.message(&dev.id, &second.id).await.unwrap_err(),
        Error::NotFound
    );
    client.delete(&dev.id, &first.id).await.unwrap();
    assert!(
        client
            .message(&dev.id, &first.id)
            .await
            .unwrap()
            .is_blanked()
    );
    client.leave(&dev.id, &me.id).await.unwrap();
    assert_eq!(
        client.leave(&dev.id, &me.id).await.unwrap_err(),
        Error::NotFound
    );
    let budget = client.budget().state();
    assert_eq!((budget.refused, budget.limit), (0, 100));
    assert!(budget.left < 85, "each request was counted: {budget:?}");
}

#[tokio::test]
async fn what_was_read_and_who_else_is_there() {
    let stage = Stage::set().await;
    let client = stage.client();
    let heard = stage.say("hello");
    assert_eq!(
        client.unread(&stage.lobby()).await.unwrap().chat,
        [heard.as_str().into()]
    );
    client
        .mark_read(&stage.lobby(), &[heard.into()])
        .await
        .unwrap();
    stage.say("and again");
    client.mark_all_read(&stage.lobby()).await.unwrap();
    assert_eq!(client.unread(&stage.lobby()).await.unwrap().chat, []);

    assert_eq!(
        client.user("bob-gh").await.unwrap().display_name.as_deref(),
        Some("Bob Brown")
    );
    assert_eq!(client.user("no_body").await.unwrap_err(), Error::NotFound);
    let bob = client.resolve("bob-gh").await.unwrap();
    assert!(bob.one_to_one && bob.user.is_some_and(|other| other.username == "bob-gh"));
    assert_eq!(
        client.set_topic(&stage.lobby(), "x").await.unwrap_err(),
        Error::Forbidden
    );
    assert_eq!(client.groups().await.unwrap().skipped(), 0);
}

#[tokio::test]
async fn what_goes_wrong_says_whether_it_may_have_been_carried_out() {
    let stage = Stage::set().await;
    let client = stage.client();
    let path = "POST /v1/rooms/*/chatMessages";
    for (effect, error, maybe, done) in [
        (
            Effect::DropBefore,
            NetworkFault::Lost.into_error(),
            true,
            false,
        ),
        (
            Effect::DropAfter,
            NetworkFault::Lost.into_error(),
            true,
            true,
        ),
        (
            Effect::Html(502),
            Error::ServerFault {
                status: 502,
                effect: gitter::Effect::Unknown,
            },
            true,
            false,
        ),
        (
            Effect::Html(200),
            Error::Protocol {
                what: Nonsense::WebPage(200),
                effect: gitter::Effect::Unknown,
            },
            true,
            false,
        ),
        (
            Effect::Truncate,
            Error::Protocol {
                what: Nonsense::Truncated,
                effect: gitter::Effect::Unknown,
            },
            true,
            true,
        ),
        (Effect::Status(403), Error::Forbidden, false, false),
        (Effect::Status(401), Error::Unauthorised, false, false),
    ] {
        let before = stage.sandbox.world().messages(stage.lobby).unwrap().len();
        stage.sandbox.faults().add(Fault::new(path, effect.clone()));
        let failed = client
            .send(&stage.lobby(), &Draft::new("text"))
            .await
            .unwrap_err();
        assert_eq!(failed, error, "{effect:?}");
        assert_eq!(failed.may_have_been_carried_out(), maybe, "{effect:?}");
        let after = stage.sandbox.world().messages(stage.lobby).unwrap().len();
        assert_eq!(after > before, done, "{effect:?}");
    }
}

trait IntoError {
    fn into_error(self) -> Error;
}

impl IntoError for NetworkFault {
    fn into_error(self) -> Error {
        Error::Network {
            what: self,
            effect: gitter::Effect::Unknown,
        }
    }
}

#[tokio::test]
async fn a_registered_oauth_client_is_known_and_another_is_not() {
    let stage = Stage::set().await;
    let callback = "http://bridge.test/callback";
    let app = stage.sandbox.world().add_client("bridge", callback);
    let oauth = |secret: &str| {
        gitter::OAuth::new(
            &stage.endpoints(),
            http(),
            app.key.clone(),
            secret.to_owned().into(),
        )
    };
    oauth(&app.secret).verify(callback).await.unwrap();
    assert_eq!(
        oauth("wrong").verify(callback).await,
        Err(OAuthError::Client)
    );
}

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
    let endpoints = super::support::endpoints(&address.to_string());
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
