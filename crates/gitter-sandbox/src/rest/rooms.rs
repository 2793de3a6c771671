//! Rooms: listing, finding, showing, changing, joining, deleting.

use serde_json::{Value, json};

use super::{Call, Route, body, delete, get, post, put, users};
use crate::answer::Answer;
use crate::ids::RoomId;
use crate::world::Refusal;
use crate::world::room_view::RoomFields;
use crate::world::rooms::Place;

pub(super) const ROUTES: &[Route] = &[
    get("/rooms", list_or_search),
    post("/rooms", resolve),
    get("/rooms/:room", show),
    put("/rooms/:room", update),
    delete("/rooms/:room", remove),
    post("/user/:me/rooms", join),
    get("/rooms/:room/meta", welcome),
    post("/rooms/:room/meta", set_welcome),
    get("/rooms/:room/events", activity),
    get("/rooms/:room/issues", none),
    get("/rooms/:room/collaborators", none),
    get("/rooms/:room/suggestedRooms", none),
];

/// Longest topic, in UTF-16 units.
const LONGEST_TOPIC: usize = 4096;

fn view(call: &Call<'_>, room: RoomId, fields: RoomFields) -> Result<Answer, Refusal> {
    Ok(Answer::ok(&call.world.room_view(
        room,
        Some(call.user),
        fields,
    )?))
}

/// Searching needs an index, which the recorded server did not have: nothing is found.
fn list_or_search(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    match call.query("q") {
        None => users::my_rooms(call),
        Some(_) => Ok(Answer::ok(&json!({ "results": [] }))),
    }
}

fn resolve(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let uri = call
        .text("uri")
        .or(call.query("uri"))
        .ok_or(Refusal::BadRequest)?
        .to_owned();
    let room = match call.world.resolve(&uri, call.user)? {
        Place::Room(room) => room,
        Place::OneToOne(other) => call.world.one_to_one(call.user, other)?,
    };
    view(call, room, RoomFields::RESOLVED)
}

fn show(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    view(call, call.room()?, RoomFields::SHOW)
}

fn join(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room: RoomId = call
        .text("id")
        .and_then(|id| id.parse().ok())
        .ok_or(Refusal::BadRequest)?;
    // Gitter looks at the room before it has seen that there is one.
    call.world.room(room).map_err(|_| Refusal::Internal)?;
    call.world.join(room, call.user)?;
    view(call, room, RoomFields::JOINED)
}

fn update(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room = call.room()?;
    call.world.governable(room, call.user)?;
    if let Some(topic) = call.field("topic").cloned() {
        let topic = body::as_text(Some(&topic))?.unwrap_or_default();
        if topic.encode_utf16().count() > LONGEST_TOPIC {
            return Err(Refusal::BadRequest);
        }
        call.world.set_topic(room, &topic)?;
    }
    match call.field("tags").cloned() {
        None | Some(Value::Null) => {}
        Some(Value::String(tags)) => call
            .world
            .change_room(room, |room| room.tags = split_tags(&tags))?,
        Some(_) => return Err(Refusal::Internal),
    }
    if let Some(noindex) = call.field("noindex").and_then(Value::as_bool) {
        call.world
            .change_room(room, |room| room.noindex = noindex)?;
    }
    match call.field("providers").cloned() {
        None => {}
        Some(providers) if providers == json!([]) || providers == json!(["github"]) => {
            let github = providers == json!(["github"]);
            let providers = if github {
                vec!["github".to_owned()]
            } else {
                Vec::new()
            };
            call.world
                .change_room(room, |room| room.providers = providers)?;
        }
        Some(_) => return Err(Refusal::BadRequest),
    }
    view(call, room, RoomFields::UPDATED)
}

/// Comma-separated; 200 characters in all, 20 each, and none with a colon.
fn split_tags(tags: &str) -> Vec<String> {
    let tags: String = tags.trim().chars().take(200).collect();
    let cut = |tag: &str| tag.trim().chars().take(20).collect::<String>();
    tags.split(',')
        .map(cut)
        .filter(|tag| !tag.is_empty() && !tag.contains(':'))
        .collect()
}

fn remove(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room = call.room()?;
    if call.world.room(room)?.is_one_to_one() {
        return Err(Refusal::BadRequest);
    }
    call.world.governable(room, call.user)?;
    call.world.delete_room(room)?;
    Ok(Answer::success())
}

fn welcome(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let text = &call.world.room(call.room()?)?.welcome;
    let html = crate::render::render(text).html;
    Ok(Answer::ok(
        &json!({ "welcomeMessage": { "text": text, "html": html } }),
    ))
}

fn set_welcome(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room = call.room()?;
    call.world.governable(room, call.user)?;
    let text = body::as_text(call.field("welcomeMessage"))?.unwrap_or_default();
    call.world.room_mut(room)?.welcome = text;
    welcome(call)
}

/// The activity feed, newest first.
fn activity(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room = call.world.room(call.room()?)?;
    let skip = call
        .number("skip")
        .and_then(|skip| usize::try_from(skip).ok())
        .unwrap_or(0);
    let limit = call
        .number("limit")
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| *limit > 0);
    let before = match call.query("beforeId") {
        Some(id) => Some(
            id.parse::<crate::ids::EventId>()
                .map_err(|_| Refusal::Internal)?,
        ),
        None => None,
    };
    let entries = room
        .activity
        .iter()
        .rev()
        .filter(|entry| before.is_none_or(|before| entry.id < before));
    let wanted = entries.skip(skip).take(limit.unwrap_or(50));
    Ok(Answer::ok(
        &wanted.map(crate::world::views::activity_view).collect(),
    ))
}

fn none(_: &mut Call<'_>) -> Result<Answer, Refusal> {
    Ok(Answer::ok(&json!([])))
}
