//! Changes of what was sent.
//!
//! While the network allows it, the messages of the changed event are changed in place; afterwards the new text follows as a message
//! of its own that points at the old one, and later changes go into that one as long as it can be changed. Changes that wait behind
//! each other come out as the last of them, and those of what was not sent yet change what will be sent.

mod undo;

use std::time::Duration;

use remote::{EditWindow, Fault, MessageId, Outgoing, Part, Preface, Threads};
use ruma::{EventId, OwnedEventId};
use serde_json::{Value, json};
use store::{EditRow, Item, ItemState, Lane, MessageRow};

use super::{End, Job, Road, place::place, say, send::Progress};
use crate::{
    Error,
    delivery::{digest, tell},
    intake::matrix::MatrixEvent,
    lanes::Outcome,
    management::notice::line,
    text::{changed, crossing, plain_body, relation},
};
pub(super) use undo::undo;

pub(crate) use undo::current;

/// Behind an item: what waits that is about it.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// It is to be taken back.
    pub(super) redacted: bool,
    /// Its changes, oldest first.
    pub(super) edits: Vec<PendingEdit>,
}

/// A change that waits.
#[derive(Debug)]
pub(super) struct PendingEdit {
    pub(super) item: i64,
    pub(super) event: MatrixEvent,
    /// It is to be taken back, too.
    pub(super) redacted: bool,
}

impl Pending {
    /// Sorts what waits about an event; of its sender only.
    pub(super) fn of(event: &EventId, sender: &str, items: &[Item]) -> Self {
        let mut redacted = Vec::new();
        let mut edits = Vec::new();
        for item in items {
            // What cannot be read is complained about when its turn comes.
            let Ok(event) = serde_json::from_str::<MatrixEvent>(&item.payload) else {
                continue;
            };
            if event.sender != sender {
                continue;
            }
            if let Some(target) = event.redacts {
                redacted.push(target);
            } else if changed(&Value::Null, &event.content).is_some() {
                edits.push((item.id, event));
            }
        }
        let mut known = vec![event.to_owned()];
        let mut pending = Self {
            redacted: redacted.iter().any(|id| id == event),
            edits: Vec::new(),
        };
        for (item, edit) in edits {
            let target = relation(&edit.event_id, &edit.content).replaces;
            if target.is_some_and(|target| known.contains(&target)) {
                known.push(edit.event_id.clone());
                let redacted = redacted.contains(&edit.event_id);
                pending.edits.push(PendingEdit {
                    item,
                    event: edit,
                    redacted,
                });
            }
        }
        pending
    }

    /// The last change that stands.
    pub(super) fn last(&self) -> Option<&PendingEdit> {
        self.edits.iter().rev().find(|edit| !edit.redacted)
    }
}

/// How changing messages in place came out.
pub(super) enum InPlace {
    /// They read as they should.
    Done(Vec<MessageRow>),
    /// The network does not take it any more.
    Late,
    /// What stands does, with these. The rest is gone, or nobody knows whether it stands there: its sender is told, and may have it
    /// tried again.
    Partly(Vec<MessageRow>),
    /// They are gone.
    Gone,
    /// Not now.
    Not(End),
}

