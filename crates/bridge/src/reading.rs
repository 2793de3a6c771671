//! What the user has read: his read receipts, told to the network, and what he has read elsewhere, on its way to Matrix.
//!
//! Receipts come with transactions but in none of their lanes: they are gathered for a moment, the newest one of each
//! room counts, and the network is told in the background. They live in memory only. One that is lost, in a restart or
//! because the network is away for long, is made up for by the next one, which says that he has read up to a later message.
//!
//! To tell the network of one more kind of receipt: [`KINDS`].

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use homeserver::{Direction, IncomingEvent};
use remote::{MessageId, Millis, ReadUpTo, RoomId as RemoteRoomId};
use ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId};
use serde_json::Value;
use store::{Login, Portal, PortalState};

use crate::lanes::Backoff;
use crate::{Ctx, Error, ghost::puppet};

/// Which receipts count (Matrix spec, client-server API, "Receipts"). `m.fully_read` is account data, which no
/// appservice is told.
const KINDS: [&str; 2] = ["m.read", "m.read.private"];

/// For how long receipts are gathered: who reads along sends one for each message.
const PAUSE: Duration = Duration::from_secs(3);

/// How often the network is told of the same receipt.
const TRIES: u32 = 6;

/// Rooms whose receipts wait at once. Beyond it they are left to the next ones.
const AT_MOST: usize = 1_000;

/// Receipts of one transaction that are looked at.
const PER_TRANSACTION: usize = 200;

/// Newest events of a room among which something is looked up that is no message of the network.
const NEARBY: u16 = 50;

/// Where somebody reads: a portal, and the thread if it is in one.
type Place = (i64, Option<OwnedEventId>);

/// Receipts that wait to be told.
#[derive(Default)]
pub(crate) struct Readings(Mutex<HashMap<Place, (Millis, OwnedEventId)>>);

impl Readings {
    fn lock(&self) -> MutexGuard<'_, HashMap<Place, (Millis, OwnedEventId)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a receipt; says whether it is the first that waits there.
    fn add(&self, place: Place, at: Millis, event: OwnedEventId) -> bool {
        let mut waiting = self.lock();
        let room = waiting.len() < AT_MOST;
        match waiting.entry(place) {
            Entry::Occupied(mut known) => {
                if known.get().0 <= at {
                    known.insert((at, event));
                }
                false
            }
            Entry::Vacant(free) if room => {
                free.insert((at, event));
                true
            }
            Entry::Vacant(_) => false,
        }
    }

    fn get(&self, place: &Place) -> Option<OwnedEventId> {
        self.lock().get(place).map(|(_, event)| event.clone())
    }

    /// It is dealt with; says whether that was the newest one.
    fn done(&self, place: &Place, event: &EventId) -> bool {
        let mut waiting = self.lock();
        let newest = waiting.get(place).is_none_or(|(_, newest)| newest == event);
        if newest {
            waiting.remove(place);
        }
        newest
    }
}

/// One receipt of a Matrix user.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Receipt {
    room: OwnedRoomId,
    event: OwnedEventId,
    user: OwnedUserId,
    thread: Option<OwnedEventId>,
    at: Millis,
}

/// Takes what came beside the events of a transaction. Nothing of it is waited for.
pub(crate) fn receipts(world: &Ctx, ephemeral: &[Value]) {
    let mut receipts = read(ephemeral);
    // Our own, for what we have carried across, come back, too.
    receipts.retain(|receipt| {
        let moved_by_us = world.ghosts.puppets.has_read(&receipt.room, &receipt.event);
        !world.names.is_ours(&receipt.user) && !moved_by_us
    });
    receipts.truncate(PER_TRANSACTION);
    if receipts.is_empty() {
        return;
    }
    let ctx = world.clone();
    world.spawn_until_stop(async move {
        for receipt in receipts {
            if let Err(error) = note(&ctx, receipt).await {
                tracing::debug!(%error, "a receipt is left to the next one");
            }
        }
    });
}

