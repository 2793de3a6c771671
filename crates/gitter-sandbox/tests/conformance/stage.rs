//! The recorded world, built anew: the same people, rooms, ids and tokens.

use std::collections::BTreeMap;
use std::time::Duration;

use gitter_sandbox::{OAuthClient, RoomId, Sandbox, UserId, VirtualClock, Visibility};
use reqwest::Client;
use serde_json::Value;

pub(crate) fn recordings(file: &str) -> String {
    let path = format!("{}/../../recordings/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A sandbox with the recorded world in it.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: VirtualClock,
    world: Value,
    client: OAuthClient,
    other_clients: BTreeMap<&'static str, String>,
    /// What the recording called a thing, and what it is called here.
    pub(crate) names: BTreeMap<String, String>,
}

const NAMES: [(&str, &str); 4] = [
    ("alice-gh", "Alice Anders"),
    ("bob-gh", "Bob Brown"),
    ("carol_gitlab", "Carol Clark"),
    ("dave_twitter", "Dave Dunn"),
];

impl Stage {
    /// The world as it was when the first request was recorded.
    pub(crate) async fn set(rate_limit: u32) -> Self {
        let world: Value = serde_json::from_str(&recordings("world.json")).unwrap();
        let clock = VirtualClock::new("2026-11-22T15:55:00Z".parse().unwrap());
        let sandbox = Sandbox::builder()
            .clock(clock.clock())
            .rate_limit(rate_limit)
            .start()
            .await
            .unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let client = OAuthClient {
            key: text(&world["oauthClient"]["clientKey"]),
            secret: text(&world["oauthClient"]["clientSecret"]),
            redirect_uri: text(&world["oauthClient"]["registeredRedirectUri"]),
        };
        let mut stage = Self {
            sandbox,
            clock,
            world,
            client,
            other_clients: BTreeMap::new(),
            names: BTreeMap::new(),
        };
        stage.fill();
        stage
    }

    fn fill(&mut self) {
        let control = self.sandbox.world();
        for (username, display_name) in NAMES {
            control.add_user_as(self.user(username), username, display_name);
        }
        let [alice, bob, carol] =
            ["alice-gh", "bob-gh", "carol_gitlab"].map(|name| self.user(name));
        let group = self.world["group"]["id"].as_str().unwrap().parse().unwrap();
        control.add_group_as(group, "acme-community", "Acme Community", alice);
        for (name, visibility, members, topic) in [
            ("lobby", Visibility::Public, vec![bob, carol], ""),
            (
                "quiet",
                Visibility::Public,
                vec![],
                "A room with few messages",
            ),
            (
                "dev",
                Visibility::Public,
                vec![bob, carol],
                "Development of *everything*",
            ),
            ("private", Visibility::Private, vec![bob], "Members only"),
        ] {
            let room = self.room(name);
            let uri = self.world["rooms"][name]["uri"].as_str().unwrap();
            control.add_room_as(room, uri, visibility, alice).unwrap();
            control.set_topic(room, topic).unwrap();
            for member in members {
                control.join(member, room).unwrap();
            }
            self.tick();
        }
        control
            .one_to_one_as(self.room("oneToOne_alice_bob"), alice, bob)
            .unwrap();
        control
            .one_to_one_as(self.room("oneToOne_carol_alice"), carol, alice)
            .unwrap();
        control.add_client_as("Bridge Test App", &self.client);
        let web = control
            .add_client("Gitter Web Client", "http://gitter.test/")
            .key;
        let bridge = control
            .add_client("Matrix Bridge", "http://matrix.test/")
            .key;
        control.approve_virtual_users(&bridge).unwrap();
        self.other_clients = BTreeMap::from([("webToken", web), ("matrixBridgeToken", bridge)]);
        self.tick();
    }

    /// A moment passes.
    pub(crate) fn tick(&self) {
        self.clock.advance(Duration::from_millis(20));
    }

    pub(crate) fn user(&self, username: &str) -> UserId {
        self.world["users"][username]["id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    pub(crate) fn room(&self, name: &str) -> RoomId {
        self.world["rooms"][name]["id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// The token that a placeholder such as `alice-gh/appToken` stands for.
    pub(crate) fn token(&self, placeholder: &str) -> String {
        let (username, kind) = placeholder.split_once('/').unwrap();
        let (control, user) = (self.sandbox.world(), self.user(username));
        match kind {
            "token" => control.personal_token(user).unwrap(),
            "appToken" => control.token(user, &self.client.key).unwrap(),
            other => control.token(user, &self.other_clients[other]).unwrap(),
        }
    }

    /// Somebody says what the recording knows under an id.
    pub(crate) fn say(&mut self, recorded: &str, username: &str, room: &str, text: &str) {
        let said = self
            .sandbox
            .world()
            .say(self.user(username), self.room(room), text)
            .unwrap();
        self.names.insert(recorded.to_owned(), said.to_string());
        self.tick();
    }

    /// Somebody replies to a message of which the recording's id is given.
    pub(crate) fn reply(
        &mut self,
        recorded: &str,
        username: &str,
        room: &str,
        parent: &str,
        text: &str,
    ) {
        let parent = self.names[parent].parse().unwrap();
        let said = self
            .sandbox
            .world()
            .reply(self.user(username), self.room(room), parent, text)
            .unwrap();
        self.names.insert(recorded.to_owned(), said.to_string());
        self.tick();
    }

    /// Opens the consent page in Alice's browser: the transaction it stands for.
    pub(crate) async fn open_consent(&self, http: &Client, state: &str) -> String {
        let page = self
            .sandbox
            .web_url()
            .join("/login/oauth/authorize")
            .unwrap();
        let asked = [
            ("response_type", "code"),
            ("client_id", &self.client.key),
            ("redirect_uri", &self.client.redirect_uri),
            ("state", state),
        ];
        let page = http
            .get(page)
            .query(&asked)
            .header("cookie", &self.names["cookie"])
            .send()
            .await
            .unwrap();
        let page = page.text().await.unwrap();
        let (_, rest) = page
            .split_once("name=\"transaction_id\" type=\"hidden\" value=\"")
            .unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// Alice consents: the code that her browser is sent away with.
    pub(crate) async fn fresh_code(&self, http: &Client) -> String {
        let transaction = self.open_consent(http, "s").await;
        let decide = self
            .sandbox
            .web_url()
            .join("/login/oauth/authorize/decision")
            .unwrap();
        let form = [("transaction_id", transaction)];
        let away = http
            .post(decide)
            .form(&form)
            .header("cookie", &self.names["cookie"])
            .send()
            .await
            .unwrap();
        let to = away.headers()["location"].to_str().unwrap();
        to.split_once("code=")
            .unwrap()
            .1
            .split('&')
            .next()
            .unwrap()
            .to_owned()
    }

    /// Text of a recorded request, with the names that things have here.
    pub(crate) fn translate(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (recorded, here) in &self.names {
            text = text.replace(recorded, here);
        }
        for kind in ["appToken", "matrixBridgeToken", "token", "webToken"] {
            for (username, _) in NAMES {
                let placeholder = format!("{username}/{kind}");
                let shown = format!("<{placeholder}>");
                if text.contains(&shown) {
                    text = text.replace(&shown, &self.token(&placeholder));
                }
            }
        }
        text
    }
}
