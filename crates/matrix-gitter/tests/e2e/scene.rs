//! What a test begins with: a Gitter town, a bridge to it, and people who use it.

use anyhow::Context as _;
use reqwest::Method;
use testbed::bridge::{Bridge, Setup};
use testbed::progress::Lines;
use testbed::synapse::{self, Options, RateLimits, Synapse};
use testbed::user::{Dm, Event, User};
use testbed::visitor::{Page, Visitor};

use crate::town::{Person, Room, Town};

/// What a test returns.
pub(crate) type Result<T = ()> = anyhow::Result<T>;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_matrix-gitter");

/// A bridge between the shared Synapse and a Gitter of its own.
pub(crate) struct Scene {
    pub(crate) synapse: &'static Synapse,
    pub(crate) town: Town,
    pub(crate) bridge: Bridge,
}

/// Somebody on Matrix and his conversation with the bot.
pub(crate) struct Chat {
    pub(crate) user: User,
    pub(crate) dm: Dm,
}

impl Scene {
    /// With the configuration as it comes.
    pub(crate) async fn start() -> Result<Self> {
        Self::with(|setup| setup).await
    }

    /// With a changed configuration.
    pub(crate) async fn with(change: impl FnOnce(Setup) -> Setup) -> Result<Self> {
        Self::on(synapse::shared().await?, change).await
    }

    /// With a homeserver of its own, to be killed and started again. It lives as long as this process.
    pub(crate) async fn with_own_homeserver() -> Result<Self> {
        let options = Options {
            slots: 1,
            ..Options::default()
        };
        let synapse = Synapse::start(options, &Lines).await?;
        Self::on(Box::leak(Box::new(synapse)), |setup| setup).await
    }

    /// With a homeserver of its own that has the limits it comes with. It lives as long as this process.
    pub(crate) async fn with_stock_limits() -> Result<Self> {
        let options = Options {
            slots: 1,
            rate_limits: RateLimits::Stock,
            ..Options::default()
        };
        let synapse = Synapse::start(options, &Lines).await?;
        Self::on(Box::leak(Box::new(synapse)), |setup| setup).await
    }

    async fn on(synapse: &'static Synapse, change: impl FnOnce(Setup) -> Setup) -> Result<Self> {
        let slot = synapse.slot()?;
        let town = Town::start(&format!("{}/callback", slot.address())).await?;
        let setup = Setup::new(PROGRAM, synapse, slot, &town.gitter())?;
        let bridge = change(setup).start().await?;
        Ok(Self {
            synapse,
            town,
            bridge,
        })
    }

    /// Matrix id of the bot.
    pub(crate) fn bot(&self) -> String {
        self.bridge.slot().bot_id()
    }

    /// Matrix id of this person's ghost.
    pub(crate) fn ghost(&self, person: &Person) -> String {
        self.bridge.slot().ghost_id(&person.id)
    }

    /// Somebody new on Matrix.
    pub(crate) async fn user(&self, name: &str) -> Result<User> {
        self.synapse.user(name).await
    }

    /// Somebody new who has written to the bot and was greeted.
    pub(crate) async fn newcomer(&self, name: &str) -> Result<Chat> {
        self.chat(self.user(name).await?).await
    }

    /// A conversation with the bot, up to its greeting.
    pub(crate) async fn chat(&self, user: User) -> Result<Chat> {
        let dm = user.dm(&self.bot()).await?;
        let chat = Chat { user, dm };
        chat.greeting(&chat.dm.room).await?;
        Ok(chat)
    }

    /// Somebody new on Matrix who is logged in as this person.
    pub(crate) async fn citizen(&self, person: &Person) -> Result<Chat> {
        let chat = self.newcomer(&person.username.to_lowercase()).await?;
        self.log_in(&chat, person).await?;
        Ok(chat)
    }

