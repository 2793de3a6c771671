//! Compares both sides when all is over.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::PoisonError,
};

use homeserver::IncomingEvent;
use remote::Message;
use ruma::{EventId, OwnedEventId, RoomId};
use serde_json::Value;
use stage::network::{person, said};
use store::Store;

use crate::people::{People, Said, mxid, read_part};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// Something never arrived.
    Lost,
    /// Something arrived more than once, or where it should not have.
    Doubled,
    /// Something arrived at another place in the order.
    Reordered,
    /// A change or a deletion was not carried out, or something is in the wrong thread.
    Stale,
    /// Something was given up.
    GivenUp,
    /// Something still waits.
    Stuck,
    /// The bridge cannot start.
    Broken,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What is wrong.
    pub wrong: Wrong,
    /// Of what.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {}", self.wrong, self.what)
    }
}

/// Looks at everything.
pub(crate) struct Check<'a> {
    people: &'a People,
    findings: Vec<Finding>,
    /// What nobody can tell whether it arrived, as its sender was told.
    undecided: BTreeSet<OwnedEventId>,
}

impl<'a> Check<'a> {
    pub(crate) fn new(people: &'a People) -> Self {
        Self {
            people,
            findings: Vec::new(),
            undecided: BTreeSet::new(),
        }
    }

    pub(crate) async fn run(mut self, store: &Store) -> Vec<Finding> {
        for user in &self.people.users {
            match store.failed_items(mxid(user).as_str()).await {
                Ok(failed) => {
                    for item in failed {
                        let why = item.why.unwrap_or_default();
                        if why.starts_with("a message there may be this one")
                            && let Some(event) = self.undecidable(&item.key)
                        {
                            self.undecided.insert(event);
                            continue;
                        }
                        self.finds(
                            Wrong::GivenUp,
                            format!("{} in {}: {why}", item.key, item.lane),
                        );
                    }
                }
                Err(error) => self.finds(Wrong::Broken, error.to_string()),
            }
        }
        for room in &self.people.rooms {
            let there = self.there(room);
            for user in &self.people.users {
                self.on_remote(user, room, &there);
                self.on_matrix(user, room, &there);
            }
        }
        self.findings
    }

    /// Whether nobody can tell if a message arrived whose answer was lost: its sender changed what he had said on the network himself
    /// at that time, and that may have been it. The bridge leaves it to him then.
    fn undecidable(&self, key: &str) -> Option<OwnedEventId> {
        /// How far the bridge takes the network's clock to be off its own, in milliseconds.
        const CLOCKS_APART: i64 = 120_000;
        let ledger = self.people.ledger.lock();
        let said = ledger.iter().find(|it| it.event == key)?;
        let reworded = self.people.reworded.lock();
        let reworded = reworded.unwrap_or_else(PoisonError::into_inner);
        reworded
            .iter()
            .any(|it| {
                it.who == said.user && it.room == said.room && it.said_at >= said.at - CLOCKS_APART
            })
            .then(|| said.event.clone())
    }

    fn finds(&mut self, wrong: Wrong, what: String) {
        self.findings.push(Finding { wrong, what });
    }

    fn there(&self, room: &str) -> Vec<Message> {
        let id = format!("room-{room}");
        let state = self.people.world.network.lock();
        let there = state.messages.iter().filter(|it| it.room.as_str() == id);
        there.cloned().collect()
    }

