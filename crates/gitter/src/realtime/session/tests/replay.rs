//! The recorded sessions, replayed: what the recording client asked is asked of the session, which has to ask the same of the
//! server; what the server answered goes in, and what comes out is a snapshot for each recording.
//!
//! The recording clients did things this one never does: wrong channels, publishing, raw text. Those are counted, and what the
//! server answered to them is left out.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::super::{Change, Notice};
use super::*;
use crate::UserId;

struct Replay {
    session: Session,
    now: Instant,
    begin: Instant,
    /// What the session has sent and the recording client has not, as yet.
    sent: Vec<Value>,
    /// Ids of the recording client's messages, and of the session's that correspond.
    ids: HashMap<String, Value>,
    transport: Transport,
    out: String,
    foreign: usize,
}

impl Replay {
    fn new(transport: Transport, token: &str, begin: Instant, now: Instant) -> Self {
        let mut session = Session::new(token.to_owned().into(), 1, now);
        session.opening();
        session.opened(transport, now);
        Self {
            session,
            now,
            begin,
            sent: Vec::new(),
            ids: HashMap::new(),
            transport,
            out: String::new(),
            foreign: 0,
        }
    }

    fn collect(&mut self) {
        while let Some(frame) = self.session.send(self.now) {
            let messages: Vec<Value> = serde_json::from_str(&frame.body).unwrap();
            self.sent.extend(messages);
        }
        while let Some(one) = self.session.tell() {
            let at = (self.now - self.begin).as_secs();
            writeln!(self.out, "{at:>4} s  {}", say(&one)).unwrap();
        }
    }

    fn advance(&mut self, now: Instant) {
        while let Some(at) = self.session.deadline().filter(|at| *at <= now) {
            if self.session.opens_at().is_some() {
                break;
            }
            self.now = self.now.max(at);
            self.session.tick(self.now);
            self.collect();
        }
        self.now = now;
    }

    /// The recording client sends a message: the session has to send one like it.
    fn asks(&mut self, recorded: &Value) {
        let channel = recorded["channel"].as_str().unwrap();
        let me = UserId::from(super::ME);
        let subscription = recorded["subscription"].as_str().unwrap_or_default();
        let me = subscription
            .strip_prefix("/api/v1/user/")
            .and_then(|rest| rest.split('/').next())
            .filter(|id| {
                self.session
                    .client
                    .as_ref()
                    .is_some_and(|client| client.user.as_str() == *id)
            })
            .map_or(me, UserId::from);
        let wanted = Channel::read(subscription, &me);
        match (channel, wanted) {
            ("/meta/subscribe", Some(wanted)) if recorded["clientId"] == self.client() => {
                self.session.subscribe(wanted);
            }
            ("/meta/unsubscribe", Some(wanted)) => self.session.unsubscribe(&wanted),
            _ => {}
        }
        self.collect();
        let like = self.sent.iter().position(|sent| {
            sent["channel"] == recorded["channel"]
                && sent["subscription"] == recorded["subscription"]
                && (recorded.get("clientId").is_none() || sent["clientId"] == recorded["clientId"])
                && sent["connectionType"] == recorded["connectionType"]
                && recorded.get("successful").is_none()
        });
        let Some(like) = like else {
            self.foreign += 1;
            return;
        };
        let sent = self.sent.remove(like);
        if channel == "/meta/handshake" {
            assert_eq!(sent["version"], "1.0");
            assert_eq!(sent["ext"]["token"], recorded["ext"]["token"]);
            assert!(
                sent["supportedConnectionTypes"]
                    .as_array()
                    .unwrap()
                    .contains(&json!(self.transport.name()))
            );
        }
        if channel == "/meta/subscribe" {
            assert_eq!(sent["ext"], json!({ "snapshot": false }));
        }
        self.ids.insert(
            recorded["id"].as_str().unwrap().to_owned(),
            sent["id"].clone(),
        );
    }

    fn client(&self) -> Value {
        self.session
            .client
            .as_ref()
            .map_or(Value::Null, |client| json!(client.id))
    }

    /// The server answers: with the ids that the session knows, and without what it did not ask for.
    fn answers(&mut self, frame: &[Value]) {
        let mut answer = Vec::new();
        for message in frame {
            let mut message = message.clone();
            if message.get("data").is_none() {
                let id = message["id"].as_str().unwrap_or_default();
                match self.ids.get(id) {
                    Some(ours) => message["id"] = ours.clone(),
                    None => continue,
                }
            }
            answer.push(message);
        }
        if !answer.is_empty() || frame.is_empty() {
            self.session
                .received(&serde_json::to_vec(&answer).unwrap(), self.now);
        }
        self.collect();
    }

    fn finish(mut self, who: &str) -> String {
        self.collect();
        if let Some(end) = self.session.over() {
            writeln!(self.out, "        over: {end}").unwrap();
        }
        if self.foreign > 0 {
            writeln!(
                self.out,
                "        ({} messages of the recording client have no like)",
                self.foreign
            )
            .unwrap();
        }
        format!("{who}:\n{}", self.out)
    }
}

