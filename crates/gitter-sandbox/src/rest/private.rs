//! What Gitter's own pages and integrations use: pictures, a Markdown preview, hooks for activity.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::body;
use crate::answer::{Answer, Request};
use crate::inner::Inner;
use crate::world::Refusal;

/// Answers a request below `/api/private` or `/private`, or says that the path is not below it.
pub(crate) fn answer(inner: &mut Inner, request: &Request) -> Option<Answer> {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (["api", "private", rest @ ..] | ["private", rest @ ..]) = segments.as_slice() else {
        return None;
    };
    let now = inner.world.now();
    Some(match (&request.method, rest) {
        (&Method::GET | &Method::HEAD, ["avatars" | "user-avatar", ..]) => {
            crate::pages::avatar::answer(&inner.world, rest, request).tagged(request)
        }
        (&Method::POST, ["markdown-preview"]) => match body::read(request) {
            Ok(body) => {
                let text = body.get("text").and_then(Value::as_str).unwrap_or_default();
                Answer::html(StatusCode::OK, crate::render::render(text).html)
            }
            Err(refusal) => Answer::refused(refusal, now),
        },
        (&Method::POST, ["hook", hash]) => {
            hook(inner, hash, request).unwrap_or_else(|refusal| Answer::refused(refusal, now))
        }
        _ => Answer::failure(StatusCode::NOT_FOUND, now),
    })
}

/// An integration reports something.
fn hook(inner: &mut Inner, hash: &str, request: &Request) -> Result<Answer, Refusal> {
    let room = *inner.world.hooks.get(hash).ok_or(Refusal::NotFound)?;
    let body = body::read(request)?;
    let message = body
        .get("message")
        .and_then(Value::as_str)
        .ok_or(Refusal::BadRequest)?;
    let meta = body.get("meta").cloned().unwrap_or_else(|| json!({}));
    inner
        .world
        .add_activity(room, message, meta, body.get("payload").cloned())?;
    Ok(Answer::of(StatusCode::OK, "text/html; charset=utf-8", "OK"))
}
