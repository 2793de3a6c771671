//! Words of the bot in a portal: that something did not cross, and why.
//!
//! To add one: a function here, or a variant of [`crate::text::Unsupported`] with its words.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use homeserver::{Actor, NewEvent};
use remote::Millis;
use ruma::{EventId, OwnedRoomId, RoomId};
use serde_json::json;
use store::Lane;

use super::txn;
use crate::{
    Ctx, Error,
    management::notice::{Line, Notice, code, line},
};

/// Says something in a portal, as an answer to an event; fails only with what may pass. `about` tells apart
/// what is said of the same event.
pub(crate) async fn answer(
    world: &Ctx,
    room: &RoomId,
    event: &EventId,
    about: &str,
    line: Line,
) -> Result<(), Error> {
    let txn = txn(&[
        "notice",
        world.names.bot().as_str(),
        room.as_str(),
        event.as_str(),
        about,
    ]);
    say_as(world, room, Some(event), &txn, line).await
}

/// Says something in a portal; fails only with what may pass. `key` makes it the same thing when it is said
/// again.
pub(crate) async fn say(world: &Ctx, room: &RoomId, key: &str, line: Line) -> Result<(), Error> {
    let txn = txn(&["notice", world.names.bot().as_str(), room.as_str(), key]);
    say_as(world, room, None, &txn, line).await
}

/// Says in a portal that an item of one of its lanes cannot be read, and will be given up; fails only with what may pass.
pub(crate) async fn unreadable(world: &Ctx, lane: &Lane, item: i64) -> Result<(), Error> {
    let (Lane::ToRemote(portal) | Lane::ToMatrix(portal)) = lane else {
        return Ok(());
    };
    // Of a portal that cannot be read either, only the log tells.
    let portal = match world.store.portal(*portal).await {
        Err(error) if error.is_transient() => return Err(error.into()),
        portal => portal.ok().flatten(),
    };
    let room = portal.and_then(|portal| OwnedRoomId::try_from(portal.room_id?).ok());
    let Some(room) = room else {
        return Ok(());
    };
    let words = line![
        "A message was not carried, since the bridge can no longer read what it kept of it. Write ",
        code("failed"),
        " in our own room to see which one."
    ];
    say(world, &room, &format!("unreadable {item}"), words).await
}

async fn say_as(
    world: &Ctx,
    room: &RoomId,
    event: Option<&EventId>,
    txn: &str,
    line: Line,
) -> Result<(), Error> {
    for (page, mut content) in Notice::of(line).contents().into_iter().enumerate() {
        if let Some(event) = event {
            content["m.relates_to"] = json!({"m.in_reply_to": {"event_id": event}});
        }
        let txn = if page == 0 {
            txn.to_owned()
        } else {
            format!("{txn}.{page}")
        };
        let event = NewEvent {
            who: &Actor::Bot,
            room,
            kind: "m.room.message",
            content: &content,
            txn: &txn,
            ts: None,
            in_doubt: homeserver::InDoubt::SendAgain,
        };
        match world.homeserver.send(&event).await.map_err(Error::from) {
            Err(error) if !error.is_transient() => {
                // The bot has no voice there; what it wanted to say must not hold up anything.
                tracing::warn!(%room, %error, "a notice was not taken");
                return Ok(());
            }
            sent => sent?,
        };
    }
    Ok(())
}

/// When something was last said, so that a storm of the same thing is answered once.
#[derive(Default)]
pub(crate) struct Told(Mutex<HashMap<(i64, &'static str), Millis>>);

impl Told {
    /// Whether it is time to say this in a portal (again), because it was not said within `pause`.
    pub(crate) fn is_due(
        &self,
        portal: i64,
        what: &'static str,
        now: Millis,
        pause: Millis,
    ) -> bool {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.get(&(portal, what)).is_none_or(|at| now - at >= pause)
    }

    /// It was said.
    pub(crate) fn said(&self, portal: i64, what: &'static str, now: Millis) {
        const CLEAN_UP_ABOVE: usize = 256;
        const LONGEST: Millis = 3_600_000;
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() > CLEAN_UP_ABOVE {
            told.retain(|_, at| now - *at < LONGEST);
        }
        told.insert((portal, what), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_answered_once() {
        let told = Told::default();
        assert!(told.is_due(1, "reaction", 0, 600));
        told.said(1, "reaction", 0);
        assert!(!told.is_due(1, "reaction", 599, 600));
        assert!(told.is_due(2, "reaction", 599, 600), "another room");
        assert!(told.is_due(1, "edit", 599, 600), "another thing");
        assert!(told.is_due(1, "reaction", 600, 600));
    }
}
