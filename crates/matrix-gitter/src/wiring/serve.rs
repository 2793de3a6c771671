//! Serves HTTP on the sockets until told to stop.
//!
//! There is no TLS here, and only HTTP/1.1: a reverse proxy stands between us and the public. What a client may ask of
//! our patience is in [`connections`].

mod connection;
mod connections;
#[cfg(test)]
mod tests;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use homeserver::Appservice;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use web::Backend;

use self::connections::{Connections, Limits};
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
        let connections = Connections::new(Limits::default());
        let mut tasks = JoinSet::new();
        for listener in listeners {
            if let Some(address) = listener.address() {
                tracing::info!(%address, purpose = %listener.purpose, "listening");
            }
            tasks.spawn(serve(
                listener.socket,
                self.router(listener.purpose),
                Arc::clone(&connections),
                stop.clone(),
            ));
        }
        let stop = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = connections.watch() => {}
                () = stop.cancelled() => {}
            }
        });
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

/// Serves what connects to a socket; after `stop`, until all of it is answered.
async fn serve(
    socket: TcpListener,
    router: Router,
    connections: Arc<Connections>,
    stop: CancellationToken,
) {
    let open = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Refused by being closed, if there is no place.
                let Some(place) = connections.add(peer.ip()) else {
                    continue;
                };
                // What we send is sent whole; waiting for more of it only makes it late.
                let _only_slower = stream.set_nodelay(true);
                let limits = *connections.limits();
                let serving =
                    connection::serve(stream, peer, router.clone(), place, limits, stop.clone());
                open.spawn(serving);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                // That there are no more files passes only with time.
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
    drop(socket);
    open.close();
    open.wait().await;
}
