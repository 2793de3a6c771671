//! The pages of a login.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use bridge::login::LinkProblem;

use crate::stage::{COOKIE, Fake, TICKET, asked, assert_page, get, press, send, site};

#[tokio::test]
async fn looking_at_a_link_changes_nothing() {
    let fake = Arc::new(Fake::default());
    let site = site(&fake, "https://bridge.example.org");
    let answer = get(&site, &format!("/login/{TICKET}")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_page(&answer);
    assert!(answer.headers.get(header::SET_COOKIE).is_none());
    insta::assert_snapshot!(answer.body);
    let head = Request::builder()
        .method(Method::HEAD)
        .uri(format!("/login/{TICKET}"))
        .body(Body::empty())
        .unwrap();
    assert_eq!(send(&site, head).await.status, StatusCode::OK);
    assert!(asked(&fake).iter().all(|asked| asked.starts_with("look ")));
}

#[tokio::test]
async fn the_button_binds_the_browser_and_leads_to_the_network() {
    let fake = Arc::new(Fake::default());
    let site = site(&fake, "https://bridge.example.org");
    let answer = press(
        &site,
        &format!("/login/{TICKET}"),
        "",
        &[("sec-fetch-site", "same-origin")],
    )
    .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(
        answer.header(header::LOCATION),
        "https://chatter.example/login/oauth/authorize?state=s%20t"
    );
    assert_eq!(
        answer.header(header::SET_COOKIE),
        format!("__Host-bridge-login={COOKIE}; HttpOnly; SameSite=Lax; Secure; Path=/")
    );
    assert_eq!(answer.header(header::REFERRER_POLICY), "no-referrer");
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(asked(&fake), [format!("start {TICKET} None")]);

    let cookie = format!("other=1; __Host-bridge-login={COOKIE}");
    press(
        &site,
        &format!("/login/{TICKET}"),
        "",
        &[("cookie", &cookie)],
    )
    .await;
    assert_eq!(asked(&fake), [format!("start {TICKET} Some({COOKIE:?})")]);
}

#[tokio::test]
async fn the_callback_names_both_accounts() {
    let fake = Arc::new(Fake::default());
    let site = site(&fake, "https://bridge.example.org");
    let request = Request::get("/callback?code=a%2Bb&state=s+t")
        .header(header::COOKIE, format!("__Host-bridge-login={COOKIE}"))
        .body(Body::empty())
        .unwrap();
    let answer = send(&site, request).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_page(&answer);
    insta::assert_snapshot!(answer.body);
    assert_eq!(
        asked(&fake),
        [format!(
            "come back [(\"code\", \"a+b\"), (\"state\", \"s t\")] Some({COOKIE:?})"
        )]
    );
}

#[tokio::test]
async fn confirming_connects() {
    let fake = Arc::new(Fake::default());
    let site = site(&fake, "https://bridge.example.org");
    let cookie = format!("__Host-bridge-login={COOKIE}");
    let answer = press(
        &site,
        "/callback",
        "confirm=confirmation-secret",
        &[("cookie", &cookie)],
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_page(&answer);
    insta::assert_snapshot!(answer.body);
    assert_eq!(
        asked(&fake),
        [format!("connect confirmation-secret Some({COOKIE:?})")]
    );
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let fake = Arc::new(Fake::default());
    let site = site(&fake, "https://bridge.example.org");
    for from in ["cross-site", "same-site"] {
        let headers = [("sec-fetch-site", from)];
        for (path, form) in [
            (format!("/login/{TICKET}"), ""),
            ("/callback".to_owned(), "confirm=x"),
        ] {
            let answer = press(&site, &path, form, &headers).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            assert_page(&answer);
        }
    }
    assert!(asked(&fake).is_empty());
}

#[tokio::test]
async fn a_broken_form_gets_a_page() {
    let fake = Arc::new(Fake::default());
    let site = site(&fake, "https://bridge.example.org");
    let answer = press(&site, "/callback", "something=else", &[]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_page(&answer);
    let answer = press(
        &site,
        "/callback",
        &format!("confirm={}", "x".repeat(20_000)),
        &[],
    )
    .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(asked(&fake).is_empty());
}

#[tokio::test]
async fn each_problem_says_what_to_do() {
    let problems = [
        (LinkProblem::Unknown, 404),
        (LinkProblem::Expired, 410),
        (LinkProblem::Used, 410),
        (LinkProblem::OtherBrowser, 403),
        (LinkProblem::Refused, 403),
        (LinkProblem::Stale, 400),
        (LinkProblem::NotPermitted, 403),
        (
            LinkProblem::OtherAccount {
                connected: "alice_gh".to_owned(),
                offered: "bob".to_owned(),
            },
            409,
        ),
        (LinkProblem::Misconfigured, 502),
        (
            LinkProblem::Trouble {
                sentence: "Chatter does not answer".to_owned(),
            },
            502,
        ),
        (LinkProblem::OutOfOrder, 503),
    ];
    let mut shown = String::new();
    for (problem, status) in problems {
        let site = site(
            &Arc::new(Fake::with(problem.clone())),
            "https://bridge.example.org",
        );
        let cookie = format!("__Host-bridge-login={COOKIE}");
        let link = format!("/login/{TICKET}");
        let answers = [
            get(&site, &link).await,
            press(&site, &link, "", &[]).await,
            get(&site, "/callback?state=x&code=y").await,
            press(&site, "/callback", "confirm=x", &[("cookie", &cookie)]).await,
        ];
        for answer in &answers {
            assert_eq!(answer.status.as_u16(), status, "{problem:?}");
            assert_page(answer);
            assert_eq!(
                answer.body, answers[0].body,
                "the same words wherever it shows"
            );
        }
        let (_, main) = answers[0].body.split_once("</svg>").unwrap();
        let (main, _) = main.split_once("</main>").unwrap();
        writeln!(shown, "{problem:?}{main}").unwrap();
    }
    insta::assert_snapshot!(shown);
}