    /// Logs in as this person, through the pages.
    pub(crate) async fn log_in(&self, chat: &Chat, person: &Person) -> Result {
        let browser = Visitor::new()?;
        let page = self.confirmation(&browser, chat, person).await?;
        let mark = chat.user.mark().await?;
        let done = browser.press(&page, "Connect").await?;
        anyhow::ensure!(done.status == 200, "the login should succeed, but: {done}");
        // What the bot says about it unasked must not be taken for an answer to what is asked next.
        chat.user
            .wait_from(mark, "the bot's word about the login", |event| {
                event.is_message_of(&self.bot()) && event.body().contains(&person.username)
            })
            .await?;
        Ok(())
    }

    /// Goes through the pages up to the one with the button `Connect`.
    pub(crate) async fn confirmation(
        &self,
        browser: &Visitor,
        chat: &Chat,
        person: &Person,
    ) -> Result<Page> {
        let link = self.login_link(&chat.ask("login").await?)?;
        let page = browser.open(&link).await?;
        let consent = browser.press_only_button(&page).await?;
        self.town.consent(browser, consent, person).await
    }

    /// The login link in a message.
    pub(crate) fn login_link(&self, message: &Event) -> Result<String> {
        let start = format!("{}/login/", self.bridge.slot().address());
        let body = message.body();
        let at = body
            .find(&start)
            .with_context(|| format!("no login link in {body:?}"))?;
        let link = body.get(at..).unwrap_or_default();
        let is_part =
            |character: char| character.is_ascii_alphanumeric() || "-_~.:/%=".contains(character);
        let end = link
            .find(|character| !is_part(character))
            .unwrap_or(link.len());
        Ok(link
            .get(..end)
            .unwrap_or_default()
            .trim_end_matches('.')
            .to_owned())
    }

    /// Accepts the invite to this room, and gives its Matrix room id.
    pub(crate) async fn enter(&self, chat: &Chat, room: &Room) -> Result<String> {
        let bridged = chat.user.wait_for_invite_to(&room.name).await?;
        chat.user.join(&bridged).await?;
        Ok(bridged)
    }

    /// The state of a room as the bot sees it.
    pub(crate) async fn state_as_bot(&self, room: &str) -> Result<Vec<serde_json::Value>> {
        let path = testbed::user::path(&["v3", "rooms", room, "state"]);
        let answer = self.as_bot(Method::GET, &path, None).await?;
        Ok(answer.as_array().cloned().unwrap_or_default())
    }

    /// Replaces a room by a newer one as an admin does who has the bridge's token; gives the new one.
    pub(crate) async fn upgrade(&self, room: &str, version: &str) -> Result<String> {
        let path = testbed::user::path(&["v3", "rooms", room, "upgrade"]);
        let body = serde_json::json!({ "new_version": version });
        let answer = self.as_bot(Method::POST, &path, Some(&body)).await?;
        let replacement = answer["replacement_room"].as_str();
        Ok(replacement.context("no replacement")?.to_owned())
    }

    /// Somebody new on Matrix to whom the bot gave the power to moderate this room, as an admin does who has the bridge's token.
    pub(crate) async fn moderator(&self, name: &str, room: &str) -> Result<User> {
        let user = self.user(name).await?;
        let invite = testbed::user::path(&["v3", "rooms", room, "invite"]);
        let body = serde_json::json!({ "user_id": user.id });
        self.as_bot(Method::POST, &invite, Some(&body)).await?;
        user.join(room).await?;
        let path = ["v3", "rooms", room, "state", "m.room.power_levels", ""];
        let path = testbed::user::path(&path);
        let mut levels = self.as_bot(Method::GET, &path, None).await?;
        levels["users"][&user.id] = serde_json::json!(levels["redact"]);
        self.as_bot(Method::PUT, &path, Some(&levels)).await?;
        Ok(user)
    }

