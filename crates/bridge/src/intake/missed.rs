//! What the homeserver did not send: read from the timelines of the rooms.
//!
//! An appservice is told everything once, in theory. Synapse (1.163, seen) never sends what it had not sent when it was
//! killed, and may forget an event that comes at the very end of a recovery, when it stops to take us for down. Nor does it
//! let an appservice `/sync`. So the bridge reads what its users wrote, one small request a room, and leaves out what it
//! knows by the ids of the events:
//!
//! - in unsettled times, when the homeserver comes over a new connection, and when something is changed or taken back that
//!   nobody told of, the rooms of each transaction with news in it, *before* it is stored: even a forgotten event
//!   keeps its place;
//! - a while after anything that smells of a recovery or a restart, all rooms, those first in which something was said
//!   last: a sweep. Mostly that is once per start. Where the smell is faint, once an hour is enough.
//!
//! A forgotten invite of the bot cannot be read; whoever sent it has to send another one.

mod patience;
mod peers;
mod told;

use std::{
    collections::{BTreeMap, BTreeSet},
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

use self::{
    patience::{AGAIN, InVain, MOST},
    peers::{Connection, Peers},
    told::Told,
};
use super::{matrix, written::How};
use crate::{Ctx, Error, lanes::Backoff, text::relation};

/// How long to let the homeserver get through its backlog before a sweep: until it has said nothing for so long, but not for longer than
/// this.
const CALM: Duration = Duration::from_secs(2);
const BACKLOG: Duration = Duration::from_mins(1);
/// The pause between two rooms of a sweep, so that the homeserver has time for others.
const BREATH: Duration = Duration::from_millis(50);
/// By how much clocks may differ.
const SKEW: Millis = 3_600_000;
/// How many events a page has, and how many pages of one room are read at most.
const PAGE: u16 = 50;
const PAGES: usize = 1_000;
/// How soon a doubt is dispelled at the latest.
const AT_THE_LATEST: Duration = Duration::from_hours(1);
/// The longest pause between two tries while a transaction waits.
const PAUSE: Duration = Duration::from_secs(2);

/// How long a sweep dispels a doubt.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Doubt {
    /// The homeserver did not answer.
    Away,
    /// It did not get our answer, so it took us for down.
    Unheard,
    /// Something came late, which may be nothing but somebody's clock.
    Late,
}

impl Doubt {
    fn dispelled_for(self) -> Millis {
        match self {
            Self::Away | Self::Unheard => 60_000,
            Self::Late => AT_THE_LATEST.as_millis().try_into().unwrap_or(Millis::MAX),
        }
    }
}

/// Reads what was missed.
#[derive(Default)]
pub struct Missed {
    wanted: Notify,
    /// A sweep is due sooner than it was.
    sooner: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    swept_at: Option<Millis>,
    /// Something may have been left out since the last sweep began: by then, there is another one.
    due: Option<Millis>,
    told: Told,
    peers: Peers,
    /// Since the homeserver may have been restarted: the rooms of which we know that nothing of them was left out.
    sound: Option<BTreeSet<String>>,
    /// A sweep has begun since then.
    sweeps: bool,
    in_vain: InVain,
    /// Rooms that could not be read when something came from them, and since when something may be missing there: a page of them may
    /// be known since, which says nothing then of what came before it.
    unread: BTreeMap<String, Millis>,
}

impl Missed {
    /// Has the rooms swept soon.
    pub(crate) fn sweep(&self) {
        self.wanted.notify_one();
    }

    /// Has the rooms swept soon or, where that was done lately, later.
    pub(crate) fn doubt(&self, doubt: Doubt, now: Millis) {
        let swept_at = self.lock().swept_at;
        let from = swept_at.map(|at| at + doubt.dispelled_for() + 1);
        match from.filter(|from| *from > now) {
            // The clock may have been set back.
            Some(from) => self.by(from.min(now + doubt.dispelled_for())),
            None => self.sweep(),
        }
    }

    /// Has the rooms swept by that time.
    fn by(&self, at: Millis) {
        let mut state = self.lock();
        if state.due.is_none_or(|due| at < due) {
            state.due = Some(at);
            self.sooner.notify_one();
        }
    }

    /// This transaction came once more: our answer got lost.
    pub(super) fn was_unheard(&self, id: &str, now: Millis) -> bool {
        let is_again = self.lock().told.again(id, now);
        if is_again {
            self.doubt(Doubt::Unheard, now);
        }
        is_again
    }

