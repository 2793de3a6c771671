//! The end of a portal, for now or for good.

use homeserver::{Actor, NewState};
use remote::{Account, RoomId as RemoteRoomId};
use ruma::RoomId;
use serde_json::json;
use store::{Portal, PortalState};

use super::{room_of, state, user_of};
use crate::{Ctx, Error, delivery::tell, management::notice::Line, space};

/// The user has left, or refused the invite: nothing more is read. Nobody else leaves, so that he can come
/// back into the same room.
pub(super) async fn left(world: &Ctx, portal: &Portal, state: PortalState) -> Result<(), Error> {
    unwatch(world, portal);
    if let Some(room) = room_of(portal).filter(|_| portal.in_space) {
        space::remove(world, portal, &room).await?;
    }
    world.store.set_portal_state(portal.id, state).await?;
    tracing::info!(portal = portal.id, ?state, "the user is no longer in it");
    Ok(())
}

/// Takes the user out of a portal's room, with a reason he can read; whether he was in it or only invited.
/// The room itself stays, so that a later invite leads back into it. Says whether there was anything to do.
///
/// # Errors
/// When the database or the homeserver does not answer; it can then be repeated.
pub async fn take_out(world: &Ctx, portal: &Portal, reason: &str) -> Result<bool, Error> {
    let _making = world.portals.making.lock(portal.id).await;
    // Read anew: somebody else may just have done it.
    let portal = world.store.portal(portal.id).await?;
    match portal.as_ref().map(|portal| (portal, portal.state)) {
        Some((portal, PortalState::New | PortalState::Invited | PortalState::Joined)) => {
            out(world, portal, reason).await?;
            Ok(true)
        }
        None | Some((_, PortalState::Left | PortalState::Declined | PortalState::Gone)) => {
            Ok(false)
        }
    }
}

/// Leaves a portal's room on the network, as its user wants it, and takes him out of it on Matrix. Until that is done,
/// [`take_out`] waits: that the network has lost him is no news.
///
/// # Errors
/// When the network does not let him go, or does not answer, and as [`take_out`].
pub(crate) async fn part(
    world: &Ctx,
    portal: &Portal,
    account: &dyn Account,
    reason: &str,
) -> Result<(), Error> {
    let _making = world.portals.making.lock(portal.id).await;
    account
        .leave(&RemoteRoomId::from(portal.remote_room.as_str()))
        .await?;
    out(world, portal, reason).await
}

/// Ends a portal whose room is no more on the network. What was said stays for its user to read: he is not taken out,
/// but nothing can be added. Says whether there was anything to do.
///
/// # Errors
/// As [`take_out`].
pub(crate) async fn archive(world: &Ctx, portal: &Portal, words: Line) -> Result<bool, Error> {
    let _making = world.portals.making.lock(portal.id).await;
    let Some(portal) = world
        .store
        .portal(portal.id)
        .await?
        .filter(|portal| portal.state == PortalState::Joined)
    else {
        return Ok(false);
    };
    unwatch(world, &portal);
    if let Some(room) = room_of(&portal) {
        if portal.in_space {
            space::remove(world, &portal, &room).await?;
        }
        let key = format!("archived {}", portal.id);
        tell::say(world, &room, &key, words).await?;
        if let Err(error) = silence(world, &room).await {
            if error.is_transient() {
                return Err(error);
            }
            tracing::warn!(portal = portal.id, %error, "an archived room could not be closed");
        }
    }
    // Last, as above.
    world
        .store
        .set_portal_state(portal.id, PortalState::Gone)
        .await?;
    tracing::info!(portal = portal.id, "archived");
    Ok(true)
}

async fn silence(world: &Ctx, room: &RoomId) -> Result<(), Error> {
    const LEVELS: &str = "m.room.power_levels";
    let levels = world.homeserver.state(room, LEVELS, "").await?;
    let state = NewState {
        who: &Actor::Bot,
        room,
        kind: LEVELS,
        key: "",
        content: &state::silent(levels.unwrap_or_else(|| json!({}))),
        ts: None,
    };
    world.homeserver.set_state(&state).await?;
    Ok(())
}

/// The user has left a room that is an archive only: nobody needs it any more.
pub(super) async fn abandoned(world: &Ctx, portal: &Portal, room: &RoomId) -> Result<(), Error> {
    match world.homeserver.leave(&Actor::Bot, room, None).await {
        Err(error) if error.is_transient() => return Err(error.into()),
        _ => {}
    }
    forget(world, portal, room).await
}

async fn out(world: &Ctx, portal: &Portal, reason: &str) -> Result<(), Error> {
    unwatch(world, portal);
    if let Some(room) = room_of(portal) {
        if portal.in_space {
            space::remove(world, portal, &room).await?;
        }
        match world
            .homeserver
            .kick(&room, &user_of(portal)?, Some(reason))
            .await
        {
            // The bot is not in it any more, so the user is out of our reach.
            Err(error) if error.is_forbidden() || error.is_not_found() => {
                forget(world, portal, &room).await?;
            }
            done => done?,
        }
    }
    // Last: whoever is interrupted before this finds that there is still something to do.
    world
        .store
        .set_portal_state(portal.id, PortalState::Gone)
        .await?;
    Ok(())
}

/// Forgets a room that is of no use any more.
pub(super) async fn forget(world: &Ctx, portal: &Portal, room: &RoomId) -> Result<(), Error> {
    unwatch(world, portal);
    if portal.in_space {
        space::remove(world, portal, room).await?;
    }
    world.store.clear_room(room.as_str()).await?;
    let state = match portal.state {
        PortalState::Joined | PortalState::Invited | PortalState::New => PortalState::Left,
        state => state,
    };
    world.store.set_portal_room(portal.id, None, state).await?;
    Ok(())
}

fn unwatch(world: &Ctx, portal: &Portal) {
    if let Some(account) = portal
        .login_id
        .and_then(|login| world.connections.account(login))
    {
        account.unwatch(&RemoteRoomId::from(portal.remote_room.as_str()));
    }
}
