//! The listener, through real sockets.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::*;

/// A server of a few pages, and how to stop it.
struct Site {
    address: SocketAddr,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    watch: tokio::task::JoinHandle<()>,
    /// A slow request is being answered.
    begun: Arc<Notify>,
}

impl Site {
    async fn start(limits: Limits) -> Self {
        let begun = Arc::new(Notify::new());
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route(
                "/peer",
                get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }),
            )
            .route("/_matrix/ok", get(|| async { "" }))
            .route("/_matrix/no", get(|| async { StatusCode::FORBIDDEN }))
            .route("/refuse", post(|| async { StatusCode::PAYLOAD_TOO_LARGE }))
            .route(
                "/read",
                post(|body: axum::body::Bytes| async move { body.len().to_string() }),
            )
            .route(
                "/slow",
                get({
                    let begun = Arc::clone(&begun);
                    move || async move {
                        begun.notify_one();
                        tokio::time::sleep(Duration::from_millis(300)).await;
                    }
                }),
            )
            .route(
                "/endless",
                get(|| async { Body::from(vec![b'x'; 64 << 20]) }),
            );
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let connections = Connections::new(limits);
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(
            socket,
            router,
            Arc::clone(&connections),
            stop.clone(),
        ));
        let watch = tokio::spawn(async move { connections.watch().await });
        Self {
            address,
            stop,
            task,
            watch,
            begun,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
        self.watch.abort();
    }
}

const SOON: Duration = Duration::from_millis(30);

/// Impatient in what the test is about, and in nothing else.
fn strict(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits {
        look_every: Duration::from_millis(5),
        ..Limits::default()
    };
    change(&mut limits);
    limits
}

async fn ask(stream: &mut TcpStream, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

/// Reads until the other side is done.
async fn rest(stream: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    // A reset is an end, too.
    let _end = stream.read_to_end(&mut rest).await;
    String::from_utf8_lossy(&rest).into_owned()
}

#[tokio::test]
async fn who_asks_is_answered_and_known_by_his_address() {
    let site = Site::start(Limits::default()).await;
    let mut client = site.connect().await;
    assert!(ask(&mut client, "/").await.ends_with("here"));
    let me = client.local_addr().unwrap().to_string();
    assert!(ask(&mut client, "/peer").await.ends_with(&me));
    site.end().await;
}

#[tokio::test]
async fn half_a_request_is_not_waited_for() {
    let site = Site::start(strict(|limits| limits.head = SOON)).await;
    let mut silent = site.connect().await;
    let mut half = site.connect().await;
    half.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
    for stream in [&mut silent, &mut half] {
        assert_eq!(rest(stream).await, "");
    }
    site.end().await;
}

#[tokio::test]
async fn a_connection_without_requests_ends() {
    let site = Site::start(strict(|limits| limits.idle = SOON)).await;
    let mut idle = site.connect().await;
    assert!(ask(&mut idle, "/").await.ends_with("here"));
    assert_eq!(rest(&mut idle).await, "");
    site.end().await;
}

#[tokio::test]
async fn a_body_that_stops_midway_is_not_waited_for() {
    let site = Site::start(strict(|limits| limits.stall = SOON)).await;
    let mut body = site.connect().await;
    body.write_all(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
        .await
        .unwrap();
    assert_eq!(rest(&mut body).await, "");
    site.end().await;
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up() {
    let site = Site::start(strict(|limits| limits.stall = SOON)).await;
    let mut client = site.connect().await;
    assert!(
        ask(&mut client, "/endless")
            .await
            .starts_with("HTTP/1.1 200")
    );
    // Waits until no connection is left.
    site.end().await;
    assert!(rest(&mut client).await.len() < 32 << 20);
}

#[tokio::test]
async fn our_own_slowness_is_not_the_clients() {
    let site = Site::start(strict(|limits| {
        limits.stall = SOON;
        limits.idle = SOON;
    }))
    .await;
    let mut client = site.connect().await;
    assert!(ask(&mut client, "/slow").await.starts_with("HTTP/1.1 200"));
    site.end().await;
}

#[tokio::test]
async fn a_crowd_that_says_nothing_shuts_nobody_out() {
    let limits = Limits {
        connections: 8,
        ..Limits::default()
    };
    let site = Site::start(limits).await;
    let mut homeserver = site.connect().await;
    assert!(
        ask(&mut homeserver, "/_matrix/ok")
            .await
            .starts_with("HTTP/1.1 200")
    );
    let mut stranger = site.connect().await;
    assert!(
        ask(&mut stranger, "/_matrix/no")
            .await
            .starts_with("HTTP/1.1 403")
    );
    let mut crowd = Vec::new();
    for _ in 0..40 {
        let mut one = site.connect().await;
        one.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        crowd.push(one);
    }
    let mut late = site.connect().await;
    assert!(ask(&mut late, "/").await.ends_with("here"));
    assert!(
        ask(&mut homeserver, "/_matrix/ok")
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert_eq!(rest(&mut stranger).await, "");
    drop(crowd);
    site.end().await;
}

#[tokio::test]
async fn who_goes_on_sending_still_sees_the_answer() {
    let site = Site::start(Limits::default()).await;
    let mut client = site.connect().await;
    let length = 32 << 20;
    let head = format!("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    // All of it, before the answer is looked at.
    client.write_all(&vec![b'x'; length]).await.unwrap();
    assert!(rest(&mut client).await.starts_with("HTTP/1.1 413"));
    site.end().await;
}

#[tokio::test]
async fn stopping_lets_a_request_be_answered() {
    let site = Site::start(Limits::default()).await;
    let mut idle = site.connect().await;
    assert!(ask(&mut idle, "/").await.ends_with("here"));
    let mut client = site.connect().await;
    client
        .write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    site.begun.notified().await;
    site.end().await;
    assert!(rest(&mut client).await.starts_with("HTTP/1.1 200"));
    assert_eq!(rest(&mut idle).await, "");
}
