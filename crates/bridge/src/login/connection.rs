//! The task that keeps one login's connection.

use std::sync::Arc;
use std::time::Duration;

use remote::Fault;

use super::connections::{Line, Status};
use super::expiry;
use crate::Ctx;
use crate::intake::remote::RemoteSink;
use crate::lanes::Backoff;

/// Keeps the connection until it is stopped or the login has expired.
pub(super) async fn keep(world: Ctx, line: Arc<Line>, delay: Duration) {
    tokio::select! {
        biased;
        () = line.stop.cancelled() => {}
        () = connected(&world, &line, delay) => {}
    }
}

async fn connected(world: &Ctx, line: &Line, delay: Duration) {
    tokio::time::sleep(delay).await;
    let mut backoff = Backoff::default();
    loop {
        let mut sink = RemoteSink::new(world, &line.login);
        let ended = line.account.run(&mut sink).await;
        if line.status().0 == Status::Connected {
            backoff = Backoff::default();
        }
        let why = match ended {
            Ok(()) => "the bridge could not take what came in".to_owned(),
            Err(error) if error.fault == Fault::LoggedOut => {
                match expiry::expire(world, line.login.id).await {
                    Ok(true) => return,
                    Ok(false) => error.sentence,
                    Err(error) => error.sentence(),
                }
            }
            Err(error) => error.sentence,
        };
        let wait = backoff.next(world);
        tracing::warn!(
            login = line.login.id,
            why,
            ?wait,
            "the connection ended; making it anew"
        );
        line.set_status(Status::Broken { why });
        tokio::time::sleep(wait).await;
    }
}
