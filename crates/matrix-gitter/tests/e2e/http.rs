//! What the program answers over HTTP.

use anyhow::Context as _;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::scene::{Result, Scene};

/// Sends a body of this size without asking whether it is wanted, and only then looks at the answer.
async fn send_large(port: u16, token: &str, size: usize) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let head = format!(
        "PUT /_matrix/app/v1/transactions/large HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {size}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all("x".repeat(size).as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// "token by `Authorization: Bearer`, older homeservers' `?access_token=` too; missing 401, wrong 403, malformed 400,
/// body too large 413 (up to 16 MiB is taken), all as Matrix error JSON"
#[tokio::test]
async fn transactions_are_checked() -> Result {
    let scene = Scene::start().await?;
    let slot = scene.bridge.slot();
    let http = testbed::http::client()?;
    let url = format!("{}/_matrix/app/v1/transactions/t1", slot.address());
    let refused = async |request: reqwest::RequestBuilder, status: u16| {
        let answer = request.send().await?;
        let got = answer.status();
        let body: Value = answer.json().await?;
        assert_eq!(got.as_u16(), status, "{body}");
        assert!(
            body["errcode"]
                .as_str()
                .is_some_and(|code| code.starts_with("M_")),
            "{body}"
        );
        anyhow::Ok(())
    };
    let empty = json!({ "events": [] });
    refused(http.put(&url).json(&empty), 401).await?;
    refused(http.put(&url).bearer_auth("wrong").json(&empty), 403).await?;
    refused(
        http.put(format!("{url}?access_token=wrong")).json(&empty),
        403,
    )
    .await?;
    let mine = |url: &str| http.put(url).bearer_auth(&slot.hs_token);
    refused(mine(&url).body("{"), 400).await?;
    refused(mine(&url).body("[]"), 400).await?;
    refused(mine(&url).body(""), 400).await?;
    let too_large = send_large(slot.port, &slot.hs_token, 40 << 20).await?;
    assert!(too_large.starts_with("HTTP/1.1 413"), "{too_large}");
    assert!(too_large.contains("M_TOO_LARGE"), "{too_large}");

    assert_eq!(
        mine(&url).json(&empty).send().await?.status(),
        StatusCode::OK
    );
    let old = http
        .put(format!("{url}b?access_token={}", slot.hs_token))
        .json(&empty);
    let answer = old.send().await?;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.json::<Value>().await?, json!({}));
    // Large but allowed.
    let large = json!({ "events": [], "padding": "x".repeat(15 << 20) });
    assert_eq!(
        mine(&format!("{url}c")).json(&large).send().await?.status(),
        StatusCode::OK
    );
    Ok(())
}

/// Connections that say nothing, more than the bridge takes, shut the homeserver out neither before nor after it has
/// come.
#[tokio::test]
async fn silent_connections_shut_nobody_out() -> Result {
    let scene = Scene::start().await?;
    let slot = scene.bridge.slot();
    let mut crowd = Vec::new();
    for _ in 0..600 {
        let mut one = TcpStream::connect(("127.0.0.1", slot.port)).await?;
        one.write_all(b"PUT /_matrix/app/v1/transactions/x HTTP/1.1\r\n")
            .await?;
        crowd.push(one);
    }
    // All the way through the homeserver.
    let chat = scene.newcomer("anna").await?;
    chat.ask_for("version", "matrix-gitter").await?;
    let http = testbed::http::client()?;
    let page = http.get(slot.address()).send().await?;
    assert_eq!(page.status(), StatusCode::OK);
    drop(crowd);
    Ok(())
}

/// Events without what we want break nothing.
#[tokio::test]
async fn malformed_events_break_nothing() -> Result {
    let scene = Scene::start().await?;
    let slot = scene.bridge.slot();
    let chat = scene.newcomer("anna").await?;
    let http = testbed::http::client()?;
    let events = json!({ "events": [
        {},
        { "type": 7 },
        { "type": "m.room.message", "room_id": "!x", "event_id": "$a", "sender": "nobody" },
        { "type": "m.room.member", "room_id": chat.dm.room, "event_id": "$b", "sender": chat.user.id, "state_key": 5 },
        { "type": "m.room.message", "room_id": chat.dm.room, "event_id": "$c", "sender": chat.user.id, "content": "no" },
        "not an event",
        null,
    ]});
    let url = format!("{}/_matrix/app/v1/transactions/odd", slot.address());
    let answer = http
        .put(url)
        .bearer_auth(&slot.hs_token)
        .json(&events)
        .send()
        .await?;
    assert_eq!(answer.status(), StatusCode::OK);
    chat.ask_for("version", "matrix-gitter").await?;
    Ok(())
}

