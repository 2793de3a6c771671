//! A portal's room was replaced by another one (Matrix spec, client-server API, "Room upgrades"), as homeserver admins do
//! to get a newer room version.
//!
//! The bridge goes along if the new room says that it follows the old one and lets the bot do what it has to: people are
//! brought in as they speak, and what was said before stays known. Otherwise the user gets a new room of ours.

use std::time::Duration;

use homeserver::{Actor, Direction};
use remote::Room;
use ruma::{OwnedRoomId, RoomId, UserId};
use serde_json::Value;
use store::{Login, Portal, PortalState};

use super::{
    create::{again, create_and_invite, is_in},
    enter, leave, user_of,
};
use crate::{Ctx, Error, ghost::puppet, intake::ControlEvent, login::compare_again, space};

/// How long a new room is left alone. Synapse (1.163) says that there is one before it has given it its own power levels:
/// until then whoever makes it has more power than stays.
pub(crate) const SETTLED: Duration = Duration::from_secs(3);

/// Works a tombstone in a portal.
///
/// # Errors
/// When database, homeserver or network do not answer.
pub(crate) async fn upgraded(world: &Ctx, event: &ControlEvent) -> Result<(), Error> {
    let ControlEvent::Upgraded {
        room, replacement, ..
    } = event
    else {
        return Ok(());
    };
    let Some(portal) = world.store.portal_by_room(room.as_str()).await? else {
        return Ok(());
    };
    tokio::time::sleep(SETTLED).await;
    let making = world.portals.making.lock(portal.id).await;
    let portal = again(world, portal.id).await?;
    if portal.room_id.as_deref() != Some(room.as_str()) {
        return Ok(());
    }
    match fits(world, room, replacement).await? {
        None => follow(world, &portal, room, replacement).await,
        Some(why) => {
            tracing::warn!(portal = portal.id, %replacement, why, "cannot go along into the new room; making one");
            let was_there = matches!(portal.state, PortalState::Joined | PortalState::Invited);
            let login = world.store.login_of(&portal.mxid).await?;
            let login = login.filter(|login| was_there && portal.login_id == Some(login.id));
            // First what may not be answered: as long as it is not, the portal keeps its room, by which this is found again.
            let wanted = match &login {
                Some(login) => wanted(world, login, &portal).await?,
                None => None,
            };
            leave::forget(world, &portal, room).await?;
            let (Some(login), Some(wanted)) = (login, wanted) else {
                return Ok(());
            };
            // Whoever is interrupted from here on, or not connected, gets his room with the next connection.
            world
                .store
                .set_portal_room(portal.id, None, PortalState::New)
                .await?;
            drop(making);
            let Wanted::Now(wanted) = wanted else {
                return Ok(());
            };
            let made = create_and_invite(world, &login, &wanted).await;
            if made.is_err() {
                compare_again(world, login.id);
            }
            made.map(drop)
        }
    }
}

/// When the user of a portal can have a new room.
enum Wanted {
    /// Now, for this room of the network.
    Now(Box<Room>),
    /// Once he is connected.
    Later,
}

/// Whether a user can have a new room for a portal; not if the network does not have that room for him any more.
async fn wanted(world: &Ctx, login: &Login, portal: &Portal) -> Result<Option<Wanted>, Error> {
    let Some(account) = world.connections.account(login.id) else {
        return Ok(Some(Wanted::Later));
    };
    let room = account.room(&portal.remote_room.as_str().into()).await;
    match room.map_err(Error::from) {
        Ok(room) => Ok(Some(Wanted::Now(Box::new(room)))),
        Err(error) if error.is_transient() => Err(error),
        Err(error) if error.needs_login() => Ok(Some(Wanted::Later)),
        Err(_) => Ok(None),
    }
}

