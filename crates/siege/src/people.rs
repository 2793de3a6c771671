//! People who write, change, delete and answer on both sides, until they are told to stop.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use gitter_sandbox::{MessageId, UserId};
use serde_json::{Value, json};
use testbed::user::{Event, path};
use tokio::time::sleep;

use crate::dice::Dice;
use crate::ledger::{self, Root, Said};
use crate::world::{Member, World};

/// How long somebody thinks between two things he does, in milliseconds.
const PAUSE: (u64, u64) = (100, 700);
/// How far back people change and delete what they said. Gitter's edit window is ten minutes.
const MEMORY: usize = 6;
/// How often somebody tries again what the homeserver does not take.
const TRIES: u32 = 20;

/// Numbers messages, and tells people when to stop.
#[derive(Default)]
pub(crate) struct Talk {
    numbers: AtomicUsize,
    over: AtomicBool,
}

impl Talk {
    /// Nobody begins anything any more.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// How many messages were said.
    pub(crate) fn said(&self) -> usize {
        self.numbers.load(Ordering::Relaxed)
    }

    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    fn number(&self) -> usize {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

/// A member on Matrix.
pub(crate) async fn on_matrix(
    world: &World,
    talk: &Talk,
    by: usize,
    dice: &Dice,
) -> anyhow::Result<()> {
    let member = world.members.get(by).context("nobody")?;
    while talk.goes_on() {
        sleep(dice.millis(PAUSE.0, PAUSE.1)).await;
        let _stands = world.homeserver_stands.read().await;
        let room = dice.below(world.rooms.len());
        let portal = member.portals.get(room).context("no such room")?;
        let mine = world.ledger.newest(by, room, MEMORY);
        match (dice.below(100), dice.pick(&mine)) {
            (0..15, Some(said)) => change(world, member, portal, said).await?,
            (15..25, Some(said)) => {
                let redact = ["v3", "rooms", portal, "redact", &said.event];
                insist(member, &redact, &json!({})).await?;
                world
                    .ledger
                    .change(said.number, |said| said.redacted = true);
            }
            (25..45, _) => {
                let thread = some_root(world, member, portal, by, room, dice).await?;
                say(world, talk, member, (by, room), portal, thread).await?;
            }
            _ => say(world, talk, member, (by, room), portal, None).await?,
        }
    }
    Ok(())
}

async fn say(
    world: &World,
    talk: &Talk,
    member: &Member,
    (by, room): (usize, usize),
    portal: &str,
    thread: Option<(Root, String)>,
) -> anyhow::Result<()> {
    let number = talk.number();
    let mut content = json!({ "msgtype": "m.text", "body": ledger::text(number, 0) });
    if let Some((_, event)) = &thread {
        content["m.relates_to"] = json!({ "rel_type": "m.thread", "event_id": event });
    }
    let event = insist(member, &send_to(portal), &content).await?;
    world.ledger.add(Said {
        number,
        by,
        room,
        event,
        version: 0,
        redacted: false,
        root: thread.map(|(root, _)| root),
    });
    Ok(())
}

async fn change(world: &World, member: &Member, portal: &str, said: &Said) -> anyhow::Result<()> {
    let version = said.version + 1;
    let text = ledger::text(said.number, version);
    let content = json!({
        "msgtype": "m.text",
        "body": format!("* {text}"),
        "m.new_content": { "msgtype": "m.text", "body": text },
        "m.relates_to": { "rel_type": "m.replace", "event_id": said.event },
    });
    insist(member, &send_to(portal), &content).await?;
    world
        .ledger
        .change(said.number, |said| said.version = version);
    Ok(())
}

fn send_to(portal: &str) -> [&str; 5] {
    ["v3", "rooms", portal, "send", "m.room.message"]
}

/// Asks until it is taken, as clients do: under the same transaction id, so that it is taken once. Gives the event.
async fn insist(member: &Member, what: &[&str], content: &Value) -> anyhow::Result<String> {
    let transaction = testbed::http::random_hex(8);
    let segments: Vec<&str> = what.iter().copied().chain([transaction.as_str()]).collect();
    let path = path(&segments);
    let mut tries = 0;
    loop {
        let put = reqwest::Method::PUT;
        match member.user.call(put, &path, Some(content)).await {
            Ok(answer) => {
                let event = answer["event_id"].as_str().context("no event id")?;
                return Ok(event.to_owned());
            }
            Err(refused) if tries == TRIES => return Err(refused.into()),
            Err(_) => tries += 1,
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Something in the room that a thread can begin with, and its event.
async fn some_root(
    world: &World,
    member: &Member,
    portal: &str,
    by: usize,
    room: usize,
    dice: &Dice,
) -> anyhow::Result<Option<(Root, String)>> {
    if dice.percent(40) {
        let mine = world.ledger.newest(by, room, MEMORY);
        let mine: Vec<Said> = mine.into_iter().filter(|it| it.root.is_none()).collect();
        let begins = dice.pick(&mine);
        return Ok(begins.map(|it| (Root::Said(it.number), it.event.clone())));
    }
    let page = path(&["v3", "rooms", portal, "messages"]) + "?dir=b&limit=20";
    let page = member.user.call(reqwest::Method::GET, &page, None).await?;
    let events = page["chunk"].as_array().map_or(&[][..], Vec::as_slice);
    let roots: Vec<(Root, String)> = events
        .iter()
        .filter(|event| event["content"]["m.relates_to"].is_null())
        .filter_map(|event| {
            let id = event["content"]["im.gitter.message"]["id"].as_str()?;
            let event = event["event_id"].as_str()?;
            Some((Root::Gitter(id.to_owned()), event.to_owned()))
        })
        .collect();
    Ok(dice.pick(&roots).cloned())
}

/// Somebody on Gitter's own pages.
pub(crate) async fn on_gitter(
    world: &World,
    talk: &Talk,
    who: UserId,
    dice: &Dice,
) -> anyhow::Result<()> {
    while talk.goes_on() {
        sleep(dice.millis(PAUSE.0, PAUSE.1)).await;
        let room = *dice.pick(&world.rooms).context("no room")?;
        let gitter = world.sandbox.world();
        let messages = gitter.messages(room)?;
        let newest = messages.iter().rev().take(4 * MEMORY);
        let mine: Vec<(MessageId, String)> = newest
            .clone()
            .filter(|it| it.from == who && it.text.starts_with('g'))
            .take(MEMORY)
            .map(|it| (it.id, it.text.clone()))
            .collect();
        let parents: Vec<MessageId> = newest
            .filter(|it| it.parent.is_none())
            .map(|it| it.id)
            .collect();
        match (dice.below(100), dice.pick(&mine), dice.pick(&parents)) {
            (0..15, Some((id, text)), _) => gitter.edit(room, *id, &format!("{text}+"))?,
            (15..25, Some((id, _)), _) => gitter.delete(room, *id)?,
            (25..40, _, Some(parent)) => {
                let text = format!("g{:05}", talk.number());
                gitter.reply(who, room, *parent, &text)?;
            }
            _ => {
                gitter.say(who, room, &format!("g{:05}", talk.number()))?;
            }
        }
    }
    Ok(())
}

/// The message of Gitter that an event shows, unless it was redacted.
pub(crate) fn shown(event: &Event) -> Option<&str> {
    event.content()["im.gitter.message"]["id"].as_str()
}

/// Whether it replaces another.
pub(crate) fn is_replacement(event: &Event) -> bool {
    event.content()["m.relates_to"]["rel_type"] == "m.replace"
}
