//! The client against a homeserver that answers what a test tells it to, with little patience, so that waiting costs nothing.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by unwrapping"
)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use homeserver::{
    Actor, Client, Direction, Error, Homeserver, InDoubt, Membership, NewEvent, NewRoom, NewState,
    Patience, Profile, RequestKind, Settings, StateEvent,
};
use http::StatusCode;
use ruma::{event_id, mxc_uri, owned_user_id, room_id, user_id};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// A request as it arrived.
#[derive(Clone, Debug)]
struct Seen {
    line: String,
    token: String,
    mime: String,
    body: Bytes,
}

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Response>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

struct Stage {
    client: Client,
    script: Script,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(script): State<Script>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let header = |name: &str| {
        let value = head.headers.get(name).map(|value| value.to_str().unwrap());
        value.unwrap_or_default().to_owned()
    };
    let seen = Seen {
        line: format!("{} {}", head.method, head.uri),
        token: header("authorization"),
        mime: header("content-type"),
        body: axum::body::to_bytes(body, usize::MAX).await.unwrap(),
    };
    script.seen.lock().unwrap().push(seen);
    let next = script.answers.lock().unwrap().pop_front();
    next.unwrap_or_else(|| {
        (
            StatusCode::IM_A_TEAPOT,
            "the test expected no more requests",
        )
            .into_response()
    })
}

const PATIENCE: Patience = Patience {
    attempts: 4,
    first_pause: Duration::from_millis(1),
    longest_pause: Duration::from_secs(30),
    answer: Duration::from_mins(1),
};

#[expect(
    clippy::disallowed_methods,
    reason = "a test has to make its own HTTP client"
)]
fn client(address: &str) -> Client {
    Client::new(
        reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .unwrap(),
        Settings {
            address: address.parse().unwrap(),
            as_token: "as-token".into(),
            bot: owned_user_id!("@gitter:example.org"),
            appservice_id: "gitter".to_owned(),
        },
    )
    .with_patience(PATIENCE)
}

impl Stage {
    async fn new(answers: impl IntoIterator<Item = Response>) -> Self {
        let script = Script::default();
        script.answers.lock().unwrap().extend(answers);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(script.clone());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            client: client(&address),
            script,
            server,
        }
    }

    fn lines(&self) -> Vec<String> {
        self.script
            .seen
            .lock()
            .unwrap()
            .iter()
            .map(|seen| seen.line.clone())
            .collect()
    }

    fn body(&self, at: usize) -> Value {
        serde_json::from_slice(&self.script.seen.lock().unwrap()[at].body).unwrap()
    }
}

fn ok(body: Value) -> Response {
    axum::Json(body).into_response()
}

