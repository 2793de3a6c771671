//! Gitter as a test sees it: people, rooms, what is said there, and what goes wrong there. A thin layer over the sandbox
//! in which a wish that cannot be fulfilled fails the test at once.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use gitter_sandbox::{Clock, Effect, Fault, OAuthClient, RoomId, Sandbox, UserId, Visibility};
use testbed::bridge::Gitter;
use testbed::browser::Browser;
use testbed::visitor::{Page, Visitor};

use crate::scene::Result;

/// A Gitter of the test's own.
pub(crate) struct Town {
    sandbox: Sandbox,
    app: OAuthClient,
    people: Mutex<Vec<Person>>,
    /// Minutes by which its clock is ahead of ours.
    ahead: Arc<AtomicI64>,
}

/// Somebody with a Gitter account.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) username: String,
    key: UserId,
}

/// A Gitter room.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(crate) id: String,
    /// What its Matrix room is called.
    pub(crate) name: String,
    key: RoomId,
}

/// A message on Gitter.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) by: String,
    pub(crate) text: String,
    pub(crate) html: String,
    pub(crate) status: bool,
    /// Milliseconds since 1970.
    pub(crate) sent_ms: i64,
    id: String,
}

impl Said {
    /// Its id on Gitter.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Usernames that are mentioned, as Gitter understood it.
    pub(crate) fn mentions(&self) -> Vec<&str> {
        let spans = self.html.split("data-screen-name=\"").skip(1);
        spans
            .filter_map(|rest| Some(rest.split_once('"')?.0))
            .collect()
    }
}

/// Ours, so many minutes ahead.
fn clock(ahead: Arc<AtomicI64>) -> Clock {
    let ours = Clock::system();
    Clock::new(move || {
        let minutes = ahead.load(Ordering::SeqCst);
        let apart = Duration::from_mins(minutes.unsigned_abs());
        if minutes < 0 {
            ours.now() - apart
        } else {
            ours.now() + apart
        }
    })
}

impl Town {
    /// A Gitter with nobody in it, at which an app with this redirect URL is registered.
    pub(crate) async fn start(redirect: &str) -> Result<Self> {
        // Tests are quicker than people; that the limit is kept is proven where it is the subject.
        let ahead = Arc::new(AtomicI64::new(0));
        let sandbox = Sandbox::builder()
            .clock(clock(Arc::clone(&ahead)))
            .rate_limit(2000)
            .start()
            .await?;
        let app = sandbox.world().add_client("Matrix bridge", redirect);
        Ok(Self {
            sandbox,
            app,
            people: Mutex::default(),
            ahead,
        })
    }

    /// Sets Gitter's clock to so many minutes ahead of ours, or behind it. The bridge's own stays right.
    pub(crate) fn set_ahead(&self, minutes: i64) {
        self.ahead.store(minutes, Ordering::SeqCst);
    }

    /// What a bridge must know of it.
    pub(crate) fn gitter(&self) -> Gitter {
        Gitter {
            web_url: self.sandbox.web_url().to_string(),
            api_url: self.sandbox.api_url().to_string(),
            realtime_url: self.sandbox.realtime_url().to_string(),
            files_url: self.sandbox.files_url().to_string(),
            client_id: self.app.key.clone(),
            client_secret: self.app.secret.clone(),
        }
    }

    pub(crate) fn person(&self, username: &str, name: &str) -> Person {
        let key = self.sandbox.world().add_user(username, name);
        let person = Person {
            id: key.to_string(),
            username: username.to_owned(),
            key,
        };
        self.people
            .lock()
            .expect("no test panics while it holds this")
            .push(person.clone());
        person
    }

    /// Those whom most tests are about.
    pub(crate) fn maria_and_ben(&self) -> (Person, Person) {
        (self.person("maria", "Maria"), self.person("ben", "Ben"))
    }

    /// A public room with these people; the first has made it.
    pub(crate) fn room(&self, uri: &str, people: &[&Person]) -> Room {
        self.add_room(uri, Visibility::Public, people)
    }

    /// A room for these people only.
    pub(crate) fn private_room(&self, uri: &str, people: &[&Person]) -> Room {
        self.add_room(uri, Visibility::Private, people)
    }

    fn add_room(&self, uri: &str, visibility: Visibility, people: &[&Person]) -> Room {
        let world = self.sandbox.world();
        let (maker, others) = people.split_first().expect("somebody makes the room");
        let key = world
            .add_room(uri, visibility, maker.key)
            .expect("a new room");
        for other in others {
            world.join(other.key, key).expect("a known person");
        }
        Room {
            id: key.to_string(),
            name: uri.to_owned(),
            key,
        }
    }

