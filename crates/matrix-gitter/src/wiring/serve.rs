//! Serves HTTP on the sockets until told to stop.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use homeserver::Appservice;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use web::Backend;

use super::Listener;
use super::listen::Purpose;
use crate::config::Config;
use crate::exit::Failure;

/// What is served, by purpose.
#[derive(Clone)]
pub(crate) struct Server {
    appservice: Router,
    web: Router,
    health: Router,
    metrics: Router,
}

impl Server {
    /// Serves this appservice and these pages.
    pub(crate) fn new(
        config: &Config,
        appservice: Arc<dyn Appservice>,
        backend: &Arc<dyn Backend>,
    ) -> Result<Self, Failure> {
        let public = super::url("web.public_address", &config.web.public_address)?;
        let address = web::Address::new(&public)
            .map_err(|error| super::unusable("web.public_address", &error.to_string()))?;
        Ok(Self {
            appservice: homeserver::appservice::router(
                appservice,
                config.appservice.hs_token.to_secret_string(),
            ),
            web: web::router(Arc::clone(backend), address),
            health: web::health_router(backend),
            metrics: web::metrics_router(Arc::clone(backend)),
        })
    }

    /// Begins to serve on these sockets. `stop` lets each request in hand be answered and then ends.
    pub(crate) fn start(&self, listeners: Vec<Listener>, stop: &CancellationToken) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for listener in listeners {
            if let Some(address) = listener.address() {
                tracing::info!(%address, purpose = %listener.purpose, "listening");
            }
            let router = self.router(listener.purpose);
            let stopped = stop.clone().cancelled_owned();
            tasks.spawn(async move {
                let served = axum::serve(
                    listener.socket,
                    router.into_make_service_with_connect_info::<SocketAddr>(),
                )
                .with_graceful_shutdown(stopped)
                .await;
                if let Err(error) = served {
                    tracing::error!(%error, "a listener failed");
                }
            });
        }
        tasks
    }

    fn router(&self, purpose: Purpose) -> Router {
        match purpose {
            Purpose::Everything => self.web.clone().merge(self.appservice.clone()),
            Purpose::Appservice => self.appservice.clone().merge(self.health.clone()),
            Purpose::Web => self.web.clone(),
            Purpose::Metrics => self.metrics.clone(),
        }
    }
}