fn error(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

fn forbidden() -> Response {
    error(403, json!({"errcode": "M_FORBIDDEN", "error": "no"}))
}

fn unavailable() -> Response {
    (StatusCode::BAD_GATEWAY, "<html>bad gateway</html>").into_response()
}

fn limited(ms: u64) -> Response {
    error(
        429,
        json!({"errcode": "M_LIMIT_EXCEEDED", "error": "slow down", "retry_after_ms": ms}),
    )
}

fn ghost() -> Actor {
    Actor::Ghost(owned_user_id!("@gitter_1:example.org"))
}

async fn send(client: &Client) -> Result<ruma::OwnedEventId, Error> {
    send_once(client, InDoubt::SendAgain).await
}

async fn send_once(client: &Client, in_doubt: InDoubt) -> Result<ruma::OwnedEventId, Error> {
    let content = json!({"body": "hi"});
    let event = NewEvent {
        who: &ghost(),
        room: room_id!("!room"),
        kind: "m.room.message",
        content: &content,
        txn: "t/1?&",
        ts: Some(17),
        in_doubt,
    };
    client.send(&event).await
}

#[tokio::test]
async fn says_who_speaks_and_since_when() {
    let stage = Stage::new([
        ok(json!({"event_id": "$a"})),
        ok(json!({"user_id": "@gitter:example.org"})),
    ])
    .await;
    assert_eq!(send(&stage.client).await.unwrap(), "$a");
    assert_eq!(stage.client.whoami().await.unwrap(), "@gitter:example.org");
    assert_eq!(
        stage.lines(),
        [
            "PUT /_matrix/client/v3/rooms/!room/send/m.room.message/t%2F1%3F&?ts=17&user_id=%40gitter_1%3Aexample.org",
            "GET /_matrix/client/v3/account/whoami",
        ]
    );
    assert_eq!(
        stage.script.seen.lock().unwrap()[0].token,
        "Bearer as-token"
    );
    assert_eq!(stage.body(0), json!({"body": "hi"}));
}

/// A homeserver that was killed has forgotten the transaction id, perhaps, and would take it a second time.
#[tokio::test]
async fn what_may_have_been_taken_is_sent_again_only_by_who_looked() {
    let bad = || error(502, json!({"errcode": "M_UNKNOWN", "error": "restarting"}));
    let stage = Stage::new([bad(), ok(json!({"event_id": "$twice"}))]).await;
    let told = send_once(&stage.client, InDoubt::Tell).await.unwrap_err();
    assert!(told.perhaps_done());
    assert_eq!(stage.lines().len(), 1);
    // What surely was not taken is.
    let stage = Stage::new([limited(1), ok(json!({"event_id": "$a"}))]).await;
    assert_eq!(send_once(&stage.client, InDoubt::Tell).await.unwrap(), "$a");
}

#[tokio::test]
async fn repeats_what_can_be_repeated() {
    let stage = Stage::new([
        unavailable(),
        unavailable(),
        unavailable(),
        ok(json!({"event_id": "$a"})),
    ])
    .await;
    assert_eq!(send(&stage.client).await.unwrap(), "$a");
    let lines = stage.lines();
    assert_eq!(lines.len(), 4);
    assert!(
        lines.iter().all(|line| *line == lines[0]),
        "with the same transaction id"
    );
    let counters = stage.client.counters();
    assert_eq!(
        (
            counters.sent(RequestKind::Send),
            counters.repeated(),
            counters.failed()
        ),
        (4, 3, 0)
    );
    assert_eq!(counters.total(), 4);
}

#[tokio::test]
async fn gives_up_after_a_few_attempts() {
    let stage = Stage::new((0..9).map(|_| unavailable())).await;
    let error = send(&stage.client).await.unwrap_err();
    assert!(error.is_transient() && error.perhaps_done(), "{error}");
    assert_eq!(stage.lines().len(), 4);
    assert_eq!(stage.client.counters().failed(), 1);
}

#[tokio::test]
async fn never_makes_a_room_twice() {
    let stage = Stage::new([unavailable(), ok(json!({"room_id": "!second"}))]).await;
    let error = stage
        .client
        .create_room(&NewRoom::default())
        .await
        .unwrap_err();
    assert!(error.perhaps_done());
    assert_eq!(stage.lines().len(), 1);
}

#[tokio::test]
async fn waits_as_long_as_the_homeserver_wants() {
    let header = (StatusCode::TOO_MANY_REQUESTS, [("Retry-After", "0")], "{}").into_response();
    let stage = Stage::new([limited(40), header, ok(json!({"room_id": "!a"}))]).await;
    let start = tokio::time::Instant::now();
    // A refusal for being too fast was surely not carried out, so even this is repeated.
    assert_eq!(
        stage.client.create_room(&NewRoom::default()).await.unwrap(),
        "!a"
    );
    assert!(
        start.elapsed() >= Duration::from_millis(40),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn does_not_wait_for_ever() {
    let stage = Stage::new([limited(3_600_000)]).await;
    let wait = Some(Duration::from_hours(1));
    assert_eq!(
        send(&stage.client).await,
        Err(Error::RateLimited { retry_after: wait })
    );
    let stage = Stage::new((0..9).map(|_| limited(10))).await;
    assert!(matches!(
        send(&stage.client).await,
        Err(Error::RateLimited { .. })
    ));
    assert_eq!(stage.lines().len(), 4);
}

#[tokio::test]
async fn tells_what_was_surely_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = client(&address);
    let error = client.whoami().await.unwrap_err();
    assert!(
        matches!(error, Error::Unreachable { sent: false, .. }),
        "{error:?}"
    );
    assert!(error.is_transient() && !error.perhaps_done());
    assert!(!error.to_string().contains("as-token"));
    assert_eq!(client.counters().sent(RequestKind::Whoami), 4);
}

#[tokio::test]
async fn a_lost_answer_may_have_been_carried_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client(&format!("http://{}", listener.local_addr().unwrap()));
    let cut = tokio::spawn(async move {
        let mut connections = 0;
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            connections += 1;
            let mut buffer = [0; 4096];
            assert!(socket.read(&mut buffer).await.unwrap() > 0);
            drop(socket);
            assert_eq!(connections, 1, "it asked again");
        }
    });
    let error = client.create_room(&NewRoom::default()).await.unwrap_err();
    assert!(
        matches!(error, Error::Unreachable { sent: true, .. }),
        "{error:?}"
    );
    assert!(!cut.is_finished());
    cut.abort();
}

