//! Health checks for whoever watches over the process.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use crate::Backend;

#[derive(Serialize)]
pub(crate) struct Liveness {
    live: bool,
}

#[derive(Serialize)]
pub(crate) struct Readiness {
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
        Self {
            ok: result.is_ok(),
            problem: result.err(),
        }
    }
}

/// The process runs.
pub(crate) async fn live() -> Json<Liveness> {
    Json(Liveness { live: true })
}

/// Database and homeserver answer; if not, which does not.
pub(crate) async fn ready(
    State(backend): State<Arc<dyn Backend>>,
) -> (StatusCode, Json<Readiness>) {
    let health = backend.health().await;
    let ready = health.database.is_ok() && health.homeserver.is_ok();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(Readiness {
            ready,
            database: health.database.into(),
            homeserver: health.homeserver.into(),
        }),
    )
}
