//! The user comes into his portal, or goes out of it.

use remote::RoomId as RemoteRoomId;
use store::{Portal, PortalState};

use super::{leave, room_of, unusable};
use crate::{
    Ctx, Error, ghost,
    intake::{ControlEvent, Membership, catch_up},
    lanes::{self, Backoff},
};

/// Works a membership in a portal's room: the user's own, or the bot's. Anybody else's does not matter.
///
/// # Errors
/// When the database or the homeserver does not answer.
pub async fn membership(world: &Ctx, portal: &Portal, event: &ControlEvent) -> Result<(), Error> {
    let ControlEvent::Member {
        room,
        user,
        membership,
        ..
    } = event
    else {
        return Ok(());
    };
    let gone = matches!(membership, Membership::Leave | Membership::Ban);
    if user == world.names.bot() {
        if gone {
            // Without the bot the room is of no use; an invite makes another one.
            unusable::give_up(world, portal, room).await?;
        }
        return Ok(());
    }
    if user.as_str() != portal.mxid {
        return Ok(());
    }
    match (membership, portal.state) {
        (Membership::Join, PortalState::Joined) if portal.opened => Ok(()),
        (Membership::Join, PortalState::Gone) => Ok(()),
        (Membership::Join, _) => enter(world, portal).await,
        (Membership::Leave | Membership::Ban, PortalState::New | PortalState::Invited) => {
            leave::left(world, portal, PortalState::Declined).await
        }
        (Membership::Leave | Membership::Ban, PortalState::Joined) => {
            leave::left(world, portal, PortalState::Left).await
        }
        // By his own doing: when we take him out, it is the bot's.
        (Membership::Leave | Membership::Ban, PortalState::Gone) => {
            leave::abandoned(world, portal, room).await
        }
        _ => Ok(()),
    }
}

/// From here on traffic flows: first what was said before, then what is said from now on.
pub(super) async fn enter(world: &Ctx, portal: &Portal) -> Result<(), Error> {
    world.store.set_portal_opened(portal.id, false).await?;
    world
        .store
        .set_portal_state(portal.id, PortalState::Joined)
        .await?;
    tracing::info!(portal = portal.id, "entered");
    // Without a connection, the next one finds the room not yet opened.
    if let Some(login) = portal.login_id
        && let Some(account) = world.connections.account(login)
    {
        account.watch(&RemoteRoomId::from(portal.remote_room.as_str()));
        catch_up::begin(world, login, std::iter::once(portal.id)).await;
    }
    // What waited while the user was away.
    for lane in [
        store::Lane::ToMatrix(portal.id),
        store::Lane::ToRemote(portal.id),
    ] {
        lanes::nudge(world, &lane);
    }
    Ok(())
}

/// Puts people into the room, beside everything else and after its history was read; then the room counts
/// as opened.
pub(crate) async fn members(world: Ctx, login: i64, portal: i64) {
    let _filling = world.portals.filling.acquire().await.ok();
    let mut wait = Backoff::default();
    loop {
        match fill(&world, login, portal).await {
            Ok(()) => return,
            Err(error) if error.is_transient() => {
                tracing::debug!(portal, %error, "cannot put people into a room yet");
                tokio::select! {
                    biased;
                    () = world.stop.cancelled() => return,
                    () = tokio::time::sleep(wait.next(&world)) => {}
                }
            }
            Err(error) => {
                // The next connection tries again.
                tracing::debug!(portal, %error, "people could not be put into a room");
                return;
            }
        }
    }
}

async fn fill(world: &Ctx, login: i64, portal: i64) -> Result<(), Error> {
    let Some(portal) = world
        .store
        .portal(portal)
        .await?
        .filter(|portal| portal.state == PortalState::Joined)
    else {
        return Ok(());
    };
    let initial = world.config.members_initial;
    if let Some(room) = room_of(&portal).filter(|_| initial > 0) {
        let account = world.connections.account(login).ok_or(Error::NotLoggedIn)?;
        let remote_room = RemoteRoomId::from(portal.remote_room.as_str());
        let members = match account
            .members(&remote_room, initial)
            .await
            .map_err(Error::from)
        {
            Err(error) if !error.is_transient() && !error.needs_login() => {
                // Those who speak come in all the same.
                tracing::warn!(portal = portal.id, %error, "a room's members cannot be read");
                Vec::new()
            }
            members => members?,
        };
        for member in members.iter().take(initial) {
            if world.stop.is_cancelled() {
                return Ok(());
            }
            // The user himself is there already; his ghost comes when he writes elsewhere.
            if is_user(world, login, member.person.id.as_str()).await? {
                continue;
            }
            match ghost::in_room(world, login, &member.person, &room, None).await {
                Err(error) if !error.is_transient() => {
                    tracing::warn!(portal = portal.id, %error, "somebody cannot be put into a room");
                }
                done => drop(done?),
            }
        }
    }
    Ok(world.store.set_portal_opened(portal.id, true).await?)
}

async fn is_user(world: &Ctx, login: i64, person: &str) -> Result<bool, Error> {
    Ok(world
        .store
        .login(login)
        .await?
        .is_some_and(|login| login.person_id == person))
}
