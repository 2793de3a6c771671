//! What people do, on both sides, and what they did.
//!
//! Each text says which message it is and which version of it, so that nobody has to guess afterwards.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use remote::Message;
use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId};
use serde_json::{Value, json};
use stage::network::person;

use crate::{dice::Dice, faults::Kind, world::World};

/// How many characters the network takes at once.
const PART: usize = 10;

/// How many parts a long text has.
const MOST_PARTS: u64 = 3;

/// What a user wrote on Matrix.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) number: u64,
    /// Which message's text it has: its own, or one that was written before.
    pub(crate) reads: u64,
    /// Others have its text.
    pub(crate) shared: bool,
    pub(crate) user: String,
    pub(crate) room: String,
    pub(crate) event: OwnedEventId,
    pub(crate) version: u64,
    /// What changed it.
    pub(crate) edits: Vec<OwnedEventId>,
    pub(crate) parts: u64,
    /// So many parts it always had.
    pub(crate) lasting: u64,
    pub(crate) redacted: bool,
    /// The root of its thread.
    pub(crate) thread: Option<OwnedEventId>,
    /// When, in milliseconds.
    pub(crate) at: i64,
}

/// Everything that users wrote on Matrix.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Vec<Said>>);

impl Ledger {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Vec<Said>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of a text from Matrix: which message, which version, which part.
pub(crate) fn read_part(text: &str) -> Option<(u64, u64, u64)> {
    let text = text.rsplit("] ").next()?.strip_prefix('m')?;
    let number = text.get(..4)?.parse().ok()?;
    let version = text.get(5..6)?.parse().ok()?;
    let part = text.get(7..8)?.parse().ok()?;
    Some((number, version, part))
}

fn text(number: u64, version: u64, parts: u64) -> String {
    let part = |part: u64| format!("{:.<PART$}", format!("m{number:04}v{version}p{part}"));
    (0..parts).map(part).collect::<Vec<_>>().concat()
}

/// A user's Matrix id.
pub(crate) fn mxid(user: &str) -> OwnedUserId {
    OwnedUserId::try_from(format!("@{user}:example.org")).expect("that is one")
}

/// Where people are, and what they did.
pub(crate) struct People {
    pub(crate) world: Arc<World>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) users: Vec<String>,
    pub(crate) rooms: Vec<String>,
    /// The Matrix rooms, by user and room.
    pub(crate) portals: Vec<((String, String), OwnedRoomId)>,
}

impl Said {
    /// Whether an event is it, or changed it.
    pub(crate) fn is_of(&self, event: &str) -> bool {
        self.event == event || self.edits.iter().any(|edit| edit == event)
    }
}

impl People {
    pub(crate) fn portal(&self, user: &str, room: &str) -> Option<&RoomId> {
        let found = self
            .portals
            .iter()
            .find(|((owner, address), _)| owner == user && address == room);
        found.map(|(_, room)| &**room)
    }

    /// A user does things on Matrix.
    pub(crate) async fn user(self: Arc<Self>, user: String, dice: Dice, deeds: u64, gap: Duration) {
        for _ in 0..deeds {
            tokio::time::sleep(dice.time(gap)).await;
            self.wait_for_homeserver().await;
            let room = &self.rooms[dice.index(self.rooms.len())];
            match dice.below(100) {
                0..20 => self.edits(&user, room, &dice),
                20..32 => self.redacts(&user, room, &dice),
                32..50 => self.answers(&user, room, &dice),
                _ if self.repeats_itself(&dice) => self.repeats(&user, room, &dice),
                _ => {
                    let parts = if dice.below(4) == 0 { MOST_PARTS } else { 1 };
                    self.says(&user, room, parts, None);
                }
            }
        }
    }

