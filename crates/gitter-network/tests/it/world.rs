//! A sandbox Gitter with Alice, whose account is tested, and Bob.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use gitter_network::{Config, GitterNetwork};
use gitter_sandbox::{
    Effect, Fault, MessageId as SandboxMessage, RoomId as SandboxRoom, Sandbox, UserId, Visibility,
};
use jiff::Timestamp;
use remote::contract::World;
use remote::{Account, MessageId, Network, Person, PersonId, RoomId};
use url::Url;

/// The sandbox, and who is in it.
pub(crate) struct SandboxWorld {
    pub(crate) sandbox: Sandbox,
    pub(crate) network: Arc<GitterNetwork>,
    pub(crate) http: reqwest::Client,
    pub(crate) alice: UserId,
    pub(crate) bob: UserId,
    pub(crate) rooms: [SandboxRoom; 3],
    config: Config,
}

pub(crate) const CALLBACK: &str = "http://127.0.0.1:9/callback";

#[expect(clippy::disallowed_methods, reason = "the tests' one HTTP client")]
fn http(config: &Config) -> reqwest::Client {
    static HTTP: OnceLock<reqwest::Client> = OnceLock::new();
    // Every sandbox is at the same host, so one client does for all.
    HTTP.get_or_init(|| {
        gitter_network::configure(reqwest::Client::builder(), config)
            .build()
            .expect("an HTTP client")
    })
    .clone()
}

#[expect(clippy::disallowed_methods, reason = "the tests' one clock")]
fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

impl SandboxWorld {
    pub(crate) async fn new() -> Self {
        Self::with_limit(10_000).await
    }

    /// One that allows so many requests a minute.
    pub(crate) async fn with_limit(requests: u32) -> Self {
        let sandbox = Sandbox::builder()
            .rate_limit(requests)
            .start()
            .await
            .expect("a sandbox");
        let world = sandbox.world();
        let alice = world.add_user("alice-gh", "Alice Anders");
        let bob = world.add_user("bob_gitlab", "Bob Brown");
        let lobby = world
            .add_room("Acme/lobby", Visibility::Public, bob)
            .expect("a room");
        let team = world
            .add_room("Acme/team", Visibility::Private, bob)
            .expect("a room");
        world
            .add_room("Acme/open", Visibility::Public, bob)
            .expect("a room");
        let closed = world
            .add_room("Acme/closed", Visibility::Private, bob)
            .expect("a room");
        world.join(alice, lobby).expect("Alice comes in");
        world.join(alice, team).expect("Alice is let in");
        world
            .add_admin(team, alice)
            .expect("Alice may see to the room");
        world.one_to_one(alice, bob).expect("a conversation");
        let client = world.add_client("bridge", CALLBACK);
        let config = Config {
            web_url: sandbox.web_url().clone(),
            api_url: sandbox.api_url().clone(),
            realtime_url: sandbox.realtime_url().clone(),
            files_url: Some(sandbox.files_url().clone()),
            client_id: client.key,
            client_secret: client.secret.into(),
        };
        let network = Arc::new(GitterNetwork::new(
            config.clone(),
            http(&config),
            Arc::new(now),
            1,
        ));
        Self {
            sandbox,
            network,
            http: http(&config),
            alice,
            bob,
            rooms: [lobby, team, closed],
            config,
        }
    }

    /// The same Gitter, set up differently.
    pub(crate) fn network_with(&self, change: impl FnOnce(&mut Config)) -> GitterNetwork {
        let mut config = self.config.clone();
        change(&mut config);
        let http = http(&config);
        GitterNetwork::new(config, http, Arc::new(now), 2)
    }

    /// Alice's account, as if she had logged in.
    pub(crate) fn account(&self) -> Arc<dyn Account> {
        let token = self
            .sandbox
            .world()
            .token(self.alice, &self.config.client_id)
            .expect("a token");
        let alice = Person {
            id: PersonId::from(self.alice.to_string()),
            username: "alice-gh".into(),
            display_name: "Alice Anders".into(),
            avatar: None,
        };
        self.network
            .account(&alice, &token.into())
            .expect("an account")
    }
}

pub(crate) fn room(id: &RoomId) -> SandboxRoom {
    id.as_str().parse().expect("a room's id")
}

