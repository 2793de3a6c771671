//! What the homeserver tells: each event of a transaction is sorted into a lane, and all are committed at
//! once.
//!
//! Sorting looks at nothing but the event and whose room it is, so that it cannot fail half-way. To care
//! for another kind of event: its line in `classify`.

use std::collections::HashMap;

use homeserver::{IncomingEvent, Transaction, Unavailable};
use remote::Millis;
use ruma::{OwnedEventId, OwnedRoomId, OwnedServerName, OwnedUserId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Accepted, Lane, NewItem};

use super::{
    ControlEvent, Membership, gate,
    missed::{self, Doubt},
    written::How,
};
use crate::{Ctx, Error, lanes, media, text::relation, world::Names};

/// Events older than this were held back by the homeserver, which may have forgotten others. Well above what clocks differ
/// by, and below the time after which a homeserver gives up on an answer (Synapse: 60 s).
const LATE: Millis = 30_000;

/// An event on its way to the network, as the homeserver told it. It is read when it is delivered and not
/// before, so that a second try benefits from whatever was mended meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatrixEvent {
    /// The event.
    pub event_id: OwnedEventId,
    /// Where.
    pub room: OwnedRoomId,
    /// Who.
    pub sender: OwnedUserId,
    /// Its type.
    pub kind: String,
    /// When, in milliseconds since 1970, as its homeserver says.
    pub ts: i64,
    /// When it was written by our clock, as far as that can be known, or when its sender asked to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_at: Option<i64>,
    /// Its sender asked to try again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// Its content.
    pub content: Value,
    /// What it redacts, if it is a redaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacts: Option<OwnedEventId>,
}

/// Whose room it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// A portal.
    Portal { id: i64, login_id: Option<i64> },
    /// A management room, one that may become one, a space, or none of ours.
    Other,
}

/// Where an event goes.
#[derive(Debug, PartialEq)]
enum Route {
    Ignore,
    Control(ControlEvent),
    ToRemote { portal: i64, login_id: Option<i64> },
}

/// Takes a transaction: `Ok` means that everything in it is stored.
///
/// # Errors
/// When the database did not commit; the homeserver then sends it again.
pub(crate) async fn accept(
    world: &Ctx,
    id: &str,
    transaction: Transaction,
) -> Result<(), Unavailable> {
    if !world.gate.takes(id, world.now()) {
        tracing::debug!(transaction = id, "not yet; the homeserver will repeat it");
        gate::ask_again(world);
        world.missed.sweep();
        return Err(Unavailable);
    }
    if world.missed.was_unheard(id, world.now()) {
        world.gate.was_unheard(world.now());
    }
    world.missed.meet(transaction.peer, world.now());
    missed::before(world, &transaction).await;
    let count = transaction.events.len();
    let theirs = transaction
        .events
        .iter()
        .filter(|event| !world.names.is_by_us(event));
    let oldest = theirs.map(|event| event.ts).min();
    match store(world, transaction, How::Pushed).await {
        Ok(accepted) => {
            world.meters.repeated_by_matrix(accepted.repeated);
            tracing::debug!(
                transaction = id,
                events = count,
                lanes = accepted.lanes.len(),
                "accepted"
            );
            world.gate.taken(id, world.now());
            if oldest.is_some_and(|oldest| world.now().saturating_sub(oldest) > LATE) {
                world.missed.doubt(Doubt::Late, world.now());
            }
            Ok(())
        }
        Err(error) => {
            world.gate.failed(id, world.now());
            world.missed.sweep();
            tracing::warn!(transaction = id, %error, "cannot take a transaction; the homeserver will repeat it");
            Err(Unavailable)
        }
    }
}

/// Whether we have made this user.
pub(crate) async fn user_exists(world: &Ctx, user: &UserId) -> bool {
    if user == world.names.bot() {
        return true;
    }
    let Some(person) = world.names.person(user) else {
        return false;
    };
    match world.store.ghost(person.as_str()).await {
        Ok(ghost) => ghost.is_some_and(|ghost| ghost.registered),
        Err(_) => false,
    }
}

/// So many events are stored in one commit. Homeservers send no more at a time; one that does is not to hold up everybody
/// else who has something to store.
const PIECE: usize = 100;