impl Job<'_> {
    /// What an event changed originally: a change of a change is one of the original.
    pub(super) async fn original(&self, event: &EventId) -> Result<OwnedEventId, Error> {
        let edit = self.world.store.edit(event.as_str()).await?;
        let original = edit.and_then(|edit| OwnedEventId::try_from(edit.original).ok());
        Ok(original.unwrap_or_else(|| event.to_owned()))
    }

    /// What an event says now, if a change of it that was written later than this one is known: this one was given up once, or
    /// the homeserver's clock was put back. It is what everybody reads on Matrix.
    async fn newer(&self, original: &EventId) -> Result<Option<(String, Value)>, Error> {
        let edits = self.world.store.edits_of(original.as_str()).await?;
        if edits.iter().all(|edit| edit.written_at <= self.event.ts) {
            return Ok(None);
        }
        let (user, room) = (&self.portal.mxid, &self.event.room);
        let now = current(self.world, user, room, original).await?;
        Ok(now.map(|(_, kind, content)| (kind, content)))
    }

    /// What stands in no thread may begin with a little of what it answers, and goes on doing so.
    async fn quote_again(&self, original: &EventId, message: &mut Outgoing) -> Result<(), Error> {
        let (world, room) = (self.world, &self.event.room);
        let Some(event) = world.homeserver.event(room, original).await? else {
            return Ok(());
        };
        let event = MatrixEvent {
            event_id: event.event_id,
            room: room.clone(),
            sender: event.sender,
            kind: event.kind,
            ts: event.ts,
            written_at: None,
            again: false,
            content: event.content,
            redacts: None,
        };
        // Where it stands does not change any more.
        let apart = world.network.capabilities().threads == Threads::OneLevel;
        place(world, self.portal, &event, apart, message).await
    }

    /// The event reads as it should. If the rest of it was given up once, there is no rest any more that could be tried again.
    async fn is_whole(&self, original: &EventId, added: &[MessageRow]) -> Result<(), Error> {
        let store = &self.world.store;
        let lane = Lane::ToRemote(self.portal.id);
        let Some(item) = store.failed_item(&lane, original.as_str()).await? else {
            return Ok(());
        };
        // First what was sent: without the item, nothing else tells of it.
        store.put_messages(added).await?;
        store.discard_item(item.id).await.map(drop)?;
        Ok(())
    }

    /// If the event was given up, this is what is to be tried again; `false` if it was not.
    async fn would_say(&self, original: &EventId, content: &Value) -> Result<bool, Error> {
        let store = &self.world.store;
        let lane = Lane::ToRemote(self.portal.id);
        let Some(item) = store.failed_item(&lane, original.as_str()).await? else {
            return Ok(false);
        };
        // What cannot be read is complained about when it is tried.
        if let Ok(mut failed) = serde_json::from_str::<MatrixEvent>(&item.payload)
            && failed.sender == self.event.sender
            && let Some(content) = changed(&failed.content, &json!({ "m.new_content": content }))
        {
            failed.content = content;
            let payload = serde_json::to_string(&failed)
                .map_err(|error| Error::Unreadable(error.to_string()))?;
            store.rewrite_item(item.id, &payload).await?;
        }
        Ok(true)
    }

    /// Whether the event, or a change of it, was given up when some of it may have arrived that we know nothing of.
    pub(super) async fn rest_is_unknown(&self, event: &str) -> Result<bool, Error> {
        let (store, lane) = (&self.world.store, Lane::ToRemote(self.portal.id));
        let is_unknown = |item: &Item| Progress::read(item.note.as_deref()).unknown;
        let own = store.failed_item(&lane, event).await?;
        Ok(own.as_ref().is_some_and(is_unknown)
            || store
                .failed_about(&lane, event)
                .await?
                .iter()
                .any(is_unknown))
    }

    pub(super) async fn remember_edit(
        &self,
        edit: &MatrixEvent,
        original: &EventId,
    ) -> Result<(), Error> {
        let row = EditRow {
            portal_id: self.portal.id,
            event_id: edit.event_id.to_string(),
            original: original.to_string(),
            written_at: edit.ts,
        };
        Ok(self.world.store.put_edit(&row).await?)
    }

    /// The messages of an event that stand here.
    pub(super) async fn standing(&self, event: &str) -> Result<Vec<MessageRow>, Error> {
        let mut rows = self.world.store.messages_by_event(event).await?;
        rows.retain(|row| row.portal_id == self.portal.id && !row.deleted);
        Ok(rows)
    }

    /// The newest message that a change of this event had to become, if it stands.
    pub(super) async fn follow_up(&self, original: &EventId) -> Result<Vec<MessageRow>, Error> {
        let mut rows = self.world.store.follow_ups(original.as_str()).await?;
        rows.retain(|row| row.portal_id == self.portal.id && !row.deleted);
        if let Some(newest) = rows.last().map(|row| row.event_id.clone()) {
            rows.retain(|row| row.event_id == newest);
        }
        Ok(rows)
    }

    /// Whether the user wrote these messages on Matrix, or is shown there as himself.
    async fn are_his(&self, original: &EventId, rows: &[MessageRow]) -> Result<bool, Error> {
        let Some(row) = rows.first() else {
            return Ok(false);
        };
        if row.by_us {
            return Ok(true);
        }
        let (world, mxid) = (self.world, self.portal.mxid.as_str());
        let login = world.store.login_of(mxid).await?;
        if login.is_none_or(|login| login.person_id != row.sender) {
            return Ok(false);
        }
        let event = world.homeserver.event(&self.event.room, original).await?;
        Ok(event.is_some_and(|event| event.sender == mxid))
    }

    /// Whether the network still lets these messages be changed, as far as one can tell.
    fn is_open(&self, rows: &[MessageRow]) -> bool {
        let now = self.world.now();
        match self.world.network.capabilities().edits {
            EditWindow::Never => false,
            EditWindow::Always => true,
            EditWindow::For(time) => rows.iter().all(|row| {
                let age = u64::try_from(now - row.sent_at).unwrap_or(0);
                Duration::from_millis(age) < time
            }),
        }
    }

    /// Makes the messages of one event read like these parts.
    pub(super) async fn change(
        &mut self,
        road: &Road,
        rows: &[MessageRow],
        parts: &[Part],
    ) -> Result<InPlace, Error> {
        let Some(first) = rows.first().filter(|_| self.is_open(rows)) else {
            return Ok(InPlace::Late);
        };
        // It would come after what is told now, or look like a change that somebody made later.
        if self.unanswered
            && let Some(later) = self.under_way()
        {
            return Ok(InPlace::Not(End::Not(later)));
        }
        let world = self.world;
        let mut gone = 0;
        for (row, part) in rows.iter().zip(parts) {
            let digest = Some(digest::of_part(part));
            if row.digest == digest {
                continue;
            }
            self.attempt_again().await?;
            // Until that is answered, nobody knows what stands there. If it was dropped, its row may be gone since it was read.
            world.store.unsure(row).await?;
            let message = MessageId::new(row.remote_id.clone());
            let edited = match road.account.edit(&road.room, &message, part).await {
                Ok(changed) => MessageRow {
                    edited_at: changed.edited_at,
                    digest,
                    ..row.clone()
                },
                Err(error) if matches!(error.fault, Fault::Rejected | Fault::Unsupported) => {
                    return Ok(InPlace::Late);
                }
                // The others are not left with the old text. If it was dropped, it is given back by itself.
                Err(error) if error.fault == Fault::NotFound => {
                    gone += 1;
                    continue;
                }
                Err(error) => return Err(self.again(error).into()),
            };
            // Known before the next one, since its echo may come at any time.
            world.store.put_messages(&[edited]).await?;
        }
        for row in rows.iter().skip(parts.len()) {
            self.delete(road, row).await?;
        }
        if gone > 0 && gone == rows.len().min(parts.len()) {
            return Ok(InPlace::Gone);
        }
        let is_whole = gone == 0;
        if parts.len() <= rows.len() {
            let added = Vec::new();
            return Ok(if is_whole {
                InPlace::Done(added)
            } else {
                InPlace::Partly(added)
            });
        }
        if self.rest_is_unknown(&first.event_id).await? {
            return Ok(InPlace::Partly(Vec::new()));
        }
        // By place, not by number: of what was shortened once, the numbers are gone.
        let sent: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(index, row)| MessageRow {
                part: super::send::part_number(index),
                ..row.clone()
            })
            .collect();
        let added = self
            .send(road, &first.event_id, parts, &sent, false)
            .await?;
        Ok(match added {
            Ok(added) if is_whole => InPlace::Done(added),
            Ok(added) => InPlace::Partly(added),
            Err(end) => InPlace::Not(end),
        })
    }
}