    /// A transaction came over this connection.
    pub(super) fn meet(&self, peer: Option<SocketAddr>, now: Millis) {
        let connection = peer.map(|peer| self.lock().peers.meet(peer, now));
        match connection {
            None | Some(Connection::Usual) => return,
            Some(Connection::New) => self.by(now + Doubt::Late.dispelled_for()),
            Some(Connection::Broken) => self.sweep(),
        }
        let mut state = self.lock();
        state.sound = Some(BTreeSet::new());
        state.sweeps = false;
    }

    /// Whether the homeserver may have left out what came before an event in this room, since it was restarted.
    fn is_doubtful(&self, room: &RoomId) -> bool {
        let state = self.lock();
        state
            .sound
            .as_ref()
            .is_some_and(|sound| !sound.contains(room.as_str()))
    }

    /// All that was said in this room is known.
    fn is_sound(&self, room: &str) {
        if let Some(sound) = &mut self.lock().sound {
            sound.insert(room.to_owned());
        }
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
        let due = world.missed.lock().due;
        tokio::select! {
            biased;
            () = world.missed.wanted.notified() => {}
            () = world.missed.sooner.notified() => continue,
            () = until(world, due) => {}
        }
        calm(world).await;
        let mut wait = Backoff::default();
        while let Err(error) = sweep(world).await {
            tracing::debug!(%error, "cannot read yet what the homeserver may not have sent");
            tokio::time::sleep(wait.next(world)).await;
        }
    }
}

/// Waits until something is due.
async fn until(world: &Ctx, due: Option<Millis>) {
    let Some(due) = due else {
        return std::future::pending().await;
    };
    let left = u64::try_from(due - world.now()).unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(left).min(AT_THE_LATEST)).await;
}

/// Waits until the homeserver has got through its backlog: what it forgets at the end of a recovery would not be there yet.
async fn calm(world: &Ctx) {
    let left = || world.missed.lock().told.calm_in(CALM, world.now());
    let wait = async {
        tokio::time::sleep(CALM).await;
        while let Some(left) = left() {
            tokio::time::sleep(left).await;
        }
    };
    tokio::time::timeout(BACKLOG, wait).await.ok();
}

/// Reads all rooms. As long as some of them cannot be read they are tried again, unless another sweep is wanted.
async fn sweep(world: &Ctx) -> Result<(), Error> {
    let began_at = world.now();
    {
        let mut state = world.missed.lock();
        state.sweeps = true;
        state.due = None;
    }
    let since = world.store.swept_at().await?.unwrap_or(began_at);
    let mut left = world.store.written().await?;
    let mut wait = Backoff::default();
    while let Err(error) = pass(world, &mut left, since, BREATH).await {
        let rooms = left.len();
        tracing::debug!(%error, rooms, "cannot read yet what the homeserver may not have sent");
        tokio::select! {
            biased;
            () = world.missed.wanted.notified() => {
                world.missed.sweep();
                return Ok(());
            }
            () = tokio::time::sleep(wait.next(world)) => {}
        }
    }
    world.store.set_swept_at(began_at).await?;
    let mut state = world.missed.lock();
    state.swept_at = Some(began_at);
    if state.sweeps {
        state.sound = None;
    }
    Ok(())
}

/// Reads each of these rooms once. Those that were not read are left, with the reason: one that cannot be read does not hold up the others,
/// but where the homeserver does not answer at all, it is not asked for every room.
async fn pass(
    world: &Ctx,
    left: &mut Vec<Written>,
    since: Millis,
    breath: Duration,
) -> Result<(), Error> {
    let mut trouble = None;
    let mut index = 0;
    while let Some(written) = left.get(index) {
        match room(world, written, since).await {
            Ok(found) => {
                if found {
                    tracing::info!(
                        room = written.room_id,
                        "found what the homeserver had not sent"
                    );
                }
                world.missed.is_sound(&written.room_id);
                left.remove(index);
            }
            Err(error) if error.is_of_this_request() => {
                trouble = Some(error);
                index += 1;
            }
            Err(error) => {
                // Perhaps it is this one that it has no answer for.
                left.rotate_left(index + 1);
                return Err(error);
            }
        }
        tokio::time::sleep(breath).await;
    }
    trouble.map_or(Ok(()), Err)
}

/// Before a transaction is stored: what came before it in its rooms comes first, where something may have been left out.
/// Best effort, since the transaction itself must not wait for it for ever.
pub(super) async fn before(world: &Ctx, transaction: &Transaction) {
    let unsettled = world.gate.is_unsettled(world.now());
    let theirs = transaction
        .events
        .iter()
        .filter(|event| !world.names.is_by_us(event));
    let mut events = Vec::new();
    for event in theirs {
        if unsettled
            || world.missed.is_doubtful(&event.room_id)
            || lacks_subject(world, transaction, event).await
        {
            events.push(event);
        }
    }
    if events.is_empty() {
        return;
    }
    if let Err(error) = read_before(world, &events).await {
        tracing::debug!(%error, "taking a transaction without having read what came before it");
        world.missed.sweep();
    }
}