/// Sorts and stores events, and wakes the lanes that got something. If it fails half-way, what is stored is known when it
/// comes again.
pub(super) async fn store(
    world: &Ctx,
    transaction: Transaction,
    how: How,
) -> Result<Accepted, Error> {
    let mut events = transaction.events.into_iter().peekable();
    let mut clocks = Vec::new();
    let mut all = Accepted::default();
    while events.peek().is_some() {
        let items = sort(world, events.by_ref().take(PIECE), how, &mut clocks).await?;
        if items.is_empty() {
            continue;
        }
        let accepted = match world.store.accept_events(&items, world.now()).await {
            Err(error) if !error.is_transient() => one_by_one(world, items).await?,
            accepted => accepted?,
        };
        all.repeated += accepted.repeated;
        for lane in accepted.lanes {
            lanes::wake(world, &lane);
            if !all.lanes.contains(&lane) {
                all.lanes.push(lane);
            }
        }
    }
    if how == How::Pushed {
        let clocks = clocks.iter().map(|(server, ts)| (&**server, *ts));
        world.clocks.came(clocks, world.now());
    }
    Ok(all)
}

/// The same after the database had something against one of them, which would come again and again, and nothing behind it. An
/// item without what the database does not take is given up when its turn comes, so that its sender hears of it. `Err` if that cannot
/// be stored either, since then it is not about the item.
async fn one_by_one(world: &Ctx, items: Vec<NewItem>) -> Result<Accepted, Error> {
    let mut all = Accepted::default();
    for item in items {
        let now = world.now();
        let mut accepted = world
            .store
            .accept_events(std::slice::from_ref(&item), now)
            .await;
        if let Err(error) = &accepted
            && !error.is_transient()
        {
            tracing::error!(event = item.key, %error, "an event cannot be stored; its sender is told");
            let without = NewItem {
                about: None,
                payload: "{}".to_owned(),
                ..item
            };
            accepted = world.store.accept_events(&[without], now).await;
        }
        let accepted = accepted?;
        all.repeated += accepted.repeated;
        all.lanes.extend(accepted.lanes);
    }
    Ok(all)
}

/// Sorts some events into their lanes; notes what the clocks of their servers said.
async fn sort(
    world: &Ctx,
    events: impl Iterator<Item = IncomingEvent>,
    how: How,
    clocks: &mut Vec<(OwnedServerName, Millis)>,
) -> Result<Vec<NewItem>, Error> {
    let mut items = Vec::new();
    // Mostly they are of a few rooms.
    let mut places = HashMap::new();
    for event in events {
        // We upgrade no room by ourselves: an admin who has our token did.
        if world.names.is_by_us(&event) && event.kind != "m.room.tombstone" {
            continue;
        }
        if !places.contains_key(&event.room_id) {
            let place = world.store.place(event.room_id.as_str()).await?;
            places.insert(event.room_id.clone(), place);
        }
        let place = places.get(&event.room_id).and_then(Option::as_ref);
        // At once: the lane may have to wait for somebody to log in.
        if let (Some(place), Some(redacted)) = (place, &event.redacts)
            && event.sender.as_str() == place.mxid
        {
            media::link::revoke(world, &event.room_id, redacted).await?;
        }
        let (server, ts) = (event.sender.server_name().to_owned(), event.ts);
        let written = world.clocks.written(&server, ts, how, world.now());
        clocks.push((server, ts));
        let route = route(world, &event, place);
        items.extend(item(route, event, written)?);
    }
    Ok(items)
}

/// Whether an event would get into a lane.
pub(super) async fn concerns_us(world: &Ctx, event: &IncomingEvent) -> Result<bool, Error> {
    let place = world.store.place(event.room_id.as_str()).await?;
    Ok(route(world, event, place.as_ref()) != Route::Ignore)
}

fn route(world: &Ctx, event: &IncomingEvent, place: Option<&store::Place>) -> Route {
    let place = place.map_or(Place::Other, |place| Place::Portal {
        id: place.portal_id,
        login_id: place.login_id,
    });
    classify(event, &place, &world.names, &world.config.command_prefix)
}

fn item(route: Route, event: IncomingEvent, written: Millis) -> Result<Option<NewItem>, Error> {
    let unwritable = |error: serde_json::Error| Error::Unreadable(error.to_string());
    let key = event.event_id.to_string();
    Ok(match route {
        Route::Ignore => None,
        Route::Control(control) => Some(NewItem {
            lane: Lane::Control(control.room().to_string()),
            login_id: None,
            key,
            about: None,
            payload: serde_json::to_string(&control).map_err(unwritable)?,
        }),
        Route::ToRemote { portal, login_id } => {
            let event = MatrixEvent {
                event_id: event.event_id,
                room: event.room_id,
                sender: event.sender,
                kind: event.kind,
                ts: event.ts,
                written_at: Some(written),
                again: false,
                content: event.content,
                redacts: event.redacts,
            };
            let payload = serde_json::to_string(&event).map_err(unwritable)?;
            let replaced = relation(&event.event_id, &event.content).replaces;
            let about = event.redacts.or(replaced);
            Some(NewItem {
                lane: Lane::ToRemote(portal),
                login_id,
                key,
                about: about.map(|about| about.to_string()),
                payload,
            })
        }
    })
}

