//! `matrix-gitter run`: the bridge itself, from start to stop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bridge::Bridge;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::{self, Config};
use crate::exit::{Failure, Status};
use crate::logging;
use crate::wiring::{self, Server};

/// How long what is in flight may take once we were asked to stop. With what comes after it, a stop takes at most ten seconds.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long open connections may then take to close.
const FAREWELL: Duration = Duration::from_secs(1);

/// Runs the bridge until a signal ends it.
pub(super) fn run(path: &Path) -> Result<Status, Failure> {
    let config = config::load(path)?;
    logging::start(config.logging);
    super::block_on(async {
        let mut signals = Signals::new()?;
        let work = serve(&config, &mut signals);
        // Boxed: it is large, and lives as long as the program.
        Box::pin(work).await
    })
}

async fn serve(config: &Config, signals: &mut Signals) -> Result<Status, Failure> {
    let listeners = wiring::listen(config).await?;
    // A database may take its time, or never answer.
    let (store, mut claim) = tokio::select! {
        opened = wiring::store(config) => opened?,
        () = signals.next() => {
            tracing::info!("stopped before the database answered");
            return Ok(Status::Fine);
        }
    };
    let bridge = Bridge::new(wiring::parts(config, store)?).map_err(|error| {
        Failure::new(
            Status::Configuration,
            format!("the configuration cannot be used: {error}"),
        )
    })?;
    let backend: Arc<dyn web::Backend> = bridge.clone();
    let server = Server::new(config, bridge.clone(), &backend)?;
    let stop_listening = CancellationToken::new();
    let mut listening = server.start(listeners, &stop_listening);
    let started = tokio::select! {
        started = bridge.start() => Some(started),
        () = signals.next() => None,
    };
    let is_started = started.is_some();
    started.transpose().map_err(|error| {
        Failure::new(
            Status::Database,
            format!("the database cannot be used: {error}"),
        )
    })?;
    let still_ours = if is_started {
        tracing::info!(version = %super::version_line(), "ready");
        tokio::select! {
            () = signals.next() => true,
            () = claim.lost() => false,
        }
    } else {
        true
    };
    tracing::info!("stopping; what is in flight gets finished");
    let farewell = async {
        stop_listening.cancel();
        bridge.stop(PATIENCE).await;
        let all = async { while listening.join_next().await.is_some() {} };
        // A connection that is kept open by the other side is no reason to stay.
        let _late = tokio::time::timeout(FAREWELL, all).await;
    };
    tokio::select! {
        () = farewell => tracing::info!("stopped"),
        () = signals.next() => tracing::warn!("stopped at once; what was in flight goes on at the next start"),
    }
    if !still_ours {
        return Err(Failure::new(
            Status::Database,
            "another process of the bridge has taken the database over, so this one has ended",
        ));
    }
    Ok(Status::Fine)
}

/// The signals that ask us to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Failure::new(
                    Status::Failed,
                    format!("signals cannot be received: {error}"),
                )
            })
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for one.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
