//! What a scene plays on: everything around a bridge, which can be killed and started anew while the rest
//! lives on.
//!
//! Time stands still while a scene waits for something to happen, and moves only in [`Stage::until`] and
//! [`Stage::wait`]: a blocking task is kept running, and tokio does not move paused time by itself while
//! there is one. (It would otherwise do so whenever everybody waits for the database, which works in a
//! thread of its own.)
//!
//! To make the homeserver or the network do one more thing: a field of its `State`, and the request that
//! heeds it.

#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "only tests use it: they say what they expect by panicking, and their scenes explain the rest"
)]

pub mod clock;
pub mod homeserver;
pub mod network;
pub mod road;
pub mod talk;
pub mod tally;

use std::{cell::Cell, sync::Arc, time::Duration};

use ::homeserver::{Appservice, IncomingEvent, Transaction};
use bridge::{
    Bridge, Clock, Config, Parts, Random,
    config::{Backfill, Bot, DoublePuppet, Ghosts, InvitePolicy, Invites, Media},
    permissions::{Level, Permissions},
};
use ruma::{EventId, OwnedRoomId, OwnedUserId, RoomId};
use serde_json::{Value, json};
use store::{Login, NewLogin, Options, Portal, PortalState, SecretKey, Store};

use crate::{homeserver::FakeHomeserver, network::FakeNetwork};
pub use clock::START;
use clock::StageClock;

pub const ALICE: &str = "@alice:example.org";

pub struct Stage {
    pub homeserver: FakeHomeserver,
    pub network: FakeNetwork,
    pub store: Store,
    pub config: Config,
    pub bridge: Option<Arc<Bridge>>,
    /// Where the bridge's questions to the database are counted, if they are.
    tally: Option<tally::Tally>,
    clock: Arc<StageClock>,
    files: tempfile::TempDir,
    _still: std::sync::mpsc::Sender<()>,
    transactions: u64,
}

