//! Catching up: reads what came into a room while nobody listened, and puts it before what comes in
//! meanwhile.
//!
//! A portal that is *behind* has its live messages held back in memory until everything before them is read
//! and stored; the cursor moves with what is stored only, so a bridge that dies on the way reads it all
//! again. One worker per login goes through its portals one after the other, as the network's budget
//! allows.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::{Arc, PoisonError},
};

use remote::{Account, History, Message, MessageId, Millis, RoomId};
use store::{Item, Login, MessageRow, NewItem, Portal, PortalState};
use tokio::sync::{Mutex, MutexGuard};

use super::leavers;
use super::remote::{change_item, deletion_item, message_item, message_key};
use crate::{Ctx, Error, delivery::ToMatrix, lanes, lanes::Backoff, portal};

/// What the logins of this process are behind with.
#[derive(Default)]
pub struct Intakes(std::sync::Mutex<HashMap<i64, Arc<Intake>>>);

impl Intakes {
    pub(super) fn of(&self, login: i64) -> Arc<Intake> {
        const CLEAN_UP_ABOVE: usize = 64;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() > CLEAN_UP_ABOVE && !all.contains_key(&login) {
            // Logins that are gone. Whoever is connected, or catches up, has a second reference.
            all.retain(|_, intake| Arc::strong_count(intake) > 1 || !intake.is_idle());
        }
        all.entry(login).or_default().clone()
    }

    /// Forgets a login that is gone.
    pub fn forget(&self, login: i64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&login);
    }
}

/// What one login is behind with.
#[derive(Default)]
pub(super) struct Intake(Mutex<Behind>);

impl Intake {
    pub(super) async fn lock(&self) -> MutexGuard<'_, Behind> {
        self.0.lock().await
    }

    fn is_idle(&self) -> bool {
        self.0.try_lock().is_ok_and(|it| it.portals.is_empty())
    }
}

#[derive(Default)]
pub(super) struct Behind {
    portals: HashMap<i64, Held>,
    queue: VecDeque<i64>,
    working: bool,
}

/// Live messages of a portal that is behind.
#[derive(Default)]
struct Held {
    messages: Vec<Message>,
    /// More was missed, or came in than is worth holding: read once more instead.
    again: bool,
    /// Taken back while the room is being read, so that what is read may still have it.
    gone: HashSet<MessageId>,
    /// Changed meanwhile, so that what is read may still have an older text.
    changed: HashMap<MessageId, Message>,
    /// More was taken back or changed than is worth remembering: what is being read is not to be used.
    outdated: bool,
}

/// How much of a kind is held of a portal at most, before it is read once more instead.
const AT_MOST: usize = 200;

/// How much is held of all portals of a login together.
const OF_ALL: usize = 2_000;

impl Held {
    fn len(&self) -> usize {
        self.messages.len() + self.gone.len() + self.changed.len()
    }
}

impl Behind {
    /// Nothing more is held back of any portal.
    fn is_full(&self) -> bool {
        self.portals.values().map(Held::len).sum::<usize>() >= OF_ALL
    }

    /// Whether what was just read of a portal cannot be told from what it was before; it is read again then.
    fn is_outdated(&mut self, portal: i64) -> bool {
        let Some(held) = self.portals.get_mut(&portal).filter(|it| it.outdated) else {
            return false;
        };
        held.messages.clear();
        held.again = false;
        self.later(portal);
        true
    }

    /// Holds a message back if its portal is behind.
    pub(super) fn hold_back(&mut self, portal: i64, message: &Message) -> bool {
        let full = self.is_full();
        let Some(held) = self.portals.get_mut(&portal) else {
            return false;
        };
        if held.messages.len() < AT_MOST && !full {
            held.messages.push(message.clone());
        } else {
            held.again = true;
        }
        self.first(portal);
        true
    }

    /// What is said there now is waited for, so the room comes before those in which nobody speaks.
    fn first(&mut self, portal: i64) {
        if let Some(place) = self.queue.iter().position(|it| *it == portal) {
            self.queue.remove(place);
            self.queue.push_front(portal);
        }
    }

