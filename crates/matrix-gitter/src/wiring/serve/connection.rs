//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::connections::{Connection, Limits, Place};
use super::watched::{Answer, Asked, InHand, Socket};

/// Answers what comes on a connection, until either side has enough.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    place: Place,
    limits: Limits,
    stop: CancellationToken,
) {
    let connection = Arc::clone(&place.connection);
    let socket = Socket {
        stream,
        connection: Arc::clone(&connection),
    };
    let service = service_fn({
        let connection = Arc::clone(&connection);
        move |request: Request<Incoming>| {
            let router = router.clone();
            let connection = Arc::clone(&connection);
            // Pinned, since only then can the socket be had back from what serves it.
            Box::pin(answer(router, request, peer, connection))
        }
    });
    let mut serving = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
    let mut stopping = false;
    let served = loop {
        tokio::select! {
            biased;
            () = connection.end.cancelled() => return,
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                std::pin::Pin::new(&mut serving).graceful_shutdown();
            }
            served = poll_fn(|cx| serving.poll_without_shutdown(cx)) => break served,
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = connection.end.cancelled() => {}
        () = see_off(serving.into_parts().io.into_inner().stream, &limits) => {}
    }
}

async fn answer(
    router: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
    connection: Arc<Connection>,
) -> Result<axum::http::Response<Answer<Body>>, Infallible> {
    let in_hand = InHand::new(connection);
    // Only the homeserver's token opens anything there.
    let is_appservice = request.uri().path().starts_with("/_matrix/");
    let mut request = request.map(|body| {
        Body::new(Asked {
            body,
            connection: Arc::clone(in_hand.connection()),
        })
    });
    request.extensions_mut().insert(ConnectInfo(peer));
    let answer = router.oneshot(request).await?;
    if is_appservice && answer.status().is_success() {
        in_hand.connection().is_homeserver();
    }
    Ok(answer.map(|body| Answer {
        body,
        _in_hand: in_hand,
    }))
}

/// Says that nothing more comes, and takes what the client still sends. A socket that is closed while something lies
/// there unread is reset, and the client may not see the answer it was given.
async fn see_off(mut stream: TcpStream, limits: &Limits) {
    let reading = async {
        if stream.shutdown().await.is_err() {
            return;
        }
        let mut unwanted = vec![0; 16 * 1024];
        while let Ok(Ok(1..)) =
            tokio::time::timeout(limits.linger_silent, stream.read(&mut unwanted)).await
        {}
    };
    let _late = tokio::time::timeout(limits.linger, reading).await;
}
