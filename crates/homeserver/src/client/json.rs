//! What goes into bodies and queries, and what is read from answers.

use serde_json::{Value, json};

use crate::{Error, Membership, NewRoom, RoomMember};

/// The body that makes a room.
pub(super) fn creation(room: &NewRoom) -> Value {
    let mut content = room.creation.clone();
    content.insert("m.federate".into(), room.federate.into());
    if let Some(room_type) = &room.room_type {
        content.insert("type".into(), room_type.as_str().into());
    }
    let state: Vec<Value> = room
        .initial_state
        .iter()
        .map(
            |state| json!({ "type": state.kind, "state_key": state.key, "content": state.content }),
        )
        .collect();
    let mut body = json!({
        "preset": "private_chat",
        "visibility": "private",
        "creation_content": content,
        "invite": room.invite,
        "is_direct": room.is_direct,
        "initial_state": state,
    });
    let optional = [
        ("name", room.name.clone().map(Value::from)),
        ("topic", room.topic.clone().map(Value::from)),
        ("room_version", room.room_version.clone().map(Value::from)),
        ("power_level_content_override", room.power_levels.clone()),
    ];
    for (key, value) in optional {
        if let (Some(value), Some(body)) = (value, body.as_object_mut()) {
            body.insert(key.to_owned(), value);
        }
    }
    body
}

/// The body, and why.
pub(super) fn with_reason(mut body: Value, reason: Option<&str>) -> Value {
    if let (Some(reason), Some(body)) = (reason, body.as_object_mut()) {
        body.insert("reason".to_owned(), reason.into());
    }
    body
}

/// The query that dates an event back.
pub(super) fn at(ts: Option<i64>) -> Vec<(&'static str, String)> {
    ts.map(|ts| ("ts", ts.to_string())).into_iter().collect()
}

/// Somebody in a room, or invited, by his membership event.
pub(super) fn member(event: &Value) -> Option<RoomMember> {
    let membership = match event.get("content")?.get("membership")?.as_str()? {
        "join" => Membership::Join,
        "invite" => Membership::Invite,
        _ => return None,
    };
    let user = event.get("state_key")?.as_str()?.try_into().ok()?;
    Some(RoomMember { user, membership })
}

/// An id in an answer.
pub(super) fn id<T: for<'a> TryFrom<&'a str>>(
    answer: &Value,
    field: &'static str,
) -> Result<T, Error> {
    answer
        .get(field)
        .and_then(Value::as_str)
        .and_then(|text| T::try_from(text).ok())
        .ok_or_else(|| lacks(field))
}

/// An answer without what it should hold.
pub(super) fn lacks(field: &str) -> Error {
    Error::Garbled(format!("no usable `{field}`"))
}
