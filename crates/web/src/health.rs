//! Health checks for whoever watches over the process.
//!
//! Anybody may ask, so the answer is kept for a moment: however many ask, database and homeserver are asked once.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::Backend;

#[derive(Serialize)]
pub(crate) struct Liveness {
    live: bool,
}

/// For how long an answer holds.
const KEPT: Duration = Duration::from_secs(2);

/// The latest look at what we depend on, and who can take another.
pub(crate) struct Looks {
    backend: Arc<dyn Backend>,
    /// Locked while somebody looks: who comes meanwhile waits for what he finds.
    latest: Mutex<Option<(Instant, Readiness)>>,
}

impl Looks {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Arc<Self> {
        Arc::new(Self {
            backend,
            latest: Mutex::default(),
        })
    }

    async fn look(&self) -> Readiness {
        let mut latest = self.latest.lock().await;
        if let Some((at, known)) = &*latest
            && at.elapsed() < KEPT
        {
            return known.clone();
        }
        let health = self.backend.health().await;
        let found = Readiness {
            ready: health.database.is_ok() && health.homeserver.is_ok(),
            database: health.database.into(),
            homeserver: health.homeserver.into(),
        };
        *latest = Some((Instant::now(), found.clone()));
        found
    }
}

#[derive(Clone, Serialize)]
pub(crate) struct Readiness {
    ready: bool,
    database: Answer,
    homeserver: Answer,
}

#[derive(Clone, Serialize)]
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

/// Database and homeserver answer, or did so a moment ago; if not, which does not.
pub(crate) async fn ready(State(looks): State<Arc<Looks>>) -> (StatusCode, Json<Readiness>) {
    let found = looks.look().await;
    let status = if found.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(found))
}
