//! Who left while nobody listened: his ghost is not to stay.
//!
//! It shows only in the list of all members, which is read for rooms in which something was missed, after everything else is
//! caught up with, and once a day at most. Of a room with more people than [`MOST`] nobody can say it cheaply: there, a ghost stays until the
//! network tells of his leaving.

use std::collections::HashSet;

use remote::{Millis, PersonId, RoomId};
use store::{Lane, NewItem, PortalState};

use super::remote::came_or_went;
use crate::{Ctx, Error, delivery::ToMatrix, lanes};

/// So many members are read at most.
const MOST: usize = 500;

/// How long what was found holds.
const PAUSE: Millis = 24 * 3_600_000;

/// Mark in the store: the members of this portal's room were compared.
const COMPARED: &str = "members compared";

/// Compares the ghosts of a portal with the people of its room.
pub(super) async fn compare(world: &Ctx, login: i64, portal: i64) -> Result<(), Error> {
    let store = &world.store;
    let scope = format!("portal/{portal}");
    let marks = store.marks(&scope).await?;
    let last = marks.iter().find(|(name, _)| name == COMPARED);
    if last.is_some_and(|(_, at)| world.now() - at < PAUSE) {
        return Ok(());
    }
    let found = store.portal(portal).await?;
    let Some(portal) = found.filter(|it| it.state == PortalState::Joined && it.opened) else {
        return Ok(());
    };
    let Some(room) = &portal.room_id else {
        return Ok(());
    };
    // Before the network is asked: who comes meanwhile has not left.
    let ghosts = store.ghosts_in(room).await?;
    if ghosts.is_empty() {
        return Ok(());
    }
    let account = world.connections.account(login).ok_or(Error::NotLoggedIn)?;
    let there = RoomId::from(portal.remote_room.as_str());
    let members = account.members(&there, MOST).await?;
    store.unmark(&scope, COMPARED).await?;
    store.mark(&scope, COMPARED, world.now()).await?;
    // No list of a room at all is more likely a fault of the network than a room of ghosts.
    if members.is_empty() || members.len() >= MOST {
        return Ok(());
    }
    let members: HashSet<_> = members.into_iter().map(|it| it.person.id).collect();
    let lane = Lane::ToMatrix(portal.id);
    let mut items = Vec::new();
    for person in ghosts.into_iter().map(PersonId::from) {
        if !members.contains(&person) {
            items.push(NewItem {
                lane: lane.clone(),
                login_id: Some(login),
                key: came_or_went(world, &person),
                about: None,
                payload: ToMatrix::Left(person).to_payload()?,
            });
        }
    }
    if !items.is_empty() {
        store
            .accept_remote(portal.id, &items, None, world.now())
            .await?;
        lanes::wake(world, &lane);
    }
    Ok(())
}
