//! Where a message belongs: in which thread, and what it answers.
//!
//! A network with threads of one level gets an answer into the thread of what it answers; what answers something that the network
//! does not know quotes a little of it.

use remote::{MessageId, Outgoing, Preface, Threads};
use ruma::{EventId, OwnedEventId, RoomId};
use serde_json::Value;
use store::Portal;

use crate::{
    Ctx, Error,
    intake::matrix::MatrixEvent,
    text::{Relation, plain_body, quoted, relation, shorten},
};

/// Puts a message where it belongs. With `apart`, the network does not take it there.
pub(super) async fn place(
    world: &Ctx,
    portal: &Portal,
    event: &MatrixEvent,
    apart: bool,
    message: &mut Outgoing,
) -> Result<(), Error> {
    let relation = relation(&event.event_id, &event.content);
    if relation == Relation::default() {
        return Ok(());
    }
    let answers = known(world, portal, relation.answers.as_deref()).await?;
    if !apart {
        message.reply_to = answers.as_ref().map(|it| it.id.clone());
        message.thread = match world.network.capabilities().threads {
            Threads::No => None,
            Threads::Full => known(world, portal, relation.thread.as_deref())
                .await?
                .map(|it| it.id),
            Threads::OneLevel => {
                let mut root = known(world, portal, relation.thread.as_deref()).await?;
                if root.is_none() {
                    root = answers;
                }
                if root.is_none() {
                    // The root is older than what the bridge knows, but not what was last said in its thread.
                    root = known(world, portal, relation.follows.as_deref())
                        .await?
                        .filter(|it| it.thread.is_some());
                }
                root.map(|it| it.thread.unwrap_or(it.id))
            }
        };
    }
    if message.thread.is_none() && message.reply_to.is_none() {
        let answered = relation.answers.or(relation.thread);
        if let Some(answered) = answered {
            message.preface = quotation(world, portal, event, &answered).await?;
        }
    }
    Ok(())
}

/// A message of the network.
struct Known {
    id: MessageId,
    /// The one whose thread it is in.
    thread: Option<MessageId>,
}

/// The message of an event, if it is one of this portal; the first one of several.
async fn known(
    world: &Ctx,
    portal: &Portal,
    event: Option<&EventId>,
) -> Result<Option<Known>, Error> {
    let Some(event) = event else { return Ok(None) };
    if let Some(known) = mapped(world, portal, event).await? {
        return Ok(Some(known));
    }
    match world.store.edit(event.as_str()).await? {
        Some(edit) => match OwnedEventId::try_from(edit.original) {
            Ok(original) => mapped(world, portal, &original).await,
            Err(_) => Ok(None),
        },
        None => just_shown(world, portal, event).await,
    }
}

/// What the message map says.
async fn mapped(world: &Ctx, portal: &Portal, event: &EventId) -> Result<Option<Known>, Error> {
    let rows = world.store.messages_by_event(event.as_str()).await?;
    let row = rows.into_iter().find(|row| row.portal_id == portal.id);
    Ok(row.map(|row| Known {
        id: MessageId::new(row.remote_id),
        thread: row.thread.map(MessageId::new),
    }))
}

/// People can answer an event before we know that the homeserver took it. But we wrote into it what it shows.
async fn just_shown(world: &Ctx, portal: &Portal, event: &EventId) -> Result<Option<Known>, Error> {
    let Some(here) = portal
        .room_id
        .as_deref()
        .and_then(|room| <&RoomId>::try_from(room).ok())
    else {
        return Ok(None);
    };
    let shown = match world.homeserver.event(here, event).await {
        Err(error) if error.is_transient() => return Err(error.into()),
        shown => shown.ok().flatten(),
    };
    let Some(shown) = shown.filter(|shown| world.names.is_by_us(shown)) else {
        return Ok(None);
    };
    let named = shown.content.get(world.network.info().event_key);
    let Some(id) = named.and_then(|it| it.get("id")).and_then(Value::as_str) else {
        return Ok(None);
    };
    let thread = match relation(&shown.event_id, &shown.content).thread {
        Some(root) => mapped(world, portal, &root).await?,
        None => None,
    };
    Ok(Some(Known {
        id: MessageId::new(id),
        thread: thread.map(|root| root.thread.unwrap_or(root.id)),
    }))
}

/// A little of what is answered: from the answer itself, where older clients quote it, or else from the homeserver.
async fn quotation(
    world: &Ctx,
    portal: &Portal,
    event: &MatrixEvent,
    answered: &EventId,
) -> Result<Option<Preface>, Error> {
    let body = event.content.get("body").and_then(Value::as_str);
    let (who, said) = match body.and_then(quoted) {
        Some((who, said)) => (who.to_owned(), said),
        None => match world.homeserver.event(&event.room, answered).await? {
            Some(event) => (event.sender.to_string(), plain_body(&event.content)),
            None => return Ok(None),
        },
    };
    let quote = shorten(&said);
    if quote.is_empty() {
        return Ok(None);
    }
    let who = name(world, portal, &who).await?;
    Ok(Some(Preface::Answers { who, quote }))
}

/// What people on the network call a Matrix user.
async fn name(world: &Ctx, portal: &Portal, user: &str) -> Result<String, Error> {
    let id = <&ruma::UserId>::try_from(user).ok();
    if user == portal.mxid
        && let Some(login) = world.store.login_of(user).await?
    {
        return Ok(login.username);
    }
    if let Some(person) = id.and_then(|id| world.names.person(id))
        && let Some(ghost) = world.store.ghost(person.as_str()).await?
    {
        return Ok(ghost.username);
    }
    Ok(id.map_or_else(|| user.to_owned(), |id| id.localpart().to_owned()))
}