#[tokio::test]
async fn errors_say_what_can_be_done() {
    let stage = Stage::new([
        error(
            401,
            json!({"errcode": "M_UNKNOWN_TOKEN", "error": "unknown"}),
        ),
        forbidden(),
        error(413, json!({"errcode": "M_TOO_LARGE"})),
        (StatusCode::OK, "<html>").into_response(),
        ok(json!({"event_id": "not an id"})),
        ok(json!([])),
    ])
    .await;
    assert!(send(&stage.client).await.unwrap_err().is_unknown_token());
    assert!(send(&stage.client).await.unwrap_err().is_forbidden());
    assert_eq!(send(&stage.client).await, Err(Error::TooLarge));
    for _ in 0..3 {
        let error = send(&stage.client).await.unwrap_err();
        assert!(
            matches!(error, Error::Garbled(_)) && error.perhaps_done(),
            "{error:?}"
        );
    }
    assert_eq!(stage.lines().len(), 6, "none of them is repeated");
}

#[tokio::test]
async fn a_failed_ping_tells_what_the_homeserver_saw() {
    let stage = Stage::new([
        ok(json!({"duration_ms": 12})),
        error(502, json!({"errcode": "M_BAD_STATUS", "error": "the appservice answered badly", "status": 403, "body": "no"})),
    ])
    .await;
    assert_eq!(
        stage.client.ping("p1").await.unwrap(),
        Duration::from_millis(12)
    );
    assert_eq!(stage.body(0), json!({"transaction_id": "p1"}));
    let error = stage.client.ping("p2").await.unwrap_err();
    assert_eq!(error.errcode(), Some("M_BAD_STATUS"));
    assert!(error.to_string().contains("403"), "{error}");
    assert_eq!(stage.lines().len(), 2);
    assert!(stage.lines()[0].starts_with("POST /_matrix/client/v1/appservice/gitter/ping"));
}

#[tokio::test]
async fn registers_a_ghost_once_or_again() {
    let in_use = error(400, json!({"errcode": "M_USER_IN_USE", "error": "taken"}));
    let stage = Stage::new([
        ok(json!({"user_id": "@gitter_1:example.org"})),
        in_use,
        error(400, json!({"errcode": "M_EXCLUSIVE"})),
    ])
    .await;
    stage.client.register("gitter_1").await.unwrap();
    stage.client.register("gitter_1").await.unwrap();
    assert_eq!(
        stage.client.register("else").await.unwrap_err().errcode(),
        Some("M_EXCLUSIVE")
    );
    assert_eq!(
        stage.body(0),
        json!({"type": "m.login.application_service", "username": "gitter_1", "inhibit_login": true})
    );
}

