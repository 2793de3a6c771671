//! Matrix → network: the user's message, as himself.
//!
//! A network need not know repeats. So each part is marked as *attempting*, with what is needed to
//! recognise it, before it is sent; after a crash or a lost answer the room is searched for it, and only if
//! it is not there is it sent again.

use std::time::Duration;

use remote::{
    Account, Certainty, Fault, Message, MessageId, MessageKind, Millis, Outgoing, Part,
    RemoteError, RoomId,
};
use serde::{Deserialize, Serialize};
use store::{Item, ItemState, MessageRow, Portal};

use super::{tell, txn};
use crate::{
    Ctx, Error,
    intake::matrix::MatrixEvent,
    lanes::Outcome,
    login,
    management::notice::{code, line},
    media,
    text::{Crossing, Unsupported, crossing, outgoing},
};

/// How far the network's clock may be off ours.
const CLOCKS_APART: Millis = 120_000;

/// What is kept beside an item while a part of it is being sent. That a part was sent is kept as a row of
/// the message map.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Progress {
    /// The room's newest message that was known before the part was sent.
    after: Option<MessageId>,
    /// When that was, by our clock.
    since: Millis,
}

/// Works one item. `Err` is only what may pass by itself.
pub(crate) async fn work(world: &Ctx, portal: i64, item: &Item) -> Result<Outcome, Error> {
    let event: MatrixEvent = match serde_json::from_str(&item.payload) {
        Ok(event) => event,
        Err(error) => {
            tracing::error!(lane = %item.lane, kind = ?error.classify(), "a stored message cannot be read");
            return Ok(Outcome::Failed(
                "the bridge can no longer read it".to_owned(),
            ));
        }
    };
    let way = world.store.way_to_remote(portal, event.event_id.as_str());
    let Some((portal, sent)) = way.await? else {
        return Ok(Outcome::Failed("its room is no longer bridged".to_owned()));
    };
    if event.sender.as_str() != portal.mxid {
        return stranger(world, &portal, &event).await;
    }
    if let Some(redacted) = &event.redacts {
        // It was done when the event was accepted, but the message may have been delivered since.
        media::link::revoke(world, &event.room, redacted).await?;
    }
    let content = match crossing(&event.kind, &event.content) {
        // A machine's words, which nobody is to answer, so nobody is told either.
        Crossing::Message(content)
            if content.kind == MessageKind::Notice && !world.config.relay_notices =>
        {
            return Ok(Outcome::done());
        }
        Crossing::Message(content) => content,
        Crossing::Nothing => return Ok(Outcome::done()),
        Crossing::Unsupported(what) => return unsupported(world, &portal, &event, what).await,
    };
    if !world.config.permissions.may_still_use(&portal.mxid) {
        return forbidden(world, &event).await;
    }
    let Some(login) = portal.login_id else {
        return Ok(Outcome::Paused);
    };
    let Some(account) = world.connections.account(login) else {
        return Ok(Outcome::Paused);
    };
    let link = match &content.file {
        Some(file) => Some(media::link::link(world, &event.room, &event.event_id, file).await?),
        None => None,
    };
    let message = outgoing(world, &portal, &content, link.as_ref()).await?;
    match send(world, &portal, item, &event, &sent, &*account, &message).await {
        Ok(rows) => Ok(Outcome::Done(rows)),
        Err(Error::Remote(error)) => refused(world, &portal, login, item, &event, error).await,
        Err(error) => Err(error),
    }
}

async fn send(
    world: &Ctx,
    portal: &Portal,
    item: &Item,
    event: &MatrixEvent,
    sent: &[MessageRow],
    account: &dyn Account,
    message: &Outgoing,
) -> Result<Vec<MessageRow>, Error> {
    let room = RoomId::from(portal.remote_room.as_str());
    let mut progress: Progress = item
        .note
        .as_deref()
        .and_then(|note| serde_json::from_str(note).ok())
        .unwrap_or_default();
    let mut attempted = item.state == ItemState::Attempting;
    let mut rows = Vec::new();
    for (index, part) in world.network.compose(message).iter().enumerate() {
        if sent.iter().any(|row| row.part == part_number(index)) {
            continue;
        }
        // Known before the next part goes out, since its echo may come at any time.
        world.store.put_messages(&std::mem::take(&mut rows)).await?;
        let found = if std::mem::take(&mut attempted) {
            find(world, portal.id, &room, account, part, &progress).await?
        } else {
            None
        };
        let message = if let Some(message) = found {
            message
        } else {
            // By now the room may have gone on a little; that only makes a search longer.
            progress.after = portal.cursor.as_deref().map(MessageId::from);
            progress.since = world.now();
            world
                .store
                .attempt(item.id, Some(&note(&progress)?), world.now())
                .await?;
            account
                .send(
                    &room,
                    part,
                    &txn(&["remote", event.event_id.as_str(), &index.to_string()]),
                )
                .await?
        };
        rows.push(row(portal, event, index, &message));
    }
    Ok(rows)
}

/// Looks for a part that was attempted and never answered.
async fn find(
    world: &Ctx,
    portal: i64,
    room: &RoomId,
    account: &dyn Account,
    part: &Part,
    progress: &Progress,
) -> Result<Option<Message>, Error> {
    let not_before = progress.since - CLOCKS_APART;
    let known = world.store.known_since(portal, not_before).await?;
    let known: Vec<_> = known
        .into_iter()
        .map(|row| MessageId::new(row.remote_id))
        .collect();
    // As long as this is not answered, the part may stand there.
    let found = account
        .find_sent(room, part, progress.after.as_ref(), not_before, &known)
        .await;
    Ok(found.map_err(RemoteError::perhaps_done)?)
}

