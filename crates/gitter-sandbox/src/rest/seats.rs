//! What a room is to the caller: favourite, mode, unread items, hiding.

use serde_json::{Value, json};

use super::{Call, Route, delete, get, patch, post, put};
use crate::answer::Answer;
use crate::ids::{MessageId, RoomId};
use crate::world::Refusal;
use crate::world::room_view::RoomFields;
use crate::world::unread::Mode;

pub(super) const ROUTES: &[Route] = &[
    put("/user/:me/rooms/:room", settle),
    patch("/user/:me/rooms/:room", settle),
    delete("/user/:me/rooms/:room", hide),
    get(
        "/user/:me/rooms/:room/settings/notifications",
        notifications,
    ),
    put(
        "/user/:me/rooms/:room/settings/notifications",
        set_notifications,
    ),
    get("/user/:me/rooms/:room/unreadItems", unread),
    post("/user/:me/rooms/:room/unreadItems", mark_read),
    delete("/user/:me/rooms/:room/unreadItems/:which", mark_all_read),
    get("/user/:me/unreadItems", unread_rooms),
];

/// The room of the path, if the caller may have to do with it.
fn room(call: &Call<'_>) -> Result<RoomId, Refusal> {
    let room = call.room()?;
    call.world.enterable(room, call.user)?;
    Ok(room)
}

fn settle(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let (room, user) = (room(call)?, call.user);
    if let Some(favourite) = call.field("favourite").cloned() {
        let place = match favourite {
            Value::Bool(true) => Some(1),
            Value::Number(number) => number.as_i64().filter(|place| *place > 0),
            _ => None,
        };
        if place.is_some() {
            call.world.put_in(room, user)?;
        }
        call.world.room_mut(room)?.seat(user).favourite = place;
        call.world
            .patch_my_room(user, &json!({ "id": room.to_string(), "favourite": place }));
    }
    if call.field("updateLastAccess").is_some() {
        call.world.touch(room, user);
    }
    if let Some(mode) = call.field("mode").cloned() {
        set_mode(call, room, mode.as_str().unwrap_or_default())?;
    }
    Ok(Answer::ok(&call.world.room_view(
        room,
        Some(user),
        RoomFields::SETTLED,
    )?))
}

fn set_mode(call: &mut Call<'_>, room: RoomId, mode: &str) -> Result<(), Refusal> {
    let mode = Mode::read(mode).ok_or(Refusal::BadRequest)?;
    let seat = call.world.room_mut(room)?.seat(call.user);
    let news = !seat.unread.is_empty();
    seat.mode = mode;
    if mode == Mode::Mute {
        seat.activity |= news;
        call.world.read_all(room, call.user, false)?;
    }
    let model = json!({ "id": room.to_string(), "lurk": mode == Mode::Mute });
    call.world.patch_my_room(call.user, &model);
    Ok(())
}

/// Hides the room; a muted one is left.
fn hide(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let (room, user) = (room(call)?, call.user);
    let found = call.world.room_mut(room)?;
    let one_to_one = found.is_one_to_one();
    let seat = found.seat(user);
    let muted = seat.mode == Mode::Mute;
    seat.hidden = true;
    seat.last_access = None;
    seat.favourite = None;
    if muted && !one_to_one && found.has(user) {
        call.world.take_out(room, user)?;
    } else {
        let model = json!({ "id": room.to_string(), "favourite": null, "lastAccessTime": null });
        call.world.patch_my_room(user, &model);
    }
    Ok(Answer::success())
}

fn notifications(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room = room(call)?;
    let mode = call
        .world
        .room(room)?
        .seats
        .get(&call.user)
        .map(|seat| seat.mode)
        .unwrap_or_default();
    let (all, mute) = (mode == Mode::All, mode == Mode::Mute);
    Ok(Answer::ok(&json!({
        "push": mode.name(), "mode": mode.name(), "lurk": mute, "unread": !mute, "activity": mute,
        "mention": true, "announcement": !mute, "desktop": all, "mobile": all, "default": all,
        "defaultSettings": {
            "mode": "all", "lurk": false, "flags": 125, "unread": true, "activity": false,
            "mention": true, "announcement": true, "desktop": true, "mobile": true,
        },
    })))
}

fn set_notifications(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room = room(call)?;
    let mode = call.text("mode").ok_or(Refusal::BadRequest)?.to_owned();
    set_mode(call, room, &mode)?;
    notifications(call)
}

fn unread(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room = room(call)?;
    let seat = call.world.room_mut(room)?.seat(call.user);
    let text = |ids: &std::collections::BTreeSet<MessageId>| -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    };
    Ok(Answer::ok(
        &json!({ "chat": text(&seat.unread), "mention": text(&seat.mentions) }),
    ))
}

fn mark_read(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room = room(call)?;
    let listed = |key: &str| {
        call.field(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let given: Vec<Value> = listed("chat")
        .into_iter()
        .chain(listed("mention"))
        .collect();
    if given.is_empty() {
        return Err(Refusal::BadRequest);
    }
    let mut read = Vec::new();
    for id in given {
        let id = id
            .as_str()
            .and_then(|id| id.parse().ok())
            .ok_or(Refusal::Internal)?;
        if !read.contains(&id) {
            read.push(id);
        }
    }
    call.world.read(room, call.user, &read)?;
    Ok(Answer::success())
}

fn mark_all_read(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    if call.param("which") != "all" {
        return Err(Refusal::NotFound);
    }
    let room = room(call)?;
    call.world.read_all(room, call.user, true)?;
    Ok(Answer::success())
}

fn unread_rooms(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let mut rooms = Vec::new();
    for room in call.world.rooms.values() {
        let Some(seat) = room
            .seats
            .get(&call.user)
            .filter(|seat| !seat.unread.is_empty())
        else {
            continue;
        };
        rooms.push(json!({
            "id": room.id.to_string(),
            "uri": room.uri,
            "unreadItems": seat.unread.len(),
            "mentions": seat.mentions.len(),
        }));
    }
    Ok(Answer::ok(&Value::Array(rooms)))
}