impl Stage {
    /// An empty stage; nothing runs yet.
    pub async fn new() -> Self {
        let (still, ended) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || ended.recv());
        let clock = Arc::new(StageClock::default());
        let files = tempfile::tempdir().unwrap();
        let store = open(&files).await;
        let homeserver = FakeHomeserver::default();
        homeserver.lock().clock = Some(clock.clone());
        Self {
            homeserver,
            network: FakeNetwork::new(clock.clone()),
            store,
            config: config(),
            bridge: None,
            tally: None,
            clock,
            files,
            _still: still,
            transactions: 0,
        }
    }

    /// Has what bridges built from now on ask of the database counted. The database then answers within the turn of whoever
    /// asks, which is also quicker.
    pub async fn tallied(&mut self) -> tally::Tally {
        let tally = tally::Tally::default();
        if self.bridge.is_some() {
            self.kill().await;
        }
        self.store = self
            .store
            .clone()
            .in_steps(Arc::new(tally::Tally::default()));
        self.tally = Some(tally.clone());
        tally
    }

    /// Alice has logged in, her rooms are these, and the bridge runs.
    pub async fn with_rooms(rooms: &[&str]) -> Self {
        let mut stage = Self::new().await;
        stage.network.lock().rooms = rooms.iter().map(|address| network::room(address)).collect();
        stage.log_in().await;
        stage.start().await;
        stage
    }

    /// Alice is in one room, on both sides.
    pub async fn in_room(address: &str) -> (Self, OwnedRoomId) {
        let mut stage = Self::with_rooms(&[address]).await;
        let room = stage.enter(address).await;
        (stage, room)
    }

    pub async fn log_in(&mut self) -> Login {
        let alice = network::person("alice");
        let new = NewLogin {
            mxid: ALICE.to_owned(),
            person_id: alice.id.to_string(),
            username: alice.username,
            display_name: alice.display_name,
            credentials: "token".to_owned().into(),
            now: self.now(),
        };
        self.store.put_login(&new).await.unwrap()
    }

    pub async fn login(&self) -> Login {
        self.store.login_of(ALICE).await.unwrap().unwrap()
    }

    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    pub async fn start(&mut self) {
        let bridge = self.build();
        bridge.start().await.unwrap();
        self.bridge = Some(bridge);
    }

    /// A bridge that does nothing yet.
    pub fn build(&self) -> Arc<Bridge> {
        Bridge::new(Parts {
            config: self.config.clone(),
            store: match &self.tally {
                Some(tally) => self.store.clone().in_steps(Arc::new(tally.clone())),
                None => self.store.clone(),
            },
            homeserver: Arc::new(self.homeserver.clone()),
            network: Arc::new(self.network.clone()),
            clock: self.clock.clone(),
            random: Random::from_seed([7; 32]),
        })
        .unwrap()
    }

    /// Ends the bridge without a word, and closes its database, as a kill would.
    pub async fn kill(&mut self) {
        let bridge = self.bridge.take().expect("a bridge runs");
        assert_eq!(Arc::strong_count(&bridge), 1);
        drop(bridge);
        // What was dropped is gone when its tasks have seen it.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.store.close().await;
        self.store = open(&self.files).await;
        if self.tally.is_some() {
            self.store = self
                .store
                .clone()
                .in_steps(Arc::new(tally::Tally::default()));
        }
    }

    pub async fn restart(&mut self) {
        self.kill().await;
        self.start().await;
    }

    /// Moves time on.
    pub async fn wait(&self, time: Duration) {
        const STEP: Duration = Duration::from_millis(250);
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(STEP);
            tokio::time::advance(step).await;
            left -= step;
            self.breathe().await;
        }
    }

    /// Moves time on at one go, as for a machine that slept.
    pub async fn leap(&self, time: Duration) {
        tokio::time::advance(time).await;
        self.breathe().await;
    }

    /// Moves time on by much, in large steps.
    pub async fn wait_long(&self, time: Duration) {
        const STEP: Duration = Duration::from_secs(20);
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(STEP);
            tokio::time::advance(step).await;
            left -= step;
            self.breathe().await;
        }
    }

    /// Moves time on until something is so.
    #[track_caller]
    pub fn until<'a>(
        &'a self,
        what: &'a str,
        so: impl AsyncFn() -> bool + 'a,
    ) -> impl Future<Output = ()> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            for _ in 0..10_000 {
                if so().await {
                    return;
                }
                self.breathe().await;
                tokio::time::advance(Duration::from_millis(50)).await;
            }
            panic!(
                "{caller}: waited in vain until {what}; the homeserver has {:#?}",
                self.homeserver.lock().requests
            );
        }
    }

    /// Changes the database behind the bridge's back.
    pub async fn meddle(&self, sql: &str) {
        use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

        let uri = format!("sqlite:{}", self.files.path().join("bridge.db").display());
        let mut connection = sqlx::SqliteConnection::connect(&uri).await.unwrap();
        connection
            .execute(AssertSqlSafe(sql.to_owned()))
            .await
            .unwrap();
        connection.close().await.unwrap();
    }

    /// Moves time on until nothing waits in any lane, and has not for a while.
    pub async fn quiet(&self) {
        let quiet_for = Cell::new(0);
        self.until("it is quiet", async || {
            let empty = self.store.waiting_lanes().await.unwrap().is_empty();
            quiet_for.set(if empty { quiet_for.get() + 1 } else { 0 });
            quiet_for.get() > 40
        })
        .await;
    }

    /// Lets everything do what it can do now. The database serves whoever asks first, so each round lets
    /// everybody who waits for it take a step.
    async fn breathe(&self) {
        for _ in 0..8 {
            // A stop has closed it.
            self.store.swept_at().await.ok();
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        }
    }

    pub async fn portal(&self, address: &str) -> Portal {
        let portal = self
            .store
            .portal_of(ALICE, &format!("room-{address}"))
            .await
            .unwrap();
        portal.unwrap_or_else(|| panic!("there is no portal for {address}"))
    }

    /// Alice accepts the invite to a room, and waits until it is opened.
    pub async fn enter(&mut self, address: &str) -> OwnedRoomId {
        self.until("she is invited", async || {
            let portal = self
                .store
                .portal_of(ALICE, &format!("room-{address}"))
                .await
                .unwrap();
            portal.is_some_and(|portal| {
                portal.state == PortalState::Invited && self.membership(&portal) == "invite"
            })
        })
        .await;
        let room = OwnedRoomId::try_from(self.portal(address).await.room_id.unwrap()).unwrap();
        self.member(&room, "join").await;
        self.until("the room is opened", async || {
            self.portal(address).await.opened
        })
        .await;
        room
    }

    fn membership(&self, portal: &Portal) -> String {
        let homeserver = self.homeserver.lock();
        let room = <&RoomId>::try_from(portal.room_id.as_deref().unwrap()).unwrap();
        let member = homeserver.rooms[room]
            .state
            .get(&("m.room.member".to_owned(), ALICE.to_owned()));
        member.map_or(String::new(), |member| {
            member["membership"].as_str().unwrap().to_owned()
        })
    }

    /// Alice's membership changes by her own doing.
    pub async fn member(&mut self, room: &RoomId, membership: &str) {
        self.happens(
            room,
            ALICE,
            "m.room.member",
            Some(ALICE),
            json!({"membership": membership}),
        )
        .await;
    }

    /// Alice writes something.
    pub async fn writes(&mut self, room: &RoomId, text: &str) -> IncomingEvent {
        self.happens(
            room,
            ALICE,
            "m.room.message",
            None,
            json!({"msgtype": "m.text", "body": text}),
        )
        .await
    }

    /// Alice changes something.
    pub async fn edits(&mut self, room: &RoomId, event: &EventId, text: &str) -> IncomingEvent {
        self.edits_as(ALICE, room, event, text).await
    }

    pub async fn edits_as(
        &mut self,
        who: &str,
        room: &RoomId,
        event: &EventId,
        text: &str,
    ) -> IncomingEvent {
        let content = json!({
            "msgtype": "m.text",
            "body": format!("* {text}"),
            "m.new_content": {"msgtype": "m.text", "body": text},
            "m.relates_to": {"rel_type": "m.replace", "event_id": event},
        });
        self.happens(room, who, "m.room.message", None, content)
            .await
    }

    /// Alice takes something back.
    pub async fn redacts(&mut self, room: &RoomId, event: &EventId) -> IncomingEvent {
        self.redacts_as(ALICE, room, event).await
    }

    /// Somebody takes something back who may, whoever said it.
    pub async fn redacts_as(&mut self, who: &str, room: &RoomId, event: &EventId) -> IncomingEvent {
        let sender = OwnedUserId::try_from(who).unwrap();
        let now = self.now();
        let redaction = self.homeserver.lock().redacts(room, &sender, event, now);
        self.push(vec![redaction.clone()]).await;
        redaction
    }

    /// Alice answers something.
    pub async fn answers(&mut self, room: &RoomId, event: &EventId, text: &str) -> IncomingEvent {
        let content = json!({
            "msgtype": "m.text",
            "body": text,
            "m.relates_to": {"m.in_reply_to": {"event_id": event}},
        });
        self.happens(room, ALICE, "m.room.message", None, content)
            .await
    }

    /// Moves time on until a room of the network reads like this, and nothing is left to be done.
    #[track_caller]
    pub fn reads_there<'a>(
        &'a self,
        address: &'a str,
        expected: &'a [&'a str],
    ) -> impl Future<Output = ()> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            self.quiet().await;
            assert_eq!(self.network.transcript(address), expected, "{caller}");
        }
    }

    /// Something happens on Matrix, and the bridge is told.
    pub async fn happens(
        &mut self,
        room: &RoomId,
        sender: &str,
        kind: &str,
        key: Option<&str>,
        content: Value,
    ) -> IncomingEvent {
        let sender = OwnedUserId::try_from(sender).unwrap();
        let now = self.now();
        let event = self
            .homeserver
            .lock()
            .append(room, &sender, kind, key, content, now);
        self.push(vec![event.clone()]).await;
        event
    }

    /// The homeserver sends a transaction, until it is taken.
    pub async fn push(&mut self, events: Vec<IncomingEvent>) {
        self.transactions += 1;
        let id = self.transactions.to_string();
        self.until("a transaction is taken", async || {
            let transaction = Transaction {
                events: events.clone(),
                ..Transaction::default()
            };
            let bridge = self.bridge.as_ref().expect("a bridge runs");
            bridge.transaction(&id, transaction).await.is_ok()
        })
        .await;
    }

    /// Somebody's read receipts arrive: events, each perhaps with the thread it was read in.
    pub async fn reads(&mut self, room: &RoomId, user: &str, event: &str, thread: Option<&str>) {
        self.transactions += 1;
        let mut data = json!({"ts": self.now()});
        if let Some(thread) = thread {
            data["thread_id"] = json!(thread);
        }
        let receipt = json!({
            "type": "m.receipt",
            "room_id": room,
            "content": {event: {"m.read": {user: data}}},
        });
        let transaction = Transaction {
            events: Vec::new(),
            ephemeral: vec![receipt],
            malformed: 0,
            ..Transaction::default()
        };
        let bridge = self.bridge.as_ref().expect("a bridge runs");
        let id = self.transactions.to_string();
        bridge.transaction(&id, transaction).await.unwrap();
    }

    /// The messages of a Matrix room, as `sender: text`.
    pub fn transcript(&self, room: &RoomId) -> Vec<String> {
        let homeserver = self.homeserver.lock();
        let messages = homeserver.rooms[room]
            .timeline
            .iter()
            .filter(|event| event.kind == "m.room.message");
        messages
            .map(|event| {
                format!(
                    "{}: {}",
                    event.sender.localpart(),
                    event.content["body"].as_str().unwrap_or("?")
                )
            })
            .collect()
    }

    /// Moves time on until a Matrix room says this.
    #[track_caller]
    pub fn shows<'a>(
        &'a self,
        room: &'a RoomId,
        expected: &'a [&'a str],
    ) -> impl Future<Output = ()> + 'a {
        self.until("the Matrix room says so", async move || {
            self.transcript(room) == expected
        })
    }
}

