//! `status`: login, connection, rooms, queue.

use store::PortalState;

use super::{Call, Notice, words};
use crate::Error;
use words::status::State;

pub(super) async fn run(call: &Call<'_>) -> Result<Notice, Error> {
    let world = call.world;
    let Some(login) = world.store.login_of(call.user.as_str()).await? else {
        return Ok(words::status::nobody(call.network()));
    };
    let portals = world.store.portals_of(&login.mxid).await?;
    let number = |state| {
        portals
            .iter()
            .filter(|portal| portal.state == state)
            .count()
    };
    let counts = world.store.count_items(&login.mxid).await?;
    let state = State {
        network: call.network(),
        login: &login,
        connection: world.connections.status(login.id),
        rooms: (number(PortalState::Joined), number(PortalState::Invited)),
        counts,
        now: world.now(),
    };
    Ok(words::status::state(&state))
}
