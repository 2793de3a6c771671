//! `unbridge`: ends the bridging of a room, for admins.

use store::{Portal, PortalState};

use super::{Call, Notice, words};
use crate::{Error, portal};

pub(super) async fn run(call: &Call<'_>) -> Result<Notice, Error> {
    let portals = meant(call).await?;
    let address = portals.first().map_or_else(
        || call.args.to_owned(),
        |portal| portal.shown.address.clone(),
    );
    let mut people = 0;
    for portal in portals
        .iter()
        .filter(|portal| matches!(portal.state, PortalState::Joined | PortalState::Invited))
    {
        let out = portal::take_out(call.world, portal, words::rooms::UNBRIDGED).await?;
        people += usize::from(out);
    }
    Ok(words::rooms::unbridged(&address, people))
}

/// The portal of a Matrix room, or everybody's portals of a room of the network.
async fn meant(call: &Call<'_>) -> Result<Vec<Portal>, Error> {
    let store = &call.world.store;
    if call.args.starts_with('!') {
        let portal = store.portal_by_room(call.args).await?;
        let portal =
            portal.ok_or_else(|| Error::Refused(format!("“{}” is no bridged room", call.args)))?;
        return Ok(vec![portal]);
    }
    let Some(address) = call.address("unbridge org/room")? else {
        return Ok(call.portal.cloned().into_iter().collect());
    };
    let mut found = Vec::new();
    for login in store.logins().await? {
        let portals = store.portals_of(&login.mxid).await?;
        found.extend(
            portals
                .into_iter()
                .filter(|portal| portal.shown.address.eq_ignore_ascii_case(&address)),
        );
    }
    Ok(found)
}