/// Reads the receipts among what is no event.
fn read(ephemeral: &[Value]) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    for edu in ephemeral {
        if edu.get("type").and_then(Value::as_str) != Some("m.receipt") {
            continue;
        }
        let room = edu.get("room_id").and_then(Value::as_str);
        let (Some(room), Some(events)) = (
            room.and_then(|room| OwnedRoomId::try_from(room).ok()),
            edu.get("content").and_then(Value::as_object),
        ) else {
            continue;
        };
        for (event, kinds) in events {
            let Ok(event) = OwnedEventId::try_from(event.as_str()) else {
                continue;
            };
            let people = KINDS
                .iter()
                .filter_map(|kind| kinds.get(*kind)?.as_object())
                .flatten();
            for (user, data) in people {
                let Ok(user) = OwnedUserId::try_from(user.as_str()) else {
                    continue;
                };
                receipts.push(Receipt {
                    room: room.clone(),
                    event: event.clone(),
                    user,
                    // `main` is what stands in no thread, and so is no event id. (Matrix spec v1.4, "Threaded read receipts")
                    thread: data
                        .get("thread_id")
                        .and_then(Value::as_str)
                        .filter(|thread| thread.starts_with('$'))
                        .and_then(|thread| OwnedEventId::try_from(thread).ok()),
                    at: data.get("ts").and_then(Value::as_i64).unwrap_or_default(),
                });
            }
        }
    }
    receipts
}

async fn note(world: &Ctx, receipt: Receipt) -> Result<(), Error> {
    let portal = world.store.portal_by_room(receipt.room.as_str()).await?;
    let Some(portal) = portal.filter(|portal| {
        portal.mxid == receipt.user.as_str()
            && portal.state == PortalState::Joined
            && portal.login_id.is_some()
    }) else {
        return Ok(());
    };
    let place = (portal.id, receipt.thread);
    if world.readings.add(place.clone(), receipt.at, receipt.event) {
        let ctx = world.clone();
        world.spawn_until_stop(async move { tell(&ctx, &place).await });
    }
    Ok(())
}

/// Tells the network what was read in one place, after a moment, until nothing newer has come.
async fn tell(world: &Ctx, place: &Place) {
    let mut backoff = Backoff::default();
    let (mut pause, mut tries) = (PAUSE, 1);
    loop {
        tokio::time::sleep(pause).await;
        let Some(event) = world.readings.get(place) else {
            return;
        };
        match mark(world, place, &event).await {
            Err(error) if error.is_transient() && tries < TRIES => {
                tries += 1;
                pause = backoff.next(world).max(PAUSE);
                continue;
            }
            Err(error) => {
                tracing::debug!(portal = place.0, %error, "what was read is left to the next receipt");
            }
            Ok(()) => {}
        }
        if world.readings.done(place, &event) {
            return;
        }
        (pause, tries) = (PAUSE, 1);
    }
}

async fn mark(world: &Ctx, (portal, thread): &Place, event: &EventId) -> Result<(), Error> {
    let Some(portal) = world
        .store
        .portal(*portal)
        .await?
        .filter(|portal| portal.state == PortalState::Joined)
    else {
        return Ok(());
    };
    let Some(account) = portal
        .login_id
        .and_then(|login| world.connections.account(login))
    else {
        return Ok(());
    };
    let thread = match thread {
        None => None,
        Some(root) => match known(world, &portal, root).await? {
            Some(root) => Some(root),
            // A thread below something that the network does not know.
            None => return Ok(()),
        },
    };
    let Some(message) = message(world, &portal, event).await? else {
        return Ok(());
    };
    let up_to = ReadUpTo { message, thread };
    let room = RemoteRoomId::from(portal.remote_room.as_str());
    Ok(account.mark_read(&room, &up_to).await?)
}

/// The message of an event, if it is one.
async fn known(world: &Ctx, portal: &Portal, event: &EventId) -> Result<Option<MessageId>, Error> {
    let rows = world.store.messages_by_event(event.as_str()).await?;
    Ok(rows
        .into_iter()
        .rev()
        .find(|row| row.portal_id == portal.id)
        .map(|row| MessageId::new(row.remote_id)))
}

/// The message of an event, or else the last one before it: people also read what only Matrix has, such as our notices
/// and who came in.
async fn message(
    world: &Ctx,
    portal: &Portal,
    event: &EventId,
) -> Result<Option<MessageId>, Error> {
    if let Some(message) = known(world, portal, event).await? {
        return Ok(Some(message));
    }
    let Some(room) = crate::portal::room_of(portal) else {
        return Ok(None);
    };
    for event in before(world, &room, event).await? {
        if let Some(message) = known(world, portal, &event.event_id).await? {
            return Ok(Some(message));
        }
    }
    Ok(None)
}

