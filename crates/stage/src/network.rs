//! A network in memory: rooms, people, messages, one account, and failures on cue.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use bridge::Clock;
use bytes::Bytes;
use remote::{
    Account, Attachment, Avatar, Capabilities, Check, Composed, Credentials, Download, Echoes,
    EditWindow, Event, EventSink, Fault, History, Image, Login, LoginError, Member, Message,
    MessageId, MessageKind, Millis, Network, NetworkInfo, Outgoing, Part, Person, PersonId, Pieces,
    Preface, ReadUpTo, RemoteError, RichText, Room, RoomChange, RoomId, RoomKind, Said, Standing,
    Threads,
    text::{Mention, Mentioned, Named, Naming, plain},
};
use tokio::sync::Notify;
use url::Url;

/// How a send is to go.
#[derive(Clone, Copy, Debug)]
pub enum Failure {
    /// It never arrives, and the network says so.
    Unavailable,
    /// It is carried out, but the answer never arrives.
    AnswerLost,
    /// It is not carried out, and no answer arrives either.
    Lost,
    /// It is carried out, and whoever waits for the answer waits for ever.
    Hangs,
    /// It is carried out after [`UNDER_WAY`], and whoever waits for the answer waits for ever.
    Late,
    /// The account may not write there.
    Forbidden,
    /// It is acknowledged, and never stored.
    Dropped,
    /// It is not carried out, since there was too much, for so long.
    Limited(Duration),
}