    /// A message was changed; whether it is held back, so that nothing else needs to be done.
    pub(super) fn update(&mut self, portal: i64, message: &Message) -> bool {
        let full = self.is_full();
        let Some(held) = self.portals.get_mut(&portal) else {
            return false;
        };
        let fits = held.changed.len() < AT_MOST && !full;
        if fits || held.changed.contains_key(&message.id) {
            held.changed.insert(message.id.clone(), message.clone());
        } else {
            held.outdated = true;
        }
        let messages = &mut held.messages;
        let kept = messages.iter_mut().find(|it| it.id == message.id);
        kept.map(|it| it.clone_from(message)).is_some()
    }

    /// A message was taken back: if its room is being read, what is read may still have it.
    pub(super) fn forget(&mut self, portal: i64, message: &MessageId) {
        let full = self.is_full();
        if let Some(held) = self.portals.get_mut(&portal) {
            held.messages.retain(|it| it.id != *message);
            if held.gone.len() < AT_MOST && !full {
                held.gone.insert(message.clone());
            } else {
                held.outdated |= !held.gone.contains(message);
            }
        }
    }

    fn add(&mut self, portal: i64) {
        if let Some(held) = self.portals.get_mut(&portal) {
            held.again = true;
        } else {
            self.portals.insert(portal, Held::default());
        }
        self.later(portal);
    }

    /// The portal that is to be read next. From here on what comes in there is held back, and a gap has it read again: what is
    /// read may be older than that.
    fn next(&mut self) -> Option<i64> {
        let next = self.queue.pop_front()?;
        let held = self.portals.entry(next).or_default();
        if held.outdated {
            // What is read from now on is newer than all that.
            held.gone.clear();
            held.changed.clear();
            held.outdated = false;
        }
        Some(next)
    }

    /// Reads a portal after the others, once.
    fn later(&mut self, portal: i64) {
        if !self.queue.contains(&portal) {
            self.queue.push_back(portal);
        }
    }
}

/// After a connection was made: reads what was missed, and opens rooms that were entered meanwhile.
pub(super) async fn connected(world: &Ctx, login: &Login, missed: bool) -> Result<(), Error> {
    let portals = world.store.joined_portals(login.id).await?;
    let behind = portals
        .iter()
        .filter(|portal| missed || !portal.opened)
        .map(|portal| portal.id);
    begin(world, login.id, behind).await;
    Ok(())
}

/// After the network said that it did not tell everything.
pub(super) async fn gap(world: &Ctx, login: &Login, rooms: &[RoomId]) -> Result<(), Error> {
    let portals = world.store.joined_portals(login.id).await?;
    let concerned = |portal: &&Portal| {
        rooms.is_empty() || rooms.iter().any(|room| room.as_str() == portal.remote_room)
    };
    begin(
        world,
        login.id,
        portals.iter().filter(concerned).map(|portal| portal.id),
    )
    .await;
    Ok(())
}

/// Marks portals as behind, from now on, and has them read.
pub(crate) async fn begin(world: &Ctx, login: i64, portals: impl Iterator<Item = i64>) {
    let portals: Vec<i64> = portals.collect();
    let intake = world.intakes.of(login);
    let mut behind = intake.lock().await;
    // First, since we may be killed, again and again, before anything is compared.
    if let Err(error) = world.store.mark_behind(&portals).await {
        tracing::debug!(login, %error, "it cannot be noted which rooms are behind");
    }
    for portal in portals {
        behind.add(portal);
    }
    if !behind.working && !behind.queue.is_empty() {
        behind.working = true;
        drop(behind);
        let task = work(world.clone(), login, intake.clone());
        world.spawn(task);
    }
}

