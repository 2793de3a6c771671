//! Where a message belongs: in which thread, and what it answers.
//!
//! A network with threads of one level gets an answer into the thread of what it answers; what answers something that the network
//! does not know quotes a little of it.

use remote::{MessageId, Outgoing, Preface, Threads};
use ruma::EventId;
use serde_json::Value;
use store::{MessageRow, Portal};

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
    let remote = |row: &MessageRow| MessageId::new(row.remote_id.clone());
    if !apart {
        message.reply_to = answers.as_ref().map(remote);
        message.thread = match world.network.capabilities().threads {
            Threads::No => None,
            Threads::Full => known(world, portal, relation.thread.as_deref())
                .await?
                .as_ref()
                .map(remote),
            Threads::OneLevel => {
                let mut root = known(world, portal, relation.thread.as_deref()).await?;
                if root.is_none() {
                    root = answers;
                }
                if root.is_none() {
                    // The root is older than what the bridge knows, but not what was last said in its thread.
                    root = known(world, portal, relation.follows.as_deref())
                        .await?
                        .filter(|row| row.thread.is_some());
                }
                root.map(|row| MessageId::new(row.thread.unwrap_or(row.remote_id)))
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

/// The message of an event, if it is one of this portal; the first one of several.
async fn known(
    world: &Ctx,
    portal: &Portal,
    event: Option<&EventId>,
) -> Result<Option<MessageRow>, Error> {
    let Some(event) = event else { return Ok(None) };
    let here = |rows: Vec<MessageRow>| rows.into_iter().find(|row| row.portal_id == portal.id);
    let row = here(world.store.messages_by_event(event.as_str()).await?);
    if row.is_some() {
        return Ok(row);
    }
    match world.store.edit(event.as_str()).await? {
        Some(edit) => Ok(here(world.store.messages_by_event(&edit.original).await?)),
        None => Ok(None),
    }
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
