//! The endpoints, through the front door.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by unwrapping"
)]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use homeserver::appservice::{MAX_BODY, router};
use homeserver::{Appservice, Transaction, Unavailable};
use http::{Request, StatusCode};
use ruma::UserId;
use serde_json::{Value, json};
use tower::ServiceExt;

const TOKEN: &str = "hs-token";

#[derive(Default)]
struct Bridge {
    taken: Mutex<Vec<(String, Transaction)>>,
    pings: Mutex<Vec<Option<String>>>,
    broken: bool,
}

#[async_trait]
impl Appservice for Bridge {
    async fn transaction(&self, id: &str, transaction: Transaction) -> Result<(), Unavailable> {
        if self.broken {
            return Err(Unavailable);
        }
        self.taken
            .lock()
            .unwrap()
            .push((id.to_owned(), transaction));
        Ok(())
    }

    async fn user_exists(&self, user: &UserId) -> bool {
        user == "@gitter_known:example.org"
    }

    fn ping_received(&self, txn: Option<&str>) {
        self.pings.lock().unwrap().push(txn.map(ToOwned::to_owned));
    }
}

struct Door {
    bridge: Arc<Bridge>,
    router: Router,
}

impl Door {
    fn new(bridge: Bridge) -> Self {
        let bridge = Arc::new(bridge);
        let router = router(bridge.clone(), TOKEN.into());
        Self { bridge, router }
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: impl Into<Body>,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(body.into()).unwrap())
            .await
            .unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        (
            status,
            serde_json::from_slice(&bytes).expect("every answer is JSON"),
        )
    }

    async fn push(&self, body: impl Into<Body>) -> (StatusCode, Value) {
        self.ask("PUT", "/_matrix/app/v1/transactions/7", Some(TOKEN), body)
            .await
    }

    fn events(&self) -> Vec<Transaction> {
        self.bridge
            .taken
            .lock()
            .unwrap()
            .iter()
            .map(|(_, taken)| taken.clone())
            .collect()
    }
}

fn event(id: &str) -> Value {
    json!({
        "event_id": id, "room_id": "!room", "sender": "@alice:example.org", "type": "m.room.message",
        "origin_server_ts": 1, "content": {"msgtype": "m.text", "body": "hi"},
    })
}

fn refused(answer: &(StatusCode, Value), status: u16, errcode: &str) {
    assert_eq!(
        (answer.0.as_u16(), answer.1["errcode"].as_str().unwrap()),
        (status, errcode),
        "{answer:?}"
    );
    assert!(
        answer.1["error"]
            .as_str()
            .is_some_and(|words| !words.is_empty())
    );
}

#[tokio::test]
async fn takes_a_transaction() {
    let door = Door::new(Bridge::default());
    let body = json!({
        "events": [event("$a"), event("$b")],
        "ephemeral": [{"type": "m.typing"}],
    });
    assert_eq!(
        door.push(body.to_string()).await,
        (StatusCode::OK, json!({}))
    );
    let taken = door.bridge.taken.lock().unwrap();
    let (id, transaction) = &taken[0];
    assert_eq!(id, "7");
    let ids: Vec<_> = transaction
        .events
        .iter()
        .map(|event| event.event_id.as_str())
        .collect();
    assert_eq!(ids, ["$a", "$b"]);
    assert_eq!(transaction.ephemeral, [json!({"type": "m.typing"})]);
    assert_eq!(transaction.malformed, 0);
}

#[tokio::test]
async fn takes_ephemeral_under_its_old_name_and_without_prefix() {
    let door = Door::new(Bridge::default());
    let body = json!({"events": [], "de.sorunome.msc2409.ephemeral": [{}, {}]});
    let answer = door
        .ask("PUT", "/transactions/x%2Fy", Some(TOKEN), body.to_string())
        .await;
    assert_eq!(answer.0, StatusCode::OK);
    assert_eq!(door.bridge.taken.lock().unwrap()[0].0, "x/y");
    assert_eq!(door.events()[0].ephemeral.len(), 2);
}

