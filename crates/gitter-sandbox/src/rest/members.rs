//! A room's members: listing, adding, removing, inviting, banning.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Route, delete, get, post};
use crate::answer::Answer;
use crate::ids::UserId;
use crate::world::rooms::Ban;
use crate::world::{Refusal, World, iso};

pub(super) const ROUTES: &[Route] = &[
    get("/rooms/:room/users", list),
    post("/rooms/:room/users", add),
    delete("/rooms/:room/users/:user", remove),
    post("/rooms/:room/invites", invite),
    get("/rooms/:room/bans", bans),
    post("/rooms/:room/bans", ban),
    get("/rooms/:room/bans/:username", show_ban),
    delete("/rooms/:room/bans/:username", unban),
];

/// Members per answer unless asked otherwise, and at most.
const USUAL: usize = 30;
const MOST: usize = 100;

fn list(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    if call.query("q").is_some() {
        // Needs an index, which the recorded server did not have.
        let none = Answer::ok(&json!([]));
        return Ok(none.with(http::header::CACHE_CONTROL, "public, max-age=60"));
    }
    let limit = call
        .number("limit")
        .filter(|limit| *limit != 0)
        .map_or(USUAL, |limit| clamp(limit.abs()).min(MOST));
    let skip = call.number("skip").map_or(0, clamp);
    let lean = call.query("lean").is_some_and(|lean| !lean.is_empty());
    Ok(Answer::ok(&views(
        call.world,
        call.room()?,
        skip,
        limit,
        lean,
    )?))
}

fn clamp(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// Some of a room's members, in the order in which they joined.
pub(crate) fn views(
    world: &World,
    room: crate::ids::RoomId,
    skip: usize,
    limit: usize,
    lean: bool,
) -> Result<Value, Refusal> {
    let room = world.room(room)?;
    let wanted = room.members.iter().skip(skip).take(limit);
    Ok(wanted
        .map(|id| world.member_view(room, *id, lean, world.online.contains(id)))
        .collect())
}

fn add(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room = call.room()?;
    let username = call.text("username").ok_or(Refusal::BadRequest)?;
    let user = call.world.user_named(username).ok_or(Refusal::Internal)?.id;
    put_in(call, room, user)?;
    Ok(Answer::ok(&call.world.user_view(user)))
}

fn put_in(call: &mut Call<'_>, room: crate::ids::RoomId, user: UserId) -> Result<(), Refusal> {
    let found = call.world.room(room)?;
    if found.is_one_to_one() || found.bans(user) {
        return Err(Refusal::Forbidden);
    }
    call.world.put_in(room, user)
}

fn remove(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room = call.room()?;
    let named = call.param("user");
    let user = if call.query("type") == Some("username") {
        call.world.user_named(named).map(|user| user.id)
    } else {
        named.parse().ok()
    };
    let user = user.ok_or(Refusal::NotFound)?;
    let found = call.world.room(room)?;
    if found.is_one_to_one() {
        return Err(Refusal::BadRequest);
    }
    if user != call.user {
        call.world.governable(room, call.user)?;
    }
    call.world.take_out(room, user)?;
    Ok(Answer::success())
}

fn invite(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room = call.room()?;
    let forms = [
        "username",
        "githubUsername",
        "gitlabUsername",
        "twitterUsername",
        "externalId",
    ];
    let name = forms.iter().find_map(|form| call.text(form));
    let email = call.text("email").or(call.text("emailAddress"));
    let name = match (name, email) {
        (Some(name), _) => name.to_owned(),
        (None, Some(email)) => email.to_owned(),
        (None, None) => return Err(Refusal::BadRequest),
    };
    let avatar = format!("{}/api/private/avatars/gh/u/{name}", call.world.web_url);
    let Some(user) = call.world.user_named(&name).map(|user| user.id) else {
        if email.is_none() {
            return Ok(Answer::failure(
                StatusCode::PRECONDITION_REQUIRED,
                call.world.now(),
            ));
        }
        return Ok(Answer::ok(
            &json!({ "status": "invited", "avatarUrl": avatar }),
        ));
    };
    put_in(call, room, user)?;
    Ok(Answer::ok(
        &json!({ "status": "added", "user": call.world.user_view(user), "avatarUrl": avatar }),
    ))
}

fn ban_view(world: &World, ban: &Ban) -> Value {
    json!({ "bannedBy": world.user_view(ban.by), "dateBanned": iso(ban.at), "user": world.user_view(ban.user) })
}

fn bans(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room = call.world.room(call.room()?)?;
    Ok(Answer::ok(
        &room
            .bans
            .iter()
            .map(|ban| ban_view(call.world, ban))
            .collect(),
    ))
}

fn find_ban<'a>(call: &'a Call<'_>) -> Result<&'a Ban, Refusal> {
    let user = call
        .world
        .user_named(call.param("username"))
        .ok_or(Refusal::NotFound)?
        .id;
    call.world
        .room(call.room()?)?
        .bans
        .iter()
        .find(|ban| ban.user == user)
        .ok_or(Refusal::NotFound)
}

fn show_ban(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let ban = find_ban(call)?;
    Ok(Answer::ok(&ban_view(call.world, ban)))
}

fn ban(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room = call.room()?;
    let found = call.world.room(room)?;
    let username = call
        .text("username")
        .filter(|_| !found.is_one_to_one())
        .ok_or(Refusal::BadRequest)?;
    let found = call.world.governable(room, call.user)?;
    let user = call.world.user_named(username).ok_or(Refusal::NotFound)?.id;
    if user == call.user {
        return Err(Refusal::BadRequest);
    }
    if call.world.is_admin(found, user) {
        return Err(Refusal::Forbidden);
    }
    let remove_messages = call
        .field("removeMessages")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    if !call.world.ban(room, user, call.user, remove_messages)? {
        return Ok(Answer::json(
            StatusCode::ACCEPTED,
            &json!({ "removed": true }),
        ));
    }
    let found = call.world.room(room)?;
    let made = found
        .bans
        .iter()
        .find(|ban| ban.user == user)
        .ok_or(Refusal::Internal)?;
    Ok(Answer::ok(&ban_view(call.world, made)))
}

fn unban(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room = call.room()?;
    call.world.governable(room, call.user)?;
    let user = find_ban(call)?.user;
    call.world.unban(room, user, call.user)?;
    Ok(Answer::success())
}
