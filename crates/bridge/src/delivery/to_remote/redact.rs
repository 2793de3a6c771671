//! Taking back what was sent: all messages of an event, with whatever its changes had to become.
//!
//! What waits is never sent, what was given up is forgotten, and where a change is taken back the former text returns
//! (`edit::undo`).

use std::time::Duration;

use remote::{Fault, MessageId};
use ruma::EventId;
use store::{Lane, MessageRow};

use super::{End, Job, Road, edit};
use crate::{Error, delivery::tell, lanes::Outcome, management::notice::line};

impl Job<'_> {
    /// Takes back one message. Fine too if it is gone.
    pub(super) async fn delete(&mut self, road: &Road, row: &MessageRow) -> Result<(), Error> {
        self.attempt_again().await?;
        let message = MessageId::new(row.remote_id.clone());
        match road.account.delete(&road.room, &message).await {
            Err(error) if error.fault != Fault::NotFound => return Err(self.again(error).into()),
            Ok(()) | Err(_) => {}
        }
        let gone = MessageRow {
            deleted: true,
            digest: None,
            ..row.clone()
        };
        Ok(self.world.store.put_messages(&[gone]).await?)
    }
}

/// Takes back what the event `target` became, if the user said it: by his account nothing else is moderated on the network.
pub(super) async fn moderated(job: &mut Job<'_>, target: &EventId) -> Result<End, Error> {
    let login = job.world.store.login_of(&job.portal.mxid).await?;
    let person = login.map(|login| login.person_id);
    let rows = job.standing(target.as_str()).await?;
    let is_his = |row: &MessageRow| row.by_us || person.as_ref() == Some(&row.sender);
    if !rows.iter().all(is_his) {
        return Ok(End::Nothing);
    }
    work(job, target).await
}

/// Takes back what the event `target` became.
pub(super) async fn work(job: &mut Job<'_>, target: &EventId) -> Result<End, Error> {
    let world = job.world;
    let lane = Lane::ToRemote(job.portal.id);
    if job.rest_is_unknown(target.as_str()).await? {
        // First, since nobody knows of it afterwards.
        tell_unknown(job).await?;
    }
    if let Some(item) = world.store.failed_item(&lane, target.as_str()).await? {
        // Not to be tried again. Some of its parts may stand there.
        world.store.discard_item(item.id).await?;
    }
    if world.store.waits_ahead(job.item, target.as_str()).await? {
        // It is tried again since a moment ago, and comes before its deletion.
        return Ok(End::Not(Outcome::Later(Duration::ZERO)));
    }
    if let Some(edit) = world.store.edit(target.as_str()).await? {
        return edit::undo(job, &edit).await;
    }
    let mut rows = job.standing(target.as_str()).await?;
    let mut followed = world.store.follow_ups(target.as_str()).await?;
    followed.retain(|row| row.portal_id == job.portal.id && !row.deleted);
    rows.extend(followed);
    delete_all(job, &rows).await
}

/// What may stand there cannot be taken back, since nobody knows which message it is.
async fn tell_unknown(job: &Job<'_>) -> Result<(), Error> {
    let (world, event) = (job.world, job.event);
    let network = world.network.info().name;
    let words = line![format!(
        "Nobody knows whether all of what you deleted had reached {network}, so what may stand there cannot be taken back from \
         here. If you find it on {network}, delete it there."
    )];
    let said = tell::Answer {
        room: &event.room,
        event: &event.event_id,
        about: "deletion of the unknown",
    };
    tell::author(world, job.portal, &said, words).await
}

/// Takes back these messages, the last one first, so that nobody wonders about a part without its beginning.
pub(super) async fn delete_all(job: &mut Job<'_>, rows: &[MessageRow]) -> Result<End, Error> {
    let world = job.world;
    if rows.is_empty() {
        return Ok(End::Nothing);
    }
    if !world.network.capabilities().deletions {
        let network = world.network.info().name;
        let words = line![format!(
            "Nothing can be taken back on {network}: what you deleted still stands there."
        )];
        tell::answer(
            world,
            &job.event.room,
            &job.event.event_id,
            "no deletions",
            words,
        )
        .await?;
        return Ok(End::Nothing);
    }
    let road = match job.road().await? {
        Ok(road) => road,
        Err(end) => return Ok(end),
    };
    for row in rows.iter().rev() {
        job.delete(&road, row).await?;
    }
    Ok(End::Stands(Vec::new()))
}
