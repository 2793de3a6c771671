//! Health checks for whoever watches over the process.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use crate::Backend;

#[derive(Serialize)]
pub(crate) struct Live {
    live: bool,
}

#[derive(Serialize)]
pub(crate) struct Ready {
    ready: bool,
    database: Answer,
    homeserver: Answer,
}

#[derive(Serialize)]
struct Answer {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl From<Result<(), String>> for Answer {
    fn from(result: Result<(), String>) -> Self {
        Self { ok: result.is_ok(), problem: result.err() }
    }
}

/// The process runs.
pub(crate) async fn live() -> Json<Live> {
    Json(Live { live: true })
}

/// Database and homeserver answer; if not, which does not.
pub(crate) async fn ready(State(backend): State<Arc<dyn Backend>>) -> (StatusCode, Json<Ready>) {
    let health = backend.health().await;
    let ready = health.database.is_ok() && health.homeserver.is_ok();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, database: health.database.into(), homeserver: health.homeserver.into() }))
}
