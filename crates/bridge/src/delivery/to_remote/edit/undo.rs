//! Changes that were taken back: what is on the network, or was given up on the way there, reads as the homeserver then gives it.

use remote::Millis;
use ruma::{EventId, OwnedEventId, RoomId};
use serde_json::Value;
use store::EditRow;

use super::{
    super::{End, Job, redact, say},
    InPlace, revise,
};
use crate::{
    Ctx, Error,
    delivery::tell,
    management::notice::line,
    text::{changed, is_edit},
};

/// A change was taken back: Matrix shows the former text again, and so does the network where it still can.
pub(in super::super) async fn undo(job: &mut Job<'_>, edit: &EditRow) -> Result<End, Error> {
    let world = job.world;
    let Ok(original) = OwnedEventId::try_from(edit.original.as_str()) else {
        return Ok(End::Nothing);
    };
    let rows = job.standing(original.as_str()).await?;
    if rows.is_empty() {
        return undo_unsent(job, &original).await;
    }
    if !job.are_his(&original, &rows).await? {
        return Ok(End::Nothing);
    }
    let user = &job.portal.mxid;
    let Some((last, kind, content)) = current(world, user, &job.event.room, &original).await?
    else {
        return Ok(End::Nothing);
    };
    if last.is_some_and(|last| last > edit.written_at) {
        // There is a later one, which is what everybody reads.
        return Ok(End::Nothing);
    }
    let own = job.standing(&edit.event_id).await?;
    let followed = job.follow_up(&original).await?;
    if !own.is_empty() || (last.is_none() && !followed.is_empty()) {
        // What it had become is not said any more; what it pointed at still reads as before.
        let gone = if last.is_none() {
            let mut all = world.store.follow_ups(original.as_str()).await?;
            all.retain(|row| row.portal_id == job.portal.id && !row.deleted);
            all
        } else {
            own
        };
        return redact::delete_all(job, &gone).await;
    }
    let message = match say::read_again(job, &original, &kind, &content).await? {
        Ok(message) => message,
        Err(end) => return Ok(end),
    };
    let road = match job.road().await? {
        Ok(road) => road,
        Err(end) => return Ok(end),
    };
    match revise(job, &road, &original, &rows, message).await? {
        InPlace::Done(rows) => Ok(End::Stands(rows)),
        InPlace::Partly(rows) => {
            job.would_say(&original, &content).await?;
            Ok(End::Stands(rows))
        }
        InPlace::Gone => Ok(End::Nothing),
        InPlace::Not(end) => Ok(end),
        InPlace::Late => {
            let network = world.network.info().name;
            let words = line![format!(
                "It is too late to change that message on {network}: there, it still reads as you had changed it."
            )];
            let about = job.event.event_id.as_str();
            tell::answer(world, &job.event.room, &original, about, words).await?;
            Ok(End::Nothing)
        }
    }
}

/// What was given up is to be tried again without a change that was taken back.
async fn undo_unsent(job: &mut Job<'_>, original: &EventId) -> Result<End, Error> {
    let (user, room) = (&job.portal.mxid, &job.event.room);
    if let Some((_, _, now)) = current(job.world, user, room, original).await? {
        job.would_say(original, &now).await?;
    }
    Ok(End::Nothing)
}

/// What an event of the user says now on Matrix, and when its last change was written, if there is one that stands.
pub(crate) async fn current(
    world: &Ctx,
    user: &str,
    room: &RoomId,
    original: &EventId,
) -> Result<Option<(Option<Millis>, String, Value)>, Error> {
    let homeserver = &world.homeserver;
    let Some(event) = homeserver.event(room, original).await? else {
        return Ok(None);
    };
    if event.sender != user {
        return Ok(None);
    }
    let last = event.unsigned.pointer("/m.relations/m.replace/event_id");
    // Whoever takes a message back takes back what changed it.
    let was_taken_back = event
        .content
        .as_object()
        .is_none_or(serde_json::Map::is_empty);
    let last = last
        .filter(|_| !was_taken_back)
        .and_then(Value::as_str)
        .and_then(|id| OwnedEventId::try_from(id).ok());
    if let Some(last) = last
        && let Some(last) = homeserver.event(room, &last).await?
        && last.sender == event.sender
        && is_edit(&last.content)
        && let Some(content) = changed(&Value::Null, &last.content)
    {
        return Ok(Some((Some(last.ts), event.kind, content)));
    }
    let mut content = event.content;
    if let Some(content) = content.as_object_mut() {
        content.remove("m.relates_to");
    }
    Ok(Some((None, event.kind, content)))
}