    /// Without it, nobody can say anything.
    async fn wait_for_homeserver(&self) {
        while self.world.up.of().is_none() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Gives its number.
    pub(crate) fn says(
        &self,
        user: &str,
        room: &str,
        parts: u64,
        thread: Option<OwnedEventId>,
    ) -> u64 {
        let mut ledger = self.ledger.lock();
        let number = ledger.len() as u64;
        let Some(portal) = self.portal(user, room) else {
            return number;
        };
        let mut content = json!({"msgtype": "m.text", "body": text(number, 0, parts)});
        if let Some(root) = &thread {
            content["m.relates_to"] = json!({
                "rel_type": "m.thread", "event_id": root, "is_falling_back": true,
                "m.in_reply_to": {"event_id": root},
            });
        }
        let event = self.append(user, portal, content);
        self.world.faults.note(&format_args!(
            "{user} says m{number:04} in {room} ({event})"
        ));
        ledger.push(Said {
            number,
            reads: number,
            shared: false,
            user: user.to_owned(),
            room: room.to_owned(),
            event,
            version: 0,
            edits: Vec::new(),
            parts,
            lasting: parts,
            redacted: false,
            thread,
            at: self.world.now(),
        });
        number
    }

    /// A user tells the bridge something, in one of his rooms.
    pub(crate) fn commands(&self, user: &str, command: &str) {
        let Some(portal) = self.rooms.first().and_then(|room| self.portal(user, room)) else {
            return;
        };
        self.world
            .faults
            .note(&format_args!("{user} commands {command}"));
        let body = format!("!gitter {command}");
        self.append(user, portal, json!({"msgtype": "m.text", "body": body}));
    }

    fn append(&self, user: &str, portal: &RoomId, content: Value) -> OwnedEventId {
        let mut homeserver = self.world.homeserver.lock();
        let now = self.world.now();
        homeserver
            .append(portal, &mxid(user), "m.room.message", None, content, now)
            .event_id
    }

    /// Whether now is the time for what was said before.
    fn repeats_itself(&self, dice: &Dice) -> bool {
        self.world.faults.drawn(Kind::EqualTexts) && dice.below(2) == 0
    }

    /// One of the latest short messages of a user that were not changed. From now on it has company.
    fn repeatable(ledger: &mut [Said], user: &str, room: &str, dice: &Dice) -> Option<u64> {
        let plain = |it: &&mut Said| {
            let own = it.user == user && it.room == room && it.thread.is_none();
            own && it.parts == 1 && it.version == 0 && !it.redacted
        };
        let back = dice.index(3);
        let said = ledger.iter_mut().rev().filter(plain).nth(back)?;
        said.shared = true;
        Some(said.reads)
    }

    /// Says what was said before.
    fn repeats(&self, user: &str, room: &str, dice: &Dice) {
        let Some(portal) = self.portal(user, room) else {
            return;
        };
        let mut ledger = self.ledger.lock();
        let Some(reads) = Self::repeatable(&mut ledger, user, room, dice) else {
            return;
        };
        let number = ledger.len() as u64;
        let content = json!({"msgtype": "m.text", "body": text(reads, 0, 1)});
        let event = self.append(user, portal, content);
        self.world.faults.note(&format_args!(
            "{user} says m{reads:04} again, as number {number}, in {room} ({event})"
        ));
        ledger.push(Said {
            number,
            reads,
            shared: true,
            user: user.to_owned(),
            room: room.to_owned(),
            event,
            version: 0,
            edits: Vec::new(),
            parts: 1,
            lasting: 1,
            redacted: false,
            thread: None,
            at: self.world.now(),
        });
    }

    /// One of the messages that this user said there and that stand.
    fn own(ledger: &mut [Said], user: &str, room: &str, dice: &Dice) -> Option<usize> {
        let own: Vec<usize> = ledger
            .iter()
            .enumerate()
            .filter(|(_, it)| it.user == user && it.room == room && !it.redacted)
            .map(|(index, _)| index)
            .collect();
        // Mostly one of the latest.
        let newest = own.len().min(if dice.below(3) == 0 { 100 } else { 2 });
        (newest > 0).then(|| own[own.len() - 1 - dice.index(newest)])
    }

    fn edits(&self, user: &str, room: &str, dice: &Dice) {
        let mut ledger = self.ledger.lock();
        let Some(index) = Self::own(&mut ledger, user, room, dice) else {
            return;
        };
        let (Some(said), Some(portal)) = (ledger.get_mut(index), self.portal(user, room)) else {
            return;
        };
        if said.version == 9 || said.shared {
            return;
        }
        said.version += 1;
        if self.world.faults.drawn(Kind::Lengths) {
            said.parts = 1 + dice.below(MOST_PARTS);
            said.lasting = said.lasting.min(said.parts);
        }
        let new = text(said.number, said.version, said.parts);
        let content = json!({
            "msgtype": "m.text",
            "body": format!("* {new}"),
            "m.new_content": {"msgtype": "m.text", "body": new},
            "m.relates_to": {"rel_type": "m.replace", "event_id": said.event},
        });
        let event = self.append(user, portal, content);
        self.world.faults.note(&format_args!(
            "{user} edits m{:04} to v{} of {} ({event})",
            said.number, said.version, said.parts
        ));
        said.edits.push(event);
    }

    fn redacts(&self, user: &str, room: &str, dice: &Dice) {
        let mut ledger = self.ledger.lock();
        let Some(index) = Self::own(&mut ledger, user, room, dice) else {
            return;
        };
        let (Some(said), Some(portal)) = (ledger.get_mut(index), self.portal(user, room)) else {
            return;
        };
        said.redacted = true;
        let now = self.world.now();
        let mut homeserver = self.world.homeserver.lock();
        let redaction = homeserver.redacts(portal, &mxid(user), &said.event, now);
        self.world.faults.note(&format_args!(
            "{user} redacts m{:04} ({})",
            said.number, redaction.event_id
        ));
    }

    /// In the thread of any message there.
    fn answers(&self, user: &str, room: &str, dice: &Dice) {
        let Some(portal) = self.portal(user, room) else {
            return;
        };
        let roots: Vec<OwnedEventId> = {
            let homeserver = self.world.homeserver.lock();
            let bot = stage::homeserver::BOT;
            let timeline = &homeserver.rooms[portal].timeline;
            let roots = timeline.iter().filter(|event| {
                event.kind == "m.room.message"
                    && event.sender != bot
                    && event.content.get("body").is_some()
                    && event.content.get("m.relates_to").is_none()
            });
            roots.map(|event| event.event_id.clone()).collect()
        };
        if roots.is_empty() {
            return;
        }
        let newest = roots.len().min(5);
        let root = roots[roots.len() - 1 - dice.index(newest)].clone();
        self.says(user, room, 1, Some(root));
    }

    /// Somebody does things on the network.
    pub(crate) async fn native(
        self: Arc<Self>,
        who: String,
        dice: Dice,
        deeds: u64,
        gap: Duration,
    ) {
        for _ in 0..deeds {
            tokio::time::sleep(dice.time(gap)).await;
            let room = self.rooms[dice.index(self.rooms.len())].clone();
            self.does(&who, &room, &dice);
        }
    }

    fn does(&self, who: &str, room: &str, dice: &Dice) {
        let network = &self.world.network;
        let there: Vec<Message> = {
            let id = format!("room-{room}");
            let state = network.lock();
            let there = state.messages.iter().filter(|it| it.room.as_str() == id);
            there.cloned().collect()
        };
        let me = person(who).id;
        let is_mine = |it: &&Message| {
            it.sender.as_ref().is_some_and(|sender| sender.id == me)
                && stage::network::said(it).starts_with('g')
        };
        let mine: Vec<&Message> = there.iter().filter(is_mine).collect();
        let one_of = |some: &[&Message]| {
            let newest = some.len().min(4);
            (newest > 0).then(|| some[some.len() - 1 - dice.index(newest)].clone())
        };
        match dice.below(100) {
            0..18 => {
                if let Some(message) = one_of(&mine) {
                    let said = stage::network::said(&message);
                    let (name, version) = said.split_once('v').unwrap_or((&said, "0"));
                    let version: u64 = version.parse().unwrap_or(0);
                    let text = format!("{name}v{}", version + 1);
                    self.world
                        .faults
                        .note(&format_args!("{who} edits {} to {text}", message.id));
                    network.edits(&message, &text);
                }
            }
            18..28 => {
                if let Some(message) = one_of(&mine) {
                    self.world
                        .faults
                        .note(&format_args!("{who} deletes {}", message.id));
                    network.deletes(&message);
                }
            }
            28..42 => {
                let roots: Vec<&Message> = there.iter().filter(|it| it.thread.is_none()).collect();
                if let Some(root) = one_of(&roots) {
                    let text = self.native_text();
                    let message = network.answers(who, &root, &text);
                    self.world.faults.note(&format_args!(
                        "{who} answers {text} ({}) in {room} to {}",
                        message.id, root.id
                    ));
                }
            }
            _ if self.users.iter().any(|user| user == who) && self.repeats_itself(dice) => {
                self.says_himself(who, room, dice);
            }
            _ => self.native_says(who, room),
        }
    }

    /// A user writes on the network what he wrote on Matrix, too.
    fn says_himself(&self, who: &str, room: &str, dice: &Dice) {
        let reads = Self::repeatable(&mut self.ledger.lock(), who, room, dice);
        let Some(reads) = reads else { return };
        let message = self.world.network.says(who, room, &text(reads, 0, 1));
        let facts = &self.world.faults.facts;
        facts.says_himself(message.id.as_str(), reads, self.world.now());
        self.world.faults.note(&format_args!(
            "{who} says m{reads:04} himself ({}) in {room}",
            message.id
        ));
    }

    pub(crate) fn native_says(&self, who: &str, room: &str) {
        let text = self.native_text();
        let message = self.world.network.says(who, room, &text);
        self.world.faults.note(&format_args!(
            "{who} says {text} ({}) in {room}",
            message.id
        ));
    }

    fn native_text(&self) -> String {
        let said = self.world.network.lock().messages.len();
        format!("g{said}at{}v0", self.world.now() - stage::START)
    }

    /// Users enter the rooms they are invited to.
    pub(crate) fn enter(world: &World, users: &[String]) {
        let mut homeserver = world.homeserver.lock();
        let rooms: Vec<OwnedRoomId> = homeserver.rooms.keys().cloned().collect();
        for room in rooms {
            for user in users {
                let mxid = mxid(user);
                let key = ("m.room.member".to_owned(), mxid.to_string());
                let member = homeserver.rooms[&room].state.get(&key);
                if member.is_some_and(|it| it["membership"] == "invite") {
                    let content = json!({"membership": "join"});
                    let kind = "m.room.member";
                    homeserver.append(&room, &mxid, kind, Some(mxid.as_str()), content, 0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_tell_what_they_are() {
        let text = text(12, 3, 2);
        assert_eq!(text, "m0012v3p0.m0012v3p1.");
        assert_eq!(read_part(&text), Some((12, 3, 0)));
        assert_eq!(read_part("[bob: m0001v1p0.] m0012v3p1."), Some((12, 3, 1)));
        assert_eq!(read_part("g7v0"), None);
    }
}
