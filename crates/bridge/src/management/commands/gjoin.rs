//! `gjoin`: joins a room on the network. The network then tells that the account is in it, which makes the invite.

use remote::Standing;

use super::{Call, Notice, words};
use crate::Error;
use crate::config::InvitePolicy;
use crate::login::room_added;

pub(super) async fn run(call: &Call<'_>) -> Result<Notice, Error> {
    let (login, account) = call.account().await?;
    let found = call.room(&*account, "gjoin org/room").await?;
    let room = if found.standing == Standing::Outside {
        account.join(&found.id).await?
    } else {
        found
    };
    // He may have joined, and left the Matrix room, long ago: an invite is made only where there is none to come back to.
    room_added(call.world, login.id, room.clone());
    let invited = call.world.config.invites.policy == InvitePolicy::All;
    Ok(words::rooms::joined(&room, invited))
}
