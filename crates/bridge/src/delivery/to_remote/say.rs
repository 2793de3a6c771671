//! Saying something new.

use remote::{Fault, MessageKind, Outgoing};
use ruma::EventId;
use serde_json::Value;
use store::{Item, ItemState, MessageRow};

use super::{
    End, Job,
    edit::{Pending, PendingEdit},
    place::place,
};
use crate::{
    Ctx, Error,
    delivery::tell,
    intake::matrix::MatrixEvent,
    management::notice::line,
    media,
    text::{Crossing, Unsupported, changed, crossing, outgoing},
};

/// Carries out a message. What waits behind it changes what is sent, or keeps it from being sent.
pub(super) async fn work(
    job: &mut Job<'_>,
    sent: &[MessageRow],
    about: &[Item],
) -> Result<End, Error> {
    let (world, event) = (job.world, job.event);
    let pending = Pending::of(&event.event_id, event.sender.as_str(), about);
    let begun = job.item.state == ItemState::Attempting || !sent.is_empty();
    if pending.redacted && !begun {
        return Ok(End::Nothing);
    }
    let version = if begun {
        // Whatever part went out had this text, and the others have to fit.
        let version = job.progress.version.as_deref();
        pending
            .edits
            .iter()
            .find(|edit| Some(&*edit.event.event_id) == version)
    } else {
        pending.last()
    };
    let edited = version.and_then(|version| changed(&event.content, &version.event.content));
    let content = edited.as_ref().unwrap_or(&event.content);
    let message = match read(job, &event.event_id, &event.kind, content).await? {
        Ok(message) => message,
        Err(end) => return Ok(end),
    };
    let road = match job.road().await? {
        Ok(road) => road,
        Err(end) => return Ok(end),
    };
    job.progress.version = version.map(|version| version.event.event_id.clone());
    let rows = loop {
        let mut message = message.clone();
        let apart = job.progress.apart;
        place(world, job.portal, event, apart, &mut message).await?;
        let parts = world.network.compose(&message);
        let own = event.event_id.as_str();
        match job.send(&road, own, &parts, sent, pending.redacted).await {
            // It may answer what is gone by now.
            Err(Error::Remote(error))
                if error.fault == Fault::Rejected
                    && message.thread.is_some()
                    && !apart
                    && job.standing(own).await?.is_empty() =>
            {
                job.progress.apart = true;
            }
            sent => break sent?,
        }
    };
    let rows = match rows {
        Ok(rows) => rows,
        Err(end) => return Ok(end),
    };
    if let Some(version) = version {
        // They are done with, and known before they go.
        world.store.put_messages(&rows).await?;
        job.says_now(content).await?;
        absorb(job, &pending, version.item).await?;
    }
    Ok(End::Stands(rows))
}

impl Job<'_> {
    /// Has the item say what was sent: whoever takes it up again does not know the change any more.
    async fn says_now(&self, content: &Value) -> Result<(), Error> {
        let event = MatrixEvent {
            content: content.clone(),
            ..self.event.clone()
        };
        let payload =
            serde_json::to_string(&event).map_err(|error| Error::Unreadable(error.to_string()))?;
        Ok(self
            .world
            .store
            .rewrite_item(self.item.id, &payload)
            .await?)
    }
}

/// Takes the changes out of the lane that what was sent contains.
async fn absorb(job: &Job<'_>, pending: &Pending, last: i64) -> Result<(), Error> {
    let done: Vec<&PendingEdit> = pending
        .edits
        .iter()
        .filter(|edit| edit.item <= last && !edit.redacted)
        .collect();
    for edit in &done {
        job.remember_edit(&edit.event, &job.event.event_id).await?;
    }
    let ids: Vec<_> = done.iter().map(|edit| edit.item).collect();
    job.world.store.absorb(&ids, job.world.now()).await?;
    Ok(())
}

/// Reads what is to be sent, which the event `of` says; the user is told if it cannot cross.
pub(super) async fn read(
    job: &Job<'_>,
    of: &EventId,
    kind: &str,
    content: &Value,
) -> Result<Result<Outgoing, End>, Error> {
    let crossing = crossing(kind, content);
    if is_not_wanted(job.world, &crossing) {
        return Ok(Err(End::Nothing));
    }
    carried(job, of, crossing).await
}

/// Reads what the event `of`, which stands on the network, says now: whatever it has become, the old text is not to stay there.
pub(super) async fn read_again(
    job: &Job<'_>,
    of: &EventId,
    kind: &str,
    content: &Value,
) -> Result<Result<Outgoing, End>, Error> {
    carried(job, of, crossing(kind, content)).await
}

/// A machine's words, which nobody is to answer, so nobody is told either.
pub(super) fn is_not_wanted(world: &Ctx, crossing: &Crossing) -> bool {
    !world.config.relay_notices
        && matches!(crossing, Crossing::Message(it) if it.kind == MessageKind::Notice)
}

async fn carried(
    job: &Job<'_>,
    of: &EventId,
    crossing: Crossing,
) -> Result<Result<Outgoing, End>, Error> {
    let (world, portal) = (job.world, job.portal);
    Ok(match crossing {
        Crossing::Message(content) => {
            let link = match &content.file {
                Some(file) => Some(media::link::link(world, &job.event.room, of, file).await?),
                None => None,
            };
            Ok(outgoing(world, portal, &content, link.as_ref()).await?)
        }
        Crossing::Nothing => Err(End::Nothing),
        Crossing::Unsupported(what) => {
            unsupported(job, what).await?;
            Err(End::Unsupported)
        }
    })
}

/// Nothing that can cross.
async fn unsupported(job: &Job<'_>, what: Unsupported) -> Result<(), Error> {
    let (world, event) = (job.world, job.event);
    let (now, told) = (world.now(), &world.portals.told);
    if told.is_due(job.portal.id, what.name(), now, what.quiet_for()) {
        let words = line![what.words(world.network.info().name)];
        tell::answer(world, &event.room, &event.event_id, "unsupported", words).await?;
        told.said(job.portal.id, what.name(), now);
    }
    Ok(())
}
