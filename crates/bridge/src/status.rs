//! What a user is to know of what he sent: that it arrived, by the bot's read receipt or an event of its own, and that it did not.
//!
//! No lane waits for it. What a burst brings is gathered for a moment, and of the receipts the newest one counts, since it says that
//! all before it arrived too. It lives in memory only: what a restart loses is made up for by the next receipt. That something did
//! *not* arrive is also said by a notice, which the lane does wait for.
//!
//! One more way of saying it is one more field of [`Waiting`].

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use homeserver::{Actor, NewEvent};
use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};
use serde_json::{Value, json};

use crate::{Ctx, Error, delivery::txn, lanes::Backoff};

/// For how long what is to be said is gathered.
const PAUSE: Duration = Duration::from_millis(500);

/// How often the homeserver is told the same.
const TRIES: u32 = 4;

/// Status events of a room that wait at once; the oldest are forgotten beyond it.
const AT_MOST: usize = 200;

/// How something that a user sent came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status<'a> {
    /// The network has it.
    Arrived,
    /// It has not, for this reason; or nobody knows, unless `certain`.
    Failed { why: &'a str, certain: bool },
    /// Nothing of its kind can cross.
    Unsupported,
}

/// What waits to be said in a room.
#[derive(Debug, Default)]
struct Waiting {
    receipt: Option<OwnedEventId>,
    events: VecDeque<(OwnedEventId, Value)>,
}

/// What waits to be said, by room. A room that is there has a task.
#[derive(Debug, Default)]
pub(crate) struct Statuses(Mutex<HashMap<OwnedRoomId, Waiting>>);

impl Statuses {
    fn lock(&self) -> MutexGuard<'_, HashMap<OwnedRoomId, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be said next; without anything, the room is forgotten.
    fn next(&self, room: &RoomId) -> Option<Next> {
        let mut rooms = self.lock();
        let waiting = rooms.get_mut(room)?;
        if let Some(event) = waiting.receipt.take() {
            return Some(Next::Receipt(event));
        }
        if let Some((event, content)) = waiting.events.pop_front() {
            return Some(Next::Event(event, content));
        }
        rooms.remove(room);
        None
    }
}

/// One thing to be said.
enum Next {
    Receipt(OwnedEventId),
    Event(OwnedEventId, Value),
}

/// Says how something came out; nobody has to wait for that.
pub(crate) fn tell(world: &Ctx, room: &RoomId, event: &EventId, status: Status<'_>) {
    let receipt = status == Status::Arrived && world.config.status.receipts;
    let events = world.config.status.events;
    if !receipt && !events {
        return;
    }
    let mut rooms = world.statuses.lock();
    let is_new = !rooms.contains_key(room);
    let waiting = rooms.entry(room.to_owned()).or_default();
    if receipt {
        waiting.receipt = Some(event.to_owned());
    }
    if events {
        let content = content(world.network.info().id, event, status);
        waiting.events.push_back((event.to_owned(), content));
        if waiting.events.len() > AT_MOST {
            waiting.events.pop_front();
        }
    }
    drop(rooms);
    if is_new {
        let (ctx, room) = (world.clone(), room.to_owned());
        world.spawn_until_stop(async move { say_all(&ctx, &room).await });
    }
}

/// Says all that waits in a room, until nothing is left.
async fn say_all(world: &Ctx, room: &RoomId) {
    loop {
        tokio::time::sleep(PAUSE).await;
        let Some(mut next) = world.statuses.next(room) else {
            return;
        };
        loop {
            say(world, room, &next).await;
            // Status events go out one after the other; a receipt that came meanwhile waits for its moment.
            match &next {
                Next::Event(..) => {}
                Next::Receipt(_) if world.config.status.events => {}
                Next::Receipt(_) => break,
            }
            match world.statuses.lock().get_mut(room) {
                Some(waiting) => match waiting.events.pop_front() {
                    Some((event, content)) => next = Next::Event(event, content),
                    None => break,
                },
                None => return,
            }
        }
    }
}

async fn say(world: &Ctx, room: &RoomId, next: &Next) {
    let mut backoff = Backoff::default();
    for _ in 0..TRIES {
        let said = match next {
            Next::Receipt(event) => {
                let said = world.homeserver.read_receipt(&Actor::Bot, room, event);
                said.await.map_err(Error::from)
            }
            Next::Event(event, content) => {
                let status = content.get("status").and_then(Value::as_str);
                let parts = ["status", room.as_str(), event.as_str()];
                let txn = txn(&[&parts[..], &[status.unwrap_or_default()]].concat());
                let event = NewEvent {
                    who: &Actor::Bot,
                    room,
                    kind: "com.beeper.message_send_status",
                    content,
                    txn: &txn,
                    ts: None,
                    in_doubt: homeserver::InDoubt::SendAgain,
                };
                let said = world.homeserver.send(&event).await;
                said.map(drop).map_err(Error::from)
            }
        };
        match said {
            Ok(()) => return,
            Err(error) if error.is_transient() => tokio::time::sleep(backoff.next(world)).await,
            Err(error) => {
                tracing::debug!(%room, %error, "what became of a message is left unsaid");
                return;
            }
        }
    }
}

/// The content of a status event, as other bridges and the clients that know them have it.
fn content(network: &str, event: &EventId, status: Status<'_>) -> Value {
    let mut content = json!({
        "network": network,
        "m.relates_to": {"rel_type": "m.reference", "event_id": event},
    });
    let (word, reason, message) = match status {
        Status::Arrived => {
            content["status"] = json!("SUCCESS");
            return content;
        }
        Status::Failed { why, certain: true } => ("FAIL_RETRIABLE", "m.foreign_network_error", why),
        // To send it again could double it: that is left to people.
        Status::Failed {
            why,
            certain: false,
        } => ("FAIL_PERMANENT", "m.foreign_network_error", why),
        Status::Unsupported => (
            "FAIL_PERMANENT",
            "com.beeper.unsupported_event",
            "messages of this kind do not cross",
        ),
    };
    content["status"] = json!(word);
    content["reason"] = json!(reason);
    content["message"] = json!(message);
    content
}