pub(crate) fn message(id: &MessageId) -> SandboxMessage {
    id.as_str().parse().expect("a message's id")
}

#[async_trait]
impl World for SandboxWorld {
    fn network(&self) -> Arc<dyn Network> {
        self.network.clone()
    }

    fn callback(&self) -> Url {
        CALLBACK.parse().expect("a URL")
    }

    async fn browse(&self, login_url: &Url, agree: bool) -> Vec<(String, String)> {
        let cookie = self.sandbox.world().browser_cookie(self.alice);
        let page = self
            .http
            .get(login_url.clone())
            .header("cookie", &cookie)
            .send()
            .await
            .expect("the consent page");
        let mut answer = page;
        if answer.status().is_success() {
            let page = answer.text().await.expect("the consent page");
            let behind = page
                .split_once("name=\"transaction_id\"")
                .expect("a form")
                .1;
            let id = behind.split_once("value=\"").expect("a transaction").1;
            let id = id.split_once('"').expect("its end").0.to_owned();
            let mut form = vec![("transaction_id", id.as_str())];
            if !agree {
                form.push(("cancel", "Deny"));
            }
            let decision = login_url
                .join("/login/oauth/authorize/decision")
                .expect("a URL");
            let request = self
                .http
                .post(decision)
                .header("cookie", &cookie)
                .form(&form);
            answer = request.send().await.expect("the decision");
        }
        let target = answer
            .headers()
            .get("location")
            .expect("a way back")
            .to_str()
            .expect("an address");
        let target = Url::parse(target).expect("an address");
        assert!(target.as_str().starts_with(CALLBACK), "{target}");
        target.query_pairs().into_owned().collect()
    }

    fn other(&self) -> Person {
        let web = self.sandbox.web_url().as_str().trim_end_matches('/');
        let path = "/api/private/avatars/g/u/bob_gitlab";
        Person {
            id: PersonId::from(self.bob.to_string()),
            username: "bob_gitlab".into(),
            display_name: "Bob Brown".into(),
            avatar: Some(remote::Avatar {
                key: path.into(),
                url: format!("{web}{path}"),
            }),
        }
    }

    fn room(&self) -> RoomId {
        RoomId::from(self.rooms[0].to_string())
    }

    fn second_room(&self) -> RoomId {
        RoomId::from(self.rooms[1].to_string())
    }

    fn open_room(&self) -> String {
        "Acme/open".into()
    }

    fn closed_room(&self) -> RoomId {
        RoomId::from(self.rooms[2].to_string())
    }

    fn missing_room(&self) -> RoomId {
        RoomId::from("0123456789abcdef01234567")
    }

    fn missing_message(&self) -> MessageId {
        MessageId::from("0123456789abcdef01234567")
    }

    async fn say(&self, place: &RoomId, text: &str, thread: Option<&MessageId>) -> MessageId {
        let world = self.sandbox.world();
        let said = match thread {
            Some(parent) => world.reply(self.bob, room(place), message(parent), text),
            None => world.say(self.bob, room(place), text),
        };
        MessageId::from(said.expect("Bob may speak").to_string())
    }

    async fn edit(&self, place: &RoomId, id: &MessageId, text: &str) {
        self.sandbox
            .world()
            .edit(room(place), message(id), text)
            .expect("an edit");
    }

    async fn delete(&self, place: &RoomId, id: &MessageId) {
        self.sandbox
            .world()
            .delete(room(place), message(id))
            .expect("a deletion");
    }

    async fn unread(&self, place: &RoomId) -> Vec<MessageId> {
        let unread = self.sandbox.world().unread(self.alice, room(place));
        let unread = unread.expect("a known room");
        unread
            .into_iter()
            .map(|id| MessageId::from(id.to_string()))
            .collect()
    }

    async fn cut(&self, lossy: bool) {
        if lossy {
            self.sandbox.faults().forget_clients();
        }
        self.sandbox.faults().cut_connections();
    }

    async fn lose_next_answer(&self) {
        self.sandbox.faults().add(Fault::new(
            "POST /v1/rooms/*/chatMessages",
            Effect::DropAfter,
        ));
    }

    async fn revoke(&self) {
        self.sandbox.world().revoke_tokens(self.alice);
    }
}