    /// What a user said on Matrix, as it stands on the network.
    fn on_remote(&mut self, user: &str, room: &str, there: &[Message]) {
        let ledger: Vec<Said> = self.people.ledger.lock().clone();
        let me = person(user).id;
        let mut standing: BTreeMap<(u64, u64), Vec<(usize, &Message)>> = BTreeMap::new();
        for (place, message) in there.iter().enumerate() {
            let is_mine = message.sender.as_ref().is_some_and(|it| it.id == me);
            let text = said(message);
            match read_part(&text) {
                Some((number, _, part)) if is_mine => {
                    let here = standing.entry((number, part)).or_default();
                    here.push((place, message));
                }
                None if !text.starts_with('g') => {
                    self.finds(Wrong::Doubled, format!("nobody said {text:?} in {room}"));
                }
                _ => {}
            }
        }
        let mut last = None;
        let expected = ledger
            .iter()
            .filter(|it| it.user == user && it.room == room);
        for it in expected {
            for part in 0..it.parts {
                let name = format!("m{:04}p{part} by {user} in {room}", it.number);
                let found = standing.remove(&(it.number, part)).unwrap_or_default();
                if it.redacted {
                    if !found.is_empty() {
                        self.finds(
                            Wrong::Stale,
                            format!("{name} stands though it was redacted"),
                        );
                    }
                    continue;
                }
                if found.len() > 1 {
                    self.finds(
                        Wrong::Doubled,
                        format!("{name} stands {} times", found.len()),
                    );
                }
                if self.undecided.contains(&it.event) {
                    continue;
                }
                let Some((place, message)) = found.first() else {
                    self.finds(Wrong::Lost, name);
                    continue;
                };
                if last.is_some_and(|last| last > *place) {
                    self.finds(Wrong::Reordered, format!("{name} ({})", message.id));
                }
                last = Some(*place);
                let version = read_part(&said(message)).map(|(_, version, _)| version);
                if version != Some(it.version) {
                    let what = format!("{name} is {version:?}, not {}", it.version);
                    self.finds(Wrong::Stale, what);
                }
                if let Some(root) = &it.thread {
                    self.thread_there(&name, message, root, user, room, there);
                }
            }
        }
        for ((number, part), _) in standing {
            let what = format!("m{number:04}p{part} by {user} stands in {room}");
            self.finds(Wrong::Doubled, what);
        }
    }

    /// A message that was said in a thread on Matrix stands in that of the network.
    fn thread_there(
        &mut self,
        name: &str,
        message: &Message,
        root: &EventId,
        user: &str,
        room: &str,
        there: &[Message],
    ) {
        let Some(portal) = self.people.portal(user, room) else {
            return;
        };
        let root_there = {
            let ledger = self.people.ledger.lock();
            if let Some(it) = ledger.iter().find(|it| it.event == root) {
                let number = it.number;
                there
                    .iter()
                    .find(|it| matches!(read_part(&said(it)), Some((n, _, 0)) if n == number))
            } else {
                let id = self.named(portal, root);
                there
                    .iter()
                    .find(|it| Some(it.id.as_str()) == id.as_deref())
            }
        };
        // What answers something in a thread belongs into that; what answers something that is gone stands by itself.
        let thread = root_there.map(|root| root.thread.as_ref().unwrap_or(&root.id));
        if let Some(thread) = thread
            && there.iter().any(|it| it.id == *thread)
            && message.thread.as_ref() != Some(thread)
        {
            let what = format!("{name} is in {:?}, not {thread}", message.thread);
            self.finds(Wrong::Stale, what);
        }
    }

    /// Which message of the network an event shows.
    fn named(&self, portal: &RoomId, event: &EventId) -> Option<String> {
        let homeserver = self.people.world.homeserver.lock();
        let timeline = &homeserver.rooms.get(portal)?.timeline;
        let event = timeline.iter().find(|it| it.event_id == event)?;
        shown(event)
    }