/// Messages before an event, newest first; none if it is not among the newest events of the room.
async fn before(
    world: &Ctx,
    room: &RoomId,
    event: &EventId,
) -> Result<impl Iterator<Item = IncomingEvent> + use<>, Error> {
    let page = world
        .homeserver
        .timeline(room, None, Direction::Backward, &[], NEARBY)
        .await?;
    let event = event.to_owned();
    let mut events = page.events.into_iter();
    // Up to and including the event itself.
    events.by_ref().find(|it| it.event_id == event);
    Ok(events.filter(|it| it.state_key.is_none()))
}

/// The network says that the user has read up to a message (all of them if none is named), perhaps elsewhere.
///
/// His marker on Matrix follows with double puppeting only: nobody else can move it.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn elsewhere(
    world: &Ctx,
    login: &Login,
    room: &RemoteRoomId,
    up_to: Option<&MessageId>,
) -> Result<(), Error> {
    let portal = world.store.portal_of(&login.mxid, room.as_str()).await?;
    let Some(portal) = portal
        .filter(|portal| portal.state == PortalState::Joined && portal.login_id == Some(login.id))
    else {
        return Ok(());
    };
    let row = match up_to {
        Some(message) => world
            .store
            .messages(portal.id, message.as_str())
            .await?
            .pop(),
        None => world.store.latest(portal.id, 1).await?.pop(),
    };
    if let Some(row) = row
        && let (Ok(user), Ok(room), Ok(event)) = (
            crate::portal::user_of(&portal),
            OwnedRoomId::try_from(row.room_id),
            OwnedEventId::try_from(row.event_id),
        )
    {
        // Beside everything else: messages do not wait for it.
        let ctx = world.clone();
        world.spawn(async move { puppet::mark_read_as(&ctx, &user, &room, &event).await });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn receipts_are_read_and_everything_else_is_passed_over() {
        let receipt = json!({
            "type": "m.receipt",
            "room_id": "!a:x.org",
            "content": {
                "$1": {
                    "m.read": {"@alice:x.org": {"ts": 7, "thread_id": "main"}, "nobody": {}},
                    "m.read.private": {"@bob:x.org": {"ts": 8, "thread_id": "$root"}},
                    "m.delivered": {"@carol:x.org": {"ts": 9}},
                },
                "not an event": {"m.read": {"@alice:x.org": {"ts": 7}}},
                "$2": [],
                "$3": {"m.read": {"@dave:x.org": 7}},
            },
        });
        let others = [
            json!({"type": "m.typing", "room_id": "!a:x.org", "content": {"user_ids": []}}),
            json!({"type": "m.receipt", "room_id": 7, "content": {}}),
            json!({"type": "m.receipt", "room_id": "!a:x.org", "content": []}),
            json!(null),
        ];
        let read: Vec<_> = read(&[&[receipt][..], &others].concat())
            .into_iter()
            .map(|it| {
                format!(
                    "{} {} {:?} {}",
                    it.event,
                    it.user,
                    it.thread.map(|thread| thread.to_string()),
                    it.at
                )
            })
            .collect();
        assert_eq!(
            read,
            [
                "$1 @alice:x.org None 7",
                "$1 @bob:x.org Some(\"$root\") 8",
                "$3 @dave:x.org None 0"
            ]
        );
    }

    #[test]
    fn the_newest_receipt_of_a_place_counts() {
        let event = |id: &str| OwnedEventId::try_from(id).unwrap();
        let readings = Readings::default();
        let place = (1, None);
        assert!(readings.add(place.clone(), 5, event("$b")));
        assert!(!readings.add(place.clone(), 4, event("$a")));
        assert_eq!(readings.get(&place), Some(event("$b")));
        assert!(!readings.add(place.clone(), 6, event("$c")));
        assert!(!readings.done(&place, &event("$b")), "a newer one came");
        assert!(readings.done(&place, &event("$c")));
        assert_eq!(readings.get(&place), None);
        assert!(readings.add((1, Some(event("$root"))), 1, event("$d")));
        assert!(readings.add(place, 1, event("$e")));
    }

    #[test]
    fn no_more_places_wait_than_memory_is_meant_for() {
        let readings = Readings::default();
        let event = OwnedEventId::try_from("$a").unwrap();
        let at_once = (0..2_000).filter(|id| readings.add((*id, None), 0, event.clone()));
        assert_eq!(at_once.count(), AT_MOST);
    }
}