async fn work(world: Ctx, login: i64, intake: Arc<Intake>) {
    let mut wait = Backoff::default();
    // Rooms in which something was missed; who left them is looked at once nothing else is to be read.
    let mut missed = BTreeSet::new();
    while !world.stop.is_cancelled() {
        let Some(id) = ({
            let mut behind = intake.lock().await;
            let next = behind.next();
            behind.working = next.is_some() || !missed.is_empty();
            next
        }) else {
            let Some(id) = missed.pop_first() else {
                return;
            };
            if let Err(error) = leavers::compare(&world, login, id).await {
                tracing::debug!(login, portal = id, %error, "who left a room cannot be seen now");
            }
            continue;
        };
        let since = since(&world, login);
        match one(&world, login, id, &intake).await {
            Ok(found) => {
                wait = Backoff::default();
                if found == Found::Missed {
                    missed.insert(id);
                }
            }
            Err(error) if error.is_transient() => {
                tracing::debug!(login, portal = id, %error, "cannot catch up yet");
                intake.lock().await.later(id);
                tokio::select! {
                    biased;
                    () = world.stop.cancelled() => return,
                    () = tokio::time::sleep(wait.next(&world)) => {}
                }
            }
            Err(error) if error.needs_login() => {
                let mut behind = intake.lock().await;
                if self::since(&world, login) > since {
                    // A late answer: the user has logged in meanwhile.
                    behind.queue.push_front(id);
                    continue;
                }
                // The next connection begins anew with everything.
                behind.portals.clear();
                behind.queue.clear();
                behind.working = false;
                return;
            }
            Err(error) => {
                tracing::warn!(login, portal = id, %error, "a room's history cannot be read");
                let held = intake.lock().await.portals.remove(&id).unwrap_or_default();
                if let Err(error) = commit(&world, login, id, &held.messages, None).await {
                    tracing::warn!(login, portal = id, %error, "live messages of a room could not be stored");
                }
            }
        }
    }
}

/// Since when a login has the credentials that it has, if it has any.
fn since(world: &Ctx, login: i64) -> Option<Millis> {
    let account = world.connections.account_since(login);
    account.map(|(_, since)| since)
}

/// What catching up with a room brought.
#[derive(PartialEq, Eq)]
enum Found {
    /// Messages which were missed there.
    Missed,
    /// None, or only its history.
    Nothing,
}

async fn one(world: &Ctx, login: i64, id: i64, intake: &Intake) -> Result<Found, Error> {
    let Some(portal) = world
        .store
        .portal(id)
        .await?
        .filter(|portal| portal.state == PortalState::Joined)
    else {
        intake.lock().await.portals.remove(&id);
        return Ok(Found::Nothing);
    };
    let account = world.connections.account(login).ok_or(Error::NotLoggedIn)?;
    let mut read = read(world, &portal, &*account).await?;
    let mut behind = intake.lock().await;
    if !read.messages.is_empty() && behind.is_outdated(id) {
        return Ok(Found::Nothing);
    }
    if let Some(held) = behind.portals.get(&id) {
        read.without(&held.gone);
        read.update(&held.changed);
    }
    commit(world, login, id, &read.messages, read.left_out).await?;
    if let Some(cursor) = &read.cursor {
        world.store.set_portal_cursor(id, cursor.as_str()).await?;
    }
    let mut again = false;
    match behind.portals.get_mut(&id) {
        Some(held) if held.again => {
            again = true;
            held.messages.clear();
            held.again = false;
            behind.later(id);
        }
        Some(held) => {
            let seen = |message: &Message| read.messages.iter().any(|read| read.id == message.id);
            let live: Vec<_> = held
                .messages
                .iter()
                .filter(|message| !seen(message))
                .cloned()
                .collect();
            commit(world, login, id, &live, None).await?;
            behind.portals.remove(&id);
        }
        None => {}
    }
    drop(behind);
    if portal.cursor.is_some() {
        compare(world, login, id, &portal, &*account).await?;
    }
    let behind = intake.lock().await;
    if !behind.portals.contains_key(&id) {
        world.store.up_to_date(id).await?;
    }
    drop(behind);
    if !portal.opened && !again {
        world.spawn(portal::enter::members(world.clone(), login, id));
    }
    let is_missed = portal.cursor.is_some() && portal.opened && !read.messages.is_empty();
    Ok(if is_missed {
        Found::Missed
    } else {
        Found::Nothing
    })
}