    /// The conversation of two; its Matrix room is called after the second.
    pub(crate) fn direct(&self, one: &Person, other: &Person) -> Room {
        let key = self
            .sandbox
            .world()
            .one_to_one(one.key, other.key)
            .expect("two people");
        Room {
            id: key.to_string(),
            name: other.username.clone(),
            key,
        }
    }

    /// Says something; gives the message's id.
    pub(crate) fn say(&self, by: &Person, room: &Room, text: &str) -> String {
        let id = self.sandbox.world().say(by.key, room.key, text);
        id.expect("he may speak there").to_string()
    }

    /// Uploads a file, which says a message with a link to it.
    pub(crate) fn upload(&self, by: &Person, room: &Room, name: &str, mime: &str, bytes: Vec<u8>) {
        self.sandbox
            .world()
            .upload(by.key, room.key, name, mime, bytes)
            .expect("he may speak there");
    }

    /// Puts a file among the uploads; gives its address.
    pub(crate) fn file(&self, room: &Room, name: &str, mime: &str, bytes: Vec<u8>) -> String {
        self.sandbox.world().add_file(room.key, name, mime, bytes)
    }

    /// An address among the uploads which leads elsewhere.
    pub(crate) fn detour(&self, room: &Room, name: &str, to: &str) -> String {
        self.sandbox.world().add_detour(room.key, name, to)
    }

    /// How often a file was fetched from among the uploads.
    pub(crate) fn times_fetched(&self) -> u64 {
        let requests = self.sandbox.stats().requests;
        let files = requests
            .iter()
            .filter(|(kind, _)| kind.route.contains("_files"));
        files.map(|(_, times)| times).sum()
    }

    /// The message in whose thread the message with this text is.
    pub(crate) fn parent_of(&self, room: &Room, text: &str) -> Option<String> {
        let messages = self.sandbox.world().messages(room.key);
        let messages = messages.expect("a known room");
        let found = messages.into_iter().find(|message| message.text == text)?;
        Some(found.parent?.to_string())
    }

    /// Answers in the thread of a message; gives the answer's id.
    pub(crate) fn reply(&self, by: &Person, room: &Room, parent: &str, text: &str) -> String {
        let parent = parent.parse().expect("an id of this Gitter");
        let id = self
            .sandbox
            .world()
            .reply(by.key, room.key, parent, text)
            .expect("he may speak there");
        id.to_string()
    }

    /// Changes what a message says.
    pub(crate) fn edit(&self, room: &Room, message: &str, text: &str) {
        let message = message.parse().expect("an id of this Gitter");
        let edited = self.sandbox.world().edit(room.key, message, text);
        edited.expect("a message of that room");
    }

    /// Takes a message away.
    pub(crate) fn delete(&self, room: &Room, message: &str) {
        let message = message.parse().expect("an id of this Gitter");
        let deleted = self.sandbox.world().delete(room.key, message);
        deleted.expect("a message of that room");
    }

    /// `/me` something.
    pub(crate) fn emote(&self, by: &Person, room: &Room, does: &str) {
        self.sandbox
            .world()
            .say_status(by.key, room.key, does)
            .expect("he may speak there");
    }

    pub(crate) fn set_topic(&self, room: &Room, topic: &str) {
        self.sandbox
            .world()
            .set_topic(room.key, topic)
            .expect("a known room");
    }

