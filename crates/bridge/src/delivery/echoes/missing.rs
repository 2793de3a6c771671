//! What the network acknowledged and does not have: told, and given back to its sender, who decides whether to try again.

use std::collections::BTreeSet;

use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};
use serde_json::json;
use store::{Awaited, Lane, NewItem, Portal};

use crate::{
    Ctx, Error,
    delivery::{tell, to_remote::current},
    intake::matrix::MatrixEvent,
    login,
    management::notice::{code, line},
    status::{self, Status},
    text::{changed, is_edit},
};

/// What became of what is missing.
pub(super) struct Given {
    /// So many of the user's events were given back.
    pub(super) events: u64,
    /// Something of others is still on its way, and they are to be looked at again.
    pub(super) put_off: bool,
}

/// Tells the user what is missing and lists it as failed. Can be repeated. `Err` is only what may pass by itself.
pub(super) async fn give_back(
    world: &Ctx,
    rule: remote::Echoes,
    portal: &Portal,
    login: i64,
    missing: &[Awaited],
) -> Result<Given, Error> {
    let lane = Lane::ToRemote(portal.id);
    let (mut gone, mut items, mut events, mut seen) =
        (Vec::new(), Vec::new(), Vec::new(), BTreeSet::new());
    let mut put_off = false;
    for it in missing {
        let rows = world.store.messages(portal.id, &it.remote_id).await?;
        let Some(row) = rows.first() else {
            gone.push(it.clone());
            continue;
        };
        let store = &world.store;
        if rows.iter().all(|row| row.deleted) {
            // Taken back since it was looked for.
            put_off = true;
            continue;
        }
        if store.waits(&lane, &row.event_id).await?
            || store.is_being_changed(&lane, &row.event_id).await?
        {
            // The rest of it is still on its way.
            put_off = true;
            continue;
        }
        gone.push(it.clone());
        let (Ok(room), Ok(event)) = (
            OwnedRoomId::try_from(row.room_id.as_str()),
            OwnedEventId::try_from(row.event_id.as_str()),
        ) else {
            continue;
        };
        if !seen.insert(event.clone()) {
            continue;
        }
        if let Some(item) = item(world, portal, login, &room, &event).await? {
            items.push(item);
            events.push((room, event));
        }
    }
    if gone.is_empty() {
        return Ok(Given { events: 0, put_off });
    }
    let network = world.network.info().name;
    let why = format!("{network} accepted it and does not show it");
    if let (Some((room, event)), Some(first)) = (events.first(), gone.first()) {
        let how = Told {
            rule,
            number: events.len(),
            // Otherwise its deletion could have gone unheard.
            watched: matches!(world.connections.status(login),
                Some((login::Status::Connected, since)) if since <= first.since),
        };
        let about = format!("missing {}", first.remote_id);
        let said = tell::Answer {
            room,
            event,
            about: &about,
        };
        tell_of(world, portal, &said, &how).await?;
    }
    if is_touched(world, &lane, &gone, &events).await? {
        return Ok(Given {
            events: 0,
            put_off: true,
        });
    }
    let now = world.now();
    world.store.give_back(&gone, &items, &why, now).await?;
    for (room, event) in &events {
        let status = Status::Failed {
            why: &why,
            certain: true,
        };
        status::tell(world, room, event, status);
    }
    tracing::warn!(
        portal = portal.id,
        messages = gone.len(),
        "the network did not keep what it acknowledged"
    );
    Ok(Given {
        events: events.len() as u64,
        put_off,
    })
}

/// Whether something was done about these since they were told. A change that counts on a part being there would be misled, and what was
/// taken back is nobody's business.
async fn is_touched(
    world: &Ctx,
    lane: &Lane,
    gone: &[Awaited],
    events: &[(OwnedRoomId, OwnedEventId)],
) -> Result<bool, Error> {
    for (_, event) in events {
        if world.store.is_being_changed(lane, event.as_str()).await? {
            return Ok(true);
        }
    }
    for it in gone {
        let rows = world.store.messages(it.portal_id, &it.remote_id).await?;
        if !rows.is_empty() && rows.iter().all(|row| row.deleted) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The event as an item that can be tried again, with the text it has now; `None` if its sender has taken it back.
async fn item(
    world: &Ctx,
    portal: &Portal,
    login: i64,
    room: &RoomId,
    event: &EventId,
) -> Result<Option<NewItem>, Error> {
    let said = match world.homeserver.event(room, event).await {
        Err(error) if error.is_transient() => return Err(error.into()),
        said => said.ok().flatten(),
    };
    let Some(said) = said.filter(|said| said.content.as_object().is_some_and(|it| !it.is_empty()))
    else {
        return Ok(None);
    };
    let mut content = said.content;
    if !is_edit(&content)
        && let Some((Some(_), _, now)) = current(world, &portal.mxid, room, event).await?
        && let Some(now) = changed(&content, &json!({ "m.new_content": now }))
    {
        content = now;
    }
    let about = content
        .pointer("/m.relates_to/event_id")
        .filter(|_| is_edit(&content))
        .and_then(serde_json::Value::as_str)
        .map(ToOwned::to_owned);
    let event = MatrixEvent {
        event_id: said.event_id,
        room: room.to_owned(),
        sender: said.sender,
        kind: said.kind,
        ts: said.ts,
        written_at: None,
        again: false,
        content,
        redacts: None,
    };
    let payload =
        serde_json::to_string(&event).map_err(|error| Error::Unreadable(error.to_string()))?;
    Ok(Some(NewItem {
        lane: Lane::ToRemote(portal.id),
        login_id: Some(login),
        key: event.event_id.to_string(),
        about,
        payload,
    }))
}

/// What is told of it.
struct Told {
    rule: remote::Echoes,
    number: usize,
    /// The connection stood all the time.
    watched: bool,
}

/// One notice, however many are missing.
async fn tell_of(
    world: &Ctx,
    portal: &Portal,
    said: &tell::Answer<'_>,
    told: &Told,
) -> Result<(), Error> {
    let network = world.network.info().name;
    let prefix = &world.config.command_prefix;
    let (what, them) = match told.number {
        1 => ("Your message".to_owned(), "it"),
        number => (format!("{number} of your messages"), "them"),
    };
    let or_else = if told.watched {
        String::new()
    } else {
        format!(" Or somebody deleted {them} there while I was not connected.")
    };
    let words = line![
        format!(
            "{what} did not arrive: {network} accepted {them} but does not show {them}. {}.{or_else} ",
            told.rule.missing
        ),
        code(format!("{prefix} retry all")),
        format!(" sends {them} again, "),
        code(format!("{prefix} failed")),
        " lists what was not delivered.",
    ];
    tell::author(world, portal, said, words).await
}