fn say(notification: &Notification) -> String {
    match notification {
        Notification::Connected { user_id, resumed } => {
            format!("connected as {user_id}, resumed: {resumed}")
        }
        Notification::Disconnected { why, .. } => format!("disconnected: {why}"),
        Notification::Subscribed(channel) => format!("subscribed: {channel}"),
        Notification::SubscribeRefused { channel, why } => format!("refused: {channel}: {why}"),
        Notification::Gap { room } => format!("gap: {room:?}"),
        Notification::Push(push) => format!("{}: {}", push.channel, say_change(&push.change)),
    }
}

fn say_change(change: &Change) -> String {
    let message = |kind: &str, message: &crate::Message| {
        let mut said = format!("message {kind} {} {:?}", message.id, message.text);
        if let Some(parent) = &message.parent_id {
            write!(said, " in the thread of {parent}").unwrap();
        }
        for (is, what) in [
            (message.edited_at.is_some(), " edited"),
            (message.status, " status"),
            (message.virtual_user.is_some(), " virtual"),
            (message.thread_message_count.is_some(), " with replies"),
            (message.is_blanked(), " blanked"),
        ] {
            said.push_str(if is { what } else { "" });
        }
        said
    };
    match change {
        Change::MessageCreated(one) => message("created", one),
        Change::MessageUpdated(one) => message("updated", one),
        Change::MessagePatched(patch) => {
            format!("message patched {} read by {:?}", patch.id, patch.read_by)
        }
        Change::MessageRemoved(id) => format!("message removed {id}"),
        Change::MemberCreated(user) => format!("member created {}", user.username),
        Change::MemberUpdated(user) => format!("member updated {}", user.username),
        Change::MemberRemoved(id) => format!("member removed {id}"),
        Change::RoomCreated(room) => format!(
            "room created {} {} member: {:?}",
            room.id,
            room.url.as_deref().unwrap_or_default(),
            room.room_member
        ),
        Change::RoomUpdated(room) => format!("room updated {}", room.id),
        Change::RoomPatched(patch) => format!("room patched {patch:?}"),
        Change::RoomRemoved(id) => format!("room removed {id}"),
        Change::EventCreated(event) => format!("event created {}", event.id),
        Change::Notice(Notice::Alert { room, message }) => format!("alert {room:?} {message:?}"),
        Change::Notice(notice) => format!("{notice:?}"),
    }
}

/// Replays one recording. Everybody in it has a session of his own, and each handshake of a recording client begins a new one.
fn replay(recording: &str) -> String {
    let begin = Instant::now();
    let mut out = String::new();
    let mut people: BTreeMap<String, Replay> = BTreeMap::new();
    for line in recording.lines().skip(1) {
        let line: Value = serde_json::from_str(line).unwrap();
        let now = begin + Duration::from_millis(line["t"].as_u64().unwrap());
        let who = line["who"].as_str().unwrap_or("client").to_owned();
        for replay in people.values_mut() {
            replay.advance(now);
        }
        if let Some(replay) = people.get_mut(&who) {
            if let Some(code) = line["close"].as_u64() {
                replay
                    .session
                    .lost(Loss::Closed(u16::try_from(code).ok()), now);
            } else if line.get("error").is_some() {
                replay.session.poll_ended(now);
            } else if line.get("wsPing").is_some() {
                replay.session.heard(now);
            }
            replay.collect();
        }
        let frame = match line.get("frame").or_else(|| line.get("body")) {
            Some(Value::Array(messages)) => messages.clone(),
            Some(message @ Value::Object(_)) => vec![message.clone()],
            _ => continue,
        };
        if line["dir"] == "in" {
            if let Some(replay) = people.get_mut(&who) {
                replay.answers(&frame);
            }
            continue;
        }
        let transport = if line["transport"] == "websocket" {
            Transport::WebSocket
        } else {
            Transport::LongPoll
        };
        for message in frame {
            if message["channel"] == "/meta/handshake" {
                if let Some(before) = people.remove(&who) {
                    out.push_str(&before.finish(&who));
                }
                let token = message["ext"]["token"].as_str().unwrap_or("no token");
                let mut replay = Replay::new(transport, token, begin, now);
                replay.collect();
                if !message["ext"]["token"].is_string() {
                    // These the session never sends, and yet the answers to them have to be understood.
                    replay.sent[0]["ext"]["token"] = message["ext"]["token"].clone();
                }
                people.insert(who.clone(), replay);
            }
            // Somebody may come back on a new connection, with his old client id.
            let returning = people
                .iter()
                .find(|(_, replay)| {
                    replay.session.opens_at().is_some() && message["clientId"] == replay.client()
                })
                .map(|(name, _)| name.clone());
            if let Some(mut replay) = returning.and_then(|name| people.remove(&name)) {
                replay.session.opening();
                replay.session.opened(transport, now);
                people.insert(who.clone(), replay);
            }
            if let Some(replay) = people.get_mut(&who) {
                replay.asks(&message);
            }
        }
    }
    for (who, replay) in people {
        out.push_str(&replay.finish(&who));
    }
    out
}

#[test]
fn recorded_sessions() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recordings/realtime");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert_eq!(files.len(), 14);
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let told = replay(&std::fs::read_to_string(&file).unwrap());
        insta::assert_snapshot!(name, told);
    }
}
