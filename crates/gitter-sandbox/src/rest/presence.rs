//! Whether a person looks at the room that his socket has gone to.

use serde_json::Value;

use super::{Call, Route, post};
use crate::answer::Answer;
use crate::world::Refusal;

pub(super) const ROUTES: &[Route] = &[post("/eyeballs", eyeballs)];

fn eyeballs(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let on = match call.field("on") {
        Some(Value::Bool(on)) => *on,
        Some(Value::Number(on)) => on.as_i64() != Some(0),
        Some(Value::String(on)) => on != "0",
        _ => return Err(Refusal::BadRequest),
    };
    let socket = call.text("socketId").ok_or(Refusal::BadRequest)?.to_owned();
    if call.hub.look(call.user, &socket, on) {
        Ok(Answer::success())
    } else {
        Err(Refusal::BadRequest)
    }
}
