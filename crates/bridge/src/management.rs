//! The bot and the people who write to it: invites, the management room, commands.
//!
//! [`handle`] takes each item of a control lane that is not about portals. An item may come twice, so what is said is
//! said under transaction ids made from the event that caused it, and everything done can be done again, or is known to be done
//! (see [`commands`]).
//!
//! To add a command: see [`commands`]. To add something the bot says: see [`words`].

mod call;
mod commands;
mod invites;
mod membership;
pub(crate) mod notice;
mod speak;
pub(crate) mod words;

use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use store::Item;

pub(crate) use speak::say;

use crate::intake::{ControlEvent, Membership};
use crate::{Ctx, Error};

/// Works one item of a control lane.
///
/// # Errors
/// Only what may pass by itself, or what nobody can be told.
pub(crate) async fn handle(world: &Ctx, item: &Item, event: &ControlEvent) -> Result<(), Error> {
    match event {
        ControlEvent::Member {
            room,
            sender,
            user,
            membership: Membership::Invite,
            ..
        } if user == world.names.bot() => {
            invites::invited(world, event.event_id(), room, sender).await
        }
        ControlEvent::Member {
            room,
            user,
            membership,
            ..
        } => membership::changed(world, room, user, *membership).await,
        ControlEvent::Said {
            event_id,
            room,
            sender,
            text,
            prefixed,
        } => {
            let said = commands::Said {
                item,
                event: event_id,
                room,
                sender,
                text,
                prefixed: *prefixed,
            };
            commands::said(world, &said).await
        }
        ControlEvent::Changed { .. } => Ok(()),
        ControlEvent::Upgraded {
            event_id,
            room,
            replacement,
        } => invites::upgraded(world, event_id, room, replacement).await,
        ControlEvent::SentOther {
            event_id,
            room,
            sender,
            kind,
        } => {
            if owner_of(world, room)
                .await?
                .is_some_and(|owner| owner == *sender)
            {
                let notice = words::greeting::unreadable(kind == "m.room.encrypted");
                say(world, room, &notice, event_id.as_str()).await?;
            }
            Ok(())
        }
    }
}

/// A user's management room, if he has one, with his id.
pub(crate) async fn room_of(
    world: &Ctx,
    mxid: &str,
) -> Result<Option<(OwnedUserId, OwnedRoomId)>, Error> {
    let room = world
        .store
        .user(mxid)
        .await?
        .and_then(|user| user.management_room);
    Ok(room.and_then(|room| Some((UserId::parse(mxid).ok()?, RoomId::parse(room).ok()?))))
}

/// Whose management room this is.
async fn owner_of(world: &Ctx, room: &RoomId) -> Result<Option<OwnedUserId>, Error> {
    let owner = world.store.management_room_owner(room.as_str()).await?;
    Ok(owner.and_then(|owner| UserId::parse(owner).ok()))
}
