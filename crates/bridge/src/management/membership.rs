//! Somebody comes to or goes from a management room.

use ruma::{RoomId, UserId};

use super::{invites, owner_of, say, words};
use crate::intake::Membership;
use crate::{Ctx, Error};

/// Mark in the store: it was said in this room that the bot obeys its owner alone.
const OBEYS_ONE: &str = "obeys its owner alone";

/// A membership in a room that is no portal changed; invites of the bot are not among them.
pub(super) async fn changed(
    world: &Ctx,
    room: &RoomId,
    user: &UserId,
    membership: Membership,
) -> Result<(), Error> {
    let Some(owner) = owner_of(world, room).await? else {
        return Ok(());
    };
    let gone = matches!(membership, Membership::Leave | Membership::Ban);
    if user == world.names.bot() {
        if gone {
            world
                .store
                .set_management_room(owner.as_str(), None)
                .await?;
            invites::depart(world, room, None).await?;
        }
    } else if user == owner {
        if gone {
            // First out, then forgotten: should the first fail, it is tried again.
            invites::depart(world, room, None).await?;
            world
                .store
                .set_management_room(owner.as_str(), None)
                .await?;
        }
    } else if membership == Membership::Join && !world.store.marked(&scope(room), OBEYS_ONE).await?
    {
        say(world, room, &words::greeting::obeys(&owner), OBEYS_ONE).await?;
        world
            .store
            .mark(&scope(room), OBEYS_ONE, world.now())
            .await?;
    }
    Ok(())
}

fn scope(room: &RoomId) -> String {
    format!("room/{room}")
}
