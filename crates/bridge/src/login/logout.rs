//! The end of a login, because its user (or an admin) says so.

use homeserver::Actor;
use ruma::{RoomId, UserId};
use store::PortalState;

use super::{expiry, rooms, welcome};
use crate::{Ctx, Error, portal};

/// What a logout did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoggedOut {
    /// Who he was on the network; `None` if he was not logged in.
    pub(crate) username: Option<String>,
    /// Rooms he was taken out of.
    pub(crate) rooms: usize,
    /// Items that were dropped.
    pub(crate) items: usize,
}

/// Ends the connection, deletes credentials and queue, and takes the user out of all bridged rooms. Can be repeated
/// until it has worked.
pub(crate) async fn log_out(world: &Ctx, user: &UserId, reason: &str) -> Result<LoggedOut, Error> {
    let mut done = LoggedOut::default();
    world.store.drop_tickets_of(user.as_str()).await?;
    if let Some(login) = world.store.login_of(user.as_str()).await? {
        world.connections.stop(login.id);
        world.intakes.forget(login.id);
        done.items = usize::try_from(world.store.delete_login(login.id).await?).unwrap_or(0);
        expiry::forget(world, login.id).await?;
        welcome::forget(world, login.id).await?;
        rooms::forget(world, login.id).await?;
        tracing::info!(login = login.id, mxid = %user, "logged out");
        done.username = Some(login.username);
    }
    // Credentials first: should the homeserver fail now, they are gone all the same, and the rest is done when this is repeated.
    // Without them no portal is added, so these are all.
    let portals = world.store.portals_of(user.as_str()).await?;
    for portal in &portals {
        match portal.state {
            PortalState::Invited | PortalState::Joined => {
                done.rooms += usize::from(portal::take_out(world, portal, reason).await?);
            }
            // It may be being made.
            PortalState::New => {
                portal::take_out(world, portal, reason).await?;
            }
            // What he left or declined by himself stays so.
            PortalState::Left | PortalState::Declined | PortalState::Gone => {}
        }
    }
    leave_space(world, user, reason).await?;
    Ok(done)
}

async fn leave_space(world: &Ctx, user: &UserId, reason: &str) -> Result<(), Error> {
    let space = world
        .store
        .user(user.as_str())
        .await?
        .and_then(|user| user.space);
    let Some(Ok(space)) = space.map(RoomId::parse) else {
        return Ok(());
    };
    for left in [
        world.homeserver.kick(&space, user, Some(reason)).await,
        world.homeserver.leave(&Actor::Bot, &space, None).await,
    ] {
        match left {
            Err(error) if error.is_transient() => return Err(error.into()),
            // Out of reach, so there is nothing to leave.
            _ => {}
        }
    }
    Ok(world.store.set_space(user.as_str(), None).await?)
}
