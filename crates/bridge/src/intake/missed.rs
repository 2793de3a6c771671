//! What the homeserver did not send: read from the timelines of the rooms.
//!
//! An appservice is told everything once, in theory. Synapse (1.163, seen) never sends what it had not sent when it was
//! killed, and may forget an event that comes at the very end of a recovery, when it stops to take us for down. Nor does it
//! let an appservice `/sync`. So the bridge reads what its users wrote, one small request a room, and leaves out what it
//! knows by the ids of the events:
//!
//! - in unsettled times, and when the homeserver comes over a new connection, the rooms of each transaction with news
//!   in it, *before* it is stored: even a forgotten event keeps its place;
//! - a while after anything that smells of a recovery or a restart, all rooms, those first in which something was said
//!   last: a sweep. Mostly that is once per start.
//!
//! A forgotten invite of the bot cannot be read; whoever sent it has to send another one.

mod peers;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use homeserver::{Direction, IncomingEvent, Transaction};
use remote::Millis;
use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::Value;
use store::Written;
use tokio::sync::Notify;

use self::peers::{Connection, Peers};
use super::matrix;
use crate::{Ctx, Error, lanes, lanes::Backoff};

/// How long to let the homeserver get through its backlog before a sweep.
const BACKLOG: Duration = Duration::from_secs(2);
/// The pause between two rooms of a sweep, so that the homeserver has time for others.
const BREATH: Duration = Duration::from_millis(50);
/// By how much clocks may differ.
const SKEW: Millis = 3_600_000;
/// How many events a page has, and how many pages of one room are read at most.
const PAGE: u16 = 50;
const PAGES: usize = 50;
/// For how long a transaction waits at most for what came before it: homeservers wait a minute for our answer.
const BEFORE: Duration = Duration::from_secs(10);

/// How long a sweep dispels a doubt.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Doubt {
    /// The homeserver did not answer.
    Away,
    /// Something came late, which may be nothing but somebody's clock.
    Late,
}

impl Doubt {
    fn dispelled_for(self) -> Millis {
        match self {
            Self::Away => 60_000,
            Self::Late => 3_600_000,
        }
    }
}

/// Reads what was missed.
#[derive(Default)]
pub struct Missed {
    wanted: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    swept_at: Option<Millis>,
    peers: Peers,
}

impl Missed {
    /// Has the rooms swept soon.
    pub(crate) fn sweep(&self) {
        self.wanted.notify_one();
    }

    /// Has the rooms swept soon, unless that was done lately.
    pub(crate) fn doubt(&self, doubt: Doubt, now: Millis) {
        let dispelled = self
            .lock()
            .swept_at
            .is_some_and(|at| now.saturating_sub(at) <= doubt.dispelled_for());
        if !dispelled {
            self.sweep();
        }
    }

