//! `users`: who is logged in, for admins.

use store::LoginState;

use super::{Call, Notice, words};
use crate::Error;
use words::status::Somebody;

pub(super) async fn run(call: &Call<'_>) -> Result<Notice, Error> {
    let world = call.world;
    let mut people = Vec::new();
    for login in world.store.logins().await? {
        people.push(Somebody {
            permitted: world.config.permissions.may_still_use(&login.mxid),
            expired: login.state == LoginState::Expired,
            connection: world.connections.status(login.id),
            rooms: world.store.joined_portals(login.id).await?.len(),
            mxid: login.mxid,
            username: login.username,
        });
    }
    people.sort_by(|a, b| a.mxid.cmp(&b.mxid));
    Ok(words::status::users(&people, world.now()))
}
