//! Name, topic and picture: as the network says, written only where they differ from what was last written.

use homeserver::{Actor, NewState};
use remote::{Room, RoomId as RemoteRoomId};
use serde_json::{Value, json};
use store::{Portal, Shown};

use super::{room_of, state, user_of};
use crate::{Ctx, Error, ghost::picture, space};

/// Reads a portal's room from the network and writes what changed. Says whether anything did.
///
/// # Errors
/// When network, homeserver or database do not answer, and [`Error::NotLoggedIn`].
pub async fn refresh(world: &Ctx, portal: &Portal) -> Result<bool, Error> {
    let login = portal.login_id.ok_or(Error::NotLoggedIn)?;
    let account = world.connections.account(login).ok_or(Error::NotLoggedIn)?;
    let remote_room = RemoteRoomId::from(portal.remote_room.as_str());
    // The account's budget may be used up for a while.
    let room = world.lanes.meanwhile(account.room(&remote_room)).await?;
    follow(world, portal, login, &room).await
}

/// Writes what differs from a room as the network has just told it. Says whether anything did.
///
/// # Errors
/// When homeserver or database do not answer.
pub(crate) async fn follow(
    world: &Ctx,
    portal: &Portal,
    login: i64,
    room: &Room,
) -> Result<bool, Error> {
    let _making = world.portals.making.lock(portal.id).await;
    // Read anew: what the user has just changed himself is known by now.
    match world.store.portal(portal.id).await? {
        Some(portal) => apply(world, &portal, login, room).await,
        None => Ok(false),
    }
}

/// Whether a portal shows a room as the network has told it.
pub(crate) fn is_shown(portal: &Portal, room: &Room) -> bool {
    let shown = &portal.shown;
    let avatar = room.avatar.as_ref().map(|avatar| &avatar.key);
    shown.address == room.address
        && shown.name == name(room)
        && shown.topic == topic(room)
        && shown.avatar_key.as_ref() == avatar
}

/// Bytes of a topic. An event has 65,536 (Matrix spec, "Size limits"), and JSON writes some characters with six.
const MAX_TOPIC: usize = 8_000;
/// The same of a name.
const MAX_NAME: usize = 1_000;

/// Cut where it is too long for an event.
fn short(text: &str, most: usize) -> String {
    match text.get(..text.floor_char_boundary(most)) {
        Some(begin) if begin.len() < text.len() => format!("{begin}…"),
        _ => text.to_owned(),
    }
}

/// Its name as it fits into events.
pub(super) fn name(room: &Room) -> String {
    short(&room.name, MAX_NAME)
}

/// Its topic as it fits into events, if there is one.
fn topic(room: &Room) -> Option<String> {
    let topic = room.topic.as_ref().filter(|topic| !topic.is_empty())?;
    Some(short(topic, MAX_TOPIC))
}

/// What of a room is shown. A picture that cannot be had now is left out.
pub(super) async fn of(world: &Ctx, login: i64, room: &Room) -> Result<Shown, Error> {
    let mxc = match &room.avatar {
        Some(avatar) => picture::upload(world, login, avatar).await?,
        None => None,
    };
    Ok(Shown {
        address: room.address.clone(),
        name: name(room),
        topic: topic(room),
        avatar_key: mxc
            .as_ref()
            .and(room.avatar.as_ref())
            .map(|avatar| avatar.key.clone()),
        avatar_mxc: mxc.map(|mxc| mxc.to_string()),
    })
}

/// Writes what differs. Says whether anything did.
pub(super) async fn apply(
    world: &Ctx,
    portal: &Portal,
    login: i64,
    room: &Room,
) -> Result<bool, Error> {
    let mut shown = of(world, login, room).await?;
    if room.avatar.is_some() && shown.avatar_key.is_none() {
        // The new one cannot be had: the old one is better than none.
        shown.avatar_key.clone_from(&portal.shown.avatar_key);
        shown.avatar_mxc.clone_from(&portal.shown.avatar_mxc);
    }
    if shown == portal.shown {
        return Ok(false);
    }
    if let Some(matrix_room) = room_of(portal) {
        let old = &portal.shown;
        let mut changes: Vec<(&str, Value)> = Vec::new();
        if shown.name != old.name {
            changes.push(("m.room.name", json!({"name": shown.name})));
        }
        if shown.topic != old.topic {
            changes.push((
                "m.room.topic",
                json!({"topic": shown.topic.clone().unwrap_or_default()}),
            ));
        }
        if shown.avatar_mxc != old.avatar_mxc {
            changes.push((
                "m.room.avatar",
                shown
                    .avatar_mxc
                    .as_ref()
                    .map_or(json!({}), |mxc| json!({"url": mxc})),
            ));
        }
        for (kind, content) in &changes {
            let state = NewState {
                who: &Actor::Bot,
                room: &matrix_room,
                kind,
                key: "",
                content,
                ts: None,
            };
            world.homeserver.set_state(&state).await?;
        }
        if shown.name != old.name || shown.address != old.address {
            for event in state::bridge(world, &user_of(portal)?, room) {
                let (kind, key, content) = (&event.kind, &event.key, &event.content);
                let state = NewState {
                    who: &Actor::Bot,
                    room: &matrix_room,
                    kind,
                    key,
                    content,
                    ts: None,
                };
                world.homeserver.set_state(&state).await?;
            }
        }
        if portal.in_space && shown.address != old.address {
            // Its place in the space goes by its address.
            let mut renamed = portal.clone();
            renamed.shown.address.clone_from(&shown.address);
            space::add(world, &user_of(portal)?, &renamed, &matrix_room).await?;
        }
    }
    world.store.set_portal_shown(portal.id, &shown).await?;
    Ok(true)
}