async fn read_before(world: &Ctx, events: &[&IncomingEvent]) -> Result<(), Error> {
    let mut wait = Backoff::default();
    let ready = async {
        loop {
            match with_news(world, events).await {
                Err(error) if error.is_transient() => {
                    tokio::time::sleep(wait.next(world).min(PAUSE)).await;
                }
                ready => return ready,
            }
        }
    };
    let (mut left, since) = in_time(MOST, ready).await?;
    let now = world.now();
    let in_vain = |it: &mut Written| world.missed.lock().in_vain.lately(&it.room_id, now);
    let mut again: Vec<Written> = left.extract_if(.., in_vain).collect();
    let read = async {
        // A homeserver that was just started is not always fit at once.
        while let Err(error) = pass(world, &mut left, since, Duration::ZERO).await {
            tracing::debug!(%error, "cannot read yet what came before a transaction");
            tokio::time::sleep(wait.next(world).min(PAUSE)).await;
        }
        Ok(())
    };
    let read = in_time(MOST, read).await;
    let read_again = in_time(AGAIN, pass(world, &mut again, since, Duration::ZERO)).await;
    let unread: Vec<_> = left.into_iter().chain(again).map(|it| it.room_id).collect();
    let mut state = world.missed.lock();
    for room in &unread {
        state.unread.entry(room.clone()).or_insert(since);
    }
    state.in_vain.note(unread.into_iter(), world.now());
    drop(state);
    read.and(read_again)
}

async fn in_time<T>(
    time: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::time::timeout(time, work)
        .await
        .unwrap_or_else(|_| Err(Error::Refused("it takes too long".to_owned())))
}

/// The rooms of those events that are to be taken and are not known, and since when to read them.
async fn with_news(
    world: &Ctx,
    events: &[&IncomingEvent],
) -> Result<(Vec<Written>, Millis), Error> {
    let Some(since) = world.store.swept_at().await? else {
        return Ok((Vec::new(), 0));
    };
    let mut rooms = BTreeMap::new();
    for event in events {
        let room = event.room_id.as_str();
        if !rooms.contains_key(room)
            && is_news(world, event).await?
            && let Some(mxid) = world.store.writer(room).await?
        {
            rooms.insert(room.to_owned(), mxid);
        }
    }
    let written = |(room_id, mxid)| Written { room_id, mxid };
    Ok((rooms.into_iter().map(written).collect(), since))
}

/// Whether it changes or takes back what nobody told of. A database that does not answer says so again where it counts.
async fn lacks_subject(world: &Ctx, transaction: &Transaction, event: &IncomingEvent) -> bool {
    let replaced = relation(&event.event_id, &event.content).replaces;
    let Some(subject) = event.redacts.clone().or(replaced) else {
        return false;
    };
    let comes = transaction.events.iter().any(|it| it.event_id == subject);
    let told = async {
        Ok::<_, Error>(
            world.store.is_seen(subject.as_str()).await?
                || world
                    .store
                    .message_by_event(subject.as_str())
                    .await?
                    .is_some(),
        )
    };
    !comes && !told.await.unwrap_or(true)
}

/// Takes what is new in one room; `false` if nothing is.
///
/// Pages are read from the newest back to what is known, and what is in them is stored from the oldest on. In between only the pages'
/// places are kept: a user may have written ten thousand messages while we were away.
async fn room(world: &Ctx, written: &Written, since: Millis) -> Result<bool, Error> {
    let (Ok(room), Ok(writer)) = (
        OwnedRoomId::try_from(written.room_id.as_str()),
        OwnedUserId::try_from(written.mxid.as_str()),
    ) else {
        return Ok(false);
    };
    let unread = world.missed.lock().unread.get(&written.room_id).copied();
    let since = unread.map_or(since, |unread| unread.min(since));
    let reading = Reading {
        world,
        room: &room,
        writer: &writer,
        since: since.saturating_sub(SKEW),
        thoroughly: unread.is_some(),
    };
    let found = match reading.back().await {
        Ok(found) => reading.take(found).await?,
        // The bot was thrown out, or the room is gone: others see to that.
        Err(Error::Homeserver(error)) if !error.is_transient() => false,
        Err(error) => return Err(error),
    };
    world.missed.lock().unread.remove(&written.room_id);
    Ok(found)
}

