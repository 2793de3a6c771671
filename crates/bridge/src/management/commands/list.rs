//! `list`: every room of the user's.

use std::collections::HashMap;

use store::PortalState;

use super::{Call, Notice, words};
use crate::Error;

pub(super) async fn run(call: &Call<'_>) -> Result<Notice, Error> {
    let (login, account) = call.account().await?;
    let rooms = account.rooms().await?;
    let portals = call.world.store.portals_of(&login.mxid).await?;
    let here: HashMap<_, _> = portals
        .into_iter()
        .filter(|portal| portal.state == PortalState::Joined)
        .map(|portal| (portal.remote_room, portal.room_id))
        .collect();
    let mut lines: Vec<_> = rooms
        .into_iter()
        .map(|room| (room.address, here.get(room.id.as_str()).cloned().flatten()))
        .collect();
    lines.sort_by_cached_key(|(address, _)| address.to_lowercase());
    Ok(words::rooms::list(call.network(), &lines))
}
