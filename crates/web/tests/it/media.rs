//! Files, as a browser meets them.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{self, HeaderName};
use axum::http::{Method, Request, StatusCode};
use bridge::media::{MediaFile, MediaProblem};
use bytes::Bytes;
use futures_util::stream;
use homeserver::ContentRange;

use crate::stage::{Answer, Fake, asked, assert_page, get, send, site};

const SECRET: &str = "q0-Zr_8tYw3kqJx1Bf0mXo2aLh7cVu5N";

fn file(mime: &str, name: &str, bytes: &'static str) -> MediaFile {
    MediaFile {
        name: name.to_owned(),
        mime: Some(mime.to_owned()),
        length: Some(bytes.len() as u64),
        range: None,
        body: Box::pin(stream::iter([Ok(Bytes::from(bytes))])),
    }
}

fn with(media: Result<Option<MediaFile>, MediaProblem>) -> (Arc<Fake>, Router) {
    let fake = Arc::new(Fake::default());
    *fake.media.lock().unwrap() = Some(media);
    let site = site(&fake, "https://bridge.example.org");
    (fake, site)
}

async fn asks(site: &Router, method: Method, headers: &[(HeaderName, &str)]) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/media/{SECRET}/cat.png"));
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    send(site, request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_picture_is_shown_and_can_do_nothing() {
    let (fake, site) = with(Ok(Some(file("image/png", "my cat.png", "bytes"))));
    let answer = asks(&site, Method::GET, &[]).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::OK, "bytes")
    );
    for (name, value) in [
        (header::CONTENT_TYPE, "image/png"),
        (header::CONTENT_LENGTH, "5"),
        (
            header::CONTENT_DISPOSITION,
            "inline; filename=\"my cat.png\"; filename*=UTF-8''my%20cat.png",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::ETAG, "\"q0-Zr_8tYw3kqJx1Bf0mXo2aLh7cVu5N\""),
        (header::ACCEPT_RANGES, "bytes"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        assert_eq!(answer.header(name.clone()), value, "{name}");
    }
    let policy = answer.header(header::CONTENT_SECURITY_POLICY);
    assert!(
        policy.starts_with("sandbox; default-src 'none';"),
        "{policy}"
    );
    let corp = HeaderName::from_static("cross-origin-resource-policy");
    assert_eq!(answer.header(corp), "cross-origin");
    assert_eq!(asked(&fake), [format!("media {SECRET} None false")]);
}

#[tokio::test]
async fn what_a_browser_could_run_is_only_for_saving() {
    for mime in [
        "text/html",
        "TEXT/HTML; charset=utf-8",
        "image/svg+xml",
        "application/xhtml+xml",
        "text/xml",
        "application/pdf",
        "application/javascript",
        "text/css",
        "image/png, text/html",
        "",
        "nonsense",
    ] {
        let (_, site) = with(Ok(Some(file(mime, "x.html", "<script>"))));
        let answer = asks(&site, Method::GET, &[]).await;
        assert_eq!(
            answer.header(header::CONTENT_TYPE),
            "application/octet-stream",
            "{mime}"
        );
        assert!(
            answer
                .header(header::CONTENT_DISPOSITION)
                .starts_with("attachment; "),
            "{mime}"
        );
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    }
    for mime in ["image/jpeg", "Video/MP4; codecs=avc1", "audio/ogg"] {
        let (_, site) = with(Ok(Some(file(mime, "x", "x"))));
        let answer = asks(&site, Method::GET, &[]).await;
        assert!(
            answer
                .header(header::CONTENT_DISPOSITION)
                .starts_with("inline; "),
            "{mime}"
        );
    }
    let (_, site) = with(Ok(Some(file("text/plain; charset=utf-7", "x", "x"))));
    let answer = asks(&site, Method::GET, &[]).await;
    assert_eq!(
        answer.header(header::CONTENT_TYPE),
        "text/plain; charset=utf-8"
    );
}

