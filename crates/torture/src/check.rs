//! Compares both sides when all is over.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use homeserver::IncomingEvent;
use remote::Message;
use ruma::{EventId, OwnedEventId, RoomId};
use serde_json::Value;
use stage::{
    homeserver::BOT,
    network::{person, said},
};
use store::{Item, Store};

use crate::{
    faults::Kind,
    people::{People, Said, mxid, read_part},
    run::MAX_AGE,
};

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
    /// What was given back to its sender, who had it tried again: it stands where that brought it.
    late: BTreeSet<u64>,
    /// What its sender gave up, since part of it may or may not stand.
    undecided: BTreeSet<u64>,
}

impl<'a> Check<'a> {
    pub(crate) fn new(people: &'a People) -> Self {
        Self {
            people,
            findings: Vec::new(),
            late: BTreeSet::new(),
            undecided: BTreeSet::new(),
        }
    }

    /// What each user has to decide, and how he does after a look at the network.
    pub(crate) async fn decisions(&mut self, store: &Store) -> Vec<(String, Vec<String>)> {
        let mut decisions = Vec::new();
        for user in &self.people.users {
            let mut again = Vec::new();
            let mut given_up = false;
            for (place, item) in self.failed(user, store).await.into_iter().enumerate() {
                let Some(said) = self.is_right(user, &item) else {
                    let why = item.why.unwrap_or_default();
                    let what = format!("{} in {}: {why}", item.key, item.lane);
                    self.finds(Wrong::GivenUp, what);
                    given_up = true;
                    continue;
                };
                self.is_told(&said);
                if self.is_to_be_tried_again(&said) {
                    again.push((place + 1).to_string());
                    self.late.insert(said.number);
                } else {
                    given_up = true;
                    self.undecided.insert(said.number);
                }
            }
            let mut commands = Vec::new();
            if !again.is_empty() {
                commands.push(format!("retry {}", again.join(" ")));
            }
            if given_up {
                commands.push("discard all".to_owned());
            }
            decisions.push((user.clone(), commands));
        }
        decisions
    }

    /// These were dropped a minute ago.
    pub(crate) async fn are_given_back(&mut self, numbers: &[u64], store: &Store) {
        let mut given_back = BTreeSet::new();
        for user in &self.people.users {
            let failed = self.failed(user, store).await;
            given_back.extend(failed.into_iter().map(|item| item.key));
        }
        let ledger = self.people.ledger.lock();
        let late = ledger
            .iter()
            .filter(|it| numbers.contains(&it.number) && !given_back.contains(it.event.as_str()));
        let late: Vec<u64> = late.map(|it| it.number).collect();
        drop(ledger);
        for number in late {
            let what = format!("m{number:04} was dropped a minute ago, and nobody noticed");
            self.finds(Wrong::Lost, what);
        }
    }

    async fn failed(&mut self, user: &str, store: &Store) -> Vec<Item> {
        match store.failed_items(mxid(user).as_str()).await {
            Ok(failed) => failed,
            Err(error) => {
                self.finds(Wrong::Broken, error.to_string());
                Vec::new()
            }
        }
    }

    /// What it says, if there is a reason to give it up.
    fn is_right(&self, user: &str, item: &Item) -> Option<Said> {
        let ledger = self.people.ledger.lock();
        let mut own = ledger.iter().filter(|it| it.user == user);
        let said = own.find(|it| it.is_of(&item.key))?;
        // Which of those that read alike was posted when, nobody can tell; how many stand is counted all the same.
        let is_one_of_many = ledger.iter().filter(|it| it.reads == said.reads).count() > 1;
        let facts = &self.people.world.faults.facts;
        let portal = self.people.portal(user, &said.room)?;
        let is_late = self.people.world.faults.drawn(Kind::Age)
            && self.people.world.now() > said.at + MAX_AGE
            && (is_one_of_many || facts.was_late(said, MAX_AGE));
        (is_late || facts.was_dropped(said.reads) || facts.undecidable(said, portal.as_str()))
            .then(|| said.clone())
    }

    /// Whether its sender has heard of it. One notice may be about several.
    fn is_told(&mut self, said: &Said) {
        let Some(portal) = self.people.portal(&said.user, &said.room) else {
            return;
        };
        let is_told = {
            let homeserver = self.people.world.homeserver.lock();
            let timeline = &homeserver.rooms[portal].timeline;
            let after = timeline.iter().skip_while(|it| it.event_id != said.event);
            after.into_iter().any(|it| {
                let body = it.content.get("body").and_then(Value::as_str);
                it.sender == BOT && body.is_some_and(|body| body.contains("!gitter failed"))
            })
        };
        if !is_told {
            let what = format!("m{:04} was given up without a word", said.number);
            self.finds(Wrong::Lost, what);
        }
    }

    /// Whether something that reads so came late, by its sender's order or by a change which found that it was not there. Of equal ones, nobody
    /// can tell which it was.
    fn is_late(&self, reads: u64) -> bool {
        let facts = &self.people.world.faults.facts;
        let ledger = self.people.ledger.lock();
        let mut same = ledger.iter().filter(|it| it.reads == reads);
        facts.was_dropped(reads) || same.any(|it| self.late.contains(&it.number))
    }