/// How long something late takes.
pub const UNDER_WAY: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct FakeNetwork {
    info: NetworkInfo,
    pub capabilities: Capabilities,
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
    told: Arc<Notify>,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own")]
pub struct State {
    pub rooms: Vec<Room>,
    /// Those that Alice may not look at.
    pub closed: Vec<RoomId>,
    /// Those that she may look at, but is not in.
    pub left: Vec<RoomId>,
    pub members: Vec<Member>,
    pub messages: Vec<Message>,
    /// Events that were told, and how far into them each connection is, is the connection's own business.
    events: Vec<Event>,
    /// Who listens to which rooms.
    watched: BTreeSet<(PersonId, RoomId)>,
    pub failures: VecDeque<Failure>,
    /// Texts are stored without the spaces around them.
    pub trims: bool,
    /// By how many milliseconds its clock is ahead.
    pub ahead: i64,
    /// Nothing is answered.
    pub down: bool,
    /// The credentials are no longer accepted.
    pub revoked: bool,
    /// The credentials of these are not.
    pub revoked_of: BTreeSet<PersonId>,
    /// Nobody is told anything, as if the connection were cut.
    pub silent: bool,
    /// Pictures that were fetched.
    pub fetched: usize,
    /// How long a picture takes to come.
    pub pictures_take: Duration,
    /// How many pictures are under way, and how many were at most.
    pub pictures_at_once: (usize, usize),
    /// How long it takes until a file begins to come.
    pub files_take: Duration,
    /// How long a single message takes to come.
    pub one_takes: Duration,
    /// How often a single message was asked for.
    pub asked_for_one: usize,
    /// Files by their address; `None` for those whose server does not answer.
    pub files: BTreeMap<String, Option<Bytes>>,
    /// Files whose servers do not say how long they are.
    pub lengths_hidden: BTreeSet<String>,
    /// Files that were asked for.
    pub files_asked: Vec<String>,
    /// What browsers brought back, with the state they brought along.
    codes: BTreeSet<(Option<String>, Option<String>)>,
    /// Up to where Alice has read, each time she was said to have, as `room: message`.
    pub read: Vec<String>,
    /// The next time is told in vain.
    pub refuse_read: bool,
    /// Requests of any kind.
    pub asked: usize,
    /// Changes that arrived.
    pub edits: usize,
    /// Posts that arrived.
    pub posts: usize,
    /// How often a room's messages were read.
    pub histories: usize,
    /// How long the answer takes to that.
    pub history_takes: Duration,
    /// The next answer to that is that the login is not accepted, whatever is true by then.
    pub history_refused: bool,
    count: u64,
}

pub fn person(name: &str) -> Person {
    Person {
        id: PersonId::new(format!("id-{name}")),
        username: name.to_owned(),
        display_name: name.to_uppercase(),
        avatar: Some(Avatar {
            key: format!("picture-{name}"),
            url: String::new(),
        }),
    }
}

pub fn room(address: &str) -> Room {
    Room {
        id: RoomId::new(format!("room-{address}")),
        address: address.to_owned(),
        name: address.to_owned(),
        topic: Some(format!("About {address}")),
        avatar: None,
        kind: RoomKind::Public,
        other: None,
        standing: Standing::Member,
        member_count: None,
        active_at: None,
        link: Some(format!("https://test.example/{address}")),
    }
}

impl FakeNetwork {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            info: NetworkInfo {
                id: "test",
                name: "Test",
                url: "https://test.example".try_into().unwrap(),
                event_key: "example.test.message",
            },
            capabilities: Capabilities {
                edits: EditWindow::For(Duration::from_mins(10)),
                deletions: true,
                threads: Threads::OneLevel,
                reactions: false,
                idempotent_send: false,
                echoes: Some(Echoes {
                    within: Duration::from_secs(20),
                    missing: "It does so at times",
                }),
                reread: 20,
            },
            state: Arc::default(),
            clock,
            told: Arc::default(),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Somebody writes something.
    pub fn says(&self, who: &str, room: &str, text: &str) -> Message {
        let part = Part {
            text: text.to_owned(),
            kind: MessageKind::Text,
            thread: None,
            reply_to: None,
        };
        self.add(&person(who), &RoomId::new(format!("room-{room}")), &part)
    }

    /// Somebody writes formatted text, with these files in it.
    pub fn says_with_files(
        &self,
        who: &str,
        room: &str,
        text: RichText,
        files: &[(&str, &str)],
    ) -> Message {
        let mut message = self.draft(
            &person(who),
            &RoomId::new(format!("room-{room}")),
            &Part {
                text: String::new(),
                kind: MessageKind::Text,
                thread: None,
                reply_to: None,
            },
        );
        message.text = text;
        let files = files.iter().map(|(url, name)| Attachment {
            url: (*url).to_owned(),
            name: Some((*name).to_owned()),
        });
        message.attachments = files.collect();
        self.publish(message)
    }

    /// Somebody answers in the thread of a message.
    pub fn answers(&self, who: &str, parent: &Message, text: &str) -> Message {
        let part = Part {
            text: text.to_owned(),
            kind: MessageKind::Text,
            thread: Some(parent.id.clone()),
            reply_to: None,
        };
        self.add(&person(who), &parent.room, &part)
    }

    /// Somebody changes what he wrote. Nobody does so twice in a millisecond.
    pub fn edits(&self, message: &Message, text: &str) -> Message {
        let now = self.clock.now();
        let changed = Message {
            text: RichText::plain(text),
            edited_at: Some(message.edited_at.map_or(now, |last| now.max(last + 1))),
            ..message.clone()
        };
        self.store(&changed);
        self.tell(Event::Changed(Box::new(changed.clone())));
        changed
    }

    /// Somebody takes back what he wrote.
    pub fn deletes(&self, message: &Message) {
        self.lock().messages.retain(|it| it.id != message.id);
        self.tell(Event::Deleted {
            room: message.room.clone(),
            message: message.id.clone(),
        });
    }

    /// Takes the text of a message away.
    pub fn blanks(&self, message: &Message) {
        let blank = Message {
            blanked: true,
            text: RichText::default(),
            ..message.clone()
        };
        self.store(&blank);
        self.tell(Event::Changed(Box::new(blank)));
    }

    fn store(&self, message: &Message) {
        let mut state = self.lock();
        if let Some(old) = state.messages.iter_mut().find(|it| it.id == message.id) {
            old.clone_from(message);
        }
    }

    fn add(&self, sender: &Person, room: &RoomId, part: &Part) -> Message {
        self.publish(self.draft(sender, room, part))
    }

    fn draft(&self, sender: &Person, room: &RoomId, part: &Part) -> Message {
        let mut state = self.lock();
        state.count += 1;
        Message {
            id: MessageId::new(format!("message{:04}", state.count)),
            room: room.clone(),
            sender: Some(sender.clone()),
            sent_at: self.clock.now() + state.ahead,
            kind: part.kind,
            text: RichText::plain(if state.trims {
                part.text.trim()
            } else {
                &part.text
            }),
            edited_at: None,
            thread: part.thread.clone(),
            reply_to: None,
            blanked: false,
            attachments: Vec::new(),
        }
    }

    fn publish(&self, message: Message) -> Message {
        self.lock().messages.push(message.clone());
        self.tell(Event::Message(Box::new(message.clone())));
        message
    }

    /// Tells an event to whoever is connected and listens.
    pub fn tell(&self, event: Event) {
        let mut state = self.lock();
        if !state.silent {
            state.events.push(event);
            self.told.notify_waiters();
        }
    }

    pub fn revoke(&self) {
        self.lock().revoked = true;
        self.told.notify_waiters();
    }

    /// The credentials of one person are no longer accepted.
    pub fn revoke_of(&self, person: &Person) {
        self.lock().revoked_of.insert(person.id.clone());
        self.told.notify_waiters();
    }

    /// How often somebody's login was to be finished.
    pub fn exchanges(&self) -> usize {
        self.lock().codes.len()
    }

    /// What stands in a room, as `name: text`.
    pub fn transcript(&self, room: &str) -> Vec<String> {
        let room = RoomId::new(format!("room-{room}"));
        let state = self.lock();
        let here = state.messages.iter().filter(|message| message.room == room);
        here.map(|message| {
            let sender = message
                .sender
                .as_ref()
                .map_or("?", |sender| &sender.username);
            let thread = message.thread.as_ref().map(|it| format!(" in {it}"));
            format!(
                "{sender}{}: {}",
                thread.unwrap_or_default(),
                plain::render(&message.text, &ByUsername)
            )
        })
        .collect()
    }

    fn allowed(&self, person: &Person) -> Result<(), RemoteError> {
        self.lock().asked += 1;
        let state = self.lock();
        if state.down {
            return Err(RemoteError::new(
                Fault::Unavailable,
                "Test cannot be reached",
            ));
        }
        if state.revoked || state.revoked_of.contains(&person.id) {
            return Err(logged_out());
        }
        Ok(())
    }
}

struct ByUsername;

impl Naming for ByUsername {
    fn mention(&self, mention: &Mention) -> Named {
        let label = match &mention.who {
            Mentioned::Person {
                username: Some(username),
                ..
            } => format!("@{username}"),
            Mentioned::Everyone => "@/all".to_owned(),
            _ => mention.label.clone(),
        };
        Named { href: None, label }
    }

    fn message(&self, _message: &MessageId) -> Option<String> {
        None
    }
}

#[async_trait]
impl Network for FakeNetwork {
    fn info(&self) -> &NetworkInfo {
        &self.info
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn login_url(&self, callback: &Url, state: &str) -> Url {
        let mut url: Url = "https://test.example/login".try_into().unwrap();
        url.query_pairs_mut()
            .append_pair("callback", callback.as_str())
            .append_pair("state", state);
        url
    }

    fn login_origins(&self) -> Vec<String> {
        vec!["https://test.example".to_owned()]
    }

    async fn finish_login(
        &self,
        _callback: &Url,
        query: &[(String, String)],
    ) -> Result<Login, LoginError> {
        let value = |name| {
            query
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        };
        let (code, state) = (value("code"), value("state"));
        // Good for one time, and not at once.
        if !self.lock().codes.insert((code.clone(), state)) {
            return Err(LoginError::Stale);
        }
        tokio::task::yield_now().await;
        match code.as_deref() {
            Some(name) => Ok(Login {
                person: person(name),
                credentials: "token".to_owned().into(),
            }),
            None => Err(LoginError::Refused),
        }
    }

    fn account(
        &self,
        person: &Person,
        _credentials: &Credentials,
    ) -> Result<Arc<dyn Account>, RemoteError> {
        Ok(Arc::new(FakeAccount {
            network: self.clone(),
            person: person.clone(),
        }))
    }

    fn parse_address(&self, typed: &str) -> Option<String> {
        Some(typed.to_lowercase())
    }

    fn permalink(&self, address: &str, message: &MessageId) -> Option<String> {
        Some(format!("https://test.example/{address}/{message}"))
    }

    /// At most ten characters a part, beside a preface, so that scenes with several parts stay short.
    fn compose(&self, message: &Outgoing) -> Vec<Part> {
        let typed = |pieces: &[Said]| -> String {
            let piece = |piece: &Said| match piece {
                Said::Text(text) => text.clone(),
                Said::Mention(mention) => ByUsername.mention(mention).label,
            };
            pieces.iter().map(piece).collect()
        };
        let text = match &message.text {
            Composed::Plain(text) => text.clone(),
            Composed::Addressed(pieces) => typed(pieces),
            Composed::Rich(text) => plain::render(text, &ByUsername),
            Composed::Captioned { shown, said } => {
                format!("{}\n\n{}", plain::render(shown, &ByUsername), typed(said))
            }
        };
        let mut preface = match &message.preface {
            Some(Preface::Changes { link }) => format!("[{}] ", link.as_deref().unwrap_or("?")),
            Some(Preface::Answers { who, quote }) => format!("[{who}: {quote}] "),
            None => String::new(),
        };
        let characters: Vec<char> = text.chars().collect();
        let part = |part: &[char]| Part {
            text: std::mem::take(&mut preface) + &part.iter().collect::<String>(),
            kind: message.kind,
            thread: message.thread.clone(),
            reply_to: message.reply_to.clone(),
        };
        characters.chunks(10).map(part).collect()
    }

    async fn check(&self, _callback: &Url) -> Vec<Check> {
        Vec::new()
    }
}

struct FakeAccount {
    network: FakeNetwork,
    person: Person,
}

/// A file, a hundred kilobytes at a time. It breaks off where it says so.
struct Coming(Bytes);

#[async_trait]
impl Pieces for Coming {
    async fn next(&mut self) -> Result<Option<Bytes>, RemoteError> {
        tokio::task::yield_now().await;
        if self.0.as_ref() == BROKEN_OFF {
            return Err(RemoteError::new(Fault::Unavailable, "Test broke off"));
        }
        let piece = self.0.split_to(self.0.len().min(100_000));
        Ok((!piece.is_empty()).then_some(piece))
    }
}

/// At the end of a file: it never comes whole. Stands where a piece begins.
pub const BROKEN_OFF: &[u8] = b"broken off";

impl FakeAccount {
    /// How a change is to go: refused at once, or carried out and then this is the answer.
    fn begin_change(&self) -> Result<Option<RemoteError>, RemoteError> {
        self.network.allowed(&self.person)?;
        let trouble = RemoteError::new(Fault::Unavailable, "Test is having trouble");
        match self.network.lock().failures.pop_front() {
            Some(Failure::Unavailable) => Err(trouble),
            Some(Failure::Lost) => Err(trouble.perhaps_done()),
            Some(Failure::Forbidden) => Err(RemoteError::new(
                Fault::Forbidden,
                "you may not do that there",
            )),
            Some(Failure::AnswerLost | Failure::Hangs | Failure::Late) => {
                Ok(Some(trouble.perhaps_done()))
            }
            Some(Failure::Dropped | Failure::Limited(_)) | None => Ok(None),
        }
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap()
}

fn logged_out() -> RemoteError {
    RemoteError::new(Fault::LoggedOut, "Test no longer accepts your login")
}

fn not_found() -> RemoteError {
    RemoteError::new(Fault::NotFound, "there is no such thing on Test")
}

#[async_trait]
impl Account for FakeAccount {
    async fn me(&self) -> Result<Person, RemoteError> {
        self.network.allowed(&self.person)?;
        Ok(person(&self.person.username))
    }

    async fn rooms(&self) -> Result<Vec<Room>, RemoteError> {
        self.network.allowed(&self.person)?;
        let state = self.network.lock();
        let out = |room: &&Room| !state.left.contains(&room.id) && !state.closed.contains(&room.id);
        Ok(state.rooms.iter().filter(out).cloned().collect())
    }

    async fn room(&self, room: &RoomId) -> Result<Room, RemoteError> {
        self.network.allowed(&self.person)?;
        if self.network.lock().closed.contains(room) {
            return Err(RemoteError::new(
                Fault::Forbidden,
                "you may not look at this on Test",
            ));
        }
        self.network
            .lock()
            .rooms
            .iter()
            .find(|known| known.id == *room)
            .cloned()
            .ok_or_else(not_found)
    }

    async fn find_room(&self, address: &str) -> Result<Room, RemoteError> {
        self.network
            .lock()
            .rooms
            .iter()
            .find(|known| known.address == address)
            .cloned()
            .ok_or_else(not_found)
    }

    async fn join(&self, room: &RoomId) -> Result<Room, RemoteError> {
        self.room(room).await
    }

    async fn leave(&self, room: &RoomId) -> Result<(), RemoteError> {
        self.network.lock().rooms.retain(|known| known.id != *room);
        Ok(())
    }

    async fn change_room(&self, room: &RoomId, change: &RoomChange) -> Result<Room, RemoteError> {
        self.network.allowed(&self.person)?;
        let mut state = self.network.lock();
        let found = state.rooms.iter_mut().find(|known| known.id == *room);
        let found = found.ok_or_else(not_found)?;
        match change {
            RoomChange::Name(_) => Err(RemoteError::new(
                Fault::Unsupported,
                "Test's rooms keep their names",
            )),
            RoomChange::Topic(_) if found.standing != Standing::Admin => Err(RemoteError::new(
                Fault::Forbidden,
                "only admins may do this on Test",
            )),
            RoomChange::Topic(topic) => {
                found.topic = Some(topic.trim().to_owned()).filter(|topic| !topic.is_empty());
                Ok(found.clone())
            }
        }
    }

    async fn members(&self, _room: &RoomId, limit: usize) -> Result<Vec<Member>, RemoteError> {
        self.network.allowed(&self.person)?;
        let mut members = self.network.lock().members.clone();
        members.truncate(limit);
        Ok(members)
    }

    async fn history(
        &self,
        room: &RoomId,
        which: &History,
        limit: usize,
    ) -> Result<Vec<Message>, RemoteError> {
        let mut allowed = self.network.allowed(&self.person);
        if std::mem::take(&mut self.network.lock().history_refused) {
            allowed = Err(logged_out());
        }
        let (answer, takes) = {
            let mut state = self.network.lock();
            state.histories += 1;
            let mut all: Vec<_> = state
                .messages
                .iter()
                .filter(|message| message.room == *room)
                .cloned()
                .collect();
            let answer = match which {
                History::Newest | History::NewestAgain => {
                    all.split_off(all.len().saturating_sub(limit))
                }
                History::After(id) => {
                    all.retain(|message| message.id > *id);
                    all.truncate(limit);
                    all
                }
                History::Before(id) => {
                    all.retain(|message| message.id < *id);
                    all.split_off(all.len().saturating_sub(limit))
                }
            };
            (answer, state.history_takes)
        };
        tokio::time::sleep(takes).await;
        allowed.map(|()| answer)
    }

    async fn message(&self, room: &RoomId, message: &MessageId) -> Result<Message, RemoteError> {
        let take = {
            let mut state = self.network.lock();
            state.asked_for_one += 1;
            state.one_takes
        };
        tokio::time::sleep(take).await;
        self.network.allowed(&self.person)?;
        let state = self.network.lock();
        let found = state
            .messages
            .iter()
            .find(|it| it.id == *message && it.room == *room);
        found.cloned().ok_or_else(not_found)
    }

    async fn send(&self, room: &RoomId, part: &Part, _key: &str) -> Result<Message, RemoteError> {
        self.network.allowed(&self.person)?;
        if self.network.lock().closed.contains(room) {
            return Err(RemoteError::new(
                Fault::Forbidden,
                "you may not write there",
            ));
        }
        let failure = self.network.lock().failures.pop_front();
        let trouble = || RemoteError::new(Fault::Unavailable, "Test is having trouble");
        match failure {
            Some(Failure::Unavailable) => return Err(trouble()),
            Some(Failure::Lost) => return Err(trouble().perhaps_done()),
            Some(Failure::Limited(time)) => {
                let until = self.network.clock.now() + millis(time);
                let fault = Fault::RateLimited(until);
                return Err(RemoteError::new(fault, "Test asks to wait"));
            }
            Some(Failure::Forbidden) => {
                return Err(RemoteError::new(
                    Fault::Forbidden,
                    "you may not write there",
                ));
            }
            Some(Failure::Late) => {
                let (network, person) = (self.network.clone(), self.person.clone());
                let (room, part) = (room.clone(), part.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(UNDER_WAY).await;
                    network.add(&person, &room, &part);
                });
                std::future::pending::<()>().await;
            }
            Some(Failure::AnswerLost | Failure::Hangs | Failure::Dropped) | None => {}
        }
        self.network.lock().posts += 1;
        if let Some(thread) = &part.thread {
            let fits = |it: &Message| it.id == *thread && it.thread.is_none();
            if !self.network.lock().messages.iter().any(fits) {
                return Err(RemoteError::new(Fault::Rejected, "there is no such thread"));
            }
        }
        let me = person(&self.person.username);
        if matches!(failure, Some(Failure::Dropped)) {
            return Ok(self.network.draft(&me, room, part));
        }
        let message = self.network.add(&me, room, part);
        match failure {
            Some(Failure::AnswerLost) => Err(trouble().perhaps_done()),
            Some(Failure::Hangs) => std::future::pending().await,
            _ => {
                // The echo is told before the answer arrives.
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok(message)
            }
        }
    }

    async fn find_sent(
        &self,
        room: &RoomId,
        part: &Part,
        after: Option<&MessageId>,
        not_before: Millis,
        known: &[MessageId],
    ) -> Result<Option<Message>, RemoteError> {
        self.network.allowed(&self.person)?;
        let state = self.network.lock();
        let fits = |message: &&Message| {
            message.room == *room
                && message
                    .sender
                    .as_ref()
                    .is_some_and(|sender| sender.id == self.person.id)
                && message.thread == part.thread
                && after.is_none_or(|after| message.id > *after)
                && message.sent_at >= not_before
                && !known.contains(&message.id)
        };
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        let own: Vec<_> = state.messages.iter().filter(fits).collect();
        let same = |it: &&&Message| it.text == RichText::plain(&part.text);
        let alike = |it: &&&Message| bare(&said(it)) == bare(&part.text);
        let found = own.iter().find(same).or_else(|| own.iter().find(alike));
        let found = found.or_else(|| own.iter().find(|it| it.edited_at.is_some()));
        Ok(found.map(|it| (*it).clone()))
    }

    async fn edit(
        &self,
        _room: &RoomId,
        message: &MessageId,
        part: &Part,
    ) -> Result<Message, RemoteError> {
        let now = self.network.clock.now();
        let lost = self.begin_change()?;
        let known = {
            let mut state = self.network.lock();
            state.edits += 1;
            let known = state.messages.iter_mut().find(|it| it.id == *message);
            let known = known.ok_or_else(not_found)?;
            let open = match self.network.capabilities.edits {
                EditWindow::Never => false,
                EditWindow::For(window) => now - known.sent_at < millis(window),
                EditWindow::Always => true,
            };
            if !open {
                return Err(RemoteError::new(Fault::Rejected, "it is too late for that"));
            }
            known.text = RichText::plain(&part.text);
            known.edited_at = Some(now);
            known.clone()
        };
        self.network.tell(Event::Changed(Box::new(known.clone())));
        // The echo is told before the answer arrives.
        tokio::time::sleep(Duration::from_millis(100)).await;
        lost.map_or(Ok(known), Err)
    }

    async fn delete(&self, room: &RoomId, message: &MessageId) -> Result<(), RemoteError> {
        let lost = self.begin_change()?;
        {
            let mut state = self.network.lock();
            let index = state.messages.iter().position(|it| it.id == *message);
            state.messages.remove(index.ok_or_else(not_found)?);
        }
        self.network.tell(Event::Deleted {
            room: room.clone(),
            message: message.clone(),
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        lost.map_or(Ok(()), Err)
    }

    async fn mark_read(&self, room: &RoomId, up_to: &ReadUpTo) -> Result<(), RemoteError> {
        self.network.allowed(&self.person)?;
        let thread = up_to.thread.as_ref().map(|thread| format!(" in {thread}"));
        let mut state = self.network.lock();
        if std::mem::take(&mut state.refuse_read) {
            return Err(RemoteError::new(
                Fault::Unavailable,
                "Test is having trouble",
            ));
        }
        state.read.push(format!(
            "{room}: {}{}",
            up_to.message,
            thread.unwrap_or_default()
        ));
        Ok(())
    }

    async fn avatar(&self, _avatar: &Avatar, _max_bytes: usize) -> Result<Image, RemoteError> {
        let take = {
            let mut state = self.network.lock();
            let (now, most) = &mut state.pictures_at_once;
            *now += 1;
            *most = (*most).max(*now);
            state.pictures_take
        };
        tokio::time::sleep(take).await;
        let mut state = self.network.lock();
        state.pictures_at_once.0 -= 1;
        state.fetched += 1;
        Ok(Image {
            bytes: vec![1],
            mime: "image/png".to_owned(),
        })
    }

    async fn fetch_attachment(&self, attachment: &Attachment) -> Result<Download, RemoteError> {
        let take = {
            let mut state = self.network.lock();
            state.files_asked.push(attachment.url.clone());
            state.files_take
        };
        tokio::time::sleep(take).await;
        let state = self.network.lock();
        let trouble = || RemoteError::new(Fault::Unavailable, "Test is having trouble");
        let file = state.files.get(&attachment.url).ok_or_else(not_found)?;
        let bytes = file.clone().ok_or_else(trouble)?;
        let length =
            (!state.lengths_hidden.contains(&attachment.url)).then_some(bytes.len() as u64);
        let pieces = Box::new(Coming(bytes));
        Ok(Download { length, pieces })
    }

    fn watch(&self, room: &RoomId) {
        let listener = (self.person.id.clone(), room.clone());
        self.network.lock().watched.insert(listener);
    }

    fn unwatch(&self, room: &RoomId) {
        let listener = (self.person.id.clone(), room.clone());
        self.network.lock().watched.remove(&listener);
    }

    async fn run(&self, sink: &mut dyn EventSink) -> Result<(), RemoteError> {
        self.network.allowed(&self.person)?;
        let mut next = self.network.lock().events.len();
        if sink
            .accept(Event::Connected { missed: true })
            .await
            .is_err()
        {
            return Ok(());
        }
        loop {
            let told = self.network.told.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            self.network.allowed(&self.person)?;
            let event = {
                let state = self.network.lock();
                let event = state.events.get(next).cloned();
                let watched = |room: &RoomId| {
                    let listener = (self.person.id.clone(), room.clone());
                    state.watched.contains(&listener)
                };
                match event {
                    Some(Event::Message(message)) if !watched(&message.room) => Some(None),
                    event => event.map(Some),
                }
            };
            match event {
                None => told.await,
                Some(event) => {
                    next += 1;
                    if let Some(event) = event
                        && sink.accept(event).await.is_err()
                    {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// What a message says, as plain text.
pub fn said(message: &Message) -> String {
    plain::render(&message.text, &ByUsername)
}
