//! `gpart`: leaves a room on the network, and its Matrix room.

use remote::RoomId;

use super::{Call, Notice, words};
use crate::{Error, portal};

pub(super) async fn run(call: &Call<'_>) -> Result<Notice, Error> {
    let network = call.network();
    let (login, account) = call.account().await?;
    // Looked up among his own rooms, since asking the network for a one-to-one may open it.
    let (room, address) = match (call.address("gpart org/room")?, call.portal) {
        (Some(address), _) => {
            let found = account
                .rooms()
                .await?
                .into_iter()
                .find(|room| room.address.eq_ignore_ascii_case(&address));
            let found =
                found.ok_or_else(|| Error::Refused(words::rooms::not_in(network, call.args)))?;
            (found.id, found.address)
        }
        (None, Some(portal)) => (
            RoomId::new(portal.remote_room.as_str()),
            portal.shown.address.clone(),
        ),
        (None, None) => return Err(Error::Refused(words::rooms::not_in(network, call.args))),
    };
    account.leave(&room).await?;
    if let Some(portal) = call
        .world
        .store
        .portal_of(&login.mxid, room.as_str())
        .await?
    {
        portal::take_out(call.world, &portal, &words::rooms::left_reason(network)).await?;
    }
    Ok(words::rooms::left(&address))
}