    /// Whether nothing of it stands that would stand twice then.
    fn is_to_be_tried_again(&self, said: &Said) -> bool {
        let facts = &self.people.world.faults.facts;
        let Some(portal) = self.people.portal(&said.user, &said.room) else {
            return false;
        };
        let there = self.there(&said.room);
        let me = person(&said.user).id;
        let is_mine = |it: &&Message| it.sender.as_ref().is_some_and(|it| it.id == me);
        let reads = |it: &Message| read_part(&stage::network::said(it));
        let parts = there.iter().filter(is_mine).filter_map(reads);
        let standing = parts.filter(|(number, ..)| *number == said.reads).count();
        let ledger = self.people.ledger.lock();
        let others = ledger
            .iter()
            .filter(|it| it.reads == said.reads && it.number != said.number && !it.redacted);
        !facts.undecidable(said, portal.as_str())
            || standing <= others.count() + facts.said_himself(said.reads)
    }

    pub(crate) async fn run(mut self, store: &Store) -> Vec<Finding> {
        for user in &self.people.users {
            for item in self.failed(user, store).await {
                let why = item.why.unwrap_or_default();
                let what = format!("{} in {}: {why}", item.key, item.lane);
                self.finds(Wrong::GivenUp, what);
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
                // He wrote it there himself.
                Some(_) if self.people.world.faults.facts.is_himself(&message.id) => {}
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
                let mut found = Vec::new();
                if let Some(all) = standing.get_mut(&(it.reads, part)) {
                    if !it.shared {
                        found = std::mem::take(all);
                    } else if !all.is_empty() && !it.redacted {
                        // Of equal ones, the first is the first.
                        found.push(all.remove(0));
                    }
                }
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
                if self.undecided.contains(&it.number) {
                    continue;
                }
                let Some((place, message)) = found.first() else {
                    if !it.shared || !self.is_excused(it.reads) {
                        self.finds(Wrong::Lost, name);
                    }
                    continue;
                };
                let is_in_order =
                    part < it.lasting && !self.is_late(it.reads) && !self.is_excused(it.reads);
                if is_in_order {
                    if last.is_some_and(|last| last > *place) {
                        self.finds(Wrong::Reordered, format!("{name} ({})", message.id));
                    }
                    last = Some(*place);
                }
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
        for ((number, part), left) in standing {
            if !left.is_empty() && !self.is_excused(number) {
                let what = format!("m{number:04}p{part} by {user} stands in {room}");
                self.finds(Wrong::Doubled, what);
            }
        }
    }

    /// Whether one of several that read the same is left to its sender, or its user wrote the same himself: nobody can tell which is which.
    fn is_excused(&self, reads: u64) -> bool {
        let facts = &self.people.world.faults.facts;
        let ledger = self.people.ledger.lock();
        let mut same = ledger.iter().filter(|it| it.reads == reads);
        facts.coincides(reads) || same.any(|it| self.undecided.contains(&it.number))
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
            let said_here = {
                let ledger = self.people.ledger.lock();
                ledger.iter().find(|it| it.event == root).cloned()
            };
            if let Some(it) = said_here {
                let number = it.reads;
                if it.shared || self.is_late(number) {
                    // It was not there when it was answered.
                    return;
                }
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
        let mut echoes = BTreeMap::new();
        for message in there {
            let text = said(message);
            let is_mine = message.sender.as_ref().is_some_and(|it| it.id == me);
            let found = events.remove(message.id.as_str()).unwrap_or_default();
            let name = format!("{text} ({}) in {user}'s {room}", message.id);
            if is_mine && let Some((number, ..)) = read_part(&text) {
                *echoes.entry(number).or_insert(0) += found.len();
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
        self.are_no_echoes(user, room, there, &echoes);
        for id in events.into_keys() {
            let what = format!("{id} is shown in {user}'s {room}, though it is gone");
            self.finds(Wrong::Stale, what);
        }
    }

    /// What a user said on Matrix is not shown to him again; what reads the same and he wrote on the network himself is.
    fn are_no_echoes(
        &mut self,
        user: &str,
        room: &str,
        there: &[Message],
        shown: &BTreeMap<u64, usize>,
    ) {
        let me = person(user).id;
        for (number, shown) in shown {
            let mine = there.iter().filter(|it| {
                it.sender.as_ref().is_some_and(|it| it.id == me)
                    && matches!(read_part(&said(it)), Some((n, ..)) if n == *number)
            });
            let mine = mine.count();
            let said = {
                let ledger = self.people.ledger.lock();
                let own = ledger
                    .iter()
                    .filter(|it| it.reads == *number && !it.redacted);
                own.map(|it| usize::try_from(it.parts).unwrap_or(1))
                    .sum::<usize>()
            };
            let wanted = mine.saturating_sub(said);
            if *shown > wanted && !self.is_excused(*number) {
                let what = format!("m{number:04} is shown to {user}, who said it, in {room}");
                self.finds(Wrong::Doubled, what);
            }
            if *shown < wanted && !self.is_excused(*number) {
                let what = format!("m{number:04}, said by {user} in {room}, is not shown");
                self.finds(Wrong::Lost, what);
            }
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
            if own.is_some_and(|own| own.shared) {
                return None;
            }
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
