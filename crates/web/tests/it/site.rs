//! Everything around the pages of a login: index, files, paths, health, metrics.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use crate::stage::{COOKIE, Fake, TICKET, asked, assert_page, get, press, send, site};

#[tokio::test]
async fn the_index_says_what_this_is() {
    let site = site(&Arc::default(), "https://bridge.example.org");
    let answer = get(&site, "/").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_page(&answer);
    insta::assert_snapshot!(answer.body);
}

#[tokio::test]
async fn a_path_in_front_is_honoured() {
    let fake = Arc::new(Fake::default());
    let site = site(&fake, "https://example.org/bridge/");
    for path in ["/bridge", "/bridge/", "/"] {
        assert_eq!(get(&site, path).await.status, StatusCode::OK, "{path}");
    }
    for prefix in ["/bridge", ""] {
        let answer = get(&site, &format!("{prefix}/login/{TICKET}")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(
            answer
                .body
                .contains(&format!("action=\"/bridge/login/{TICKET}\""))
        );
        assert!(answer.body.contains("href=\"/bridge/style.css?v="));
    }
    let answer = press(&site, &format!("/bridge/login/{TICKET}"), "", &[]).await;
    assert_eq!(
        answer.header(header::SET_COOKIE),
        format!("__Secure-bridge-login={COOKIE}; HttpOnly; SameSite=Lax; Secure; Path=/bridge")
    );
    assert_eq!(
        get(&site, "/bridge/callback?state=x").await.status,
        StatusCode::OK
    );
    assert_eq!(
        get(&site, "/bridge/health/live").await.status,
        StatusCode::OK
    );
    let answer = get(&site, "/bridge/nothing").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_page(&answer);
}

#[tokio::test]
async fn plain_http_works_for_tests_at_home() {
    let site = site(&Arc::default(), "http://localhost:8445");
    let answer = press(&site, &format!("/login/{TICKET}"), "", &[]).await;
    assert_eq!(
        answer.header(header::SET_COOKIE),
        format!("bridge-login={COOKIE}; HttpOnly; SameSite=Lax; Path=/")
    );
}

#[tokio::test]
async fn what_is_not_there_gets_a_page() {
    let site = site(&Arc::default(), "https://bridge.example.org");
    for path in [
        "/nothing",
        "/login",
        "/login/",
        "/login/a/b",
        "/health",
        "/favicon.ico",
    ] {
        let answer = get(&site, path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_page(&answer);
    }
    let answer = press(&site, "/", "", &[]).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_page(&answer);
    insta::assert_snapshot!(get(&site, "/nothing").await.body);
}

#[tokio::test]
async fn the_files_pages_refer_to_may_be_kept() {
    let site = site(&Arc::default(), "https://bridge.example.org");
    let index = get(&site, "/").await.body;
    for (name, kind) in [
        ("/style.css?v=", "text/css; charset=utf-8"),
        ("/icon.svg?v=", "image/svg+xml"),
    ] {
        let at = index.find(name).unwrap();
        let path = index[at..].split('"').next().unwrap();
        let answer = get(&site, path).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header(header::CONTENT_TYPE), kind);
        assert_eq!(
            answer.header(header::CACHE_CONTROL),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    }
}

#[tokio::test]
async fn health_says_what_does_not_answer() {
    let well = site(&Arc::default(), "https://bridge.example.org");
    let live = get(&well, "/health/live").await;
    assert_eq!(
        (live.status, live.body.as_str()),
        (StatusCode::OK, "{\"live\":true}")
    );
    let ready = get(&well, "/health/ready").await;
    assert_eq!(ready.status, StatusCode::OK);
    assert_eq!(
        ready.body,
        "{\"ready\":true,\"database\":{\"ok\":true},\"homeserver\":{\"ok\":true}}"
    );
    assert_eq!(ready.header(header::CACHE_CONTROL), "no-store");

    let ill = site(
        &Arc::new(Fake {
            database: Some("it is gone"),
            ..Fake::default()
        }),
        "https://bridge.example.org",
    );
    assert_eq!(get(&ill, "/health/live").await.status, StatusCode::OK);
    let ready = get(&ill, "/health/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        ready.body,
        "{\"ready\":false,\"database\":{\"ok\":false,\"problem\":\"it is gone\"},\"homeserver\":{\"ok\":true}}"
    );
}

#[tokio::test(start_paused = true)]
async fn many_who_ask_for_health_share_one_look() {
    let fake: Arc<Fake> = Arc::default();
    let site = site(&fake, "https://bridge.example.org");
    let ask = || get(&site, "/health/ready");
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    for answer in [one, two, three, ask().await] {
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(asked(&fake), ["health"]);
    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!(ask().await.status, StatusCode::OK);
    assert_eq!(asked(&fake), ["health"]);
}

/// Whatever a request looks like, what people see is a page of ours.
#[tokio::test]
async fn no_answer_is_a_frameworks() {
    let fake: Arc<Fake> = Arc::default();
    let site = site(&fake, "https://example.org/bridge");
    let paths = [
        "/",
        "/login",
        "/login/",
        "/login/%ff",
        "/login/%",
        "/login/%00",
        "/login/a%2fb",
        "/callback",
        "/callback?%ff=%ff",
        "/callback?a=%&&==",
        "/style.css",
        "/icon.svg",
        "/health/live",
        "/health/ready",
        "/%ff",
        "//",
    ];
    let kinds = [
        "",
        "application/x-www-form-urlencoded",
        "application/json",
        "multipart/form-data; boundary=x",
        "\u{e9}",
    ];
    let bodies = ["", "confirm=%ff", "confirm=a&confirm=b", "\0"].map(str::to_owned);
    let bodies = bodies
        .into_iter()
        .chain([format!("confirm={}", "x".repeat(1 << 20))]);
    let bodies: Vec<String> = bodies.collect();
    let mut seen = 0;
    for method in [
        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "ODD",
    ] {
        for path in paths
            .iter()
            .flat_map(|path| [(*path).to_owned(), format!("/bridge{path}")])
        {
            for kind in kinds {
                for body in &bodies {
                    let request = Request::builder()
                        .method(method)
                        .uri(&path)
                        .header(header::CONTENT_TYPE, kind)
                        .body(Body::from(body.clone()))
                        .unwrap();
                    let answer = send(&site, request).await;
                    assert!(
                        !answer
                            .header(header::CONTENT_TYPE)
                            .starts_with("text/plain"),
                        "{method} {path}: {}",
                        answer.body
                    );
                    if answer.status.is_client_error() {
                        assert_page(&answer);
                        assert!(
                            method == "HEAD" || answer.body.contains("</html>"),
                            "{method} {path}"
                        );
                        seen += 1;
                    } else {
                        assert!(!answer.status.is_server_error(), "{method} {path}");
                    }
                }
            }
        }
    }
    assert!(seen > 1000);
}

#[tokio::test]
async fn metrics_stand_apart() {
    let fake: Arc<Fake> = Arc::default();
    let metrics = web::metrics_router(fake.clone());
    let answer = get(&metrics, "/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.ends_with("# EOF\n"));
    assert_eq!(
        get(&site(&fake, "https://bridge.example.org"), "/metrics")
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    let ill = web::metrics_router(Arc::new(Fake {
        database: Some("it is gone"),
        ..Fake::default()
    }));
    assert_eq!(
        get(&ill, "/metrics").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}
