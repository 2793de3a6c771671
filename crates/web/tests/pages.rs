//! The pages as a browser meets them, with a bridge that answers what the test says.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by unwrapping")]

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use bridge::login::{Connected, LinkProblem, Pending, Started, TicketView};
use bridge::{Figures, Health};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use url::Url;
use web::{Address, Backend, Site};

const COOKIE: &str = "Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmE";
const TICKET: &str = "6u3QmPQ0cGtXG5j0oQp1QyJ0m2m8r0Jt1sYb0aZ2kXo";

/// A bridge that knows one ticket, or has one problem. Writes down what it is asked.
#[derive(Default)]
struct Fake {
    problem: Option<LinkProblem>,
    database: Option<&'static str>,
    asked: Mutex<Vec<String>>,
}

impl Fake {
    fn with(problem: LinkProblem) -> Self {
        Self { problem: Some(problem), ..Self::default() }
    }

    fn ask(&self, what: String) -> Result<(), LinkProblem> {
        self.asked.lock().unwrap().push(what);
        self.problem.clone().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Backend for Fake {
    fn site(&self) -> Site {
        Site {
            network_name: "Chatter".to_owned(),
            network_url: "https://chatter.example/".to_owned(),
            bot: "@chatter:example.org".to_owned(),
            bot_link: "https://matrix.to/#/@chatter:example.org".to_owned(),
            login_origins: vec!["https://chatter.example".to_owned()],
        }
    }

    async fn look(&self, ticket: &str) -> Result<TicketView, LinkProblem> {
        self.ask(format!("look {ticket}"))?;
        Ok(TicketView { mxid: "@alice:example.org".to_owned(), network_name: "Chatter".to_owned() })
    }

    async fn start(&self, ticket: &str, browser: Option<&str>) -> Result<Started, LinkProblem> {
        self.ask(format!("start {ticket} {browser:?}"))?;
        let url = Url::parse("https://chatter.example/login/oauth/authorize?state=s%20t").unwrap();
        Ok(Started { url, browser: browser.unwrap_or(COOKIE).to_owned() })
    }

    async fn come_back(&self, query: &[(String, String)], browser: Option<&str>) -> Result<Pending, LinkProblem> {
        self.ask(format!("come back {query:?} {browser:?}"))?;
        Ok(Pending {
            mxid: "@alice:example.org".to_owned(),
            display_name: "Alice <b>".to_owned(),
            username: "alice_gh".to_owned(),
            confirm: "confirmation-secret".to_owned(),
        })
    }

    async fn connect(&self, confirm: &str, browser: Option<&str>) -> Result<Connected, LinkProblem> {
        self.ask(format!("connect {confirm} {browser:?}"))?;
        Ok(Connected {
            mxid: "@alice:example.org".to_owned(),
            username: "alice_gh".to_owned(),
            bot: "@chatter:example.org".try_into().unwrap(),
        })
    }

    async fn health(&self) -> Health {
        Health { database: self.database.map_or(Ok(()), |why| Err(why.to_owned())), homeserver: Ok(()) }
    }

    async fn figures(&self) -> Result<Figures, String> {
        self.database.map_or_else(|| Ok(Figures::default()), |why| Err(why.to_owned()))
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn site(fake: &Arc<Fake>, public: &str) -> Router {
    web::router(fake.clone(), Address::new(&Url::parse(public).unwrap()).unwrap())
}

async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn get(router: &Router, path: &str) -> Answer {
    send(router, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn press(router: &Router, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(router, request.body(Body::from(form.to_owned())).unwrap()).await
}

fn asked(fake: &Fake) -> Vec<String> {
    std::mem::take(&mut *fake.asked.lock().unwrap())
}

/// Checks what every page promises.
fn assert_page(answer: &Answer) {
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/html; charset=utf-8");
    assert_eq!(
        answer.header(header::CONTENT_SECURITY_POLICY),
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' https://chatter.example; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(answer.header(header::REFERRER_POLICY), "no-referrer");
    for forbidden in ["<script", "style=", " on", "<style", "<img", "<iframe"] {
        let mut tags = answer.body.split('<').map(|tag| tag.split('>').next().unwrap_or(""));
        assert!(!tags.any(|tag| format!("<{tag}").contains(forbidden)), "{forbidden} in {}", answer.body);
    }
}

#[tokio::test]
async fn the_index_says_what_this_is() {
    let site = site(&Arc::default(), "https://bridge.example.org");
    let answer = get(&site, "/").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_page(&answer);
    insta::assert_snapshot!(answer.body);
}

#[tokio::test]
async fn looking_at_a_link_changes_nothing() {
    let fake = Arc::new(Fake::default());
    let site = site(&fake, "https://bridge.example.org");
    let answer = get(&site, &format!("/login/{TICKET}")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_page(&answer);
    assert!(answer.headers.get(header::SET_COOKIE).is_none());
    insta::assert_snapshot!(answer.body);
    let head = Request::builder().method(Method::HEAD).uri(format!("/login/{TICKET}")).body(Body::empty()).unwrap();
    assert_eq!(send(&site, head).await.status, StatusCode::OK);
    assert!(asked(&fake).iter().all(|asked| asked.starts_with("look ")));
}

#[tokio::test]
async fn the_button_binds_the_browser_and_leads_to_the_network() {
    let fake = Arc::new(Fake::default());
    let site = site(&fake, "https://bridge.example.org");
    let answer = press(&site, &format!("/login/{TICKET}"), "", &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header(header::LOCATION), "https://chatter.example/login/oauth/authorize?state=s%20t");
    assert_eq!(
        answer.header(header::SET_COOKIE),
        format!("__Host-bridge-login={COOKIE}; HttpOnly; SameSite=Lax; Secure; Path=/")
    );
    assert_eq!(answer.header(header::REFERRER_POLICY), "no-referrer");
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(asked(&fake), [format!("start {TICKET} None")]);

    let cookie = format!("other=1; __Host-bridge-login={COOKIE}");
    press(&site, &format!("/login/{TICKET}"), "", &[("cookie", &cookie)]).await;
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
    assert_eq!(asked(&fake), [format!("come back [(\"code\", \"a+b\"), (\"state\", \"s t\")] Some({COOKIE:?})")]);
}

#[tokio::test]
async fn confirming_connects() {
    let fake = Arc::new(Fake::default());
    let site = site(&fake, "https://bridge.example.org");
    let cookie = format!("__Host-bridge-login={COOKIE}");
    let answer = press(&site, "/callback", "confirm=confirmation-secret", &[("cookie", &cookie)]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_page(&answer);
    insta::assert_snapshot!(answer.body);
    assert_eq!(asked(&fake), [format!("connect confirmation-secret Some({COOKIE:?})")]);
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let fake = Arc::new(Fake::default());
    let site = site(&fake, "https://bridge.example.org");
    for from in ["cross-site", "same-site"] {
        let headers = [("sec-fetch-site", from)];
        for (path, form) in [(format!("/login/{TICKET}"), ""), ("/callback".to_owned(), "confirm=x")] {
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
    let answer = press(&site, "/callback", &format!("confirm={}", "x".repeat(20_000)), &[]).await;
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
        (LinkProblem::OtherAccount { connected: "alice_gh".to_owned(), offered: "bob".to_owned() }, 409),
        (LinkProblem::Misconfigured, 502),
        (LinkProblem::Trouble { sentence: "Chatter does not answer".to_owned() }, 502),
        (LinkProblem::OutOfOrder, 503),
    ];
    let mut shown = String::new();
    for (problem, status) in problems {
        let site = site(&Arc::new(Fake::with(problem.clone())), "https://bridge.example.org");
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
            assert_eq!(answer.body, answers[0].body, "the same words wherever it shows");
        }
        let (_, main) = answers[0].body.split_once("</svg>").unwrap();
        let (main, _) = main.split_once("</main>").unwrap();
        writeln!(shown, "{problem:?}{main}").unwrap();
    }
    insta::assert_snapshot!(shown);
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
        assert!(answer.body.contains(&format!("action=\"/bridge/login/{TICKET}\"")));
        assert!(answer.body.contains("href=\"/bridge/style.css?v="));
    }
    let answer = press(&site, &format!("/bridge/login/{TICKET}"), "", &[]).await;
    assert_eq!(
        answer.header(header::SET_COOKIE),
        format!("__Secure-bridge-login={COOKIE}; HttpOnly; SameSite=Lax; Secure; Path=/bridge")
    );
    assert_eq!(get(&site, "/bridge/callback?state=x").await.status, StatusCode::OK);
    assert_eq!(get(&site, "/bridge/health/live").await.status, StatusCode::OK);
    let answer = get(&site, "/bridge/nothing").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_page(&answer);
}

#[tokio::test]
async fn plain_http_works_for_tests_at_home() {
    let site = site(&Arc::default(), "http://localhost:8445");
    let answer = press(&site, &format!("/login/{TICKET}"), "", &[]).await;
    assert_eq!(answer.header(header::SET_COOKIE), format!("bridge-login={COOKIE}; HttpOnly; SameSite=Lax; Path=/"));
}

#[tokio::test]
async fn what_is_not_there_gets_a_page() {
    let site = site(&Arc::default(), "https://bridge.example.org");
    for path in ["/nothing", "/login", "/login/", "/login/a/b", "/health", "/favicon.ico"] {
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
    for (name, kind) in [("/style.css?v=", "text/css; charset=utf-8"), ("/icon.svg?v=", "image/svg+xml")] {
        let at = index.find(name).unwrap();
        let path = index[at..].split('"').next().unwrap();
        let answer = get(&site, path).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header(header::CONTENT_TYPE), kind);
        assert_eq!(answer.header(header::CACHE_CONTROL), "public, max-age=31536000, immutable");
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    }
}

#[tokio::test]
async fn health_says_what_does_not_answer() {
    let well = site(&Arc::default(), "https://bridge.example.org");
    let live = get(&well, "/health/live").await;
    assert_eq!((live.status, live.body.as_str()), (StatusCode::OK, "{\"live\":true}"));
    let ready = get(&well, "/health/ready").await;
    assert_eq!(ready.status, StatusCode::OK);
    assert_eq!(ready.body, "{\"ready\":true,\"database\":{\"ok\":true},\"homeserver\":{\"ok\":true}}");
    assert_eq!(ready.header(header::CACHE_CONTROL), "no-store");

    let ill = site(&Arc::new(Fake { database: Some("it is gone"), ..Fake::default() }), "https://bridge.example.org");
    assert_eq!(get(&ill, "/health/live").await.status, StatusCode::OK);
    let ready = get(&ill, "/health/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        ready.body,
        "{\"ready\":false,\"database\":{\"ok\":false,\"problem\":\"it is gone\"},\"homeserver\":{\"ok\":true}}"
    );
}

#[tokio::test]
async fn metrics_stand_apart() {
    let fake: Arc<Fake> = Arc::default();
    let metrics = web::metrics_router(fake.clone());
    let answer = get(&metrics, "/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.ends_with("# EOF\n"));
    assert_eq!(get(&site(&fake, "https://bridge.example.org"), "/metrics").await.status, StatusCode::NOT_FOUND);
    let ill = web::metrics_router(Arc::new(Fake { database: Some("it is gone"), ..Fake::default() }));
    assert_eq!(get(&ill, "/metrics").await.status, StatusCode::SERVICE_UNAVAILABLE);
}
