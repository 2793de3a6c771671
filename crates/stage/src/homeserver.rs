//! A homeserver in memory: as strict as a real one about who may do what, and able to fail on cue.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use bridge::Clock;
use bytes::Bytes;
use futures_util::{TryStreamExt as _, stream};
use homeserver::{
    Actor, ByteRange, Direction, Download, Error, Homeserver, IncomingEvent, Membership, NewEvent,
    NewRoom, NewState, Profile, RoomMember, TimelinePage, Upload,
};
use ruma::{EventId, MxcUri, OwnedEventId, OwnedMxcUri, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::{Value, json};
use tokio::sync::Notify;

pub const BOT: &str = "@gitter:example.org";

/// How a request is to fail.
#[derive(Clone, Copy, Debug)]
pub enum Failure {
    /// It never arrives.
    Lost,
    /// It is carried out, but the answer never arrives.
    AnswerLost,
    /// As [`Failure::AnswerLost`], and the homeserver restarts: it has forgotten the transaction ids.
    Restart,
    /// It is refused.
    Forbidden,
    /// It is refused as one too many, and not to be repeated before so long.
    Limited(Duration),
    /// The homeserver is out of order.
    Broken,
}

#[derive(Clone, Default)]
pub struct FakeHomeserver(Arc<Mutex<State>>);

#[derive(Default)]
pub struct State {
    pub users: BTreeMap<OwnedUserId, Profile>,
    pub rooms: BTreeMap<OwnedRoomId, Room>,
    /// Each request, as its name.
    pub requests: Vec<&'static str>,
    /// How often it was asked to send what waits; not among the requests.
    pub pings: usize,
    /// The request of this name gets no answer, and is not carried out, as long as this is so.
    pub stuck: Option<&'static str>,
    /// The next room is made, but the answer does not come.
    pub made_in_vain: bool,
    /// How the next sends fail.
    pub failures: VecDeque<Failure>,
    /// Rooms whose timeline it stumbles over.
    pub unreadable: BTreeSet<OwnedRoomId>,
    /// It fails over messages with this text.
    pub fails_over: Option<String>,
    /// What was uploaded, by its `mxc://` URI.
    pub files: BTreeMap<String, StoredFile>,
    /// Files cannot be had from it now.
    pub files_away: bool,
    /// It breaks off whenever it is given a file of this name.
    pub stumbles_over: Option<String>,
    /// The largest file it takes, in bytes.
    pub largest: Option<usize>,
    /// Whether it lets us speak as its users.
    pub puppets: bool,
    /// Who has read up to which event, each time it was said.
    pub receipts: Vec<(OwnedUserId, OwnedEventId)>,
    /// What it remembers of the transaction ids it was given.
    pub txns: HashMap<String, OwnedEventId>,
    /// Every event there is, in the order in which the bridge is to be told.
    pub stream: Vec<(OwnedRoomId, OwnedEventId)>,
    /// Tells when there is one more.
    pub appended: Arc<Notify>,
    /// Tells the time where a request does not.
    pub clock: Option<Arc<dyn Clock>>,
    count: u64,
}

#[derive(Clone)]
pub struct StoredFile {
    pub bytes: Vec<u8>,
    pub mime: String,
    pub name: Option<String>,
}

#[derive(Default)]
pub struct Room {
    pub new: NewRoom,
    pub state: BTreeMap<(String, String), Value>,
    pub timeline: Vec<IncomingEvent>,
}

impl Room {
    /// Whether an event would be in the thread of one that relates to another itself.
    fn begins_no_thread(&self, content: &Value) -> bool {
        let thread = Some(&json!("m.thread"));
        let begins = content.pointer("/m.relates_to/event_id");
        content.pointer("/m.relates_to/rel_type") == thread
            && self.timeline.iter().any(|event| {
                begins == Some(&json!(event.event_id))
                    && event.content.pointer("/m.relates_to/rel_type").is_some()
            })
    }

    fn membership(&self, user: &UserId) -> &str {
        let member = self
            .state
            .get(&("m.room.member".to_owned(), user.to_string()));
        member
            .and_then(|it| it["membership"].as_str())
            .unwrap_or("leave")
    }

    pub fn joined(&self) -> BTreeSet<String> {
        let members = self.state.iter().filter(|((kind, _), content)| {
            kind == "m.room.member" && content["membership"] == "join"
        });
        members.map(|((_, user), _)| user.clone()).collect()
    }
}

impl State {
    fn store(
        &mut self,
        bytes: Vec<u8>,
        mime: &str,
        name: Option<&str>,
    ) -> Result<OwnedMxcUri, Error> {
        if name.is_some() && self.stumbles_over.as_deref() == name {
            return Err(Error::Unreachable {
                reason: "the connection broke".to_owned(),
                sent: true,
            });
        }
        if self.largest.is_some_and(|largest| bytes.len() > largest) {
            return Err(Error::TooLarge);
        }
        let uri = format!("mxc://example.org/media{}", self.next());
        let file = StoredFile {
            bytes,
            mime: mime.to_owned(),
            name: name.map(ToOwned::to_owned),
        };
        self.files.insert(uri.clone(), file);
        Ok(uri.into())
    }

    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    fn room(&mut self, room: &RoomId) -> Result<&mut Room, Error> {
        self.rooms
            .get_mut(room)
            .ok_or_else(|| refused(404, "M_NOT_FOUND"))
    }

    /// Appends an event and gives it. The time 0 is now.
    pub fn append(
        &mut self,
        room: &RoomId,
        sender: &UserId,
        kind: &str,
        state_key: Option<&str>,
        content: Value,
        ts: i64,
    ) -> IncomingEvent {
        let ts = match &self.clock {
            Some(clock) if ts == 0 => clock.now(),
            _ => ts,
        };
        let event = IncomingEvent {
            event_id: OwnedEventId::try_from(format!("$event{}", self.next())).unwrap(),
            room_id: room.to_owned(),
            sender: sender.to_owned(),
            kind: kind.to_owned(),
            state_key: state_key.map(ToOwned::to_owned),
            ts,
            content,
            redacts: None,
            unsigned: Value::Null,
        };
        self.stream
            .push((event.room_id.clone(), event.event_id.clone()));
        let room = self.rooms.get_mut(room).expect("the room exists");
        if let Some(key) = state_key {
            room.state
                .insert((kind.to_owned(), key.to_owned()), event.content.clone());
        }
        room.timeline.push(event.clone());
        self.appended.notify_one();
        event
    }
}

impl FakeHomeserver {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn log(&self, request: &'static str) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        state.requests.push(request);
        state
    }
}

impl State {
    /// Somebody takes back an event.
    pub fn redacts(
        &mut self,
        room: &RoomId,
        sender: &UserId,
        event: &EventId,
        ts: i64,
    ) -> IncomingEvent {
        let content = json!({ "redacts": event });
        let mut redaction = self.append(room, sender, "m.room.redaction", None, content, ts);
        redaction.redacts = Some(event.to_owned());
        let timeline = &mut self.rooms.get_mut(room).expect("the room exists").timeline;
        for known in timeline.iter_mut() {
            if known.event_id == event {
                known.content = json!({});
            } else if known.event_id == redaction.event_id {
                known.redacts.clone_from(&redaction.redacts);
            }
        }
        redaction
    }
}

impl FakeHomeserver {
    async fn unless_stuck(&self, request: &'static str) {
        while self.lock().stuck == Some(request) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl FakeHomeserver {
    /// Makes a room; whether its maker never hears of it.
    fn make(&self, new: &NewRoom) -> (OwnedRoomId, bool) {
        let mut state = self.lock();
        let id = OwnedRoomId::try_from(format!("!room{}", state.next())).unwrap();
        state.rooms.insert(
            id.clone(),
            Room {
                new: new.clone(),
                ..Room::default()
            },
        );
        let bot = OwnedUserId::try_from(BOT).unwrap();
        let create = Value::Object(new.creation.clone());
        state.append(&id, &bot, "m.room.create", Some(""), create, 0);
        state.append(
            &id,
            &bot,
            "m.room.member",
            Some(BOT),
            json!({"membership": "join"}),
            0,
        );
        for (kind, field, value) in [
            ("m.room.name", "name", &new.name),
            ("m.room.topic", "topic", &new.topic),
        ] {
            if let Some(value) = value {
                state.append(&id, &bot, kind, Some(""), json!({field: value}), 0);
            }
        }
        for event in &new.initial_state {
            assert_ne!(event.kind, "m.room.member", "homeservers refuse that");
            state.append(
                &id,
                &bot,
                &event.kind,
                Some(&event.key),
                event.content.clone(),
                0,
            );
        }
        (id, std::mem::take(&mut state.made_in_vain))
    }
}

/// Where an event stands in the stream.
fn number(event: &IncomingEvent) -> u64 {
    let number = event.event_id.as_str().trim_start_matches("$event");
    number.parse().unwrap()
}

fn refused(status: u16, errcode: &str) -> Error {
    Error::Refused {
        status,
        errcode: errcode.to_owned(),
        message: "by the stage".to_owned(),
    }
}

impl State {
    fn lets(&self, who: &Actor) -> Result<(), Error> {
        match who {
            Actor::User(_) if !self.puppets => Err(refused(403, "M_FORBIDDEN")),
            _ => Ok(()),
        }
    }
}

fn user(who: &Actor) -> OwnedUserId {
    who.user_id(BOT.try_into().unwrap()).to_owned()
}

#[async_trait]
impl Homeserver for FakeHomeserver {
    async fn whoami(&self) -> Result<OwnedUserId, Error> {
        Ok(BOT.try_into().unwrap())
    }

    async fn versions(&self) -> Result<Vec<String>, Error> {
        Ok(vec!["v1.12".to_owned()])
    }

    async fn ping(&self, _txn: &str) -> Result<Duration, Error> {
        self.lock().pings += 1;
        Ok(Duration::from_millis(1))
    }

    async fn register(&self, localpart: &str) -> Result<(), Error> {
        let user = OwnedUserId::try_from(format!("@{localpart}:example.org")).unwrap();
        self.log("register").users.entry(user).or_default();
        Ok(())
    }

    async fn set_display_name(&self, who: &Actor, name: &str) -> Result<(), Error> {
        self.unless_stuck("set_display_name").await;
        let mut state = self.log("set_display_name");
        let profile = state
            .users
            .get_mut(&user(who))
            .ok_or_else(|| refused(403, "M_FORBIDDEN"))?;
        profile.display_name = Some(name.to_owned());
        Ok(())
    }

    async fn set_avatar(&self, who: &Actor, avatar: Option<&MxcUri>) -> Result<(), Error> {
        let mut state = self.log("set_avatar");
        let profile = state
            .users
            .get_mut(&user(who))
            .ok_or_else(|| refused(403, "M_FORBIDDEN"))?;
        profile.avatar = avatar.map(ToOwned::to_owned);
        Ok(())
    }

    async fn profile(&self, user: &UserId) -> Result<Profile, Error> {
        Ok(self
            .log("profile")
            .users
            .get(user)
            .cloned()
            .unwrap_or_default())
    }

    async fn upload(
        &self,
        bytes: Vec<u8>,
        mime: &str,
        name: Option<&str>,
    ) -> Result<OwnedMxcUri, Error> {
        self.log("upload").store(bytes, mime, name)
    }

    async fn upload_stream(&self, upload: Upload<'_>) -> Result<OwnedMxcUri, Error> {
        drop(self.log("upload_stream"));
        let broken = |_| Error::Unreachable {
            reason: "the stream broke".to_owned(),
            sent: true,
        };
        let pieces: Vec<Bytes> = upload.body.try_collect().await.map_err(broken)?;
        let bytes = pieces.concat();
        assert_eq!(bytes.len() as u64, upload.length);
        self.lock().store(bytes, upload.mime, upload.name)
    }

    async fn download(&self, file: &MxcUri, range: Option<ByteRange>) -> Result<Download, Error> {
        self.unless_stuck("download").await;
        let state = self.log("download");
        if state.files_away {
            return Err(refused(503, "M_UNKNOWN"));
        }
        // Like Synapse, it knows no parts.
        let _ = range;
        let stored = state.files.get(file.as_str());
        let stored = stored.ok_or_else(|| refused(404, "M_NOT_FOUND"))?.clone();
        let length = stored.bytes.len() as u64;
        let pieces: Vec<_> = stored
            .bytes
            .chunks(7)
            .map(|it| Ok(Bytes::copy_from_slice(it)))
            .collect();
        Ok(Download {
            mime: Some(stored.mime),
            length: Some(length),
            range: None,
            body: Box::pin(stream::iter(pieces)),
        })
    }

    async fn create_room(&self, new: &NewRoom) -> Result<OwnedRoomId, Error> {
        drop(self.log("create_room"));
        self.unless_stuck("create_room").await;
        let (id, in_vain) = self.make(new);
        if in_vain {
            std::future::pending::<()>().await;
        }
        Ok(id)
    }

    async fn joined_rooms(&self) -> Result<Vec<OwnedRoomId>, Error> {
        let state = self.log("joined_rooms");
        let rooms = state
            .rooms
            .iter()
            .filter(|(_, room)| room.joined().contains(BOT));
        Ok(rooms.map(|(id, _)| id.clone()).collect())
    }

    async fn invite(
        &self,
        who: &Actor,
        room: &RoomId,
        target: &UserId,
        _reason: Option<&str>,
    ) -> Result<(), Error> {
        drop(self.log("invite"));
        self.unless_stuck("invite").await;
        let mut state = self.lock();
        if state.room(room)?.membership(&user(who)) != "join" {
            return Err(refused(403, "M_FORBIDDEN"));
        }
        if state.room(room)?.membership(target) == "leave" {
            state.append(
                room,
                &user(who),
                "m.room.member",
                Some(target.as_str()),
                json!({"membership": "invite"}),
                0,
            );
        }
        Ok(())
    }

    async fn join(&self, who: &Actor, room: &RoomId) -> Result<(), Error> {
        let mut state = self.log("join");
        state.lets(who)?;
        let who = user(who);
        match state.room(room)?.membership(&who) {
            "join" => Ok(()),
            "invite" => {
                state.append(
                    room,
                    &who,
                    "m.room.member",
                    Some(who.as_str()),
                    json!({"membership": "join"}),
                    0,
                );
                Ok(())
            }
            _ => Err(refused(403, "M_FORBIDDEN")),
        }
    }

    async fn leave(&self, who: &Actor, room: &RoomId, _reason: Option<&str>) -> Result<(), Error> {
        let mut state = self.log("leave");
        let who = user(who);
        if state.room(room)?.membership(&who) != "leave" {
            state.append(
                room,
                &who,
                "m.room.member",
                Some(who.as_str()),
                json!({"membership": "leave"}),
                0,
            );
        }
        Ok(())
    }

    async fn forget(&self, _who: &Actor, _room: &RoomId) -> Result<(), Error> {
        drop(self.log("forget"));
        Ok(())
    }

    async fn kick(
        &self,
        room: &RoomId,
        target: &UserId,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        drop(self.log("kick"));
        self.unless_stuck("kick").await;
        let mut state = self.lock();
        let bot = OwnedUserId::try_from(BOT).unwrap();
        if state.room(room)?.membership(&bot) != "join" {
            return Err(refused(403, "M_FORBIDDEN"));
        }
        if state.room(room)?.membership(target) != "leave" {
            let content = json!({"membership": "leave", "reason": reason});
            state.append(
                room,
                &bot,
                "m.room.member",
                Some(target.as_str()),
                content,
                0,
            );
        }
        Ok(())
    }

    async fn send(&self, event: &NewEvent<'_>) -> Result<OwnedEventId, Error> {
        self.unless_stuck("send").await;
        let mut state = self.log("send");
        let who = user(event.who);
        let body = event.content.get("body").and_then(Value::as_str);
        if body.is_some() && body == state.fails_over.as_deref() {
            return Err(refused(500, "M_UNKNOWN"));
        }
        let failure = state.failures.pop_front();
        match failure {
            Some(Failure::Lost) => {
                return Err(Error::Unreachable {
                    reason: "no route".to_owned(),
                    sent: false,
                });
            }
            Some(Failure::Forbidden) => return Err(refused(403, "M_FORBIDDEN")),
            Some(Failure::Broken) => return Err(refused(502, "M_UNKNOWN")),
            Some(Failure::Limited(wait)) => {
                return Err(Error::RateLimited {
                    retry_after: Some(wait),
                });
            }
            _ => {}
        }
        state.lets(event.who)?;
        if let Some(known) = state.txns.get(event.txn) {
            return Ok(known.clone());
        }
        if state.room(event.room)?.membership(&who) != "join" {
            return Err(refused(403, "M_FORBIDDEN"));
        }
        // As Synapse refuses it: "Cannot start threads from an event with a relation".
        if state.room(event.room)?.begins_no_thread(event.content) {
            return Err(refused(400, "M_UNKNOWN"));
        }
        // 65,536 bytes for the whole event (Matrix spec, "Size limits").
        if event.content.to_string().len() > 65_000 {
            return Err(Error::TooLarge);
        }
        let sent = state.append(
            event.room,
            &who,
            event.kind,
            None,
            event.who.marked(event.content, "gitter"),
            event.ts.unwrap_or_default(),
        );
        state
            .txns
            .insert(event.txn.to_owned(), sent.event_id.clone());
        if let Some(Failure::Restart) = failure {
            state.txns.clear();
        }
        match failure {
            None => Ok(sent.event_id),
            Some(_) => Err(Error::Unreachable {
                reason: "reset".to_owned(),
                sent: true,
            }),
        }
    }

    async fn set_state(&self, new: &NewState<'_>) -> Result<OwnedEventId, Error> {
        self.unless_stuck("set_state").await;
        let mut state = self.log("set_state");
        let who = user(new.who);
        if matches!(new.who, Actor::Ghost(_)) && !state.users.contains_key(&who) {
            return Err(refused(403, "M_FORBIDDEN"));
        }
        let room = state.room(new.room)?;
        let allowed = if new.kind == "m.room.member" && new.key == who.as_str() {
            matches!(room.membership(&who), "invite" | "join")
        } else if new.kind == "m.room.member" {
            room.membership(&who) == "join"
                && room.membership(new.key.try_into().unwrap()) != "join"
        } else {
            room.membership(&who) == "join" && who.as_str() == BOT
        };
        if !allowed {
            return Err(refused(403, "M_FORBIDDEN"));
        }
        let sent = state.append(
            new.room,
            &who,
            new.kind,
            Some(new.key),
            new.content.clone(),
            new.ts.unwrap_or_default(),
        );
        Ok(sent.event_id)
    }

    async fn state(&self, room: &RoomId, kind: &str, key: &str) -> Result<Option<Value>, Error> {
        let mut state = self.log("state");
        let room = state.room(room)?;
        if room.membership(BOT.try_into().unwrap()) != "join" {
            return Err(refused(403, "M_FORBIDDEN"));
        }
        Ok(room.state.get(&(kind.to_owned(), key.to_owned())).cloned())
    }

    async fn members(&self, room: &RoomId) -> Result<Vec<RoomMember>, Error> {
        let mut state = self.log("members");
        let members = state
            .room(room)?
            .state
            .iter()
            .filter(|((kind, _), _)| kind == "m.room.member");
        Ok(members
            .filter_map(|((_, user), content)| {
                let membership = match content["membership"].as_str() {
                    Some("join") => Membership::Join,
                    Some("invite") => Membership::Invite,
                    _ => return None,
                };
                Some(RoomMember {
                    user: user.as_str().try_into().unwrap(),
                    membership,
                })
            })
            .collect())
    }

    async fn redact(
        &self,
        who: &Actor,
        room: &RoomId,
        event: &EventId,
        _reason: Option<&str>,
        txn: &str,
    ) -> Result<OwnedEventId, Error> {
        let mut state = self.log("redact");
        state.lets(who)?;
        if let Some(event) = state.txns.get(txn) {
            return Ok(event.clone());
        }
        let who = user(who);
        let mut known = state.room(room)?.timeline.iter();
        let target = known.rfind(|it| it.event_id == event);
        let sender = target
            .ok_or_else(|| refused(404, "M_NOT_FOUND"))?
            .sender
            .clone();
        if sender != who && who != BOT {
            return Err(refused(403, "M_FORBIDDEN"));
        }
        let redaction = state.redacts(room, &who, event, 0);
        state
            .txns
            .insert(txn.to_owned(), redaction.event_id.clone());
        Ok(redaction.event_id)
    }

    async fn read_receipt(
        &self,
        who: &Actor,
        _room: &RoomId,
        event: &EventId,
    ) -> Result<(), Error> {
        let mut state = self.log("read_receipt");
        state.lets(who)?;
        state.receipts.push((user(who), event.to_owned()));
        Ok(())
    }

    async fn event(&self, room: &RoomId, event: &EventId) -> Result<Option<IncomingEvent>, Error> {
        let mut state = self.log("event");
        let timeline = &state.room(room)?.timeline;
        let Some(known) = timeline.iter().find(|known| known.event_id == event) else {
            return Ok(None);
        };
        let mut known = known.clone();
        let replaces = |other: &&IncomingEvent| {
            other.content.pointer("/m.relates_to/rel_type") == Some(&json!("m.replace"))
                && other.content.pointer("/m.relates_to/event_id") == Some(&json!(event))
                && other.sender == known.sender
        };
        if let Some(last) = timeline.iter().rev().find(replaces) {
            known.unsigned = json!({"m.relations": {"m.replace": {"event_id": last.event_id}}});
        }
        Ok(Some(known))
    }

    async fn timeline(
        &self,
        room: &RoomId,
        from: Option<&str>,
        direction: Direction,
        senders: &[&UserId],
        limit: u16,
    ) -> Result<TimelinePage, Error> {
        let mut state = self.log("timeline");
        if state.unreadable.contains(room) {
            return Err(refused(500, "M_UNKNOWN"));
        }
        let bot = <&UserId>::try_from(BOT).unwrap();
        let room = state.room(room)?;
        if room.membership(bot) != "join" {
            return Err(refused(403, "M_FORBIDDEN"));
        }
        let from: Option<u64> = from.map(|from| from.parse().unwrap());
        let mut events: Vec<&IncomingEvent> = room.timeline.iter().collect();
        if direction == Direction::Backward {
            events.reverse();
            events.retain(|event| from.is_none_or(|from| number(event) < from));
        }
        events.retain(|event| senders.is_empty() || senders.contains(&&*event.sender));
        let events: Vec<_> = events
            .into_iter()
            .take(usize::from(limit))
            .cloned()
            .collect();
        let next = events.last().map(|event| number(event).to_string());
        Ok(TimelinePage { events, next })
    }
}