    /// The topic, as the web page shows it.
    pub(crate) async fn until_topic(&self, by: &Person, room: &Room, wanted: &str) -> Result {
        let token = self.token(by);
        let url = format!("{}/rooms/{}", self.sandbox.api_url(), room.id);
        let mut topic = serde_json::Value::Null;
        for _ in 0..600 {
            let request = testbed::http::client()?.get(&url).bearer_auth(&token);
            let answer: serde_json::Value = request.send().await?.json().await?;
            topic = answer["topic"].clone();
            if topic == wanted {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("the topic should be {wanted:?}, but is {topic}")
    }

    /// Gives a room another address.
    pub(crate) fn rename_room(&self, room: &Room, uri: &str) {
        self.sandbox
            .world()
            .rename_room(room.key, uri)
            .expect("a free address");
    }

    pub(crate) fn delete_room(&self, room: &Room) {
        self.sandbox
            .world()
            .delete_room(room.key)
            .expect("a known room");
    }

    pub(crate) fn ban(&self, by: &Person, person: &Person, room: &Room) {
        self.sandbox
            .world()
            .ban(room.key, person.key, by.key)
            .expect("he may");
    }

    pub(crate) fn unban(&self, by: &Person, person: &Person, room: &Room) {
        self.sandbox
            .world()
            .unban(room.key, person.key, by.key)
            .expect("he was banned");
    }

    /// Changes a display name.
    pub(crate) fn rename(&self, person: &Person, name: &str) {
        self.sandbox
            .world()
            .set_display_name(person.key, name)
            .expect("a known person");
    }

    pub(crate) fn join(&self, person: &Person, room: &Room) {
        self.sandbox
            .world()
            .join(person.key, room.key)
            .expect("a known room");
    }

    pub(crate) fn leave(&self, person: &Person, room: &Room) {
        self.sandbox
            .world()
            .leave(person.key, room.key)
            .expect("he was in it");
    }

    /// Usernames, sorted.
    pub(crate) fn members(&self, room: &Room) -> Vec<String> {
        let members = self
            .sandbox
            .world()
            .members(room.key)
            .expect("a known room");
        let people = self
            .people
            .lock()
            .expect("no test panics while it holds this");
        let present = people.iter().filter(|person| members.contains(&person.key));
        let mut names: Vec<String> = present.map(|person| person.username.clone()).collect();
        names.sort();
        names
    }

    /// Waits until somebody has looked away, and others see him in no room.
    pub(crate) async fn until_unseen(&self, person: &Person) -> Result {
        const PATIENCE: Duration = Duration::from_secs(30);
        let looked_away = || self.sandbox.stats().of_route("POST", "/v1/eyeballs") > 0;
        let unseen = async {
            while !looked_away() || !self.sandbox.world().looks_at(person.key).is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, unseen).await;
        waited.with_context(|| format!("{} is seen", person.username))?;
        Ok(())
    }

    /// All messages of a room, oldest first.
    pub(crate) fn said(&self, room: &Room) -> Vec<Said> {
        let messages = self
            .sandbox
            .world()
            .messages(room.key)
            .expect("a known room");
        let said = messages.into_iter().map(|message| Said {
            by: message.username,
            text: message.text,
            html: message.html,
            status: message.status,
            sent_ms: message.sent.as_millisecond(),
            id: message.id.to_string(),
        });
        said.collect()
    }

    /// Texts of all messages of a room, oldest first.
    pub(crate) fn texts(&self, room: &Room) -> Vec<String> {
        self.said(room).into_iter().map(|said| said.text).collect()
    }

    /// Looks at everything in a room, on the web page.
    pub(crate) async fn read_all(&self, person: &Person, room: &Room) -> Result {
        let (api, id) = (self.sandbox.api_url(), &person.id);
        let url = format!("{api}/user/{id}/rooms/{}/unreadItems/all", room.id);
        let request = testbed::http::client()?.delete(url);
        let answer = request.bearer_auth(self.token(person)).send().await?;
        answer.error_for_status()?;
        Ok(())
    }

    /// Ids of the messages in a room that somebody has not read.
    pub(crate) fn unread(&self, person: &Person, room: &Room) -> Vec<String> {
        let unread = self.sandbox.world().unread(person.key, room.key);
        let unread = unread.expect("a known room");
        unread.iter().map(ToString::to_string).collect()
    }

    /// Waits until just these messages are unread.
    pub(crate) async fn until_unread(
        &self,
        person: &Person,
        room: &Room,
        wanted: &[&str],
    ) -> Result {
        for _ in 0..3000 {
            if self.unread(person, room) == wanted {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::bail!(
            "unread should be {wanted:?}, but is {:?}",
            self.unread(person, room)
        )
    }

    /// The message with this id.
    pub(crate) fn message(&self, room: &Room, id: &str) -> Said {
        let found = self.said(room).into_iter().find(|said| said.id == id);
        found.unwrap_or_else(|| panic!("no message {id} in {}", room.name))
    }

    /// Waits until somebody has said this.
    pub(crate) async fn hears(&self, room: &Room, text: &str) -> Result<Said> {
        self.wait(room, text, |said| {
            said.iter().find(|said| said.text == text).cloned()
        })
        .await
    }

    /// Waits for the message number `count`, counted from 0.
    pub(crate) async fn next(&self, room: &Room, count: usize) -> Result<Said> {
        self.wait(room, "one more message", |said| said.get(count).cloned())
            .await
    }

    async fn wait<T>(
        &self,
        room: &Room,
        what: &str,
        look: impl Fn(&[Said]) -> Option<T>,
    ) -> Result<T> {
        for _ in 0..3000 {
            if let Some(found) = look(&self.said(room)) {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::bail!(
            "{} waited in vain for {what:?}; it heard {:#?}",
            room.name,
            self.texts(room)
        )
    }

    /// The token which the bridge holds for this person.
    pub(crate) fn token(&self, person: &Person) -> String {
        self.sandbox
            .world()
            .token(person.key, &self.app.key)
            .expect("a known person")
    }

    /// Makes that token worthless.
    pub(crate) fn revoke(&self, person: &Person) {
        self.sandbox.world().revoke_tokens(person.key);
    }

    /// The next message which the bridge posts is refused with this status.
    pub(crate) fn refuse_next_message(&self, room: &Room, status: u16) {
        self.strike(&Self::posts(room), Effect::Status(status));
    }

    /// The next message which the bridge posts meets this.
    pub(crate) fn spoil_next_message(&self, room: &Room, effect: Effect) {
        self.strike(&Self::posts(room), effect);
    }

    /// The next message which the bridge posts is stored, and the answer lost.
    pub(crate) fn lose_next_answer(&self, room: &Room) {
        self.strike(&Self::posts(room), Effect::DropAfter);
    }

    /// The next message which the bridge posts gets lost on its way, and so does what would have been the answer.
    pub(crate) fn lose_next_message(&self, room: &Room) {
        self.strike(&Self::posts(room), Effect::DropBefore);
    }

    /// The next message is acknowledged and not kept.
    pub(crate) fn drop_next_message(&self) {
        self.sandbox.faults().drop_messages(1);
    }

    /// The next message which the bridge posts is stored at once, and answered after this time.
    pub(crate) fn slow_next_answer(&self, room: &Room, time: Duration) {
        self.strike(&Self::posts(room), Effect::DelayAnswer(time));
    }

    /// How often the bridge asked to change a message.
    pub(crate) fn times_edited(&self) -> u64 {
        let requests = self.sandbox.stats().requests;
        let edits = requests
            .iter()
            .filter(|(kind, _)| kind.method == "PUT" && kind.route.contains("chatMessages"));
        edits.map(|(_, times)| times).sum()
    }

    /// The next exchange of a code for a token is answered with a proxy's HTML.
    pub(crate) fn break_next_token(&self) {
        self.strike("POST /login/oauth/token", Effect::Html(502));
    }

    pub(crate) fn cut_sockets(&self) {
        self.sandbox.faults().cut_connections();
    }

    fn posts(room: &Room) -> String {
        format!("POST /v1/rooms/{}/chatMessages", room.id)
    }

    fn strike(&self, requests: &str, effect: Effect) {
        self.sandbox.faults().add(Fault::new(requests, effect));
    }

    /// From Gitter's login or consent page: is this person, and allows the bridge in.
    pub(crate) async fn consent(
        &self,
        browser: &Visitor,
        page: Page,
        person: &Person,
    ) -> Result<Page> {
        self.decide(browser, page, person, "Allow").await
    }

    /// From Gitter's login or consent page: is this person, and refuses.
    pub(crate) async fn refuse(
        &self,
        browser: &Visitor,
        page: Page,
        person: &Person,
    ) -> Result<Page> {
        self.decide(browser, page, person, "Deny").await
    }

    async fn decide(
        &self,
        browser: &Visitor,
        page: Page,
        person: &Person,
        button: &str,
    ) -> Result<Page> {
        let at_gitter = page.url.origin() == self.sandbox.web_url().origin();
        anyhow::ensure!(at_gitter, "Gitter's consent page should come, not {page}");
        let choice = ("user".to_owned(), person.username.clone());
        let page = match page.forms.iter().find(|form| form.fields.contains(&choice)) {
            Some(form) => browser.send(form).await?,
            None => page,
        };
        browser
            .press(&page, button)
            .await
            .context("Gitter's consent page")
    }

    /// Where people open a room.
    pub(crate) fn page_of(&self, room: &Room) -> String {
        format!("{}{}", self.sandbox.web_url(), room.name)
    }

    /// Signs somebody in to Gitter in a real browser.
    pub(crate) async fn sign_in(&self, browser: &Browser, person: &Person) -> Result {
        browser
            .open(&format!("{}login", self.sandbox.web_url()))
            .await?;
        browser.press(&format!("@{}", person.username)).await
    }

    /// The same in a real browser.
    pub(crate) async fn consent_in_browser(&self, browser: &Browser, person: &Person) -> Result {
        browser.press(&format!("@{}", person.username)).await?;
        browser.press("Allow").await
    }
}