async fn open(files: &tempfile::TempDir) -> Store {
    let uri = format!("sqlite:{}", files.path().join("bridge.db").display());
    Store::open(
        &Options {
            uri: uri.into(),
            max_connections: 1,
        },
        &SecretKey::new([1; 32]),
    )
    .await
    .unwrap()
}

/// Settings that scenes begin with.
pub fn config() -> Config {
    Config {
        version: "0.0.0".to_owned(),
        domain: "example.org".try_into().unwrap(),
        appservice_id: "gitter".to_owned(),
        double_puppet: DoublePuppet::Off,
        bot: Bot {
            username: "gitter".to_owned(),
            display_name: "Test bridge".to_owned(),
            avatar: None,
        },
        ghosts: Ghosts {
            username_template: "gitter_{id}".to_owned(),
            display_name_template: "{name} (Test)".to_owned(),
        },
        public_address: "https://bridge.example.org".try_into().unwrap(),
        command_prefix: "!gitter".to_owned(),
        permissions: Permissions::new([("example.org".to_owned(), Level::User)]),
        invites: Invites {
            policy: InvitePolicy::All,
            max: 20,
        },
        members_initial: 3,
        backfill: Backfill {
            initial: 5,
            missed: 20,
        },
        media: Media {
            max_size: 10 << 20,
            link_lifetime: None,
        },
        delivery: bridge::config::Delivery { max_age: None },
        status: bridge::config::Status {
            events: false,
            receipts: false,
        },
        space: true,
        federate: false,
        relay_notices: false,
    }
}