#[tokio::test]
async fn a_flood_of_typing_does_not_keep_events_from_us() {
    let door = Door::new(Bridge::default());
    let body = json!({"events": [], "ephemeral": vec![json!([]); 1_000_000]});
    let answer = door
        .ask("PUT", "/transactions/x", Some(TOKEN), body.to_string())
        .await;
    assert_eq!(answer.0, StatusCode::OK);
    assert!(door.events()[0].ephemeral.is_empty());
}

#[tokio::test]
async fn the_token_may_stand_in_the_query() {
    let door = Door::new(Bridge::default());
    for path in ["/_matrix/app/v1/transactions/1", "/transactions/1"] {
        let path = format!("{path}?access_token={TOKEN}");
        assert_eq!(door.ask("PUT", &path, None, "{}").await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn refuses_a_missing_or_wrong_token_everywhere() {
    let door = Door::new(Bridge::default());
    for (method, path) in [
        ("PUT", "/_matrix/app/v1/transactions/1"),
        ("GET", "/_matrix/app/v1/users/@gitter_known:example.org"),
        ("GET", "/_matrix/app/v1/rooms/%23a:example.org"),
        ("POST", "/_matrix/app/v1/ping"),
        ("PUT", "/transactions/1"),
        ("GET", "/users/@gitter_known:example.org"),
        ("GET", "/rooms/%23a:example.org"),
    ] {
        refused(
            &door.ask(method, path, None, "{}").await,
            401,
            "M_UNAUTHORIZED",
        );
        for wrong in ["", "hs-toke", "hs-token2", "HS-TOKEN"] {
            refused(
                &door.ask(method, path, Some(wrong), "{}").await,
                403,
                "M_FORBIDDEN",
            );
        }
        let query = format!("{path}?access_token=wrong");
        refused(
            &door.ask(method, &query, None, "{}").await,
            403,
            "M_FORBIDDEN",
        );
    }
    assert!(door.events().is_empty() && door.bridge.pings.lock().unwrap().is_empty());
}

#[tokio::test]
async fn one_bad_event_does_not_spoil_the_others() {
    let door = Door::new(Bridge::default());
    let mut no_content = event("$c");
    no_content.as_object_mut().unwrap().remove("content");
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let body = format!(
        r#"{{"events": [{}, null, 7, "text", [], {{}}, {no_content}, {{"content": {deep}}}, {}]}}"#,
        event("$a"),
        event("$b"),
    );
    assert_eq!(door.push(body).await.0, StatusCode::OK);
    let transaction = &door.events()[0];
    assert_eq!((transaction.events.len(), transaction.malformed), (2, 7));
}

#[tokio::test]
async fn odd_extras_are_ignored() {
    let door = Door::new(Bridge::default());
    for body in [
        "{}",
        r#"{"events": null}"#,
        r#"{"events": [], "ephemeral": 7, "de.sorunome.msc2409.to_device": [{}]}"#,
    ] {
        assert_eq!(door.push(body).await, (StatusCode::OK, json!({})), "{body}");
    }
    assert!(
        door.events()
            .iter()
            .all(|transaction| *transaction == Transaction::default())
    );
}

#[tokio::test]
async fn refuses_what_is_no_transaction() {
    let door = Door::new(Bridge::default());
    for body in ["", "nothing", "{", r#"{"events": [}"#, "\u{feff}{}"] {
        refused(&door.push(body).await, 400, "M_NOT_JSON");
    }
    refused(&door.push(vec![b'"', 0xff, b'"']).await, 400, "M_NOT_JSON");
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    for body in [
        "[]",
        "7",
        "null",
        r#"{"events": {}}"#,
        r#"{"events": "all"}"#,
        &deep,
    ] {
        refused(&door.push(body.to_owned()).await, 400, "M_BAD_JSON");
    }
    assert!(door.events().is_empty());
}

#[tokio::test]
async fn takes_sixteen_mebibytes_and_no_more() {
    let door = Door::new(Bridge::default());
    let mut big = event("$big");
    big["content"]["body"] = "".into();
    let around = json!({ "events": [big] }).to_string().len();
    big["content"]["body"] = "x".repeat(MAX_BODY - around).into();
    let body = json!({ "events": [big] }).to_string();
    assert_eq!(body.len(), MAX_BODY);
    assert_eq!(door.push(body.clone()).await.0, StatusCode::OK);
    refused(&door.push(body + " ").await, 413, "M_TOO_LARGE");
    assert_eq!(door.events().len(), 1);
}

#[tokio::test]
async fn asks_for_repetition_if_nothing_could_be_stored() {
    let door = Door::new(Bridge {
        broken: true,
        ..Bridge::default()
    });
    refused(&door.push("{}").await, 503, "M_UNKNOWN");
}

#[tokio::test]
async fn knows_its_users_and_no_rooms() {
    let door = Door::new(Bridge::default());
    for prefix in ["/_matrix/app/v1", ""] {
        let ask = async |path: &str| {
            door.ask("GET", &format!("{prefix}{path}"), Some(TOKEN), "")
                .await
        };
        assert_eq!(
            ask("/users/%40gitter_known%3Aexample.org").await,
            (StatusCode::OK, json!({}))
        );
        refused(
            &ask("/users/@gitter_other:example.org").await,
            404,
            "M_NOT_FOUND",
        );
        refused(&ask("/users/nobody").await, 404, "M_NOT_FOUND");
        refused(
            &ask("/rooms/%23gitter:example.org").await,
            404,
            "M_NOT_FOUND",
        );
    }
}

#[tokio::test]
async fn hears_a_ping() {
    let door = Door::new(Bridge::default());
    let ping = async |body: &'static str| {
        door.ask("POST", "/_matrix/app/v1/ping", Some(TOKEN), body)
            .await
    };
    for body in [r#"{"transaction_id": "t1"}"#, "{}", ""] {
        assert_eq!(ping(body).await, (StatusCode::OK, json!({})));
    }
    assert_eq!(
        *door.bridge.pings.lock().unwrap(),
        [Some("t1".to_owned()), None, None]
    );
    refused(&ping("x").await, 400, "M_NOT_JSON");
    refused(&ping(r#"{"transaction_id": 7}"#).await, 400, "M_BAD_JSON");
}

#[tokio::test]
async fn a_path_that_is_no_text_is_refused_like_anything_else() {
    let door = Door::new(Bridge::default());
    for (method, path) in [
        ("PUT", "/_matrix/app/v1/transactions/%ff"),
        ("GET", "/_matrix/app/v1/users/%ff"),
        ("PUT", "/transactions/%ff"),
    ] {
        refused(
            &door.ask(method, path, None, "{}").await,
            401,
            "M_UNAUTHORIZED",
        );
        refused(
            &door.ask(method, path, Some(TOKEN), "{}").await,
            400,
            "M_INVALID_PARAM",
        );
    }
    refused(
        &door.ask("GET", "/_matrix/%ff", Some(TOKEN), "").await,
        404,
        "M_UNRECOGNIZED",
    );
    assert!(door.events().is_empty());
}

#[tokio::test]
async fn knows_no_other_endpoint_and_leaves_other_paths_alone() {
    let door = Door::new(Bridge::default());
    for path in [
        "/_matrix/app/v1/nothing",
        "/_matrix/app/v2/ping",
        "/_matrix/client/v3/sync",
    ] {
        refused(
            &door.ask("GET", path, Some(TOKEN), "").await,
            404,
            "M_UNRECOGNIZED",
        );
    }
    for (method, path) in [
        ("GET", "/_matrix/app/v1/transactions/1"),
        ("POST", "/_matrix/app/v1/users/@a:b"),
        ("GET", "/_matrix/app/v1/ping"),
        ("DELETE", "/transactions/1"),
    ] {
        refused(
            &door.ask(method, path, Some(TOKEN), "").await,
            405,
            "M_UNRECOGNIZED",
        );
    }
    let pages = Router::new().fallback(|| async { "a page" });
    let whole = pages.merge(door.router.clone());
    let request = Request::builder()
        .uri("/login/x")
        .body(Body::empty())
        .unwrap();
    assert_eq!(
        whole.oneshot(request).await.unwrap().status(),
        StatusCode::OK
    );
}
