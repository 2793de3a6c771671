//! The listener and its connections.

pub(crate) mod line;
mod respond;

use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use crate::shared::Shared;
use line::{Line, Wire};

/// Takes connections until the sandbox stops.
pub(crate) async fn listen(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // An accept that fails concerns one connection, which is gone.
                let Ok((stream, _)) = accepted else { continue };
                let Some((number, line)) = shared.open_line() else { continue };
                let (task, owner) = (Arc::clone(&shared), Arc::clone(&shared));
                tokio::spawn(async move {
                    serve(task, stream, line).await;
                    owner.close_line(number);
                });
            }
            () = shared.stop.cancelled() => return,
        }
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream, line: Arc<Line>) {
    // Small frames at once; it is loopback.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(Wire::new(stream, Arc::clone(&line)));
    let answer =
        service_fn(|request| respond::respond(Arc::clone(&shared), Arc::clone(&line), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(io, answer)
        .with_upgrades();
    tokio::select! {
        // How a connection ends is the caller's business.
        _ = connection => {}
        () = line.cut.cancelled() => return,
    }
    line.upgraded_over().await;
}
