//! Communities, and making rooms in them.

use serde_json::Value;

use super::{Call, Route, get, post, users};
use crate::answer::Answer;
use crate::world::room_view::RoomFields;
use crate::world::rooms::Visibility;
use crate::world::{Group, Refusal};

pub(super) const ROUTES: &[Route] = &[
    get("/groups", users::my_groups),
    post("/groups", make),
    get("/groups/:group", show),
    get("/groups/:group/rooms", rooms),
    post("/groups/:group/rooms", make_room),
];

/// Longest name of a room.
const LONGEST_NAME: usize = 80;

/// Only Gitter's own clients may make communities; to others the call is not there.
fn make(_: &mut Call<'_>) -> Result<Answer, Refusal> {
    Err(Refusal::NotFound)
}

fn group<'a>(call: &'a Call<'_>) -> Result<&'a Group, Refusal> {
    let id = call.param("group").parse().map_err(|_| Refusal::Internal)?;
    call.world.groups.get(&id).ok_or(Refusal::NotFound)
}

fn show(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let group = group(call)?;
    Ok(Answer::ok(&call.world.group_view(group)))
}

/// Those that the caller can see.
fn rooms(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let group = group(call)?.id;
    let listed = call
        .world
        .rooms
        .values()
        .filter(|room| room.group == Some(group) && room.admits(call.user));
    let views: Result<Vec<Value>, Refusal> = listed
        .map(|room| {
            call.world
                .room_view(room.id, Some(call.user), RoomFields::PUSHED)
        })
        .collect();
    Ok(Answer::ok(&Value::Array(views?)))
}

fn make_room(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let group = group(call)?;
    if !group.admins.contains(&call.user) {
        return Err(Refusal::Forbidden);
    }
    let name = call
        .text("name")
        .filter(|name| is_name(name))
        .ok_or(Refusal::BadRequest)?;
    let uri = format!("{}/{name}", group.uri);
    let security = call
        .field("security")
        .and_then(|security| security.get("security"))
        .and_then(Value::as_str);
    let visibility = match security {
        None | Some("PUBLIC") => Visibility::Public,
        Some("PRIVATE") => Visibility::Private,
        Some(_) => return Err(Refusal::BadRequest),
    };
    let topic = call.text("topic").unwrap_or_default().to_owned();
    let room = call.world.add_room(&uri, visibility, call.user)?;
    call.world.room_mut(room)?.topic = topic;
    Ok(Answer::ok(&call.world.room_view(
        room,
        Some(call.user),
        RoomFields::CREATED,
    )?))
}

fn is_name(name: &str) -> bool {
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-');
    (2..=LONGEST_NAME).contains(&name.chars().count())
        && name.chars().all(plain)
        && !name.starts_with('-')
}
