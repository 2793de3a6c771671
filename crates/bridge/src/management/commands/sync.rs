//! `sync`: reads everything again.

use store::{PortalId, PortalState};

use super::{Call, Notice, words};
use crate::login::compare_again;
use crate::{Error, portal, space};

pub(super) async fn run(call: &Call<'_>) -> Result<Notice, Error> {
    let (login, account) = call.account().await?;
    let rooms = account.rooms().await?;
    let mut here = 0;
    let mut portals = Vec::new();
    for portal in call.world.store.portals_of(&login.mxid).await? {
        if !matches!(portal.state, PortalState::Joined | PortalState::Invited) {
            continue;
        }
        portals.push(portal.id);
        if portal.state == PortalState::Joined {
            call.world.spawn(portal::enter::members(
                call.world.clone(),
                login.id,
                portal.id,
            ));
        }
        match portal::refresh(call.world, &portal).await {
            Ok(_) => here += 1,
            // The look at the list of rooms deals with rooms that are gone.
            Err(error) if error.needs_login() || error.is_transient() => return Err(error),
            Err(error) => {
                tracing::info!(portal = portal.id, %error, "a room could not be read again");
            }
        }
    }
    compare_again(call.world, login.id);
    let invited = space(call, &portals).await?;
    Ok(words::rooms::synced(
        call.network(),
        rooms.len(),
        here,
        invited,
    ))
}

/// The space, for whoever has left it, with all that belongs into it. Says whether he was invited to it.
async fn space(call: &Call<'_>, portals: &[PortalId]) -> Result<bool, Error> {
    if !call.world.config.space || portals.is_empty() {
        return Ok(false);
    }
    let invited = space::offer_again(call.world, call.user).await?;
    for id in portals {
        // Read anew: the space may have been made just now, and lists nothing yet.
        if let Some(portal) = call.world.store.portal(*id).await?
            && !portal.in_space
            && let Some(room) = portal::room_of(&portal)
        {
            space::add(call.world, call.user, &portal, &room).await?;
        }
    }
    Ok(invited)
}
