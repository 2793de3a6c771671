//! What a user is told after each login. It is owed until it is done: a mark in the store survives a restart.

use store::Login;

use super::connections::Line;
use super::expiry::{self, scope};
use crate::management::{room_of, say, words};
use crate::{Ctx, Error, World};

/// Mark in the store: he has been welcomed, and the rooms he was to be invited to at that time have been seen to.
const WELCOMED: &str = "welcomed";

/// A welcome is owed for this login.
pub(super) async fn owe(world: &Ctx, login: &Login) -> Result<(), Error> {
    expiry::forget(world, login.id).await?;
    forget(world, login.id).await
}

/// Whether it is (still) owed.
pub(super) async fn is_owed(world: &World, login_id: i64) -> Result<bool, Error> {
    Ok(!world.store.marked(&scope(login_id), WELCOMED).await?)
}

/// Says it: `invited` of `rooms` rooms get an invite now.
pub(super) async fn say_it(
    world: &Ctx,
    line: &Line,
    rooms: usize,
    invited: usize,
) -> Result<(), Error> {
    let login = &line.login;
    if let Some((_, room)) = room_of(world, &login.mxid).await? {
        let notice = words::login::welcome(world.network.info().name, login, rooms, invited);
        say(
            world,
            &room,
            &notice,
            &format!("welcome {} {}", login.id, login.since),
        )
        .await?;
    }
    Ok(())
}

/// It is no longer owed.
pub(super) async fn done(world: &World, login_id: i64) -> Result<(), Error> {
    world
        .store
        .mark(&scope(login_id), WELCOMED, world.now())
        .await?;
    Ok(())
}

/// Forgets about a login that is gone.
pub(super) async fn forget(world: &World, login_id: i64) -> Result<(), Error> {
    world.store.unmark(&scope(login_id), WELCOMED).await?;
    Ok(())
}
