//! Bayeux over long-polling.

use std::sync::Arc;
use std::time::Duration;

use http::{StatusCode, header};
use serde_json::Value;
use tokio::sync::oneshot;

use super::hub::Outlet;
use super::message::{self, Via};
use crate::answer::{Answer, Request, find};
use crate::shared::Shared;

/// Answers a POST, maybe after a long while. None when a held connect was left alone for its whole time: the connection is
/// reset then (recorded session `longpoll_idle`).
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    request: &Request,
    timeout: Duration,
) -> Option<Answer> {
    let Some(messages) = messages(request) else {
        return Some(Answer::of(
            StatusCode::BAD_REQUEST,
            "text/plain; charset=utf-8",
            "Bad request",
        ));
    };
    let via = Via {
        socket: None,
        timeout,
    };
    let (mut replies, waiting, later) = {
        let mut inner = shared.lock();
        let answered = message::answer(&mut inner, &messages, &via);
        let mut replies = answered.messages;
        let mut waiting = None;
        if let Some(held) = answered.held
            && let Some(client) = inner.hub.clients.get_mut(&held.client)
        {
            if client.has_queue() || held.timeout.is_zero() {
                replies.extend(client.take_queue());
            } else {
                let (wake, woken) = oneshot::channel();
                client.outlet = Outlet::Poll(wake);
                waiting = Some((held, woken));
            }
        }
        (replies, waiting, answered.later)
    };
    shared.push_later(later);
    if let Some((held, woken)) = waiting {
        // An error means that the client is gone, and its connect over.
        if tokio::time::timeout(held.timeout, woken).await.is_err() {
            return None;
        }
        if let Some(client) = shared.lock().hub.clients.get_mut(&held.client) {
            replies.extend(client.take_queue());
        }
    }
    Some(
        Answer::ok(&Value::Array(replies))
            .with(header::CACHE_CONTROL, "no-cache, no-store")
            .with(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .with(header::CONNECTION, "close"),
    )
}

/// The messages of a request: a JSON list, one JSON object, or either in the form field `message`.
fn messages(request: &Request) -> Option<Vec<Value>> {
    let value: Value = if request.has_type("application/x-www-form-urlencoded") {
        serde_json::from_str(find(&request.form(), "message")?).ok()?
    } else {
        serde_json::from_slice(&request.body).ok()?
    };
    match value {
        Value::Array(messages) => Some(messages),
        message @ Value::Object(_) => Some(vec![message]),
        _ => None,
    }
}
