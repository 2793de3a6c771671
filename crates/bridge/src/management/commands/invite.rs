//! `invite`: brings a room to Matrix, or all of them.

use store::PortalState;

use super::{Call, Notice, words};
use crate::login::invite_all;
use crate::{Error, portal};

pub(super) async fn run(call: &Call<'_>) -> Result<Notice, Error> {
    let (login, account) = call.account().await?;
    if call.args.eq_ignore_ascii_case("all") {
        let rooms = account.rooms().await?;
        return Ok(words::rooms::inviting_all(
            invite_all(call.world, &login, &rooms).await?,
        ));
    }
    let room = call.room(&*account, "invite org/room").await?;
    let before = call
        .world
        .store
        .portal_of(&login.mxid, room.id.as_str())
        .await?
        .map(|portal| portal.state);
    let portal = portal::create_and_invite(call.world, &login, &room).await?;
    let Some(matrix_room) = portal.room_id else {
        return Err(Error::Refused("the room could not be made".to_owned()));
    };
    if before == Some(PortalState::Joined) && portal.state == PortalState::Joined {
        return Ok(words::rooms::already_here(&room.address, &matrix_room));
    }
    Ok(words::rooms::invite_sent(&room.address, &matrix_room))
}
