//! Somebody at home while `doctor` has the homeserver and the public address call: the running bridge, or a stand-in that takes nothing.

use async_trait::async_trait;
use axum::Router;
use axum::routing::get;
use homeserver::{Appservice, Transaction, Unavailable};
use ruma::UserId;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Finding;
use crate::config::Config;
use crate::exit::{Failure, Status};
use crate::wiring;

const WHAT: &str = "listener";

/// Who answers at our port.
pub(super) enum StandIn {
    /// We do, for as long as this lives.
    Ours {
        stop: CancellationToken,
        tasks: JoinSet<()>,
    },
    /// A matrix-gitter that runs already.
    Running,
    /// Nobody can: we may not listen there, or somebody else does.
    Nobody(Failure),
}

/// Takes nothing: the homeserver keeps what it has for the real bridge.
struct Nobody;

#[async_trait]
impl Appservice for Nobody {
    async fn transaction(&self, _id: &str, _transaction: Transaction) -> Result<(), Unavailable> {
        Err(Unavailable)
    }

    async fn user_exists(&self, _user: &UserId) -> bool {
        false
    }

    fn ping_received(&self, _txn: Option<&str>) {}
}

impl StandIn {
    /// Listens where the bridge would, unless it does so itself.
    pub(super) async fn start(config: &Config) -> Self {
        let listeners = match wiring::listen(config).await {
            Ok(listeners) => listeners,
            Err(_) if answers_as_bridge(config).await => return Self::Running,
            Err(failure) => return Self::Nobody(failure),
        };
        let stop = CancellationToken::new();
        let token = config.appservice.hs_token.to_secret_string();
        let router = homeserver::appservice::router(Arc::new(Nobody), token)
            .merge(Router::new().route("/health/live", get(|| async { "doctor" })));
        let mut tasks = JoinSet::new();
        for listener in listeners {
            let stopped = stop.clone().cancelled_owned();
            let router = router.clone();
            tasks.spawn(async move {
                let _until_stopped = axum::serve(listener.socket, router)
                    .with_graceful_shutdown(stopped)
                    .await;
            });
        }
        Self::Ours { stop, tasks }
    }

    /// What that says about the set-up.
    pub(super) fn finding(&self) -> Finding {
        match self {
            Self::Ours { .. } => Finding::ok(
                WHAT,
                "the bridge does not run at the moment, and can listen where it should",
            ),
            Self::Running => Finding::ok(WHAT, "the bridge is running"),
            Self::Nobody(failure) => Finding::failed(
                WHAT,
                &failure.message,
                "then run `doctor` again",
                Status::Failed,
            ),
        }
    }

    /// Stops listening.
    pub(super) async fn stop(self) {
        if let Self::Ours { stop, mut tasks } = self {
            stop.cancel();
            // Whoever called may keep his connection open; no reason to wait for him.
            tasks.shutdown().await;
        }
    }
}

/// Whether a matrix-gitter answers where we would listen.
async fn answers_as_bridge(config: &Config) -> bool {
    let hostname = match config.appservice.hostname.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" | "[::]" => "[::1]",
        other => other,
    };
    let url = format!("http://{hostname}:{}/health/live", config.appservice.port);
    let Ok(client) = crate::system::homeserver_http() else {
        return false;
    };
    let answer = client
        .get(url)
        .timeout(std::time::Duration::from_secs(5))
        .send()
        .await;
    answer.is_ok_and(|answer| answer.status().is_success())
}