    /// Whether a transaction comes over a connection that says that the homeserver was restarted.
    pub(super) fn is_strange(&self, peer: Option<SocketAddr>, now: Millis) -> bool {
        let connection = peer.map(|peer| self.lock().peers.meet(peer, now));
        if connection == Some(Connection::Broken) {
            self.sweep();
        }
        !matches!(connection, None | Some(Connection::Usual))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A database that is new has nothing in it that could have been missed.
pub(crate) async fn begin(world: &Ctx) -> Result<(), Error> {
    if world.store.swept_at().await?.is_none() {
        world.store.set_swept_at(world.now()).await?;
    }
    Ok(())
}

/// Sweeps whenever it is wanted, until it worked.
pub(crate) async fn run(world: &Ctx) {
    loop {
        world.missed.wanted.notified().await;
        tokio::time::sleep(BACKLOG).await;
        let mut wait = Backoff::default();
        while let Err(error) = sweep(world).await {
            tracing::debug!(%error, "cannot read yet what the homeserver may not have sent");
            tokio::time::sleep(wait.next(world)).await;
        }
    }
}

/// Reads all rooms.
async fn sweep(world: &Ctx) -> Result<(), Error> {
    let began_at = world.now();
    let since = world.store.swept_at().await?.unwrap_or(began_at);
    for written in world.store.written().await? {
        if room(world, &written, since).await? {
            tracing::info!(
                room = written.room_id,
                "found what the homeserver had not sent"
            );
        }
        tokio::time::sleep(BREATH).await;
    }
    world.store.set_swept_at(began_at).await?;
    world.missed.lock().swept_at = Some(began_at);
    Ok(())
}

/// Before a transaction is stored: what came before it in its rooms comes first. Best effort, since the transaction itself
/// must not wait for it.
pub(super) async fn before(world: &Ctx, transaction: &Transaction) {
    let read = tokio::time::timeout(BEFORE, read_before(world, transaction)).await;
    if let Err(error) = read.unwrap_or(Err(Error::Refused("it takes too long".to_owned()))) {
        tracing::debug!(%error, "taking a transaction without having read what came before it");
        world.missed.sweep();
    }
}

async fn read_before(world: &Ctx, transaction: &Transaction) -> Result<(), Error> {
    let Some(since) = world.store.swept_at().await? else {
        return Ok(());
    };
    let mut rooms = BTreeMap::new();
    for event in &transaction.events {
        if !rooms.contains_key(&event.room_id)
            && !world.names.is_by_us(event)
            && is_news(world, event).await?
            && let Some(mxid) = world.store.writer(event.room_id.as_str()).await?
        {
            rooms.insert(event.room_id.clone(), mxid);
        }
    }
    for (room_id, mxid) in rooms {
        let room_id = room_id.to_string();
        room(world, &Written { room_id, mxid }, since).await?;
    }
    Ok(())
}

/// Takes what is new in one room; `false` if nothing is.
async fn room(world: &Ctx, written: &Written, since: Millis) -> Result<bool, Error> {
    let (Ok(room), Ok(writer)) = (
        OwnedRoomId::try_from(written.room_id.as_str()),
        OwnedUserId::try_from(written.mxid.as_str()),
    ) else {
        return Ok(false);
    };
    let events = match unseen(world, &room, &writer, since.saturating_sub(SKEW)).await {
        Ok(events) if events.is_empty() => return Ok(false),
        Ok(events) => events,
        // The bot was thrown out, or the room is gone: others see to that.
        Err(Error::Homeserver(error)) if !error.is_transient() => return Ok(false),
        Err(error) => return Err(error),
    };
    let transaction = Transaction {
        events,
        ..Transaction::default()
    };
    let touched = matrix::store(world, transaction).await?;
    for lane in &touched {
        lanes::wake(world, lane);
    }
    Ok(!touched.is_empty())
}

/// What a user did in a room since the bot is there, as far as it is not known; oldest first.
async fn unseen(
    world: &Ctx,
    room: &RoomId,
    writer: &UserId,
    since: Millis,
) -> Result<Vec<IncomingEvent>, Error> {
    let bot = world.names.bot();
    let mut events = Vec::new();
    let mut from = None;
    for _ in 0..PAGES {
        let page = world
            .homeserver
            .timeline(
                room,
                from.as_deref(),
                Direction::Backward,
                &[writer, bot],
                PAGE,
            )
            .await?;
        let before = events.len();
        let mut is_end = false;
        for event in page.events {
            if event.ts < since || bot_came(&event, bot) {
                is_end = true;
                break;
            }
            if event.sender == writer
                && !world.names.is_by_us(&event)
                && is_news(world, &event).await?
            {
                events.push(event);
            }
        }
        from = page.next;
        // Where all is known, what lies before it is, too.
        if is_end || from.is_none() || events.len() == before {
            events.reverse();
            return Ok(events);
        }
    }
    tracing::warn!(%room, "the homeserver kept back more than is read");
    events.reverse();
    Ok(events)
}

/// Whether it has to be taken and is not known. What gets into no lane is never known, so it must not count: a reading
/// goes back until it finds nothing new.
async fn is_news(world: &Ctx, event: &IncomingEvent) -> Result<bool, Error> {
    Ok(!world.store.is_seen(event.event_id.as_str()).await?
        && matrix::concerns_us(world, event).await?)
}

/// What was said before is not for us.
fn bot_came(event: &IncomingEvent, bot: &UserId) -> bool {
    event.kind == "m.room.member"
        && event.state_key.as_deref() == Some(bot.as_str())
        && event.content.get("membership").and_then(Value::as_str) == Some("join")
}
