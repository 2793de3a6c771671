//! A portal whose Matrix room the bridge can no longer use: its bot was thrown out, or the homeserver has deleted the room.
//!
//! Nothing waits for such a room. The user is told where he talks with the bot, since there is no other place; what was and is said
//! stays in the lane and with the network, and an invite brings it into a new room.

use ruma::RoomId;
use store::Portal;

use super::{create, leave};
use crate::{
    Ctx, Error,
    management::{self, words},
};

/// After the homeserver has refused something in a portal's room: whether that is since the bot is not in it any more. Then
/// the portal has no room from now on.
pub(crate) async fn is_lost(
    world: &Ctx,
    portal: &Portal,
    room: &RoomId,
    refused: &Error,
) -> Result<bool, Error> {
    let Error::Homeserver(refusal) = refused else {
        return Ok(false);
    };
    if !refusal.is_forbidden() && !refusal.is_not_found() {
        return Ok(false);
    }
    match create::is_in(world, room, world.names.bot()).await {
        Ok(false) => {}
        Err(error) if error.is_transient() => return Err(error),
        // It is in it, or nobody can say.
        Ok(true) | Err(_) => return Ok(false),
    }
    give_up(world, portal, room).await?;
    Ok(true)
}

/// Does without this room. Told first, since afterwards nobody would know that there is something to tell.
pub(super) async fn give_up(world: &Ctx, portal: &Portal, room: &RoomId) -> Result<(), Error> {
    if let Some((_, management)) = management::room_of(world, &portal.mxid).await? {
        let notice = words::rooms::unusable(&portal.shown.address);
        let cause = format!("unusable {room}");
        match management::say(world, &management, &notice, &cause).await {
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => tracing::warn!(%error, "the loss of a room could not be told"),
            Ok(()) => {}
        }
    }
    tracing::info!(portal = portal.id, %room, "the bridge can no longer use this room");
    leave::forget(world, portal, room).await
}
