//! What happens when the network no longer accepts a login: its lanes wait, and the user hears of it once.

use remote::Fault;
use store::{Login, LoginState};

use super::new_link;
use crate::lanes::Backoff;
use crate::management::{room_of, say, words};
use crate::{Ctx, Error};

/// Mark in the store: the user has been told.
const TOLD: &str = "told expired";

/// Mark in the store: it was we who lost what opens the account.
const LOST: &str = "lost credentials";

/// Where the marks of a login are kept.
pub(super) fn scope(login_id: i64) -> String {
    format!("login/{login_id}")
}

/// To be called when the network says that a login's credentials are no longer accepted. Asks once more, since the
/// answer may be older than the credentials. Says whether the login has expired indeed; the user is then told
/// with a new login link, and its lanes wait.
///
/// # Errors
/// When the database does not answer.
pub async fn expire(world: &Ctx, login_id: i64) -> Result<bool, Error> {
    let Some(login) = world.store.login(login_id).await? else {
        return Ok(true);
    };
    if login.state == LoginState::Expired {
        return Ok(true);
    }
    let mut since = login.since;
    if let Some((account, connected)) = world.connections.account_since(login_id) {
        match account.me().await {
            Err(error) if error.fault == Fault::LoggedOut => {}
            _ => return Ok(false),
        }
        // That answer, too, may be about credentials that are no longer his.
        since = connected;
    }
    let now = world.now();
    if !world.store.expire_login(login_id, since, now).await? {
        return Ok(false);
    }
    tracing::info!(
        login = login_id,
        mxid = login.mxid,
        "the network no longer accepts this login"
    );
    remind(world, &login);
    // Last, since the caller may be the connection itself, which ends here.
    world.connections.stop_since(login_id, since);
    Ok(true)
}

/// To be called when what opens the account cannot be read any more: as if the network had ended the login.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn unreadable(world: &Ctx, login: &Login) -> Result<(), Error> {
    let store = &world.store;
    store.mark(&scope(login.id), LOST, world.now()).await?;
    store
        .expire_login(login.id, login.since, world.now())
        .await?;
    remind(world, login);
    Ok(())
}

/// Tells the user, unless he knows; tries until it worked.
pub(super) fn remind(world: &Ctx, login: &Login) {
    let (world, login) = (world.clone(), login.clone());
    world.clone().spawn(async move {
        let mut backoff = Backoff::default();
        while let Err(error) = tell(&world, &login).await {
            tracing::debug!(login = login.id, %error, "cannot tell yet that a login expired");
            tokio::select! {
                biased;
                () = world.stop.cancelled() => return,
                () = tokio::time::sleep(backoff.next(&world)) => {}
            }
        }
    });
}

async fn tell(world: &Ctx, login: &Login) -> Result<(), Error> {
    let expired = world
        .store
        .login(login.id)
        .await?
        .filter(|login| login.state == LoginState::Expired);
    let (Some(login), false) = (expired, world.store.marked(&scope(login.id), TOLD).await?) else {
        return Ok(());
    };
    if let Some((user, room)) = room_of(world, &login.mxid).await? {
        let link = new_link(world, &user).await?;
        let network = world.network.info().name;
        let notice = if world.store.marked(&scope(login.id), LOST).await? {
            words::login::lost(network, &login.username, &link)
        } else {
            words::login::expired(network, &login.username, &link)
        };
        say(
            world,
            &room,
            &notice,
            &format!("expired {} {}", login.id, login.since),
        )
        .await?;
    }
    world
        .store
        .mark(&scope(login.id), TOLD, world.now())
        .await?;
    Ok(())
}

/// Forgets that the user was told: he has logged in again.
pub(super) async fn forget(world: &Ctx, login_id: i64) -> Result<(), Error> {
    world.store.unmark(&scope(login_id), TOLD).await?;
    world.store.unmark(&scope(login_id), LOST).await?;
    Ok(())
}