/// Carries out a change of the event `target`.
pub(super) async fn work(
    job: &mut Job<'_>,
    target: &EventId,
    own: &[MessageRow],
    about: &[Item],
) -> Result<End, Error> {
    let (world, event) = (job.world, job.event);
    let original = job.original(target).await?;
    if original == event.event_id || changed(&Value::Null, &event.content).is_none() {
        return Ok(End::Nothing);
    }
    let sender = event.sender.as_str();
    let begun = job.item.state == ItemState::Attempting || !own.is_empty();
    if !begun {
        if Pending::of(&event.event_id, sender, about).redacted {
            return Ok(End::Nothing);
        }
        let lane = Lane::ToRemote(job.portal.id);
        let waiting = world.store.items_about(&lane, original.as_str()).await?;
        let pending = Pending::of(&original, sender, &waiting);
        if pending.redacted {
            return Ok(End::Nothing);
        }
        if pending.last().is_some_and(|last| last.item > job.item.id) {
            // The last one wins, and the others would only have been seen for a moment.
            job.remember_edit(event, &original).await?;
            return Ok(End::Nothing);
        }
    }
    let rows = job.standing(original.as_str()).await?;
    if rows.is_empty() {
        return unsent(job, &original).await;
    }
    if !job.are_his(&original, &rows).await? {
        return Ok(End::Nothing);
    }
    let newest = if begun {
        None
    } else {
        job.newer(&original).await?
    };
    let (kind, content) = match (newest, changed(&Value::Null, &event.content)) {
        (Some(newest), _) => newest,
        (None, Some(content)) => (event.kind.clone(), content),
        (None, None) => return Ok(End::Nothing),
    };
    let message = match say::read_again(job, &original, &kind, &content).await? {
        Ok(message) => message,
        Err(End::Nothing) => return emptied(job).await,
        Err(end) => return Ok(end),
    };
    let road = match job.road().await? {
        Ok(road) => road,
        Err(end) => return Ok(end),
    };
    job.remember_edit(event, &original).await?;
    if own.is_empty() && !job.progress.late {
        match revise(job, &road, &original, &rows, message.clone()).await? {
            InPlace::Done(rows) => {
                job.is_whole(&original, &rows).await?;
                return Ok(End::Stands(rows));
            }
            InPlace::Partly(rows) => {
                job.would_say(&original, &content).await?;
                return Ok(End::Stands(rows));
            }
            InPlace::Gone => return Ok(End::Nothing),
            InPlace::Not(end) => return Ok(end),
            InPlace::Late => job.progress.late = true,
        }
    }
    let message = follows(job, &rows, message);
    let parts = world.network.compose(&message);
    let sent = job.send(&road, event.event_id.as_str(), &parts, own, false);
    let sent = match sent.await? {
        Ok(sent) => sent,
        Err(end) => return Ok(end),
    };
    job.is_whole(&original, &sent).await?;
    let network = world.network.info().name;
    let words = line![format!(
        "It was too late to change that message on {network}: your new text was sent there as a new message which points at the old one."
    )];
    tell::answer(
        world,
        &event.room,
        &original,
        event.event_id.as_str(),
        words,
    )
    .await?;
    Ok(End::Stands(sent))
}