#[tokio::test]
async fn what_is_so_already_is_success() {
    let room = room_id!("!room");
    let alice = user_id!("@alice:example.org");
    let member = |membership: &str| ok(json!({"membership": membership}));
    let stage = Stage::new([
        forbidden(),
        member("join"),
        forbidden(),
        member("invite"),
        forbidden(),
        member("leave"),
        forbidden(),
        forbidden(),
        forbidden(),
        member("join"),
        forbidden(),
        member("leave"),
        forbidden(),
        member("join"),
        error(404, json!({"errcode": "M_NOT_FOUND"})),
    ])
    .await;
    let client = &stage.client;
    let bot = &Actor::Bot;
    assert!(
        client.invite(bot, room, alice, None).await.is_ok(),
        "he is in it"
    );
    assert!(
        client.invite(bot, room, alice, None).await.is_ok(),
        "he was invited"
    );
    assert!(
        client
            .invite(bot, room, alice, None)
            .await
            .unwrap_err()
            .is_forbidden(),
        "really not"
    );
    assert!(
        client.leave(&ghost(), room, None).await.is_ok(),
        "he may not even look"
    );
    assert!(
        client
            .leave(&ghost(), room, None)
            .await
            .unwrap_err()
            .is_forbidden(),
        "he is still in it"
    );
    assert!(client.kick(room, alice, None).await.is_ok(), "he is out");
    assert!(
        client
            .kick(room, alice, None)
            .await
            .unwrap_err()
            .is_forbidden(),
        "he is still in it"
    );
    assert!(client.forget(bot, room).await.is_ok(), "never heard of it");
    assert!(
        stage.lines()[6]
            .starts_with("POST /_matrix/client/v3/rooms/!room/leave?user_id=%40gitter_1")
    );
}

#[tokio::test]
async fn makes_a_room() {
    let stage = Stage::new([
        ok(json!({"room_id": "!hWqsNoDomain"})),
        ok(json!({"room_id": "!b:example.org"})),
    ])
    .await;
    let room = NewRoom {
        name: Some("org/room".into()),
        topic: Some("talk".into()),
        invite: vec![owned_user_id!("@alice:example.org")],
        is_direct: true,
        room_type: Some("m.space".into()),
        federate: false,
        power_levels: Some(json!({"invite": 50})),
        initial_state: vec![StateEvent {
            kind: "m.bridge".into(),
            key: "k".into(),
            content: json!({"a": 1}),
        }],
        creation: [("example.made_for".to_owned(), json!("x"))]
            .into_iter()
            .collect(),
        room_version: Some("12".into()),
    };
    assert_eq!(
        stage.client.create_room(&room).await.unwrap(),
        "!hWqsNoDomain"
    );
    assert_eq!(
        stage.client.create_room(&NewRoom::default()).await.unwrap(),
        "!b:example.org"
    );
    assert_eq!(
        stage.body(0),
        json!({
            "preset": "private_chat", "visibility": "private", "is_direct": true, "name": "org/room", "topic": "talk",
            "invite": ["@alice:example.org"], "room_version": "12",
            "creation_content": {"m.federate": false, "type": "m.space", "example.made_for": "x"},
            "power_level_content_override": {"invite": 50},
            "initial_state": [{"type": "m.bridge", "state_key": "k", "content": {"a": 1}}],
        })
    );
    assert!(
        stage.body(1).get("name").is_none(),
        "what is not given is not sent"
    );
}

#[tokio::test]
async fn knows_the_rooms_of_the_bot() {
    let stage = Stage::new([
        ok(json!({"joined_rooms": ["!a", "!b:example.org", 7, "no room"]})),
        ok(json!({})),
    ])
    .await;
    let rooms = stage.client.joined_rooms().await.unwrap();
    assert_eq!(rooms, [room_id!("!a"), room_id!("!b:example.org")]);
    assert!(matches!(
        stage.client.joined_rooms().await,
        Err(Error::Garbled(_))
    ));
}

#[tokio::test]
async fn reads_and_writes_state() {
    let stage = Stage::new([
        ok(json!({"name": "x"})),
        error(404, json!({"errcode": "M_NOT_FOUND", "error": "none"})),
        error(
            404,
            json!({"errcode": "M_UNRECOGNIZED", "error": "no such endpoint"}),
        ),
        ok(json!({"event_id": "$s"})),
    ])
    .await;
    let room = room_id!("!room");
    assert_eq!(
        stage.client.state(room, "m.room.name", "").await.unwrap(),
        Some(json!({"name": "x"}))
    );
    assert_eq!(
        stage.client.state(room, "m.bridge", "a/b").await.unwrap(),
        None
    );
    assert!(
        stage
            .client
            .state(room, "m.bridge", "")
            .await
            .unwrap_err()
            .is_not_found()
    );
    let content = json!({"membership": "join"});
    let entering = NewState {
        who: &ghost(),
        room,
        kind: "m.room.member",
        key: "@gitter_1:example.org",
        content: &content,
        ts: Some(5),
    };
    assert_eq!(stage.client.set_state(&entering).await.unwrap(), "$s");
    let lines = stage.lines();
    assert!(
        lines[0].starts_with("GET /_matrix/client/v3/rooms/!room/state/m.room.name/?"),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains("/m.bridge/a%2Fb?"), "{}", lines[1]);
    assert!(
        lines[3].contains("/m.room.member/@gitter_1:example.org?ts=5&"),
        "{}",
        lines[3]
    );
}

