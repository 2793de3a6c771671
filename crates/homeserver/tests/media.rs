//! Files, streamed from and to a homeserver that answers what a test tells it to.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by unwrapping"
)]

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{TryStreamExt as _, stream};
use homeserver::{ByteRange, Client, ContentRange, Download, Error, Homeserver, Settings, Upload};
use http::{StatusCode, header};
use ruma::{MxcUri, owned_user_id};
use serde_json::json;
use tokio::net::TcpListener;

type Answer = fn(&str) -> Response;

#[derive(Clone)]
struct Script {
    answer: Answer,
    seen: Arc<Mutex<Vec<String>>>,
}

async fn serve(State(script): State<Script>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut line = format!("{} {}", head.method, head.uri);
    for name in ["authorization", "range", "content-type", "content-length"] {
        if let Some(value) = head.headers.get(name) {
            write!(line, " {name}={}", value.to_str().unwrap()).unwrap();
        }
    }
    if !body.is_empty() {
        write!(line, " {body:?}").unwrap();
    }
    script.seen.lock().unwrap().push(line);
    (script.answer)(head.uri.path())
}

struct Stage {
    client: Client,
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Stage {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has to make its own HTTP client"
    )]
    async fn new(answer: Answer) -> Self {
        let seen = Arc::default();
        let script = Script {
            answer,
            seen: Arc::clone(&seen),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let app = Router::new().fallback(serve).with_state(script);
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        let settings = Settings {
            address: address.parse().unwrap(),
            as_token: "as-token".into(),
            bot: owned_user_id!("@gitter:example.org"),
            appservice_id: "gitter".to_owned(),
        };
        Self {
            client: Client::new(http.build().unwrap(), settings),
            address,
            seen,
            server,
        }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    async fn get(&self, range: Option<ByteRange>) -> Result<Download, Error> {
        self.client.download(FILE.into(), range).await
    }
}

const WAY: &str = "GET /_matrix/client/v1/media/download/example.org/abc";
const OLD_WAY: &str = "GET /_matrix/media/v3/download/example.org/abc";
const WHO: &str = "?user_id=%40gitter%3Aexample.org authorization=Bearer as-token";
const FILE: &str = "mxc://example.org/abc";

fn file() -> Response {
    ([(header::CONTENT_TYPE, "image/png")], "0123456789").into_response()
}

async fn read(download: Download) -> String {
    let bytes: Vec<Bytes> = download.body.try_collect().await.unwrap();
    String::from_utf8(bytes.concat()).unwrap()
}

#[tokio::test]
async fn a_file_comes_with_what_is_known_of_it() {
    let stage = Stage::new(|_| file()).await;
    let download = stage.get(None).await.unwrap();
    assert_eq!(download.mime.as_deref(), Some("image/png"));
    assert_eq!((download.length, download.range), (Some(10), None));
    assert_eq!(read(download).await, "0123456789");
    assert_eq!(stage.seen(), [format!("{WAY}{WHO}")]);
}

#[tokio::test]
async fn older_homeservers_have_them_elsewhere() {
    let stage = Stage::new(|path| {
        if path.starts_with("/_matrix/media") {
            return file();
        }
        let body = json!({"errcode": "M_UNRECOGNIZED", "error": "Unrecognized request"});
        (StatusCode::NOT_FOUND, axum::Json(body)).into_response()
    })
    .await;
    assert_eq!(read(stage.get(None).await.unwrap()).await, "0123456789");
    let expected = [format!("{WAY}{WHO}"), format!("{OLD_WAY}{WHO}")];
    assert_eq!(stage.seen(), expected);
}

#[tokio::test]
async fn a_range_is_passed_on() {
    let stage = Stage::new(|_| {
        let range = [(header::CONTENT_RANGE, "bytes 2-4/10")];
        (StatusCode::PARTIAL_CONTENT, range, "234").into_response()
    })
    .await;
    let range = ByteRange {
        first: 2,
        last: Some(4),
    };
    let download = stage.get(Some(range)).await.unwrap();
    let came = ContentRange {
        first: 2,
        last: 4,
        total: 10,
    };
    assert_eq!(download.range, Some(came));
    assert_eq!(read(download).await, "234");
    let open = ByteRange {
        first: 7,
        last: None,
    };
    stage.get(Some(open)).await.unwrap();
    let expected = [
        format!("{WAY}{WHO} range=bytes=2-4"),
        format!("{WAY}{WHO} range=bytes=7-"),
    ];
    assert_eq!(stage.seen(), expected);
}

#[tokio::test]
async fn a_redirect_is_followed_and_the_token_stays_at_home() {
    let elsewhere = Stage::new(|_| file()).await;
    let host = elsewhere.address.clone();
    HOST.with(|it| *it.borrow_mut() = host);
    let stage = Stage::new(|_| {
        let target = HOST.with(|it| it.borrow().clone());
        let location = [(header::LOCATION, format!("{target}file"))];
        (StatusCode::TEMPORARY_REDIRECT, location).into_response()
    })
    .await;
    assert_eq!(read(stage.get(None).await.unwrap()).await, "0123456789");
    assert_eq!(elsewhere.seen(), ["GET /file"]);

    let circle = Stage::new(|_| {
        let location = [(header::LOCATION, "/again")];
        (StatusCode::TEMPORARY_REDIRECT, location).into_response()
    })
    .await;
    assert!(matches!(circle.get(None).await, Err(Error::Garbled(_))));
}

thread_local! {
    static HOST: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}

#[tokio::test]
async fn what_goes_wrong_is_told() {
    let missing = Stage::new(|_| {
        let body = json!({"errcode": "M_NOT_FOUND", "error": "Not found"});
        (StatusCode::NOT_FOUND, axum::Json(body)).into_response()
    })
    .await;
    assert!(missing.get(None).await.unwrap_err().is_not_found());
    assert_eq!(missing.seen().len(), 1);
    let nonsense = <&MxcUri>::from("https://example.org/abc");
    let error = missing.client.download(nonsense, None).await.unwrap_err();
    assert!(error.is_not_found());

    let cut = Stage::new(|_| {
        let pieces = [Ok(Bytes::from("01")), Err(std::io::Error::other("gone"))];
        Body::from_stream(stream::iter(pieces)).into_response()
    })
    .await;
    // What came before may or may not have been sent.
    let result = match cut.get(None).await {
        Ok(download) => download.body.try_collect::<Vec<_>>().await.map(drop),
        Err(error) => Err(error),
    };
    assert!(
        matches!(result, Err(Error::Unreachable { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_file_is_stored_piece_by_piece() {
    let stage = Stage::new(|_| axum::Json(json!({"content_uri": FILE})).into_response()).await;
    let pieces = ["01", "234"].map(|piece| Ok(Bytes::from(piece)));
    let upload = Upload {
        body: Box::pin(stream::iter(pieces)),
        length: 5,
        mime: "video/mp4",
        name: Some("a b.mp4"),
    };
    assert_eq!(stage.client.upload_stream(upload).await.unwrap(), FILE);
    let expected = "POST /_matrix/media/v3/upload?filename=a+b.mp4&user_id=%40gitter%3Aexample.org \
                    authorization=Bearer as-token content-type=video/mp4 content-length=5 b\"01234\"";
    assert_eq!(stage.seen(), [expected]);

    let full = Stage::new(|_| {
        let body = json!({"errcode": "M_TOO_LARGE"});
        (StatusCode::PAYLOAD_TOO_LARGE, axum::Json(body)).into_response()
    })
    .await;
    let broken = |length| Upload {
        body: Box::pin(stream::iter([
            Ok(Bytes::from("01")),
            Err(Error::Garbled("the other side hung up".to_owned())),
        ])),
        length,
        mime: "video/mp4",
        name: None,
    };
    let short = stage.client.upload_stream(broken(5)).await.unwrap_err();
    assert!(matches!(short, Error::Unreachable { .. }), "{short}");
    let pieces = ["01", "234"].map(|piece| Ok(Bytes::from(piece)));
    let upload = Upload {
        body: Box::pin(stream::iter(pieces)),
        ..broken(5)
    };
    assert_eq!(
        full.client.upload_stream(upload).await,
        Err(Error::TooLarge)
    );
}
