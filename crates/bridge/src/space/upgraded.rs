//! A space was replaced by another one, as a portal's room can be. The bridge goes along under the same conditions; otherwise the user gets a
//! new one of ours.

use ruma::{OwnedRoomId, OwnedUserId, RoomId};
use store::Portal;

use super::{add, child, ensure, known, set_child};
use crate::{Ctx, Error, portal::replaced};

/// Works a tombstone in the space of `user`.
///
/// # Errors
/// When database or homeserver do not answer.
pub(crate) async fn upgraded(
    world: &Ctx,
    user: &OwnedUserId,
    space: &RoomId,
    replacement: &OwnedRoomId,
) -> Result<(), Error> {
    tokio::time::sleep(replaced::SETTLED).await;
    let making = world.spaces.lock(user.clone()).await;
    if known(world, user).await?.as_deref() != Some(space) {
        return Ok(());
    }
    let mut listed = world.store.portals_of(user.as_str()).await?;
    listed.retain(|portal| portal.in_space);
    let fits = match replaced::fits(world, space, replacement).await? {
        None => {
            // Before it is recorded: should we be interrupted, it all begins again.
            for (portal, room) in with_rooms(&listed) {
                match set_child(world, replacement, room, &child(world, portal)).await {
                    Err(error) if error.is_forbidden() => {}
                    done => done?,
                }
            }
            tracing::info!(%user, %replacement, "went along into the new space");
            true
        }
        Some(why) => {
            tracing::warn!(%user, %replacement, why, "cannot go along into the new space; making one");
            false
        }
    };
    let new = fits.then_some(replacement.as_str());
    world.store.set_space(user.as_str(), new).await?;
    drop(making);
    // Invites him, where he is not in it, and accepts that for him, where we may.
    ensure(world, user).await?;
    for (portal, room) in with_rooms(&listed) {
        if fits {
            world.store.set_portal_in_space(portal.id, true).await?;
        } else {
            add(world, user, portal, room).await?;
        }
    }
    Ok(())
}

fn with_rooms(portals: &[Portal]) -> impl Iterator<Item = (&Portal, &RoomId)> {
    portals.iter().filter_map(|portal| {
        let room = <&RoomId>::try_from(portal.room_id.as_deref()?).ok()?;
        Some((portal, room))
    })
}
