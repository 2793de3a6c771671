//! Whether the account was in a portal's room on the network, or can merely read it: only who was in it can have lost it.

use remote::{Room, Standing};
use store::Portal;

use crate::{Ctx, Error};

/// Mark in the store.
const MEMBER: &str = "member";

fn scope(portal: &Portal) -> String {
    format!("portal/{}", portal.id)
}

/// Notes what the network has just told.
pub(crate) async fn note_member(world: &Ctx, portal: &Portal, room: &Room) -> Result<(), Error> {
    if room.standing != Standing::Outside && !was_member(world, portal).await? {
        world
            .store
            .mark(&scope(portal), MEMBER, world.now())
            .await?;
    }
    Ok(())
}

/// Whether the account was in it when the network last told.
pub(crate) async fn was_member(world: &Ctx, portal: &Portal) -> Result<bool, Error> {
    Ok(world.store.marked(&scope(portal), MEMBER).await?)
}

/// It is in it no longer.
pub(crate) async fn forget_member(world: &Ctx, portal: &Portal) -> Result<(), Error> {
    world.store.unmark(&scope(portal), MEMBER).await?;
    Ok(())
}