fn note(progress: &Progress) -> Result<String, Error> {
    serde_json::to_string(progress).map_err(|error| Error::Unreadable(error.to_string()))
}

fn row(portal: &Portal, event: &MatrixEvent, index: usize, message: &Message) -> MessageRow {
    MessageRow {
        portal_id: portal.id,
        remote_id: message.id.to_string(),
        part: part_number(index),
        event_id: event.event_id.to_string(),
        room_id: event.room.to_string(),
        sender: message
            .sender
            .as_ref()
            .map(|sender| sender.id.to_string())
            .unwrap_or_default(),
        by_us: true,
        as_user: false,
        sent_at: message.sent_at,
        edited_at: message.edited_at,
        thread: message.thread.as_ref().map(ToString::to_string),
        deleted: false,
    }
}

fn part_number(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

/// The network did not take it, or did not say so.
async fn refused(
    world: &Ctx,
    portal: &Portal,
    login: i64,
    item: &Item,
    event: &MatrixEvent,
    error: RemoteError,
) -> Result<Outcome, Error> {
    let perhaps_done = error.certainty == Certainty::Unknown;
    if error.fault == Fault::LoggedOut {
        let expired = login::expire(world, login).await?;
        if !perhaps_done {
            world
                .store
                .postpone(item.id, world.now(), &error.sentence)
                .await?;
        }
        if !expired {
            // The answer was older than the credentials, or nobody can say now.
            return Ok(Outcome::Later(Duration::from_secs(10)));
        }
        return Ok(Outcome::Paused);
    }
    if error.is_transient() {
        waiting(world, portal, item, event, &error).await?;
        if perhaps_done {
            // It stays marked as attempting, so that the next try looks for it first. Not at once: what was
            // not answered may still be under way.
            let seconds = 3 << item.attempts.clamp(0, 4);
            return Ok(Outcome::Later(Duration::from_secs(seconds)));
        }
        if let Fault::RateLimited(until) = error.fault {
            world
                .store
                .postpone(item.id, until, &error.sentence)
                .await?;
            return Ok(Outcome::Later(Duration::ZERO));
        }
        world
            .store
            .postpone(item.id, world.now(), &error.sentence)
            .await?;
        return Err(error.into());
    }
    let network = world.network.info().name;
    let prefix = &world.config.command_prefix;
    let words = line![
        format!(
            "Your message was not delivered to {network}: {}. ",
            error.sentence
        ),
        code(format!("{prefix} retry all")),
        " tries again, ",
        code(format!("{prefix} failed")),
        " lists what was not delivered.",
    ];
    tell::answer(
        world,
        &event.room,
        &event.event_id,
        &format!("failed {}", item.attempts),
        words,
    )
    .await?;
    Ok(Outcome::Failed(error.sentence))
}

/// After some tries, says once that the message waits.
async fn waiting(
    world: &Ctx,
    portal: &Portal,
    item: &Item,
    event: &MatrixEvent,
    error: &RemoteError,
) -> Result<(), Error> {
    const PATIENCE: Millis = 20_000;
    const PAUSE: Millis = 3_600_000;
    let (now, told) = (world.now(), &world.portals.told);
    if now - item.accepted_at >= PATIENCE && told.is_due(portal.id, "waiting", now, PAUSE) {
        let words = line![format!(
            "Your message waits: {}. It will be delivered as soon as possible.",
            error.sentence
        )];
        tell::answer(world, &event.room, &event.event_id, "waiting", words).await?;
        told.said(portal.id, "waiting", now);
    }
    Ok(())
}

/// Said by somebody who had the admin's permission once.
async fn forbidden(world: &Ctx, event: &MatrixEvent) -> Result<Outcome, Error> {
    let network = world.network.info().name;
    let words = line![format!(
        "Your message was not delivered to {network}: you are not permitted to use this bridge any more; ask its admin."
    )];
    tell::answer(world, &event.room, &event.event_id, "forbidden", words).await?;
    Ok(Outcome::Failed(
        "you are not permitted to use this bridge any more".to_owned(),
    ))
}

/// Said by somebody else than the portal's user.
async fn stranger(world: &Ctx, portal: &Portal, event: &MatrixEvent) -> Result<Outcome, Error> {
    let mark = format!("stranger {}", event.sender);
    if !world.store.marked(event.room.as_str(), &mark).await? {
        let network = world.network.info().name;
        let words = line![format!(
            "What {} writes here does not reach {network}: this room belongs to {}.",
            event.sender, portal.mxid
        )];
        tell::answer(world, &event.room, &event.event_id, "stranger", words).await?;
        world
            .store
            .mark(event.room.as_str(), &mark, world.now())
            .await?;
    }
    Ok(Outcome::done())
}

/// Nothing that can cross (yet).
async fn unsupported(
    world: &Ctx,
    portal: &Portal,
    event: &MatrixEvent,
    what: Unsupported,
) -> Result<Outcome, Error> {
    let (now, told) = (world.now(), &world.portals.told);
    if told.is_due(portal.id, what.name(), now, what.quiet_for()) {
        let words = line![what.words(world.network.info().name)];
        tell::answer(world, &event.room, &event.event_id, "unsupported", words).await?;
        told.said(portal.id, what.name(), now);
    }
    Ok(Outcome::done())
}