/// Why the bridge cannot go along into the new room, if it cannot.
pub(crate) async fn fits(
    world: &Ctx,
    room: &RoomId,
    replacement: &RoomId,
) -> Result<Option<&'static str>, Error> {
    let is_taken = world
        .store
        .portal_by_room(replacement.as_str())
        .await?
        .is_some()
        || world
            .store
            .space_owner(replacement.as_str())
            .await?
            .is_some()
        || world
            .store
            .management_room_owner(replacement.as_str())
            .await?
            .is_some();
    if is_taken {
        return Ok(Some("it has another use"));
    }
    match world.homeserver.join(&Actor::Bot, replacement).await {
        Err(error) if error.is_transient() => return Err(error.into()),
        Err(_) => return Ok(Some("the bot is not let in")),
        Ok(()) => {}
    }
    let state = async |kind| world.homeserver.state(replacement, kind, "").await;
    let create = state("m.room.create").await?.unwrap_or_default();
    if create
        .pointer("/predecessor/room_id")
        .and_then(Value::as_str)
        != Some(room.as_str())
    {
        return Ok(Some("it does not follow the old one"));
    }
    let levels = state("m.room.power_levels").await?.unwrap_or_default();
    let bot = world.names.bot();
    let all_power = rules_by_making(&create) && made(world, replacement, bot).await?;
    Ok((!all_power && !is_powerful(&levels, bot)).then_some("the bot has no power in it"))
}

/// Whether a room's maker has all power without standing among the levels, as is so from room version 12 on.
fn rules_by_making(create: &Value) -> bool {
    let version = create.get("room_version").and_then(Value::as_str);
    version
        .and_then(|version| version.parse::<u32>().ok())
        .is_some_and(|version| version >= 12)
}

/// Whether somebody made a room: the sender of its first event, which is not to be had with state alone.
async fn made(world: &Ctx, room: &RoomId, user: &UserId) -> Result<bool, Error> {
    const FIRST: u16 = 5;
    let page = world
        .homeserver
        .timeline(room, None, Direction::Forward, &[], FIRST)
        .await?;
    Ok(page
        .events
        .iter()
        .any(|event| event.kind == "m.room.create" && event.sender == user))
}

/// Whether the levels let somebody do what the bot does: invite people, take them out, change settings.
fn is_powerful(levels: &Value, user: &UserId) -> bool {
    let level = |pointer: &str, default: i64| {
        levels
            .pointer(pointer)
            .and_then(Value::as_i64)
            .unwrap_or(default)
    };
    let own = levels
        .get("users")
        .and_then(|users| users.get(user.as_str()))
        .and_then(Value::as_i64)
        .unwrap_or_else(|| level("/users_default", 0));
    let needed = ["/invite", "/kick", "/redact", "/state_default"];
    needed.iter().all(|pointer| own >= level(pointer, 50)) && own >= level("/events_default", 0)
}

async fn follow(
    world: &Ctx,
    portal: &Portal,
    room: &OwnedRoomId,
    replacement: &OwnedRoomId,
) -> Result<(), Error> {
    let user = user_of(portal)?;
    let is_there = is_in(world, replacement, &user).await?;
    let state = match portal.state {
        PortalState::Joined | PortalState::Invited | PortalState::New => PortalState::New,
        state => state,
    };
    if portal.in_space {
        space::remove(world, portal, room).await?;
    }
    world.store.clear_room(room.as_str()).await?;
    world
        .store
        .set_portal_room(portal.id, Some(replacement.as_str()), state)
        .await?;
    tracing::info!(portal = portal.id, %replacement, "went along into the new room");
    if state != PortalState::New {
        return Ok(());
    }
    let portal = again(world, portal.id).await?;
    if world.config.space {
        space::add(world, &user, &portal, replacement).await?;
    }
    if is_there {
        enter::enter(world, &portal).await
    } else {
        let invited = world
            .homeserver
            .invite(&Actor::Bot, replacement, &user, None);
        invited.await?;
        world.store.set_portal_invited(portal.id).await?;
        puppet::join(world, &user, replacement).await
    }
}

#[cfg(test)]
mod tests {
    use ruma::user_id;
    use serde_json::json;

    use super::*;

    #[test]
    fn makers_rule_in_new_rooms_only() {
        for (version, rules) in [
            (json!("11"), false),
            (json!("12"), true),
            (json!("13"), true),
            (json!("org.example.12"), false),
            (json!(12), false),
            (json!(null), false),
        ] {
            assert_eq!(rules_by_making(&json!({"room_version": version})), rules);
        }
    }

    #[test]
    fn power_is_measured_by_what_the_bot_does() {
        let bot = user_id!("@bot:x.org");
        let with = |levels: Value| is_powerful(&levels, bot);
        assert!(!with(json!({})));
        assert!(with(json!({"users": {"@bot:x.org": 50}})));
        assert!(!with(
            json!({"users": {"@bot:x.org": 99}, "state_default": 100})
        ));
        assert!(with(
            json!({"users": {"@bot:x.org": 100}, "state_default": 100})
        ));
        assert!(with(json!({"users_default": 100})));
    }
}
