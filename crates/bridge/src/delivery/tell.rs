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
use store::{Item, Lane, Portal, PortalState};

use super::txn;
use crate::{
    Ctx, Error,
    intake::matrix::MatrixEvent,
    management::{
        self,
        notice::{Line, Notice, code, line, strong},
    },
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
    say_as(world, room, Some(event), &txn, line).await.map(drop)
}

/// What is answered.
pub(crate) struct Answer<'a> {
    /// Where it was said.
    pub(crate) room: &'a RoomId,
    /// What was said.
    pub(crate) event: &'a EventId,
    /// Tells apart what is said of the same event.
    pub(crate) about: &'a str,
}

/// Says to a portal's user what became of what he wrote: there, and where he talks with the bot if he does not read that room (any
/// more); fails only with what may pass.
pub(crate) async fn author(
    world: &Ctx,
    portal: &Portal,
    said: &Answer<'_>,
    line: Line,
) -> Result<(), Error> {
    let &Answer { room, event, about } = said;
    let bot = world.names.bot().as_str();
    let txn = txn(&["notice", bot, room.as_str(), event.as_str(), about]);
    let is_taken = say_as(world, room, Some(event), &txn, line.clone()).await?;
    let reads =
        portal.state == PortalState::Joined && portal.room_id.as_deref() == Some(room.as_str());
    if is_taken && reads {
        return Ok(());
    }
    elsewhere(world, portal, &format!("{event} {about}"), line).await
}

/// The same where the user talks with the bot.
async fn elsewhere(world: &Ctx, portal: &Portal, cause: &str, line: Line) -> Result<(), Error> {
    let Some((_, room)) = management::room_of(world, &portal.mxid).await? else {
        return Ok(());
    };
    let mut words = line![strong(&portal.shown.address), ": "];
    words.extend(line);
    match management::say(world, &room, &Notice::of(words), cause).await {
        Err(error) if !error.is_transient() => {
            tracing::warn!(%room, %error, "a notice was not taken");
            Ok(())
        }
        said => said,
    }
}

/// Says to a portal's user that one of its items is given up for a reason that nobody thought of; fails only with what may pass.
pub(crate) async fn given_up(world: &Ctx, item: &Item, why: &str) -> Result<(), Error> {
    let (Lane::ToRemote(id) | Lane::ToMatrix(id)) = &item.lane else {
        return Ok(());
    };
    let portal = match world.store.portal(*id).await {
        Err(error) if error.is_transient() => return Err(error.into()),
        portal => portal.ok().flatten(),
    };
    let prefix = &world.config.command_prefix;
    let what = match item.lane {
        Lane::ToMatrix(_) => "A message could not be shown here",
        Lane::ToRemote(_) | Lane::Control(_) => "What you wrote was not delivered",
    };
    let words = line![
        format!("{what}: {why}. "),
        code(format!("{prefix} retry all")),
        " tries again, ",
        code(format!("{prefix} failed")),
        " lists what was not delivered.",
    ];
    let about = format!("given up {} {}", item.id, item.attempts);
    let event = match item.lane {
        Lane::ToRemote(_) => serde_json::from_str::<MatrixEvent>(&item.payload).ok(),
        Lane::ToMatrix(_) | Lane::Control(_) => None,
    };
    match (portal, event) {
        (Some(portal), Some(event)) => {
            let said = Answer {
                room: &event.room,
                event: &event.event_id,
                about: &about,
            };
            author(world, &portal, &said, words).await
        }
        (None, Some(event)) => answer(world, &event.room, &event.event_id, &about, words).await,
        (Some(portal), None) => {
            let room = portal.room_id.as_deref().map(OwnedRoomId::try_from);
            match room {
                Some(Ok(room)) => say(world, &room, &about, words).await,
                _ => elsewhere(world, &portal, &about, words).await,
            }
        }
        // Only the log tells.
        (None, None) => Ok(()),
    }
}

/// Says something in a portal; fails only with what may pass. `key` makes it the same thing when it is said
/// again.
pub(crate) async fn say(world: &Ctx, room: &RoomId, key: &str, line: Line) -> Result<(), Error> {
    let txn = txn(&["notice", world.names.bot().as_str(), room.as_str(), key]);
    say_as(world, room, None, &txn, line).await.map(drop)
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

/// Whether the homeserver took it.
async fn say_as(
    world: &Ctx,
    room: &RoomId,
    event: Option<&EventId>,
    txn: &str,
    line: Line,
) -> Result<bool, Error> {
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
                return Ok(false);
            }
            sent => sent?,
        };
    }
    Ok(true)
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
