//! `gpart`: leaves a room on the network, and its Matrix room.

use remote::RoomId;
use store::{Portal, PortalState};

use super::{Call, Notice, words};
use crate::{Error, portal};

pub(super) async fn run(call: &Call<'_>) -> Result<Notice, Error> {
    let (login, account) = call.account().await?;
    let portals = call.world.store.portals_of(&login.mxid).await?;
    let (room, address) = match (call.address("gpart org/room")?, call.portal) {
        (Some(address), _) => {
            // Looked up among his own rooms, since asking the network for a one-to-one may open it.
            let rooms = account.rooms().await?;
            let found = rooms
                .into_iter()
                .map(|room| (room.id, room.address))
                .find(|(_, found)| found.eq_ignore_ascii_case(&address));
            found
                .or_else(|| half_left(&portals, &address))
                .ok_or_else(|| Error::Refused(words::rooms::not_in(call.network(), call.args)))?
        }
        (None, Some(portal)) => (
            RoomId::new(portal.remote_room.as_str()),
            portal.shown.address.clone(),
        ),
        (None, None) => {
            return Err(Error::Refused(words::rooms::not_in(
                call.network(),
                call.args,
            )));
        }
    };
    let reason = words::rooms::left_reason(call.network());
    match portals
        .iter()
        .find(|portal| portal.remote_room == room.as_str())
    {
        Some(portal) => portal::part(call.world, portal, &*account, &reason).await?,
        None => account.leave(&room).await?,
    }
    Ok(words::rooms::left(&address))
}

/// A room that he has left on the network, but not on Matrix: the command was interrupted, and is tried again.
fn half_left(portals: &[Portal], address: &str) -> Option<(RoomId, String)> {
    let portal = portals
        .iter()
        .filter(|portal| matches!(portal.state, PortalState::Invited | PortalState::Joined))
        .find(|portal| portal.shown.address.eq_ignore_ascii_case(address))?;
    let room = RoomId::new(portal.remote_room.as_str());
    Some((room, portal.shown.address.clone()))
}
