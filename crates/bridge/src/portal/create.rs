//! Makes the Matrix room of a portal and invites its user.
//!
//! First the room, then its row, then the invite: whoever comes in comes into a room we know. A bridge that
//! dies after the first step finds the room again ([`creation`]).

use homeserver::{Actor, NewRoom, NewState};
use remote::{Room, RoomKind};
use ruma::{OwnedRoomId, RoomId, UserId};
use serde_json::{Value, json};
use store::{Login, NewPortal, Portal, PortalState, Shown};

use super::{enter, member, room_of, shown, state, user_of};
use crate::{Ctx, Error, creation, ghost, space};

/// Kind of a portal whose room everybody can read.
pub(crate) const PUBLIC: &str = "public";

/// Notes a room of the network as a portal of this login, without a Matrix room. A known one is given back
/// as it is.
///
/// # Errors
/// When the database does not answer.
pub async fn record(world: &Ctx, login: &Login, room: &Room) -> Result<Portal, Error> {
    let new = NewPortal {
        login_id: login.id,
        mxid: login.mxid.clone(),
        remote_room: room.id.to_string(),
        address: room.address.clone(),
        name: room.name.clone(),
        topic: room.topic.clone(),
        kind: kind(room.kind).to_owned(),
        other_person: room.other.as_ref().map(|other| other.id.to_string()),
    };
    let portal = world.store.put_portal(&new).await?;
    member::note_member(world, &portal, room).await?;
    Ok(portal)
}

/// Makes the Matrix room for a room of the network, unless there is one that still works, and invites the
/// user. Nothing happens when he is in it already. Can be repeated.
///
/// # Errors
/// When the homeserver or the database does not answer, or the homeserver does not allow it.
pub async fn create_and_invite(world: &Ctx, login: &Login, room: &Room) -> Result<Portal, Error> {
    let portal = record(world, login, room).await?;
    let _making = world.portals.making.lock(portal.id).await;
    // Read anew: somebody else may just have made it, or the user may have logged out.
    let portal = again(world, portal.id).await?;
    if portal.login_id != Some(login.id) {
        return Err(Error::NotLoggedIn);
    }
    let user = user_of(&portal)?;
    let mut is_there = false;
    let matrix_room = match room_of(&portal) {
        Some(matrix_room) if is_in(world, &matrix_room, world.names.bot()).await? => {
            shown::apply(world, &portal, login.id, room).await?;
            is_there = is_in(world, &matrix_room, &user).await?;
            matrix_room
        }
        former => {
            if let Some(former) = former {
                super::leave::forget(world, &portal, &former).await?;
            }
            make(world, login, &portal, room).await?
        }
    };
    if world.config.space && !portal.in_space {
        space::add(world, &user, &portal, &matrix_room).await?;
    }
    if is_there {
        if portal.state != PortalState::Joined {
            enter::enter(world, &portal).await?;
        }
        return again(world, portal.id).await;
    }
    // Not invited until he is: should we die before that, the next life does it.
    world
        .store
        .set_portal_room(portal.id, Some(matrix_room.as_str()), PortalState::New)
        .await?;
    invite(world, &matrix_room, &user, room.kind).await?;
    world.store.set_portal_invited(portal.id).await?;
    ghost::puppet::join(world, &user, &matrix_room).await?;
    again(world, portal.id).await
}

/// Invites the user of a portal again, after reading anew what the network says of its room.
///
/// # Errors
/// As [`create_and_invite`]; also when the network does not answer, and [`Error::NotLoggedIn`].
pub async fn invite_again(world: &Ctx, login: &Login, portal: &Portal) -> Result<Portal, Error> {
    let account = world
        .connections
        .account(login.id)
        .ok_or(Error::NotLoggedIn)?;
    let room = account.room(&portal.remote_room.as_str().into()).await?;
    create_and_invite(world, login, &room).await
}

pub(super) async fn again(world: &Ctx, id: i64) -> Result<Portal, Error> {
    world
        .store
        .portal(id)
        .await?
        .ok_or_else(|| Error::Refused("the room is no longer bridged".to_owned()))
}

async fn make(
    world: &Ctx,
    login: &Login,
    portal: &Portal,
    room: &Room,
) -> Result<OwnedRoomId, Error> {
    let shown = shown::of(world, login.id, room).await?;
    let user = user_of(portal)?;
    let mut initial_state = state::initial(world, &user, room, shown.avatar_mxc.as_deref());
    if world.config.space
        && let Some(space) = space::ensure(world, &user).await?
    {
        initial_state.push(state::parent(world, &space));
    }
    let new = NewRoom {
        name: Some(shown.name.clone()),
        topic: shown.topic.clone(),
        is_direct: room.kind == RoomKind::OneToOne,
        federate: world.config.federate,
        power_levels: Some(state::power_levels()),
        initial_state,
        ..NewRoom::default()
    };
    let purpose = format!("portal/{}", portal.id);
    let made = creation::create(world, &purpose, new).await?;
    let known = if made.found {
        // Everything may have changed since: all of it is written again.
        Shown {
            topic: Some(String::new()),
            ..Shown::default()
        }
    } else {
        shown
    };
    world.store.set_portal_shown(portal.id, &known).await?;
    world.store.set_portal_opened(portal.id, false).await?;
    world
        .store
        .set_portal_room(portal.id, Some(made.room.as_str()), PortalState::New)
        .await?;
    creation::recorded(world, &purpose).await?;
    if made.found {
        let portal = again(world, portal.id).await?;
        shown::apply(world, &portal, login.id, room).await?;
    }
    tracing::info!(portal = portal.id, room = %made.room, "made a room");
    Ok(made.room)
}

/// Invites the user. A one-to-one says so in the invite, where clients look for it.
async fn invite(world: &Ctx, room: &RoomId, user: &UserId, kind: RoomKind) -> Result<(), Error> {
    if kind != RoomKind::OneToOne {
        return Ok(world
            .homeserver
            .invite(&Actor::Bot, room, user, None)
            .await?);
    }
    let content = json!({"membership": "invite", "is_direct": true});
    let state = NewState {
        who: &Actor::Bot,
        room,
        kind: "m.room.member",
        key: user.as_str(),
        content: &content,
        ts: None,
    };
    match world.homeserver.set_state(&state).await {
        Err(error) if error.is_forbidden() && is_in(world, room, user).await? => Ok(()),
        invited => Ok(invited.map(drop)?),
    }
}

/// Whether somebody is in a room, as the bot sees it; not if the bot itself may not look.
pub(super) async fn is_in(world: &Ctx, room: &RoomId, user: &UserId) -> Result<bool, Error> {
    match world
        .homeserver
        .state(room, "m.room.member", user.as_str())
        .await
    {
        Ok(member) => Ok(member
            .as_ref()
            .and_then(|it| it.get("membership"))
            .and_then(Value::as_str)
            == Some("join")),
        Err(error) if error.is_forbidden() || error.is_not_found() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn kind(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Public => PUBLIC,
        RoomKind::Private => "private",
        RoomKind::OneToOne => "one_to_one",
    }
}