/// Sorts an event that neither the bot nor a ghost sent.
fn classify(event: &IncomingEvent, place: &Place, names: &Names, prefix: &str) -> Route {
    if event.kind == "m.room.member" {
        return member(event, names);
    }
    if event.state_key.is_some() {
        return state(event, place);
    }
    let msgtype = text(event, "msgtype");
    let is_edit = event
        .content
        .pointer("/m.relates_to/rel_type")
        .and_then(Value::as_str)
        == Some("m.replace");
    let said = if event.kind == "m.room.message" && !is_edit {
        msgtype
    } else {
        None
    };
    let (event_id, room, sender) = (
        event.event_id.clone(),
        event.room_id.clone(),
        event.sender.clone(),
    );
    match (place, said) {
        (Place::Portal { id, login_id }, said) => {
            let command = said
                .filter(|kind| *kind == "m.text")
                .and_then(|_| text(event, "body"));
            match command.and_then(|body| strip_prefix(body, prefix)) {
                Some(command) => Route::Control(ControlEvent::Said {
                    event_id,
                    room,
                    sender,
                    text: command.to_owned(),
                    prefixed: true,
                }),
                None => Route::ToRemote {
                    portal: *id,
                    login_id: *login_id,
                },
            }
        }
        (Place::Other, Some("m.text" | "m.emote")) => {
            let body = text(event, "body").unwrap_or_default();
            let command = strip_prefix(body, prefix);
            Route::Control(ControlEvent::Said {
                event_id,
                room,
                sender,
                text: command.unwrap_or(body).to_owned(),
                prefixed: command.is_some(),
            })
        }
        // What other bots say is not for us; answering it is how loops begin.
        (Place::Other, Some("m.notice")) => Route::Ignore,
        (Place::Other, _) => match event.kind.as_str() {
            "m.reaction" | "m.room.redaction" => Route::Ignore,
            _ if is_edit => Route::Ignore,
            kind => Route::Control(ControlEvent::SentOther {
                event_id,
                room,
                sender,
                kind: kind.to_owned(),
            }),
        },
    }
}

/// Settings of portals are not the user's to change, those of other rooms are not ours to mind.
fn state(event: &IncomingEvent, place: &Place) -> Route {
    let (event_id, room) = (event.event_id.clone(), event.room_id.clone());
    let field = match (event.kind.as_str(), place) {
        _ if event.state_key.as_deref() != Some("") => return Route::Ignore,
        ("m.room.tombstone", _) => {
            let replacement = text(event, "replacement_room");
            return match replacement.and_then(|room| OwnedRoomId::try_from(room).ok()) {
                Some(replacement) => Route::Control(ControlEvent::Upgraded {
                    event_id,
                    room,
                    replacement,
                }),
                None => Route::Ignore,
            };
        }
        ("m.room.name", Place::Portal { .. }) => "name",
        ("m.room.topic", Place::Portal { .. }) => "topic",
        ("m.room.avatar", Place::Portal { .. }) => "url",
        _ => return Route::Ignore,
    };
    Route::Control(ControlEvent::Changed {
        event_id,
        room,
        sender: event.sender.clone(),
        kind: event.kind.clone(),
        value: text(event, field).unwrap_or_default().to_owned(),
    })
}

fn member(event: &IncomingEvent, names: &Names) -> Route {
    let Some(user) = event
        .state_key
        .as_deref()
        .and_then(|user| OwnedUserId::try_from(user).ok())
    else {
        return Route::Ignore;
    };
    let Some(membership) = event
        .content
        .get("membership")
        .and_then(|it| Membership::deserialize(it).ok())
    else {
        return Route::Ignore;
    };
    // A ghost that is thrown out comes back when it next speaks; one that is invited has nothing to do there.
    if names.person(&user).is_some() {
        return Route::Ignore;
    }
    Route::Control(ControlEvent::Member {
        event_id: event.event_id.clone(),
        room: event.room_id.clone(),
        sender: event.sender.clone(),
        user,
        membership,
        ts: event.ts,
    })
}

fn text<'a>(event: &'a IncomingEvent, field: &str) -> Option<&'a str> {
    event.content.get(field).and_then(Value::as_str)
}

/// What follows the prefix, if the text begins with it (in any case) as a word of its own.
fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let text = text.trim_start();
    let (head, rest) = text.split_at_checked(prefix.len())?;
    let own_word = rest.is_empty() || rest.starts_with(char::is_whitespace);
    (head.eq_ignore_ascii_case(prefix) && own_word).then(|| rest.trim())
}

#[cfg(test)]
mod tests;
