//! Echoes: whether the network kept what it acknowledged.
//!
//! What was sent comes back as an event like any other message. A network that drops messages without a word (some do, to
//! accounts that they have flagged) says so by [`remote::Capabilities::echoes`], and then each message that it
//! acknowledged is awaited: a row that is committed together with its row of the message map. What came back is noted in memory,
//! and every now and then the rows of all that did are deleted at once, so an echo costs nothing by itself. What did not
//! come back in time is looked for, since the connection may have been broken or we were killed: the room's history decides. Only what
//! is not there either was dropped (`missing`).
//!
//! One task looks after all rooms, and rests while nothing is awaited.

mod missing;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use remote::{Account, Fault, History, MessageId, Millis, RoomId};
use store::{Awaited, Portal};
use tokio::sync::Notify;

use crate::{Ctx, Error, Figures, lanes::Backoff};

/// For how long what is due waits for what soon will be, so that a burst is looked at, and told of, at once.
const GATHER: Duration = Duration::from_secs(8);

/// How many echoes are remembered before those are forgotten that nobody can await any more, and after how long they are.
const MANY: usize = 512;
const LONG_AGO: Millis = 600_000;

/// What came back, and when there is something to look after.
#[derive(Default)]
pub(crate) struct Echoes {
    heard: Mutex<BTreeMap<(i64, String), Millis>>,
    /// Nothing is awaited, as far as the task knows.
    idle: AtomicBool,
    wanted: Notify,
    missed: AtomicU64,
    dropped: AtomicU64,
}

impl Echoes {
    /// The network told of this message, so it has it, or had it.
    pub(crate) fn heard(&self, portal: i64, message: &MessageId, now: Millis) {
        let mut heard = self.lock();
        if heard.len() >= MANY {
            heard.retain(|_, at| now - *at < LONG_AGO);
        }
        heard.insert((portal, message.to_string()), now);
    }

    /// Something was sent, and is stored as awaited.
    pub(crate) fn expect(&self) {
        if self.idle.swap(false, Ordering::SeqCst) {
            self.wanted.notify_one();
        }
    }

    /// What could not be looked for may be now.
    pub(crate) fn look(&self) {
        self.wanted.notify_one();
    }

    /// Its part of the figures.
    pub(crate) fn fill(&self, figures: &mut Figures) {
        figures.echoes_missed = self.missed.load(Ordering::Relaxed);
        figures.dropped = self.dropped.load(Ordering::Relaxed);
    }

    fn was_heard(&self, it: &Awaited) -> bool {
        self.lock()
            .contains_key(&(it.portal_id, it.remote_id.clone()))
    }