#[tokio::test]
async fn a_part_comes_as_a_part() {
    let mut part = file("video/mp4", "x.mp4", "234");
    part.range = Some(ContentRange {
        first: 2,
        last: 4,
        total: 10,
    });
    let (fake, site) = with(Ok(Some(part)));
    let answer = asks(&site, Method::GET, &[(header::RANGE, "bytes=2-4")]).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::PARTIAL_CONTENT, "234")
    );
    assert_eq!(answer.header(header::CONTENT_RANGE), "bytes 2-4/10");
    assert_eq!(answer.header(header::CONTENT_LENGTH), "3");
    let tag = format!("\"{SECRET}\"");
    asks(
        &site,
        Method::GET,
        &[(header::RANGE, "bytes=-4"), (header::IF_RANGE, &tag)],
    )
    .await;
    asks(
        &site,
        Method::GET,
        &[(header::RANGE, "bytes=-4"), (header::IF_RANGE, "\"other\"")],
    )
    .await;
    asks(&site, Method::GET, &[(header::RANGE, "bytes=1-2,4-5")]).await;
    let mut expected = vec!["Some(From(2, Some(4)))", "Some(Last(4))", "None", "None"];
    // Only what surely is the same file has parts.
    let weak = format!("W/{tag}");
    let listed = format!("\"other\", {tag}");
    for unsure in [weak.as_str(), &listed, "*", "Sun, 22 Nov 2026 00:00:00 GMT"] {
        let headers = [(header::RANGE, "bytes=-4"), (header::IF_RANGE, unsure)];
        asks(&site, Method::GET, &headers).await;
        expected.push("None");
    }
    let expected: Vec<_> = expected
        .into_iter()
        .map(|range| format!("media {SECRET} {range} false"))
        .collect();
    assert_eq!(asked(&fake), expected);

    let (_, site) = with(Err(MediaProblem::NoSuchPart(10)));
    let answer = asks(&site, Method::GET, &[(header::RANGE, "bytes=20-")]).await;
    assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(answer.header(header::CONTENT_RANGE), "bytes */10");
}

#[tokio::test]
async fn who_has_it_gets_nothing() {
    let (fake, site) = with(Ok(None));
    let tag = format!("W/\"{SECRET}\"");
    let answer = asks(&site, Method::GET, &[(header::IF_NONE_MATCH, &tag)]).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    assert_eq!(answer.header(header::ETAG), format!("\"{SECRET}\""));
    assert_eq!(asked(&fake), [format!("media {SECRET} None true")]);
}

#[tokio::test]
async fn a_head_tells_of_the_file() {
    let (_, site) = with(Ok(Some(file("image/png", "cat.png", "bytes"))));
    let answer = asks(&site, Method::HEAD, &[]).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
    assert_eq!(answer.header(header::CONTENT_LENGTH), "5");
    assert_eq!(answer.header(header::CONTENT_TYPE), "image/png");
    let (_, site) = with(Ok(Some(file("image/png", "cat.png", "bytes"))));
    let answer = asks(&site, Method::POST, &[]).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn each_problem_has_a_page() {
    let mut said = Vec::new();
    for problem in [
        MediaProblem::Unknown,
        MediaProblem::Revoked,
        MediaProblem::Expired,
        MediaProblem::Gone,
        MediaProblem::Busy,
        MediaProblem::Homeserver,
        MediaProblem::OutOfOrder,
    ] {
        let (_, site) = with(Err(problem));
        let answer = asks(&site, Method::GET, &[]).await;
        assert_page(&answer);
        let heading = answer.body.split("<h1>").nth(1).unwrap();
        let heading = heading.split("</h1>").next().unwrap();
        said.push(format!("{problem:?}: {} {heading}", answer.status.as_u16()));
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[tokio::test]
async fn what_is_no_link_is_not_looked_up() {
    let fake = Arc::new(Fake::default());
    let site = site(&fake, "https://example.org/bridge");
    for path in [
        "/media",
        "/media/",
        "/media/a%0d%0ab",
        "/media/..%2f..%2fetc",
        "/media/%22",
        "/media/a/b/c",
    ] {
        let answer = get(&site, path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_page(&answer);
    }
    assert!(asked(&fake).is_empty());
    for path in [
        format!("/media/{SECRET}"),
        format!("/bridge/media/{SECRET}/x.png"),
    ] {
        assert_eq!(get(&site, &path).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(asked(&fake).len(), 2);
}