/// What was read of a room.
struct Read {
    /// Oldest first.
    messages: Vec<Message>,
    /// Messages were left out before the one with this index.
    left_out: Option<usize>,
    /// Where to go on although none of the messages read is to be shown.
    cursor: Option<MessageId>,
}

impl Read {
    /// A change that was told while the room was read may have come before what it changes, and says nothing then.
    fn update(&mut self, changed: &HashMap<MessageId, Message>) {
        for message in &mut self.messages {
            if let Some(newer) = changed.get(&message.id)
                && (newer.blanked || newer.edited_at >= message.edited_at)
            {
                message.clone_from(newer);
            }
        }
    }

    fn without(&mut self, gone: &HashSet<MessageId>) {
        let is_gone = |message: &Message| gone.contains(&message.id);
        if let Some(index) = &mut self.left_out {
            *index -= self
                .messages
                .iter()
                .take(*index)
                .filter(|it| is_gone(it))
                .count();
        }
        self.messages.retain(|message| !is_gone(message));
    }
}

/// How many of the newest messages are read when not all that was missed may be.
const NEWEST: usize = 50;

async fn read(world: &Ctx, portal: &Portal, account: &dyn Account) -> Result<Read, Error> {
    let room = RoomId::from(portal.remote_room.as_str());
    let backfill = world.config.backfill;
    let limit = if portal.cursor.is_none() && !portal.opened {
        backfill.initial
    } else {
        backfill.missed
    };
    if limit == 0 {
        let newest = account.history(&room, &History::Newest, 1).await?;
        let cursor = newest.last().map(|message| message.id.clone());
        return Ok(Read {
            messages: Vec::new(),
            left_out: None,
            cursor,
        });
    }
    let Some(cursor) = &portal.cursor else {
        let messages = account.history(&room, &History::Newest, limit).await?;
        return Ok(Read {
            messages,
            left_out: None,
            cursor: None,
        });
    };
    let after = History::After(MessageId::from(cursor.as_str()));
    let mut messages = account.history(&room, &after, limit).await?;
    if messages.len() < limit {
        return Ok(Read {
            messages,
            left_out: None,
            cursor: None,
        });
    }
    // There may be more than may be read. The newest ones matter most; what lies between is left out, and
    // said to be.
    let mut newest = account
        .history(&room, &History::Newest, limit.min(NEWEST))
        .await?;
    let overlap = newest
        .iter()
        .any(|message| messages.iter().any(|read| read.id == message.id));
    newest.retain(|message| messages.iter().all(|read| read.id != message.id));
    let left_out = (!overlap && !newest.is_empty()).then_some(messages.len());
    messages.append(&mut newest);
    Ok(Read {
        messages,
        left_out,
        cursor: None,
    })
}

/// So many pages are compared at most with what is known.
const PAGES: usize = 10;

/// Compares the newest messages of a room with what is known of them: what was changed or taken back meanwhile is news,
/// which the network does not tell again. Those are the newest ones from when the room was last compared on: lives that end before
/// they get so far must not push anything out of sight.
async fn compare(
    world: &Ctx,
    login: i64,
    id: i64,
    portal: &Portal,
    account: &dyn Account,
) -> Result<(), Error> {
    let count = world.network.capabilities().reread as usize;
    if count == 0 {
        return Ok(());
    }
    let since = world.store.behind_since(id).await?;
    // Before the network is asked: what comes in between is not gone.
    let lane = store::Lane::ToMatrix(id);
    let rows = |pages: usize| u32::try_from(2 * count * pages).unwrap_or(u32::MAX);
    let mut known = world.store.latest(id, rows(1)).await?;
    let mut waiting = waiting(world.store.last_items(&lane, rows(1)).await?);
    let all = known.len().max(waiting.len()) < 2 * count;
    if !all && since.is_some_and(|since| known.iter().all(|row| row.sent_at > since)) {
        known = world.store.latest(id, rows(PAGES)).await?;
        waiting = self::waiting(world.store.last_items(&lane, rows(PAGES)).await?);
    }
    let room = RoomId::from(portal.remote_room.as_str());
    let there = Reread::of(account, &room, count, since).await?;
    let mut items = Vec::new();
    for message in &there.messages {
        items.extend(change_item(world, id, login, message).await?);
    }
    for gone in there.lack(known, waiting) {
        if !world.store.withdraw(&lane, &message_key(&gone)).await? {
            items.push(deletion_item(id, login, &gone)?);
        }
    }
    if !items.is_empty() {
        world
            .store
            .accept_remote(id, &items, None, world.now())
            .await?;
        lanes::wake(world, &lane);
    }
    Ok(())
}