    fn forget(&self, seen: &[Awaited]) {
        let mut heard = self.lock();
        for it in seen {
            heard.remove(&(it.portal_id, it.remote_id.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(i64, String), Millis>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after what is awaited. Comes back at once for a network that keeps what it acknowledges.
pub(crate) async fn run(world: &Ctx) {
    let Some(rule) = world.network.capabilities().echoes else {
        return;
    };
    let mut wait = Backoff::default();
    loop {
        world.echoes.idle.store(true, Ordering::SeqCst);
        let next = match look(world, rule).await {
            Ok(next) => {
                wait = Backoff::default();
                next
            }
            Err(error) => {
                tracing::debug!(%error, "what was sent cannot be looked for now");
                Some(wait.next(world))
            }
        };
        let Some(next) = next else {
            world.echoes.wanted.notified().await;
            continue;
        };
        world.echoes.idle.store(false, Ordering::SeqCst);
        tokio::select! {
            biased;
            () = world.echoes.wanted.notified() => {}
            () = tokio::time::sleep(next) => {}
        }
    }
}

/// Deletes what came back, looks for what did not in time, and says how long nothing is to be done. `None` until something is sent
/// or a connection is made. `Err` is only what may pass by itself.
async fn look(world: &Ctx, rule: remote::Echoes) -> Result<Option<Duration>, Error> {
    let (echoes, now) = (&world.echoes, world.now());
    let awaited = world.store.awaited().await?;
    let (heard, silent): (Vec<_>, Vec<_>) =
        awaited.into_iter().partition(|it| echoes.was_heard(it));
    world.store.forget_awaited(&heard).await?;
    echoes.forget(&heard);
    let within = i64::try_from(rule.within.as_millis()).unwrap_or(i64::MAX);
    // A clock that was set back must not hold up anything.
    let left = |it: &Awaited| (it.since + within - now).min(within);
    let mut next = None;
    let mut due: BTreeMap<i64, Vec<Awaited>> = BTreeMap::new();
    for it in silent {
        match left(&it) {
            ..=0 => due.entry(it.portal_id).or_default().push(it),
            left => next = next.or(u64::try_from(left).ok().map(Duration::from_millis)),
        }
    }
    let mut trouble = None;
    for (portal, due) in due {
        match of_room(world, rule, portal, &due).await {
            Ok(put_off) => {
                if put_off {
                    next = next.or(Some(rule.within));
                }
            }
            Err(error) if error.is_transient() => trouble = Some(error),
            // Looked for once the connection is made.
            Err(error) if error.needs_login() => {}
            Err(error) => {
                // The room is not to be read any more, and what was acknowledged counts.
                tracing::info!(portal, %error, "what was sent cannot be looked for");
                world.store.forget_awaited(&due).await?;
            }
        }
    }
    if let Some(error) = trouble {
        return Err(error);
    }
    Ok(next.map(|left| left + GATHER))
}

/// Looks for these messages in their room. Whether some of them are to be looked for again.
async fn of_room(
    world: &Ctx,
    rule: remote::Echoes,
    portal: i64,
    due: &[Awaited],
) -> Result<bool, Error> {
    let portal = world.store.portal(portal).await?;
    let Some((portal, login)) = portal.and_then(|it| it.login_id.map(|login| (it, login))) else {
        world.store.forget_awaited(due).await?;
        return Ok(false);
    };
    let account = world.connections.account(login).ok_or(Error::NotLoggedIn)?;
    let sought = search(world, &portal, &*account, due).await?;
    world.store.forget_awaited(&sought.settled).await?;
    world
        .echoes
        .missed
        .fetch_add(sought.missed, Ordering::Relaxed);
    if sought.missing.is_empty() {
        return Ok(false);
    }
    let given = missing::give_back(world, rule, &portal, login, &sought.missing).await?;
    world
        .echoes
        .dropped
        .fetch_add(given.events, Ordering::Relaxed);
    Ok(given.put_off)
}

/// What was found out about messages that did not come back.
#[derive(Default)]
struct Sought {
    /// Nothing more is to be found out about these.
    settled: Vec<Awaited>,
    /// How many of them stand on the network without having been told.
    missed: u64,
    /// They are not there.
    missing: Vec<Awaited>,
}

async fn search(
    world: &Ctx,
    portal: &Portal,
    account: &dyn Account,
    due: &[Awaited],
) -> Result<Sought, Error> {
    let mut sought = Sought::default();
    let mut unseen = Vec::new();
    for it in due {
        let rows = world.store.messages(portal.id, &it.remote_id).await?;
        if rows.iter().all(|row| row.deleted) {
            // Taken back meanwhile, so nobody misses it.
            sought.settled.push(it.clone());
        } else {
            unseen.push(it);
        }
    }
    if unseen.is_empty() {
        return Ok(sought);
    }
    let room = RoomId::from(portal.remote_room.as_str());
    let count = (world.network.capabilities().reread as usize).max(1);
    // Also tells that the room can be read at all.
    let newest = account.history(&room, &History::NewestAgain, count).await?;
    for it in unseen {
        let id = MessageId::from(it.remote_id.as_str());
        let is_there = newest.iter().any(|message| message.id == id)
            || match account.message(&room, &id).await {
                Ok(_) => true,
                Err(error) if error.fault == Fault::NotFound => false,
                Err(error) => return Err(error.into()),
            };
        if is_there {
            sought.missed += 1;
            sought.settled.push(it.clone());
        } else {
            sought.missing.push(it.clone());
        }
    }
    Ok(sought)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_awaits_is_forgotten() {
        let echoes = Echoes::default();
        let it = |id: &str| Awaited {
            portal_id: 1,
            remote_id: id.to_owned(),
            since: 0,
        };
        echoes.heard(1, &"old".into(), 0);
        for number in 0..MANY {
            echoes.heard(1, &number.to_string().as_str().into(), LONG_AGO);
        }
        assert!(!echoes.was_heard(&it("old")));
        assert!(echoes.was_heard(&it("0")));
        echoes.forget(&[it("0")]);
        assert!(!echoes.was_heard(&it("0")));
        assert!(echoes.was_heard(&it("1")));
    }
}
