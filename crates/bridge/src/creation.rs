//! Makes rooms so that none is lost.
//!
//! Between a room that the homeserver has made and the row that says so, the bridge may die, or the answer may be lost;
//! and making it again would leave behind a room with nobody but the bot in it. So a secret goes into the store first and
//! into the room's `m.room.create`. While the store has that secret, a room may have been made: the rooms of the bot are
//! looked through for it before another one is made. In the ordinary course none of this costs the homeserver anything.
//!
//! To make another kind of room: [`create`], then its row, then [`recorded`], all with the same purpose.

use std::time::Duration;

use homeserver::{Actor, NewRoom};
use remote::Millis;
use ruma::{OwnedRoomId, RoomId};
use serde_json::{Value, json};

use crate::{Ctx, Error};

/// How long a homeserver may go on with a creation that nobody waits for any more.
const GOES_ON: Millis = 10_000;

/// A room that was made.
#[derive(Debug)]
pub(crate) struct Made {
    /// Which.
    pub(crate) room: OwnedRoomId,
    /// It was made by an earlier attempt, for what was right at that time.
    pub(crate) found: bool,
}

/// Makes a room for a purpose, such as `portal/7`, or finds the one that was made for it.
///
/// # Errors
/// When homeserver or database do not answer, or the homeserver does not allow it.
pub(crate) async fn create(world: &Ctx, purpose: &str, mut new: NewRoom) -> Result<Made, Error> {
    let scope = scope(purpose);
    let earlier = world.store.marks(&scope).await?;
    if !earlier.is_empty() {
        if let Some(room) = find(world, &earlier).await? {
            tracing::info!(purpose, %room, "found a room that was made before");
            return Ok(Made { room, found: true });
        }
        world.store.unmark_all(&scope).await?;
    }
    let secret = hex::encode(world.random.bytes::<16>());
    world.store.mark(&scope, &secret, world.now()).await?;
    new.creation.insert(key(world), json!(secret));
    match world.homeserver.create_room(&new).await {
        Ok(room) => Ok(Made { room, found: false }),
        Err(error) => {
            if !error.perhaps_done() {
                world.store.unmark_all(&scope).await?;
            }
            Err(error.into())
        }
    }
}

/// The room for a purpose stands in the store: there is nothing to be looked for any more.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn recorded(world: &Ctx, purpose: &str) -> Result<(), Error> {
    Ok(world.store.unmark_all(&scope(purpose)).await?)
}

/// The room that one of these attempts made.
async fn find(world: &Ctx, attempts: &[(String, Millis)]) -> Result<Option<OwnedRoomId>, Error> {
    let latest = attempts.iter().map(|(_, at)| *at).max().unwrap_or(0);
    let left = (latest + GOES_ON - world.now()).clamp(0, GOES_ON);
    tokio::time::sleep(Duration::from_millis(left.unsigned_abs())).await;
    let key = key(world);
    for room in world.homeserver.joined_rooms().await? {
        if is_known(world, &room).await? {
            continue;
        }
        let created = state(world, &room, "m.room.create").await?;
        let secret = created.as_ref().and_then(|content| content.get(&key));
        let is_it = secret
            .and_then(Value::as_str)
            .is_some_and(|secret| attempts.iter().any(|(known, _)| known == secret));
        if !is_it {
            continue;
        }
        // The name comes last, or nearly so.
        if state(world, &room, "m.room.name").await?.is_some() {
            return Ok(Some(room));
        }
        tracing::info!(%room, "left a room that was not made to the end");
        world.homeserver.leave(&Actor::Bot, &room, None).await?;
        world.homeserver.forget(&Actor::Bot, &room).await?;
    }
    Ok(None)
}

/// Whether it has a row already.
async fn is_known(world: &Ctx, room: &RoomId) -> Result<bool, Error> {
    let (store, room) = (&world.store, room.as_str());
    Ok(store.portal_by_room(room).await?.is_some()
        || store.space_owner(room).await?.is_some()
        || store.management_room_owner(room).await?.is_some())
}

async fn state(world: &Ctx, room: &RoomId, kind: &str) -> Result<Option<Value>, Error> {
    match world.homeserver.state(room, kind, "").await {
        // The bot has just left it.
        Err(error) if error.is_forbidden() || error.is_not_found() => Ok(None),
        content => Ok(content?),
    }
}

fn scope(purpose: &str) -> String {
    format!("creating/{purpose}")
}

/// Where the secret stands in `m.room.create`.
fn key(world: &Ctx) -> String {
    format!("{}.creation", world.network.info().event_key)
}
