//! The personal space: a private room that lists a user's portals, and nothing else.
//!
//! It is a convenience. What fails here is told in the log and holds up nothing, except when trying again
//! will help.

mod upgraded;

use homeserver::{Actor, NewRoom, NewState, StateEvent};
use ruma::{OwnedRoomId, RoomId, UserId};
use serde_json::{Value, json};
use store::Portal;

use crate::{Ctx, Error, creation, ghost::puppet};
pub(crate) use upgraded::upgraded;

/// The user's space; made, and the user invited to it, if there is none. `None` when the homeserver does
/// not allow one.
///
/// # Errors
/// When homeserver or database do not answer.
pub async fn ensure(world: &Ctx, user: &UserId) -> Result<Option<OwnedRoomId>, Error> {
    let _making = world.spaces.lock(user.to_owned()).await;
    if let Some(space) = known(world, user).await? {
        invite(world, user, &space).await?;
        return Ok(Some(space));
    }
    let new = NewRoom {
        name: Some(world.network.info().name.to_owned()),
        topic: Some(format!("Your rooms on {}", world.network.info().name)),
        room_type: Some("m.space".to_owned()),
        federate: world.config.federate,
        power_levels: Some(json!({
            "users_default": 0,
            "events_default": 100,
            "state_default": 100,
            "invite": 100,
            "kick": 100,
            "ban": 100,
            "redact": 100,
        })),
        initial_state: vec![
            state("m.room.join_rules", json!({"join_rule": "invite"})),
            state(
                "m.room.history_visibility",
                json!({"history_visibility": "shared"}),
            ),
            state("m.room.guest_access", json!({"guest_access": "forbidden"})),
        ],
        ..NewRoom::default()
    };
    let purpose = format!("space/{user}");
    let made = match creation::create(world, &purpose, new).await {
        Err(Error::Homeserver(error)) if !error.is_transient() => {
            tracing::warn!(%error, "the homeserver does not let us make a space");
            return Ok(None);
        }
        made => made?.room,
    };
    world
        .store
        .set_space(user.as_str(), Some(made.as_str()))
        .await?;
    creation::recorded(world, &purpose).await?;
    invite(world, user, &made).await?;
    Ok(Some(made))
}

/// Offers a user his space again, if he is not in it and not invited. Says whether he was invited.
///
/// # Errors
/// When homeserver or database do not answer.
pub(crate) async fn offer_again(world: &Ctx, user: &UserId) -> Result<bool, Error> {
    let Some(space) = ensure(world, user).await? else {
        return Ok(false);
    };
    let membership = world
        .homeserver
        .state(&space, "m.room.member", user.as_str())
        .await;
    let membership = match membership {
        Ok(content) => content
            .as_ref()
            .and_then(|content| content.get("membership"))
            .and_then(Value::as_str)
            .map(str::to_owned),
        Err(error) if error.is_forbidden() || error.is_not_found() => {
            tracing::warn!("a space is out of reach; making another");
            world.store.set_space(user.as_str(), None).await?;
            return Ok(ensure(world, user).await?.is_some());
        }
        Err(error) => return Err(error.into()),
    };
    if membership.is_some_and(|membership| membership != "leave") {
        return Ok(false);
    }
    world.store.unmark(space.as_str(), INVITED).await?;
    invite(world, user, &space).await?;
    Ok(true)
}

/// Mark in the store: the user was invited to this space.
const INVITED: &str = "invited to the space";

/// Invites a user to his space, once.
async fn invite(world: &Ctx, user: &UserId, space: &RoomId) -> Result<(), Error> {
    if world.store.marked(space.as_str(), INVITED).await? {
        return Ok(());
    }
    let invited = world.homeserver.invite(&Actor::Bot, space, user, None);
    match invited.await {
        // He is in it already, or the bot was thrown out, which shows soon.
        Err(error) if error.is_forbidden() => {}
        invited => invited?,
    }
    world
        .store
        .mark(space.as_str(), INVITED, world.now())
        .await?;
    puppet::join(world, user, space).await
}

/// Lists a portal in the user's space.
///
/// # Errors
/// When homeserver or database do not answer.
pub(crate) async fn add(
    world: &Ctx,
    user: &UserId,
    portal: &Portal,
    room: &RoomId,
) -> Result<(), Error> {
    let Some(space) = ensure(world, user).await? else {
        return Ok(());
    };
    let child = child(world, portal);
    match set_child(world, &space, room, &child).await {
        Ok(()) => Ok(world.store.set_portal_in_space(portal.id, true).await?),
        Err(error) if error.is_forbidden() => {
            // The bot was thrown out of it: next time there is a new one.
            tracing::warn!("a space is out of reach; forgetting it");
            Ok(world.store.set_space(user.as_str(), None).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// Takes a portal off the user's space.
///
/// # Errors
/// When homeserver or database do not answer.
pub(crate) async fn remove(world: &Ctx, portal: &Portal, room: &RoomId) -> Result<(), Error> {
    let user = crate::portal::user_of(portal)?;
    if let Some(space) = known(world, &user).await? {
        match set_child(world, &space, room, &json!({})).await {
            Err(error) if error.is_forbidden() || error.is_not_found() => {}
            done => done?,
        }
    }
    Ok(world.store.set_portal_in_space(portal.id, false).await?)
}

/// How a portal is listed.
fn child(world: &Ctx, portal: &Portal) -> Value {
    // In the order of names, whatever the client makes of it.
    let order: String = portal
        .shown
        .address
        .to_lowercase()
        .chars()
        .filter(|c| ('\x20'..='\x7e').contains(c))
        .take(50)
        .collect();
    json!({"via": [world.config.domain], "order": order})
}

async fn known(world: &Ctx, user: &UserId) -> Result<Option<OwnedRoomId>, Error> {
    let space = world
        .store
        .user(user.as_str())
        .await?
        .and_then(|user| user.space);
    Ok(space.and_then(|space| OwnedRoomId::try_from(space).ok()))
}

async fn set_child(
    world: &Ctx,
    space: &RoomId,
    room: &RoomId,
    content: &Value,
) -> Result<(), homeserver::Error> {
    let state = NewState {
        who: &Actor::Bot,
        room: space,
        kind: "m.space.child",
        key: room.as_str(),
        content,
        ts: None,
    };
    world.homeserver.set_state(&state).await.map(drop)
}

fn state(kind: &str, content: Value) -> StateEvent {
    StateEvent {
        kind: kind.to_owned(),
        key: String::new(),
        content,
    }
}