#[tokio::test]
async fn reads_members_and_timeline_with_distrust() {
    let event = json!({"event_id": "$a", "sender": "@alice:example.org", "type": "m.room.message", "content": {}});
    let stage = Stage::new([
        ok(json!({"chunk": [
            {"state_key": "@a:b", "content": {"membership": "join"}},
            {"state_key": "@c:d", "content": {"membership": "invite"}},
            {"state_key": "@e:f", "content": {"membership": "ban"}},
            {"state_key": 7, "content": {"membership": "join"}}, null,
        ]})),
        ok(json!({"start": "s", "end": "e", "chunk": [event, {"odd": true}]})),
        ok(json!({"start": "e", "chunk": []})),
        ok(json!({"chunk": "none"})),
    ])
    .await;
    let room = room_id!("!room");
    let members = stage.client.members(room).await.unwrap();
    let members: Vec<_> = members
        .iter()
        .map(|member| (member.user.as_str(), member.membership))
        .collect();
    assert_eq!(
        members,
        [("@a:b", Membership::Join), ("@c:d", Membership::Invite)]
    );
    let page = stage
        .client
        .timeline(room, None, Direction::Backward, &[], 50)
        .await
        .unwrap();
    assert_eq!((page.events.len(), page.next.as_deref()), (1, Some("e")));
    assert_eq!(page.events[0].room_id, room);
    let page = stage
        .client
        .timeline(room, Some("e"), Direction::Forward, &[user_id!("@a:b")], 50)
        .await
        .unwrap();
    assert_eq!((page.events.len(), page.next), (0, None));
    assert!(matches!(
        stage.client.members(room).await,
        Err(Error::Garbled(_))
    ));
    let lines = stage.lines();
    assert!(
        lines[1].ends_with("/messages?dir=b&limit=50&user_id=%40gitter%3Aexample.org"),
        "{}",
        lines[1]
    );
    let filter = "filter=%7B%22senders%22%3A%5B%22%40a%3Ab%22%5D%7D";
    assert!(
        lines[2].contains(&format!("dir=f&limit=50&from=e&{filter}&")),
        "{}",
        lines[2]
    );
}

#[tokio::test]
async fn profiles_pictures_receipts_and_redactions() {
    let stage = Stage::new([
        ok(json!({"displayname": "Alice", "avatar_url": ""})),
        error(404, json!({"errcode": "M_NOT_FOUND"})),
        ok(json!({})),
        ok(json!({})),
        ok(json!({})),
        ok(json!({"content_uri": "mxc://example.org/abc"})),
        ok(json!({})),
        ok(json!({"event_id": "$r"})),
        ok(json!({"versions": ["v1.11", "v1.12"]})),
    ])
    .await;
    let client = &stage.client;
    let alice = user_id!("@alice:example.org");
    let profile = client.profile(alice).await.unwrap();
    assert_eq!(
        profile,
        Profile {
            display_name: Some("Alice".into()),
            avatar: None
        }
    );
    assert_eq!(client.profile(alice).await.unwrap(), Profile::default());
    client
        .set_display_name(&ghost(), "Bob (Gitter)")
        .await
        .unwrap();
    client
        .set_avatar(&ghost(), Some(mxc_uri!("mxc://example.org/abc")))
        .await
        .unwrap();
    client.set_avatar(&Actor::Bot, None).await.unwrap();
    let uploaded = client
        .upload(vec![1, 2, 3], "image/png", Some("a b.png"))
        .await
        .unwrap();
    assert_eq!(uploaded, "mxc://example.org/abc");
    let room = room_id!("!room");
    client
        .read_receipt(&ghost(), room, event_id!("$a"))
        .await
        .unwrap();
    let redaction = client
        .redact(&Actor::Bot, room, event_id!("$a"), Some("spam"), "t")
        .await
        .unwrap();
    assert_eq!(redaction, "$r");
    assert_eq!(client.versions().await.unwrap(), ["v1.11", "v1.12"]);

    let lines = stage.lines();
    assert!(lines[2].starts_with(
        "PUT /_matrix/client/v3/profile/@gitter_1:example.org/displayname?user_id=%40gitter_1"
    ));
    assert_eq!(
        stage.body(3),
        json!({"avatar_url": "mxc://example.org/abc"})
    );
    assert_eq!(stage.body(4), json!({"avatar_url": ""}));
    assert!(
        lines[5].starts_with("POST /_matrix/media/v3/upload?filename=a+b.png&"),
        "{}",
        lines[5]
    );
    let upload = stage.script.seen.lock().unwrap()[5].clone();
    assert_eq!(
        (upload.mime.as_str(), upload.body.as_ref()),
        ("image/png", [1, 2, 3].as_slice())
    );
    assert!(
        lines[6].starts_with("POST /_matrix/client/v3/rooms/!room/receipt/m.read/$a?"),
        "{}",
        lines[6]
    );
    assert!(
        lines[7].starts_with("PUT /_matrix/client/v3/rooms/!room/redact/$a/t?"),
        "{}",
        lines[7]
    );
    assert_eq!(stage.body(7), json!({"reason": "spam"}));
}