/// `GET /_matrix/app/v1/users/{userId}`, `GET /_matrix/app/v1/rooms/{alias}`, `POST /_matrix/app/v1/ping`
#[tokio::test]
async fn the_homeserver_may_ask_for_users_and_rooms() -> Result {
    let scene = Scene::start().await?;
    let slot = scene.bridge.slot();
    let http = testbed::http::client()?;
    let base = format!("{}/_matrix/app/v1", slot.address());
    let alias = http.get(format!("{base}/rooms/%23x%3Amatrix.test"));
    assert_eq!(
        alias.bearer_auth(&slot.hs_token).send().await?.status(),
        StatusCode::NOT_FOUND
    );
    let nobody = http.get(format!("{base}/users/%40nobody%3Amatrix.test"));
    assert_eq!(
        nobody.bearer_auth(&slot.hs_token).send().await?.status(),
        StatusCode::NOT_FOUND
    );
    let unsigned = http.get(format!("{base}/users/%40nobody%3Amatrix.test"));
    assert_eq!(unsigned.send().await?.status(), StatusCode::UNAUTHORIZED);
    // Synapse pings us when it is asked to.
    let path = format!("_matrix/client/v1/appservice/{}/ping", slot.id);
    let ping = http
        .post(scene.synapse.base().join(&path)?)
        .bearer_auth(&slot.as_token);
    let answer = ping.json(&json!({ "transaction_id": "p1" })).send().await?;
    assert_eq!(answer.status(), StatusCode::OK);
    Ok(())
}

/// "`GET /health/live` (200 while the process runs), `GET /health/ready` (200 when database and homeserver answer …)"
#[tokio::test]
async fn health_is_told() -> Result {
    let scene = Scene::start().await?;
    let http = testbed::http::client()?;
    for path in ["/health/live", "/health/ready"] {
        let answer = http
            .get(format!("{}{path}", scene.bridge.slot().address()))
            .send()
            .await?;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    Ok(())
}

/// "`metrics`: set both to serve Prometheus metrics at /metrics"
#[tokio::test]
async fn metrics_are_served_where_asked() -> Result {
    let port = testbed::ports::reserve()?;
    let scene = Scene::with(|setup| {
        setup
            .set("metrics.hostname", "127.0.0.1")
            .set("metrics.port", port)
    })
    .await?;
    let http = testbed::http::client()?;
    let answer = http
        .get(format!("http://127.0.0.1:{port}/metrics"))
        .send()
        .await?;
    assert_eq!(answer.status(), StatusCode::OK);
    let before = answer.text().await?;
    for (figure, least) in [
        // Its own account, its name.
        ("bridge_homeserver_requests_total{kind=\"register\"}", 1.0),
        ("bridge_logins{state=\"ok\"}", 0.0),
        ("bridge_queue_length{direction=\"to_remote\"}", 0.0),
        ("bridge_queue_oldest_seconds{direction=\"to_matrix\"}", 0.0),
        ("bridge_network_requests_total", 0.0),
    ] {
        let found = before
            .lines()
            .find_map(|line| line.strip_prefix(figure)?.strip_prefix(' '));
        let found: f64 = found.with_context(|| format!("no {figure}"))?.parse()?;
        assert!(found >= least, "{figure}: {found}");
    }
    // And nowhere else.
    let elsewhere = http
        .get(format!("{}/metrics", scene.bridge.slot().address()))
        .send()
        .await?;
    assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND);
    Ok(())
}

/// "`web.hostname`, `web.port`: set both to listen apart from the appservice listener"
#[tokio::test]
async fn pages_can_have_a_port_of_their_own() -> Result {
    let port = testbed::ports::reserve()?;
    let scene =
        Scene::with(|setup| setup.set("web.hostname", "127.0.0.1").set("web.port", port)).await?;
    let http = testbed::http::client()?;
    let page = http.get(format!("http://127.0.0.1:{port}/")).send().await?;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.headers().contains_key("content-security-policy"));
    let appservice = format!("http://127.0.0.1:{port}/_matrix/app/v1/ping");
    assert_eq!(
        http.post(appservice).send().await?.status(),
        StatusCode::NOT_FOUND
    );
    drop(scene);
    Ok(())
}