    /// Has a user say something, so that his homeserver says that it was then.
    pub(crate) async fn say_at(&self, user: &str, room: &str, text: &str, then: i64) -> Result {
        let txn = then.to_string();
        let path = testbed::user::path(&["v3", "rooms", room, "send", "m.room.message", &txn]);
        let mut url = self
            .synapse
            .base()
            .join(&format!("_matrix/client/{path}"))?;
        url.query_pairs_mut()
            .append_pair("user_id", user)
            .append_pair("ts", &txn);
        let request = testbed::http::client()?
            .put(url)
            .bearer_auth(&self.bridge.slot().puppet_token)
            .json(&serde_json::json!({ "msgtype": "m.text", "body": text }));
        request.send().await?.error_for_status()?;
        Ok(())
    }

    async fn as_bot(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<serde_json::Value> {
        let url = self
            .synapse
            .base()
            .join(&format!("_matrix/client/{path}"))?;
        let mut request = testbed::http::client()?
            .request(method, url)
            .bearer_auth(&self.bridge.slot().as_token);
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// The rooms the bot is in.
    pub(crate) async fn rooms_of_bot(&self) -> Result<Vec<String>> {
        let answer = self.as_bot(Method::GET, "v3/joined_rooms", None).await?;
        let rooms = answer["joined_rooms"]
            .as_array()
            .context("no list of rooms")?;
        Ok(rooms
            .iter()
            .filter_map(|room| room.as_str().map(str::to_owned))
            .collect())
    }

    /// Waits until the bot is in this room no longer.
    pub(crate) async fn bot_gone_from(&self, room: &str) -> Result {
        for _ in 0..600 {
            if !self
                .rooms_of_bot()
                .await?
                .iter()
                .any(|joined| joined == room)
            {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        anyhow::bail!("the bot is still in {room}")
    }
}

impl Chat {
    /// Says something to the bot and waits for its answer.
    pub(crate) async fn ask(&self, text: &str) -> Result<Event> {
        self.user.ask(&self.dm, text).await
    }

    /// Says something to the bot and waits for the message in which `wanted` stands.
    pub(crate) async fn ask_for(&self, text: &str, wanted: &str) -> Result<Event> {
        self.user.ask_for(&self.dm, text, wanted).await
    }

    /// The bot's first message in a room.
    pub(crate) async fn greeting(&self, room: &str) -> Result<Event> {
        let wanted = |event: &Event| event.room == room && event.is_message_of(&self.dm.with);
        self.user.wait_for("the bot's greeting", wanted).await
    }

    /// The rooms of `list`, as it writes them.
    pub(crate) async fn list(&self) -> Result<Vec<String>> {
        let answer = self.ask("list").await?;
        let rooms = answer.body().lines().filter(|line| line.starts_with("- "));
        Ok(rooms.map(str::to_owned).collect())
    }

    /// Asks for `list` until it says this.
    pub(crate) async fn until_list(&self, wanted: &[&str]) -> Result {
        for _ in 0..100 {
            if self.list().await? == wanted {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        anyhow::bail!(
            "the list should become {wanted:?}, but is {:?}",
            self.list().await?
        )
    }

    /// Waits for what Gitter sent into a room with this body.
    pub(crate) async fn hears(&self, room: &str, body: &str) -> Result<Event> {
        self.user
            .wait_for(&format!("{body:?} from Gitter"), |event| {
                event.room == room && event.kind() == "m.room.message" && event.body() == body
            })
            .await
    }

    /// Waits until somebody has read a room up to this event.
    pub(crate) async fn until_read_by(&self, room: &str, reader: &str, event: &str) -> Result {
        for _ in 0..300 {
            if self.user.read_by(room, reader).await?.as_deref() == Some(event) {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        anyhow::bail!(
            "{reader} should have read up to {event}, but has up to {:?}",
            self.user.read_by(room, reader).await?
        )
    }

    /// Who said what in a room, oldest first, as the homeserver has it.
    pub(crate) async fn conversation(&self, room: &str) -> Result<Vec<(String, String)>> {
        let timeline = self.user.timeline(room).await?;
        let messages = timeline
            .iter()
            .filter(|event| event.kind() == "m.room.message");
        Ok(messages
            .map(|event| (event.sender().to_owned(), event.body().to_owned()))
            .collect())
    }
}
