//! Somebody changed a portal's name, topic or picture on Matrix: it is handed on where the network lets him, and put back
//! where it does not.
//!
//! To hand on one more thing: its arm in [`hand_on`], and its type in the intake.

use homeserver::{Actor, NewState};
use remote::{RoomChange, RoomId as RemoteRoomId};
use ruma::UserId;
use serde_json::{Value, json};
use store::{Portal, Shown};

use super::{create::again, room_of, shown};
use crate::{Ctx, Error, delivery::tell, intake::ControlEvent, management::notice::line};

/// Works such a change. It may have been handed on already, which harms nobody.
///
/// # Errors
/// Only what may pass by itself.
pub(crate) async fn changed(world: &Ctx, event: &ControlEvent) -> Result<(), Error> {
    let ControlEvent::Changed {
        event_id,
        room,
        sender,
        kind,
        value,
    } = event
    else {
        return Ok(());
    };
    let Some(portal) = world.store.portal_by_room(room.as_str()).await? else {
        return Ok(());
    };
    let making = world.portals.making.lock(portal.id).await;
    let portal = again(world, portal.id).await?;
    // It was moved meanwhile, or shows this anyway.
    if room_of(&portal).as_ref() != Some(room) || now(&portal.shown, kind) == value.as_str() {
        return Ok(());
    }
    let why = match hand_on(world, &portal, sender, kind, value).await {
        Ok(()) => return Ok(()),
        Err(error) if error.is_transient() => return Err(error),
        Err(error) => error.sentence(),
    };
    put_back(world, &portal, kind).await?;
    drop(making);
    let (what, network) = (what(kind), world.network.info().name);
    let why = why.trim_end_matches('.');
    let words = line![format!(
        "I have put back the {what} of this room, which follows {network}: {}.",
        why
    )];
    tell::answer(world, room, event_id, "put back", words).await
}

async fn hand_on(
    world: &Ctx,
    portal: &Portal,
    sender: &UserId,
    kind: &str,
    value: &str,
) -> Result<(), Error> {
    if sender.as_str() != portal.mxid {
        let owner = &portal.mxid;
        return Err(Error::Refused(format!("the room belongs to {owner}")));
    }
    if !world.config.permissions.may_still_use(&portal.mxid) {
        let words = "you are not permitted to use this bridge any more";
        return Err(Error::Refused(words.to_owned()));
    }
    let change = match kind {
        "m.room.name" => RoomChange::Name(value.to_owned()),
        "m.room.topic" => RoomChange::Topic(value.to_owned()),
        _ => {
            let words = "pictures of rooms cannot be changed from here";
            return Err(Error::Refused(words.to_owned()));
        }
    };
    let login = portal.login_id.ok_or(Error::NotLoggedIn)?;
    let account = world.connections.account(login).ok_or(Error::NotLoggedIn)?;
    let room = account
        .change_room(&RemoteRoomId::from(portal.remote_room.as_str()), &change)
        .await?;
    // What the room shows now is what he has written into it; what the network made of it may differ.
    let mut portal = portal.clone();
    match &change {
        RoomChange::Name(name) => portal.shown.name.clone_from(name),
        RoomChange::Topic(topic) => {
            portal.shown.topic = Some(topic.clone()).filter(|topic| !topic.is_empty());
        }
    }
    world
        .store
        .set_portal_shown(portal.id, &portal.shown)
        .await?;
    shown::apply(world, &portal, login, &room).await.map(drop)
}

async fn put_back(world: &Ctx, portal: &Portal, kind: &str) -> Result<(), Error> {
    let Some(room) = room_of(portal) else {
        return Ok(());
    };
    let before = now(&portal.shown, kind);
    let content: Value = match kind {
        "m.room.name" => json!({"name": before}),
        "m.room.topic" => json!({"topic": before}),
        _ if before.is_empty() => json!({}),
        _ => json!({"url": before}),
    };
    let state = NewState {
        who: &Actor::Bot,
        room: &room,
        kind,
        key: "",
        content: &content,
        ts: None,
    };
    world.homeserver.set_state(&state).await?;
    Ok(())
}

/// What the room is meant to show.
fn now<'a>(shown: &'a Shown, kind: &str) -> &'a str {
    match kind {
        "m.room.name" => &shown.name,
        "m.room.topic" => shown.topic.as_deref().unwrap_or_default(),
        _ => shown.avatar_mxc.as_deref().unwrap_or_default(),
    }
}

fn what(kind: &str) -> &'static str {
    match kind {
        "m.room.name" => "name",
        "m.room.topic" => "topic",
        _ => "picture",
    }
}