#[tokio::test]
async fn a_path_in_the_address_is_kept() {
    let stage = Stage::new([ok(json!({"versions": []}))]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/matrix/", listener.local_addr().unwrap());
    let script = stage.script.clone();
    let app = Router::new().fallback(answer).with_state(script);
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    client(&address).versions().await.unwrap();
    server.abort();
    assert!(
        stage.lines()[0].starts_with("GET /matrix/_matrix/client/versions"),
        "{:?}",
        stage.lines()
    );
}

#[tokio::test]
async fn speaks_as_a_user_with_the_token_of_double_puppeting_and_marks_it() {
    let mut stage = Stage::new([
        ok(json!({"room_id": "!a"})),
        ok(json!({"event_id": "$1"})),
        ok(json!({"event_id": "$2"})),
        ok(json!({"event_id": "$3"})),
    ])
    .await;
    stage.client = stage.client.clone().with_puppets("puppets".into());
    let (alice, room) = (
        Actor::User(owned_user_id!("@alice:example.org")),
        room_id!("!a"),
    );
    let content = json!({"body": "hi"});
    let event = |who| NewEvent {
        who,
        room,
        kind: "m.room.message",
        content: &content,
        txn: "t1",
        ts: Some(5),
        in_doubt: InDoubt::SendAgain,
    };
    stage.client.join(&alice, room).await.unwrap();
    stage.client.send(&event(&alice)).await.unwrap();
    stage
        .client
        .redact(&alice, room, event_id!("$1"), None, "t2")
        .await
        .unwrap();
    stage.client.send(&event(&ghost())).await.unwrap();
    let lines = stage.lines();
    let as_alice = "user_id=%40alice%3Aexample.org";
    assert!(lines[..3].iter().all(|line| line.contains(as_alice)));
    assert!(lines[1].contains("ts=5"), "{}", lines[1]);
    let marked = json!({"body": "hi", "fi.mau.double_puppet_source": "gitter"});
    assert_eq!(stage.body(0), json!({}), "a join is a join");
    assert_eq!(stage.body(1), marked);
    assert_eq!(stage.body(2)["fi.mau.double_puppet_source"], "gitter");
    assert_eq!(stage.body(3), content, "a ghost is nobody's account");
    let seen = stage.script.seen.lock().unwrap();
    let tokens: Vec<_> = seen.iter().map(|seen| seen.token.as_str()).collect();
    let puppets = "Bearer puppets";
    assert_eq!(tokens, [puppets, puppets, puppets, "Bearer as-token"]);
}

#[tokio::test]
async fn without_that_token_nobody_is_spoken_as() {
    let stage = Stage::new([]).await;
    let alice = Actor::User(owned_user_id!("@alice:example.org"));
    let refused = stage.client.join(&alice, room_id!("!a")).await.unwrap_err();
    assert!(refused.is_forbidden());
    assert!(stage.lines().is_empty(), "nothing was asked");
}
