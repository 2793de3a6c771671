//! Compares both sides.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use gitter_sandbox::Message;
use testbed::user::Event;

use crate::ledger::{self, Root, Said, last_paragraph};
use crate::people::{is_replacement, shown};
use crate::world::{Member, World, room_name};

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
    /// Something was given up, and its sender told. As no text is said twice, nothing has to be.
    GivenUp,
    /// The bridge does not stop in order, or no longer answers.
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

/// Looks at everything. Of what is `undecided`, its sender was told that it may or may not have arrived: it stands once, or not
/// at all.
pub(crate) async fn compare(
    world: &World,
    undecided: &BTreeSet<usize>,
) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Findings::default();
    let ledger = world.ledger.all();
    for (number, room) in world.rooms.iter().enumerate() {
        let mut there = world.sandbox.world().messages(*room)?;
        // What was deleted and has answers stays, empty.
        there.retain(|message| !message.text.is_empty());
        let name = room_name(number);
        for (by, member) in world.members.iter().enumerate() {
            let said: Vec<&Said> = ledger
                .iter()
                .filter(|it| it.by == by && it.room == number)
                .collect();
            let is_sure = |it: &&Said| {
                let stands = there
                    .iter()
                    .any(|message| number_of(member, message) == Some(it.number));
                stands || !undecided.contains(&it.number)
            };
            let sure: Vec<&Said> = said.iter().copied().filter(|it| is_sure(it)).collect();
            findings.on_gitter(member, &name, &sure, &there);
            let Some(portal) = member.portals.get(number) else {
                continue;
            };
            let timeline = member.user.timeline(portal).await?;
            findings.on_matrix(member, &name, &said, &there, &timeline);
        }
    }
    Ok(findings.0)
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn finds(&mut self, wrong: Wrong, what: String) {
        self.0.push(Finding { wrong, what });
    }

    /// What a member said on Matrix, as it stands on Gitter.
    fn on_gitter(&mut self, member: &Member, room: &str, said: &[&Said], there: &[Message]) {
        let mut standing: BTreeMap<usize, Vec<(usize, &Message)>> = BTreeMap::new();
        for (place, message) in there.iter().enumerate() {
            if let Some(number) = number_of(member, message) {
                standing.entry(number).or_default().push((place, message));
            }
        }
        let mut last = None;
        for said in said {
            let name = format!("{} by {} in {room}", said.text(), member.user.id);
            let found = standing.remove(&said.number).unwrap_or_default();
            if said.redacted {
                if !found.is_empty() {
                    self.finds(
                        Wrong::Stale,
                        format!("{name} stands on Gitter, though redacted"),
                    );
                }
                continue;
            }
            let Some((place, message)) = found.first() else {
                self.finds(Wrong::Lost, format!("{name} is not on Gitter"));
                continue;
            };
            if found.len() > 1 {
                let what = format!("{name} stands {} times on Gitter", found.len());
                self.finds(Wrong::Doubled, what);
            }
            if last.is_some_and(|last| last > *place) {
                self.finds(Wrong::Reordered, format!("{name} on Gitter"));
            }
            last = Some(*place);
            if last_paragraph(&message.text) != said.text() {
                let what = format!("{name} reads {:?} on Gitter", message.text);
                self.finds(Wrong::Stale, what);
            }
            if said.root.is_none() && message.parent.is_some() {
                self.finds(Wrong::Stale, format!("{name} is in a thread on Gitter"));
            }
            if let Some(root) = &said.root {
                let begins = there.iter().find(|it| match root {
                    Root::Said(number) => number_of(member, it) == Some(*number),
                    Root::Gitter(id) => it.id.to_string() == *id,
                });
                // What answers something that is gone stands by itself.
                let thread = begins.map(|it| it.parent.unwrap_or(it.id));
                if thread.is_some() && message.parent != thread {
                    let what = format!("{name} is in {:?}, not {thread:?}", message.parent);
                    self.finds(Wrong::Stale, what);
                }
            }
        }
        for number in standing.into_keys() {
            let what = format!("m{number:05} stands in {room} on Gitter, where nobody said it");
            self.finds(Wrong::Doubled, what);
        }
    }

    /// What was said on Gitter, as it stands in a member's portal.
    fn on_matrix(
        &mut self,
        member: &Member,
        room: &str,
        said: &[&Said],
        there: &[Message],
        timeline: &[Event],
    ) {
        let mut events: BTreeMap<&str, Vec<(usize, &Event)>> = BTreeMap::new();
        for (place, event) in timeline.iter().enumerate() {
            if let Some(id) = shown(event)
                && !is_replacement(event)
            {
                events.entry(id).or_default().push((place, event));
            }
        }
        // Which event a message of Gitter is here.
        let event_of: BTreeMap<String, &str> = there
            .iter()
            .filter_map(|message| {
                let id = message.id.to_string();
                let event = match number_of(member, message) {
                    Some(number) => &said.iter().find(|it| it.number == number)?.event,
                    None => events.get(id.as_str())?.first()?.1.id(),
                };
                Some((id, event))
            })
            .collect();
        let mut last = None;
        for message in there {
            let id = message.id.to_string();
            let name = format!("{:?} ({id}) in {room} of {}", message.text, member.user.id);
            let found = events.remove(id.as_str()).unwrap_or_default();
            if number_of(member, message).is_some() {
                if !found.is_empty() {
                    self.finds(Wrong::Doubled, format!("{name} is shown to its sender"));
                }
                continue;
            }
            let Some((place, event)) = found.first() else {
                self.finds(Wrong::Lost, format!("{name} is not on Matrix"));
                continue;
            };
            if found.len() > 1 {
                let what = format!("{name} is shown {} times", found.len());
                self.finds(Wrong::Doubled, what);
            }
            if last.is_some_and(|last| last > *place) {
                self.finds(Wrong::Reordered, format!("{name} on Matrix"));
            }
            last = Some(*place);
            let reads = newest(timeline, event);
            if last_paragraph(reads) != last_paragraph(&message.text) {
                self.finds(Wrong::Stale, format!("{name} reads {reads:?}"));
            }
            let relation = &event.content()["m.relates_to"];
            if message.parent.is_none() && relation["rel_type"] == "m.thread" {
                self.finds(Wrong::Stale, format!("{name} is in a thread on Matrix"));
            }
            let parent = message.parent.map(|parent| parent.to_string());
            let begins = parent.and_then(|parent| event_of.get(&parent).copied());
            // What is in a thread on Matrix alone begins no other one.
            if let Some(root) = begins.map(|event| thread_of(timeline, event).unwrap_or(event))
                && (relation["rel_type"] != "m.thread" || relation["event_id"] != root)
            {
                let what = format!("{name} is not in the thread of {root}");
                self.finds(Wrong::Stale, what);
            }
        }
        for id in events.into_keys() {
            let what = format!("{id} is shown in {room} of {}, but gone", member.user.id);
            self.finds(Wrong::Stale, what);
        }
    }
}

/// The number of what a member said on Matrix, if a message of Gitter is that.
fn number_of(member: &Member, message: &Message) -> Option<usize> {
    if message.from != member.on_gitter {
        return None;
    }
    ledger::read(&message.text).map(|(number, _)| number)
}

/// What begins the thread that an event is in.
fn thread_of<'a>(timeline: &'a [Event], event: &str) -> Option<&'a str> {
    let event = timeline.iter().find(|it| it.id() == event)?;
    let relation = &event.content()["m.relates_to"];
    let is_thread = relation["rel_type"] == "m.thread";
    relation["event_id"].as_str().filter(|_| is_thread)
}

/// What an event reads after all its changes.
fn newest<'a>(timeline: &'a [Event], event: &'a Event) -> &'a str {
    let last = timeline.iter().rev().find(|it| {
        is_replacement(it)
            && it.sender() == event.sender()
            && it.content()["m.relates_to"]["event_id"] == event.id()
    });
    let body = match last {
        Some(last) => last.content()["m.new_content"]["body"].as_str(),
        None => Some(event.body()),
    };
    body.unwrap_or_default()
}