/// The newest messages of a room, read once more.
struct Reread {
    /// Oldest first.
    messages: Vec<Message>,
    /// There are no older ones.
    is_all: bool,
}

impl Reread {
    /// The `count` newest ones. If something may have been missed since a time: all since, and half as many from before.
    async fn of(
        account: &dyn Account,
        room: &RoomId,
        count: usize,
        since: Option<Millis>,
    ) -> Result<Self, Error> {
        let newest = account.history(room, &History::NewestAgain, count).await?;
        let mut read = Self {
            is_all: newest.len() < count,
            messages: newest,
        };
        let is_older = |message: &&Message| since.is_none_or(|since| message.sent_at <= since);
        for _ in 1..PAGES {
            let Some(oldest) = read.messages.first().filter(|_| !read.is_all) else {
                break;
            };
            if read.messages.iter().filter(is_older).count() >= count / 2 {
                break;
            }
            let before = History::Before(oldest.id.clone());
            let mut page = account.history(room, &before, count).await?;
            read.is_all = page.len() < count;
            page.append(&mut read.messages);
            read.messages = page;
        }
        Ok(read)
    }

    /// What was known of the time that was read, and is not there any more. Not what the user said on Matrix: it may never have
    /// been there, and what he wrote is not to be taken back for that.
    fn lack(&self, known: Vec<MessageRow>, waiting: Vec<(MessageId, Millis)>) -> Vec<MessageId> {
        // Where the reading begins, a message of the same moment may have been cut off.
        let from = match self.messages.first() {
            Some(oldest) if !self.is_all => oldest.sent_at + 1,
            Some(_) => Millis::MIN,
            // More likely a fault of the network than that everybody took back everything.
            None => return Vec::new(),
        };
        let there: HashSet<&MessageId> = self.messages.iter().map(|it| &it.id).collect();
        let mut gone: Vec<_> = known
            .into_iter()
            .filter(|row| !row.deleted && !row.by_us)
            .map(|row| (MessageId::from(row.remote_id), row.sent_at))
            .chain(waiting)
            .filter(|(_, sent_at)| *sent_at >= from)
            .map(|(known, _)| known)
            .filter(|known| !there.contains(known))
            .collect();
        gone.dedup();
        gone
    }
}

/// The messages among these items, and when they were sent.
fn waiting(items: Vec<Item>) -> Vec<(MessageId, Millis)> {
    let message = |item: Item| match ToMatrix::from_payload(&item.payload) {
        Ok(ToMatrix::Message(message)) => Some((message.id, message.sent_at)),
        // What cannot be read is complained about when its turn comes.
        _ => None,
    };
    items.into_iter().filter_map(message).collect()
}

/// Stores messages and moves the cursor behind them, in one commit.
async fn commit(
    world: &Ctx,
    login: i64,
    id: i64,
    messages: &[Message],
    left_out: Option<usize>,
) -> Result<(), Error> {
    let Some(last) = messages.last() else {
        return Ok(());
    };
    let lane = store::Lane::ToMatrix(id);
    let mut items = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        if left_out == Some(index) {
            items.push(NewItem {
                lane: lane.clone(),
                login_id: Some(login),
                key: format!("left-out/{}", message.id),
                about: None,
                payload: ToMatrix::LeftOut.to_payload()?,
            });
        }
        let known = world.store.messages(id, message.id.as_str()).await?;
        if known.iter().any(|row| row.by_us) {
            world.echoes.heard(id, &message.id, world.now());
        }
        if known.is_empty() {
            items.push(message_item(id, login, message)?);
        }
    }
    world
        .store
        .accept_remote(id, &items, Some(last.id.as_str()), world.now())
        .await?;
    lanes::wake(world, &lane);
    Ok(())
}

