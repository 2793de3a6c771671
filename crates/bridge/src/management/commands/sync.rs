//! `sync`: reads everything again.

use store::PortalState;

use super::{Call, Notice, words};
use crate::login::compare_again;
use crate::{Error, portal};

pub(super) async fn run(call: &Call<'_>) -> Result<Notice, Error> {
    let (login, account) = call.account().await?;
    let rooms = account.rooms().await?;
    let mut here = 0;
    for portal in call.world.store.portals_of(&login.mxid).await? {
        if !matches!(portal.state, PortalState::Joined | PortalState::Invited) {
            continue;
        }
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
    Ok(words::rooms::synced(call.network(), rooms.len(), here))
}