/// What a user did in a room since the bot is there.
struct Reading<'a> {
    world: &'a Ctx,
    room: &'a RoomId,
    writer: &'a UserId,
    since: Millis,
    /// Also behind a page of which all is known.
    thoroughly: bool,
}

/// News in a room.
#[derive(Default)]
struct Found {
    /// The newest, oldest first. It is not read again: the newest are others by then.
    newest: Vec<IncomingEvent>,
    /// Where the pages between begin, the newest one first.
    between: Vec<String>,
    /// The oldest, oldest first, if they are on another page.
    oldest: Vec<IncomingEvent>,
}

/// A page, as far as it is to be taken.
struct News {
    /// Oldest first.
    events: Vec<IncomingEvent>,
    /// The user wrote something on it, which the homeserver ought to have told. What we said ourselves tells nothing of what came before.
    tells: bool,
    /// Where the page before it begins; `None` if nothing before it is for us.
    before: Option<String>,
}

impl Reading<'_> {
    /// Reads back to what is known.
    async fn back(&self) -> Result<Found, Error> {
        // Where all is known, what lies before it is, too.
        let goes_on = |news: &News| self.thoroughly || !news.tells || !news.events.is_empty();
        let news = self.page(None).await?;
        let mut from = news.before.clone().filter(|_| goes_on(&news));
        let mut found = Found {
            newest: news.events,
            ..Found::default()
        };
        let mut last = None;
        for _ in 0..PAGES {
            let Some(place) = from else {
                return Ok(found);
            };
            let news = self.page(Some(&place)).await?;
            from = news.before.clone().filter(|_| goes_on(&news));
            if !news.events.is_empty() {
                found.between.extend(last.replace(place));
                found.oldest = news.events;
            }
        }
        tracing::warn!(room = %self.room, "the homeserver kept back more than is read");
        Ok(found)
    }

    /// Stores it; says whether any of it was new.
    async fn take(&self, found: Found) -> Result<bool, Error> {
        let mut is_new = self.store(found.oldest).await?;
        for place in found.between.iter().rev() {
            let news = self.page(Some(place)).await?;
            is_new |= self.store(news.events).await?;
        }
        is_new |= self.store(found.newest).await?;
        Ok(is_new)
    }

    async fn store(&self, events: Vec<IncomingEvent>) -> Result<bool, Error> {
        if events.is_empty() {
            return Ok(false);
        }
        let transaction = Transaction {
            events,
            ..Transaction::default()
        };
        let accepted = matrix::store(self.world, transaction, How::Read).await?;
        Ok(!accepted.lanes.is_empty())
    }

    /// What is new on a page.
    async fn page(&self, from: Option<&str>) -> Result<News, Error> {
        let (world, bot) = (self.world, self.world.names.bot());
        let page = world
            .homeserver
            .timeline(
                self.room,
                from,
                Direction::Backward,
                &[self.writer, bot],
                PAGE,
            )
            .await?;
        let mut news = News {
            events: Vec::new(),
            tells: false,
            // What we say bears the network's time, however late we say it; but not all of a page.
            before: page
                .next
                .filter(|_| page.events.iter().any(|event| event.ts >= self.since)),
        };
        for event in page.events {
            let is_by_us = world.names.is_by_us(&event);
            if (event.ts < self.since && !is_by_us) || bot_came(&event, bot) {
                news.before = None;
                break;
            }
            if event.sender == self.writer && !is_by_us {
                news.tells = true;
                if is_news(world, &event).await? {
                    news.events.push(event);
                }
            }
        }
        news.events.reverse();
        Ok(news)
    }
}

/// Whether it has to be taken and is not known. What gets into no lane is never known, so it must not count: a reading
/// goes back until it finds nothing new.
async fn is_news(world: &Ctx, event: &IncomingEvent) -> Result<bool, Error> {
    Ok(!world.store.is_seen(event.event_id.as_str()).await?
        && matrix::concerns_us(world, event).await?)
}

/// What was said before is not for us. A new name or picture of the bot is such an event, too, but it was there before.
fn bot_came(event: &IncomingEvent, bot: &UserId) -> bool {
    let joins = |content: Option<&Value>| {
        let membership = content.and_then(|it| it.get("membership"));
        membership.and_then(Value::as_str) == Some("join")
    };
    event.kind == "m.room.member"
        && event.state_key.as_deref() == Some(bot.as_str())
        && joins(Some(&event.content))
        && !joins(event.unsigned.get("prev_content"))
}