#[cfg(test)]
mod tests {
    use remote::{MessageKind, RichText};

    use super::*;

    fn message(id: &str) -> Message {
        Message {
            id: id.into(),
            room: "r".into(),
            sender: None,
            sent_at: 0,
            kind: MessageKind::Text,
            text: RichText::plain("x"),
            edited_at: None,
            thread: None,
            reply_to: None,
            blanked: false,
            attachments: Vec::new(),
        }
    }

    #[test]
    fn a_room_in_which_somebody_speaks_is_read_first() {
        let mut behind = Behind::default();
        for portal in 1..=3 {
            behind.add(portal);
        }
        let message = message("m");
        assert!(behind.hold_back(3, &message));
        assert!(!behind.hold_back(4, &message));
        assert_eq!(behind.queue, [3, 1, 2]);
    }

    /// Seed 130: a room that was queued twice was read a second time with nothing held back, and a gap meanwhile was forgotten.
    #[test]
    fn a_gap_while_a_room_is_read_has_it_read_again_with_all_held_back() {
        let mut behind = Behind::default();
        behind.add(1);
        assert_eq!(behind.next(), Some(1));
        behind.add(1);
        behind.later(1);
        assert_eq!(behind.queue, [1], "after a failure it is queued once");
        behind.portals.remove(&1);
        assert_eq!(behind.next(), Some(1));
        behind.add(1);
        assert!(behind.portals[&1].again, "it is being read already");
        assert_eq!(behind.queue, [1]);
    }

    #[test]
    fn what_is_held_back_stays_small_whatever_comes_in() {
        const FLOOD: usize = 1_000;
        let mut behind = Behind::default();
        for portal in 0..50 {
            behind.add(portal);
            for number in 0..FLOOD {
                let message = message(&number.to_string());
                assert!(behind.hold_back(portal, &message));
                behind.update(portal, &message);
                behind.forget(portal, &message.id);
            }
            assert!(behind.portals[&portal].len() <= 3 * AT_MOST);
        }
        let held: usize = behind.portals.values().map(Held::len).sum();
        assert!(held <= OF_ALL, "{held}");
    }

    #[test]
    fn what_was_read_while_more_was_taken_back_than_is_remembered_is_not_used() {
        let mut behind = Behind::default();
        behind.add(1);
        assert_eq!(behind.next(), Some(1));
        for number in 0..AT_MOST {
            behind.forget(1, &number.to_string().as_str().into());
            behind.forget(1, &"0".into());
        }
        assert!(!behind.is_outdated(1), "all of them are known");
        behind.forget(1, &"one more".into());
        assert!(behind.is_outdated(1));
        assert_eq!(behind.next(), Some(1), "it is read again");
        assert!(!behind.is_outdated(1));
        assert_eq!(behind.portals[&1].len(), 0, "what is read now is newer");
        for number in 0..=AT_MOST {
            behind.update(1, &message(&number.to_string()));
        }
        assert!(behind.is_outdated(1), "and so it is with changes");
    }

    #[test]
    fn nothing_is_kept_of_logins_that_are_gone() {
        let intakes = Intakes::default();
        let connected = intakes.of(0);
        intakes.of(1).0.try_lock().unwrap().add(7);
        for login in 2..1_000 {
            intakes.of(login);
        }
        let all = intakes.0.lock().unwrap();
        assert!(all.len() < 100, "{}", all.len());
        assert!(Arc::ptr_eq(&all[&0], &connected));
        assert!(all.contains_key(&1), "it is behind");
    }
}
