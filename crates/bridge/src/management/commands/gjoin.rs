//! `gjoin`: joins a room on the network. The network then tells that the account is in it, which makes the invite.

use remote::Standing;
use store::PortalState;

use super::{Call, Notice, words};
use crate::Error;
use crate::config::InvitePolicy;
use crate::login::room_added;
use words::rooms::Next;

pub(super) async fn run(call: &Call<'_>) -> Result<Notice, Error> {
    let (login, account) = call.account().await?;
    let found = call.room(&*account, "gjoin org/room").await?;
    let portal = call
        .world
        .store
        .portal_of(&login.mxid, found.id.as_str())
        .await?;
    let room = if found.standing == Standing::Outside {
        account.join(&found.id).await?
    } else {
        found
    };
    // He may have joined, and left the Matrix room, long ago: an invite is made only where there is none to come back to.
    room_added(call.world, login.id, room.clone());
    let matrix_room = portal.as_ref().and_then(|portal| portal.room_id.clone());
    let next = match (portal.map(|portal| portal.state), matrix_room) {
        (Some(PortalState::Joined), Some(room)) => Next::Here(room),
        (Some(PortalState::Invited), Some(room)) => Next::Invited(room),
        (Some(PortalState::Left | PortalState::Declined), _) => Next::Invite,
        _ if call.world.config.invites.policy == InvitePolicy::All => Next::OnItsWay,
        _ => Next::Invite,
    };
    Ok(words::rooms::joined(&room, &next))
}