/// A change that leaves nothing: no message of the network can be without a text.
async fn emptied(job: &Job<'_>) -> Result<End, Error> {
    let (world, event) = (job.world, job.event);
    let network = world.network.info().name;
    let words = line![format!(
        "Your change leaves nothing to be shown: on {network}, the message still reads as before. To take it back, delete it."
    )];
    tell::answer(world, &event.room, &event.event_id, "emptied", words).await?;
    Ok(End::Unsupported)
}

/// Changes what shows the event's newest text on the network: its own messages, or the one that followed.
pub(super) async fn revise(
    job: &mut Job<'_>,
    road: &Road,
    original: &EventId,
    rows: &[MessageRow],
    mut message: Outgoing,
) -> Result<InPlace, Error> {
    let newest = job.follow_up(original).await?;
    if newest.is_empty() {
        message.thread = rows.first().and_then(thread);
        if message.thread.is_none() {
            job.quote_again(original, &mut message).await?;
        }
        let parts = job.world.network.compose(&message);
        return job.change(road, rows, &parts).await;
    }
    let message = follows(job, rows, message);
    let parts = job.world.network.compose(&message);
    job.change(road, &newest, &parts).await
}

/// A new text as a message of its own.
fn follows(job: &Job<'_>, rows: &[MessageRow], mut message: Outgoing) -> Outgoing {
    message.thread = rows.first().and_then(thread);
    let link = rows.first().and_then(|row| {
        let message = MessageId::new(row.remote_id.clone());
        let network = &job.world.network;
        network.permalink(&job.portal.shown.address, &message)
    });
    message.preface = Some(Preface::Changes { link });
    message
}

fn thread(row: &MessageRow) -> Option<MessageId> {
    row.thread.clone().map(MessageId::new)
}

/// A change of what is not on the network: of what was given up, or never was to go there.
async fn unsent(job: &mut Job<'_>, original: &EventId) -> Result<End, Error> {
    let (world, event) = (job.world, job.event);
    if let Some(content) = changed(&Value::Null, &event.content)
        && job.would_say(original, &content).await?
    {
        // It may be taken back itself.
        job.remember_edit(event, original).await?;
        return Ok(End::Nothing);
    }
    if world.store.waits_ahead(job.item, original.as_str()).await? {
        // It is tried again since a moment ago, and goes out with this change.
        return Ok(End::Not(Outcome::Later(Duration::ZERO)));
    }
    // It may have been taken back on the network, or never have been there.
    let rows = world.store.messages_by_event(original.as_str()).await?;
    let was_his = match world.homeserver.event(&event.room, original).await? {
        Some(original) if rows.is_empty() => {
            let body = plain_body(&original.content);
            let is_command = body.trim_start().starts_with(&world.config.command_prefix);
            let is_wanted =
                !say::is_not_wanted(world, &crossing(&original.kind, &original.content));
            original.sender == event.sender && !body.is_empty() && !is_command && is_wanted
        }
        _ => false,
    };
    let (now, told) = (world.now(), &world.portals.told);
    if was_his && told.is_due(job.portal.id, "edit of unknown", now, 5_000) {
        let network = world.network.info().name;
        let words = line![format!(
            "That message is not on {network}, so there is nothing to be changed there."
        )];
        tell::answer(world, &event.room, original, "not there", words).await?;
        told.said(job.portal.id, "edit of unknown", now);
    }
    Ok(End::Nothing)
}
