//! Somebody invites the bot.

use homeserver::{Actor, RoomMember};
use ruma::{EventId, RoomId, UserId};

use super::{say, words};
use crate::login::new_link;
use crate::{Ctx, Error, World};

/// Decides about an invite of the bot, and makes the room his management room.
pub(super) async fn invited(
    world: &Ctx,
    event: &EventId,
    room: &RoomId,
    inviter: &UserId,
) -> Result<(), Error> {
    let network = world.network.info().name;
    if !world.config.permissions.may_use(inviter) {
        tracing::info!(%inviter, "refused the invite of somebody without permission");
        return refuse(world, room, &words::greeting::not_permitted(network)).await;
    }
    if world.store.room_refused(room.as_str()).await? {
        return refuse(world, room, words::greeting::NOT_ALONE).await;
    }
    if is_otherwise_ours(world, room).await? {
        return Ok(());
    }
    if let Err(error) = world.homeserver.join(&Actor::Bot, room).await {
        if error.is_transient() {
            return Err(error.into());
        }
        // The invite was taken back, or the room is gone: nobody waits for an answer.
        tracing::info!(%room, %error, "an invite could not be accepted");
        return Ok(());
    }
    settle(world, event, room, inviter).await
}

/// A room goes on in another one: so does the talk, if it was a management room and the bot is let in. Clients also
/// invite everybody into the new room, which leads to the same.
pub(super) async fn upgraded(
    world: &Ctx,
    event: &EventId,
    room: &RoomId,
    replacement: &RoomId,
) -> Result<(), Error> {
    let Some(owner) = super::owner_of(world, room).await? else {
        return Ok(());
    };
    if world.store.room_refused(replacement.as_str()).await?
        || is_otherwise_ours(world, replacement).await?
    {
        return Ok(());
    }
    match world.homeserver.join(&Actor::Bot, replacement).await {
        Ok(()) => settle(world, event, replacement, &owner).await,
        Err(error) if error.is_transient() => Err(error.into()),
        Err(error) => {
            tracing::info!(%room, %replacement, %error, "waiting for an invite into the new room");
            Ok(())
        }
    }
}

/// The bot is in the room: stays if it is alone with its user, and greets him.
pub(super) async fn settle(
    world: &Ctx,
    event: &EventId,
    room: &RoomId,
    user: &UserId,
) -> Result<(), Error> {
    let members = match world.homeserver.members(room).await {
        Ok(members) => members,
        Err(error) if error.is_forbidden() => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    match company(&members, world.names.bot(), user) {
        Company::Alone => {}
        Company::Others => {
            say(world, room, &words::greeting::too_many(), event.as_str()).await?;
            world
                .store
                .refuse_room(room.as_str(), "more than two members", world.now())
                .await?;
            return depart(world, room, Some(words::greeting::NOT_ALONE)).await;
        }
        Company::Gone => return depart(world, room, None).await,
    }
    let former = world
        .store
        .user(user.as_str())
        .await?
        .and_then(|user| user.management_room);
    if let Some(former) = former.filter(|former| former != room.as_str())
        && let Ok(former) = RoomId::parse(former)
    {
        depart(world, &former, Some(words::greeting::MOVED)).await?;
    }
    world
        .store
        .set_management_room(user.as_str(), Some(room.as_str()))
        .await?;
    greet(world, event, room, user).await
}

async fn greet(world: &Ctx, event: &EventId, room: &RoomId, user: &UserId) -> Result<(), Error> {
    let network = world.network.info().name;
    let login = world.store.login_of(user.as_str()).await?;
    let in_order = login
        .as_ref()
        .is_some_and(|login| login.state == store::LoginState::Ok);
    let link = if in_order {
        None
    } else {
        Some(new_link(world, user).await?)
    };
    let encrypted = world
        .homeserver
        .state(room, "m.room.encryption", "")
        .await?
        .is_some();
    let notice = words::greeting::hello(network, login.as_ref(), link.as_deref(), encrypted);
    say(world, room, &notice, event.as_str()).await
}

/// Leaves a room and forgets it.
pub(super) async fn depart(
    world: &World,
    room: &RoomId,
    reason: Option<&str>,
) -> Result<(), Error> {
    let left = world.homeserver.leave(&Actor::Bot, room, reason).await;
    let forgotten = match left {
        Ok(()) => world.homeserver.forget(&Actor::Bot, room).await,
        error => error,
    };
    match forgotten {
        // What cannot be left any more has been left.
        Err(error) if error.is_transient() => Err(error.into()),
        _ => Ok(()),
    }
}

async fn refuse(world: &World, room: &RoomId, reason: &str) -> Result<(), Error> {
    depart(world, room, Some(reason)).await
}

/// Whether the bridge has another use for the room, or it is the inviter's already.
async fn is_otherwise_ours(world: &World, room: &RoomId) -> Result<bool, Error> {
    Ok(world.store.portal_by_room(room.as_str()).await?.is_some()
        || world.store.space_owner(room.as_str()).await?.is_some())
}

/// Who is in a room besides the bot.
#[derive(Debug, PartialEq, Eq)]
enum Company {
    /// The user and nobody else.
    Alone,
    /// Somebody else, in it or invited.
    Others,
    /// Not even the user.
    Gone,
}

fn company(members: &[RoomMember], bot: &UserId, user: &UserId) -> Company {
    if members
        .iter()
        .any(|member| member.user != bot && member.user != user)
    {
        Company::Others
    } else if members.iter().any(|member| member.user == user) {
        Company::Alone
    } else {
        Company::Gone
    }
}

#[cfg(test)]
mod tests {
    use homeserver::Membership;
    use ruma::user_id;

    use super::*;

    #[test]
    fn the_bot_wants_to_be_alone_with_its_user() {
        let member = |user: &UserId, membership| RoomMember {
            user: user.to_owned(),
            membership,
        };
        let (bot, alice, bob) = (
            user_id!("@bot:x.org"),
            user_id!("@alice:x.org"),
            user_id!("@bob:x.org"),
        );
        let here = [
            member(bot, Membership::Join),
            member(alice, Membership::Join),
        ];
        assert_eq!(company(&here, bot, alice), Company::Alone);
        assert_eq!(company(&here[..1], bot, alice), Company::Gone);
        let mut more = here.to_vec();
        more.push(member(bob, Membership::Invite));
        assert_eq!(company(&more, bot, alice), Company::Others);
    }
}
