//! Ghosts: the Matrix shape of people on the network.
//!
//! One is made when it is first needed, enters a room when it first speaks there, and its name and picture
//! are written only when they change: in the steady state a message costs no request besides itself.

pub(crate) mod picture;
pub(crate) mod puppet;

use homeserver::{Actor, NewState};
use remote::{Millis, Person};
use ruma::{OwnedMxcUri, OwnedUserId, RoomId, UserId};
use serde_json::json;
use store::{Ghost, Login};

use crate::{Ctx, Error, world::Keyed};

/// What is going on with ghosts.
#[derive(Default)]
pub struct Ghosts {
    /// One at a time per person, so that lanes do not make the same ghost side by side.
    making: Keyed<String>,
    pictures: picture::Pictures,
    pub(crate) puppets: puppet::Puppets,
}

/// Who says on Matrix what a person says on the network, in the room by then: the user himself where double puppeting lets
/// him, or else the person's ghost.
pub(crate) async fn speaker(
    world: &Ctx,
    login: &Login,
    person: &Person,
    room: &RoomId,
    ts: Option<Millis>,
) -> Result<Actor, Error> {
    match himself(world, login, person.id.as_str()) {
        Some(user) => Ok(user),
        None => in_room(world, login.id, person, room, ts).await,
    }
}

/// The user of this login as somebody we speak as, if this person is he, and we may.
pub(crate) fn himself(world: &Ctx, login: &Login, person: &str) -> Option<Actor> {
    let user = <&UserId>::try_from(login.mxid.as_str()).ok()?;
    (login.person_id == person)
        .then(|| puppet::of(world, user))
        .flatten()
}

/// Makes sure that a person's ghost is in a room, and gives it. `ts`: when it is to have come there, for
/// history.
pub(crate) async fn in_room(
    world: &Ctx,
    login: i64,
    person: &Person,
    room: &RoomId,
    ts: Option<Millis>,
) -> Result<Actor, Error> {
    let known = world
        .store
        .ghost_and_whether_in(person.id.as_str(), room.as_str());
    let (ghost, is_in) = known.await?;
    let ghost = right(world, login, person, ghost).await?;
    let user = world.names.ghost(&person.id)?;
    let actor = Actor::Ghost(user.clone());
    if is_in {
        return Ok(actor);
    }
    let invite = json!({"membership": "invite"});
    match set_member(world, &Actor::Bot, room, &user, &invite, ts).await {
        // It may be in the room already; whether it can be there shows in a moment.
        Err(homeserver::Error::Refused { status: 403, .. }) => {}
        invited => invited?,
    }
    let mut join = json!({"membership": "join", "displayname": ghost.display_name});
    if let Some(avatar) = &ghost.avatar_mxc {
        join["avatar_url"] = json!(avatar);
    }
    set_member(world, &actor, room, &user, &join, ts).await?;
    world
        .store
        .set_ghost_in(person.id.as_str(), room.as_str(), true)
        .await?;
    Ok(actor)
}

/// Writes a changed name or picture, if the person has a ghost. Beside everything else: what fails here is
/// made up for when the person next speaks.
pub(crate) fn changed(world: &Ctx, login: i64, person: Person) {
    let ctx = world.clone();
    world.spawn(async move {
        let known = ctx.store.ghost(person.id.as_str()).await;
        if matches!(known, Ok(Some(_)))
            && let Err(error) = ensure(&ctx, login, &person).await
        {
            tracing::debug!(%error, "a ghost's profile was not written");
        }
    });
}

/// Makes sure that a person's ghost exists and looks right.
pub(crate) async fn ensure(world: &Ctx, login: i64, person: &Person) -> Result<Ghost, Error> {
    let ghost = world.store.ghost(person.id.as_str()).await?;
    right(world, login, person, ghost).await
}

/// Makes a ghost, or what is known of it, look right.
async fn right(
    world: &Ctx,
    login: i64,
    person: &Person,
    known: Option<Ghost>,
) -> Result<Ghost, Error> {
    let display_name = world.names.display_name(person);
    if let Some(ghost) = known
        && is_right(world, &ghost, person, &display_name)
    {
        return Ok(ghost);
    }
    let _making = world.ghosts.making.lock(person.id.to_string()).await;
    let mut ghost = match world.store.ghost(person.id.as_str()).await? {
        Some(ghost) if is_right(world, &ghost, person, &display_name) => return Ok(ghost),
        Some(ghost) => ghost,
        None => Ghost {
            person_id: person.id.to_string(),
            localpart: world.names.ghost_localpart(&person.id),
            registered: false,
            username: person.username.clone(),
            display_name: None,
            avatar_key: None,
            avatar_mxc: None,
        },
    };
    let user: OwnedUserId = world.names.ghost(&person.id)?;
    let actor = Actor::Ghost(user);
    if !ghost.registered {
        world.homeserver.register(&ghost.localpart).await?;
        ghost.registered = true;
    }
    if ghost.display_name.as_deref() != Some(&display_name) {
        let set = world
            .homeserver
            .set_display_name(&actor, &display_name)
            .await;
        tolerate(set)?;
        ghost.display_name = Some(display_name);
    }
    ghost.username.clone_from(&person.username);
    // Before the picture, which may take long or fail.
    world.store.put_ghost(&ghost).await?;
    if ghost.avatar_key != person.avatar.as_ref().map(|avatar| avatar.key.clone()) {
        picture(world, login, person, &actor, &mut ghost).await?;
    }
    Ok(ghost)
}

fn is_right(world: &Ctx, ghost: &Ghost, person: &Person, display_name: &str) -> bool {
    let picture = match &person.avatar {
        None => ghost.avatar_key.is_none(),
        Some(avatar) => {
            ghost.avatar_key.as_ref() == Some(&avatar.key)
                || world.ghosts.pictures.failed(&avatar.key, world.now())
        }
    };
    ghost.registered
        && ghost.display_name.as_deref() == Some(display_name)
        && ghost.username == person.username
        && picture
}

async fn picture(
    world: &Ctx,
    login: i64,
    person: &Person,
    actor: &Actor,
    ghost: &mut Ghost,
) -> Result<(), Error> {
    let mxc: Option<OwnedMxcUri> = match &person.avatar {
        None => None,
        Some(avatar) => match picture::upload(world, login, avatar).await? {
            Some(mxc) => Some(mxc),
            None => return Ok(()),
        },
    };
    tolerate(world.homeserver.set_avatar(actor, mxc.as_deref()).await)?;
    ghost.avatar_key = person.avatar.as_ref().map(|avatar| avatar.key.clone());
    ghost.avatar_mxc = mxc.map(|mxc| mxc.to_string());
    world.store.put_ghost(ghost).await?;
    Ok(())
}

/// A name or picture that the homeserver does not accept is no reason to lose what its owner says.
fn tolerate(set: Result<(), homeserver::Error>) -> Result<(), Error> {
    match set.map_err(Error::from) {
        Err(error) if !error.is_transient() => {
            tracing::warn!(%error, "the homeserver does not accept a ghost's name or picture");
            Ok(())
        }
        set => set,
    }
}

/// As a state event: cheaper for the homeserver than `/join`, and it can lie in the past (tried with
/// Synapse 1.163).
async fn set_member(
    world: &Ctx,
    who: &Actor,
    room: &RoomId,
    user: &OwnedUserId,
    content: &serde_json::Value,
    ts: Option<Millis>,
) -> Result<(), homeserver::Error> {
    let state = NewState {
        who,
        room,
        kind: "m.room.member",
        key: user.as_str(),
        content,
        ts,
    };
    world.homeserver.set_state(&state).await.map(drop)
}