    /// What was said on the network, as it stands in a user's portal.
    fn on_matrix(&mut self, user: &str, room: &str, there: &[Message]) {
        let Some(portal) = self.people.portal(user, room) else {
            return;
        };
        let timeline: Vec<IncomingEvent> = {
            let homeserver = self.people.world.homeserver.lock();
            homeserver.rooms[portal].timeline.clone()
        };
        let me = person(user).id;
        let mut events: BTreeMap<String, Vec<(usize, &IncomingEvent)>> = BTreeMap::new();
        for (place, event) in timeline.iter().enumerate() {
            if let Some(id) = shown(event)
                && !is_replacement(event)
            {
                events.entry(id).or_default().push((place, event));
            }
        }
        let mut last = None;
        for message in there {
            let text = said(message);
            let is_mine = message.sender.as_ref().is_some_and(|it| it.id == me);
            let found = events.remove(message.id.as_str()).unwrap_or_default();
            let name = format!("{text} ({}) in {user}'s {room}", message.id);
            if is_mine && read_part(&text).is_some() {
                if !found.is_empty() {
                    self.finds(Wrong::Doubled, format!("{name} is shown to its sender"));
                }
                continue;
            }
            let Some((place, event)) = found.first() else {
                self.finds(Wrong::Lost, name);
                continue;
            };
            if found.len() > 1 {
                self.finds(
                    Wrong::Doubled,
                    format!("{name} is shown {} times", found.len()),
                );
            }
            if last.is_some_and(|last| last > *place) {
                self.finds(Wrong::Reordered, name.clone());
            }
            last = Some(*place);
            let reads = newest(&timeline, event);
            if reads.as_deref() != Some(&text) {
                self.finds(Wrong::Stale, format!("{name} reads {reads:?}"));
            }
            if let Some(root) = &message.thread
                && let Some(root) = self.event_of(user, portal, root.as_str(), there)
            {
                // What is in a thread on Matrix alone begins no other one.
                let root = thread_of(&timeline, &root).unwrap_or(root);
                let thread = event.content.pointer("/m.relates_to/event_id");
                let is_thread = event.content.pointer("/m.relates_to/rel_type")
                    == Some(&Value::from("m.thread"));
                if !is_thread || thread.and_then(Value::as_str) != Some(root.as_str()) {
                    let what = format!("{name} is not in the thread of {root}");
                    self.finds(Wrong::Stale, what);
                }
            }
        }
        for id in events.into_keys() {
            let what = format!("{id} is shown in {user}'s {room}, though it is gone");
            self.finds(Wrong::Stale, what);
        }
    }

    /// The event that a message of the network is in a user's portal.
    fn event_of(
        &self,
        user: &str,
        portal: &RoomId,
        message: &str,
        there: &[Message],
    ) -> Option<OwnedEventId> {
        let known = there.iter().find(|it| it.id.as_str() == message)?;
        if let Some((number, _, _)) = read_part(&said(known)) {
            let ledger = self.people.ledger.lock();
            let own = ledger
                .iter()
                .find(|it| it.number == number && it.user == user);
            if let Some(own) = own {
                return Some(own.event.clone());
            }
        }
        let homeserver = self.people.world.homeserver.lock();
        let timeline = &homeserver.rooms.get(portal)?.timeline;
        let event = timeline
            .iter()
            .find(|it| shown(it).as_deref() == Some(message) && !is_replacement(it))?;
        Some(event.event_id.clone())
    }
}

/// What begins the thread that an event is in.
fn thread_of(timeline: &[IncomingEvent], event: &EventId) -> Option<OwnedEventId> {
    let content = &timeline.iter().find(|it| it.event_id == event)?.content;
    let kind = content.pointer("/m.relates_to/rel_type")?.as_str()?;
    let begins = content.pointer("/m.relates_to/event_id")?.as_str()?;
    OwnedEventId::try_from(begins)
        .ok()
        .filter(|_| kind == "m.thread")
}

/// Which message of the network an event shows, unless it was redacted.
fn shown(event: &IncomingEvent) -> Option<String> {
    let id = event.content.pointer("/example.test.message/id")?;
    id.as_str().map(ToOwned::to_owned)
}

fn is_replacement(event: &IncomingEvent) -> bool {
    event.content.pointer("/m.relates_to/rel_type") == Some(&Value::from("m.replace"))
}

/// What an event reads after all its changes.
fn newest(timeline: &[IncomingEvent], event: &IncomingEvent) -> Option<String> {
    let replaces = |it: &&IncomingEvent| {
        is_replacement(it)
            && it.sender == event.sender
            && it
                .content
                .pointer("/m.relates_to/event_id")
                .and_then(Value::as_str)
                == Some(event.event_id.as_str())
    };
    let body = match timeline.iter().rev().find(replaces) {
        Some(last) => last.content.pointer("/m.new_content/body"),
        None => event.content.get("body"),
    };
    // What answers something that is not there begins with a quotation.
    let body = body.and_then(Value::as_str)?;
    let said = body.rsplit("\n\n").next().unwrap_or(body);
    Some(said.to_owned())
}
