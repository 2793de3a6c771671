//! Messages: reading, sending, editing, deleting, threads, receipts.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Route, body, delete, get, post, put};
use crate::answer::Answer;
use crate::ids::MessageId;
use crate::world::history::{MOST, Wanted};
use crate::world::message_view::MessageForm;
use crate::world::{Draft, Refusal, VirtualUser, iso};

pub(super) const ROUTES: &[Route] = &[
    get("/rooms/:room/chatMessages", list),
    post("/rooms/:room/chatMessages", send),
    get("/rooms/:room/chatMessages/:message", show),
    put("/rooms/:room/chatMessages/:message", edit),
    delete("/rooms/:room/chatMessages/:message", remove),
    get("/rooms/:room/chatMessages/:message/thread", thread),
    get("/rooms/:room/chatMessages/:message/readBy", readers),
    post("/rooms/:room/chatMessages/:message/report", report),
];

/// Messages per answer unless asked otherwise.
const USUAL: usize = 50;
/// Skipping more than this is refused.
const FARTHEST: i64 = 5000;

fn limit(call: &Call<'_>) -> usize {
    let asked = call.number("limit").filter(|limit| *limit != 0);
    asked
        .and_then(|limit| usize::try_from(limit.unsigned_abs()).ok())
        .map_or(USUAL, |limit| limit.min(MOST))
}

/// An id in the query. Gitter trips over one that is none.
fn id(call: &Call<'_>, key: &str) -> Result<Option<MessageId>, Refusal> {
    call.query(key)
        .map(|id| id.parse().map_err(|_| Refusal::Internal))
        .transpose()
}

fn list(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    if call.query("q").is_some() {
        // Needs an index, which the recorded server did not have.
        return Ok(Answer::ok(&json!([])));
    }
    let skip = call.number("skip").unwrap_or(0).max(0);
    if skip > FARTHEST {
        return Err(Refusal::BadRequest);
    }
    let wanted = Wanted {
        before: id(call, "beforeId")?,
        before_inclusive: id(call, "beforeInclId")?,
        after: id(call, "afterId")?,
        around: id(call, "aroundId")?,
        first_unread_of: (call.query("marker") == Some("first-unread")).then_some(call.user),
        skip: usize::try_from(skip).unwrap_or(0),
        limit: limit(call),
        threads: call.query("includeThreads") == Some("true"),
    };
    let form = MessageForm {
        lean: call.query("lean") == Some("true"),
        lookups: call
            .query("lookups")
            .is_some_and(|lookups| lookups.split(',').any(|lookup| lookup == "user")),
        initial: wanted.around,
    };
    let messages = call.world.history(call.room()?, &wanted)?;
    Ok(Answer::ok(&call.world.message_views(
        &messages,
        Some(call.user),
        form,
    )))
}

fn show(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let (room, message) = (call.room()?, call.message()?);
    let message = call.world.message_in(room, message)?;
    Ok(Answer::ok(&call.world.view_of(
        message,
        Some(call.user),
        MessageForm::default(),
    )))
}

fn send(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let room = call.room()?;
    let text = body::as_text(call.field("text"))?.ok_or(Refusal::BadRequest)?;
    let parent = match call.field("parentId") {
        None | Some(Value::Null) => None,
        Some(id) => Some(
            id.as_str()
                .and_then(|id| id.parse().ok())
                .ok_or(Refusal::BadRequest)?,
        ),
    };
    let status = call
        .field("status")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let draft = Draft {
        text,
        status,
        parent,
        virtual_user: virtual_user(call)?,
    };
    let sent = call.world.send(room, call.user, draft)?;
    Ok(Answer::ok(&call.world.view_of(
        &sent,
        Some(call.user),
        MessageForm::default(),
    )))
}

/// Posting for somebody of another network needs a client that staff approved.
fn virtual_user(call: &Call<'_>) -> Result<Option<VirtualUser>, Refusal> {
    let Some(given) = call.field("virtualUser").filter(|given| !given.is_null()) else {
        return Ok(None);
    };
    if !call
        .world
        .app(&call.client)
        .is_some_and(|app| app.virtual_users)
    {
        return Err(Refusal::Forbidden);
    }
    let short = |key: &str| {
        given
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| text.len() <= 255)
            .map(str::to_owned)
    };
    let avatar_url = match given.get("avatarUrl") {
        None | Some(Value::Null) => None,
        Some(url) => Some(
            url.as_str()
                .filter(|url| url.len() <= 2000)
                .ok_or(Refusal::BadRequest)?
                .to_owned(),
        ),
    };
    Ok(Some(VirtualUser {
        kind: short("type").ok_or(Refusal::BadRequest)?,
        external_id: short("externalId").ok_or(Refusal::BadRequest)?,
        display_name: short("displayName").ok_or(Refusal::BadRequest)?,
        avatar_url,
    }))
}

fn edit(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let (room, message) = (call.room()?, call.message()?);
    // No text blanks the message; a null trips Gitter.
    let text = match call.field("text") {
        Some(Value::Null) => return Err(Refusal::Internal),
        given => body::as_text(given)?.unwrap_or_default(),
    };
    call.world.edit(room, message, call.user, &text)?;
    show(call)
}

fn remove(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let (room, message) = (call.room()?, call.message()?);
    call.world.delete(room, message, call.user)?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn thread(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let wanted = Wanted {
        before: id(call, "beforeId")?,
        after: id(call, "afterId")?,
        limit: limit(call),
        ..Wanted::default()
    };
    let messages = call.world.thread(call.room()?, call.message()?, &wanted)?;
    Ok(Answer::ok(&call.world.message_views(
        &messages,
        Some(call.user),
        MessageForm::default(),
    )))
}

fn readers(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let message = call.world.message_in(call.room()?, call.message()?)?;
    Ok(Answer::ok(
        &message
            .read_by
            .iter()
            .map(|reader| call.world.user_view(*reader))
            .collect(),
    ))
}

fn report(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let (room, message) = (call.room()?, call.message()?);
    let report = call.world.new_id();
    let message = call.world.message_in(room, message)?;
    Ok(Answer::ok(&json!({
        "id": report.to_string(),
        "sent": iso(call.world.now()),
        "weight": 1,
        "reporterUserId": call.user.to_string(),
        "reporterUser": call.world.user_view(call.user),
        "messageId": message.id.to_string(),
        "messageUserId": message.from.to_string(),
        "messageUser": call.world.user_view(message.from),
        "messageText": message.text,
        "message": call.world.view_of(message, None, MessageForm::default()),
    })))
}
