//! A bridge that answers what the test says, and a browser in front of the pages.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use bridge::login::{Connected, LinkProblem, Pending, Started, TicketView};
use bridge::media::{MediaFile, MediaProblem, MediaRequest};
use bridge::{Figures, Health};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use url::Url;
use web::{Address, Backend, Site};

pub(crate) const COOKIE: &str = "Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmE";
pub(crate) const TICKET: &str = "6u3QmPQ0cGtXG5j0oQp1QyJ0m2m8r0Jt1sYb0aZ2kXo";

/// A bridge that knows one ticket, or has one problem. Writes down what it is asked.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) problem: Option<LinkProblem>,
    pub(crate) database: Option<&'static str>,
    /// How the next file comes.
    pub(crate) media: Mutex<Option<Result<Option<MediaFile>, MediaProblem>>>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Fake {
    pub(crate) fn with(problem: LinkProblem) -> Self {
        Self {
            problem: Some(problem),
            ..Self::default()
        }
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
        Ok(TicketView {
            mxid: "@alice:example.org".to_owned(),
            network_name: "Chatter".to_owned(),
        })
    }

    async fn start(&self, ticket: &str, browser: Option<&str>) -> Result<Started, LinkProblem> {
        self.ask(format!("start {ticket} {browser:?}"))?;
        let url = Url::parse("https://chatter.example/login/oauth/authorize?state=s%20t").unwrap();
        Ok(Started {
            url,
            browser: browser.unwrap_or(COOKIE).to_owned(),
        })
    }

    async fn come_back(
        &self,
        query: &[(String, String)],
        browser: Option<&str>,
    ) -> Result<Pending, LinkProblem> {
        self.ask(format!("come back {query:?} {browser:?}"))?;
        Ok(Pending {
            mxid: "@alice:example.org".to_owned(),
            display_name: "Alice <b>".to_owned(),
            username: "alice_gh".to_owned(),
            confirm: "confirmation-secret".to_owned(),
        })
    }

    async fn connect(
        &self,
        confirm: &str,
        browser: Option<&str>,
    ) -> Result<Connected, LinkProblem> {
        self.ask(format!("connect {confirm} {browser:?}"))?;
        Ok(Connected {
            mxid: "@alice:example.org".to_owned(),
            username: "alice_gh".to_owned(),
            bot: "@chatter:example.org".try_into().unwrap(),
        })
    }

    async fn media(
        &self,
        secret: &str,
        request: MediaRequest,
    ) -> Result<Option<MediaFile>, MediaProblem> {
        let asked = format!("media {secret} {:?} {}", request.range, request.has_it);
        self.asked.lock().unwrap().push(asked);
        let media = self.media.lock().unwrap().take();
        media.unwrap_or(Err(MediaProblem::Unknown))
    }

    async fn health(&self) -> Health {
        self.asked.lock().unwrap().push("health".to_owned());
        // Whoever else asks does so meanwhile.
        tokio::task::yield_now().await;
        Health {
            database: self.database.map_or(Ok(()), |why| Err(why.to_owned())),
            homeserver: Ok(()),
        }
    }

    async fn figures(&self) -> Result<Figures, String> {
        self.database
            .map_or_else(|| Ok(Figures::default()), |why| Err(why.to_owned()))
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) fn site(fake: &Arc<Fake>, public: &str) -> Router {
    web::router(
        fake.clone(),
        Address::new(&Url::parse(public).unwrap()).unwrap(),
    )
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

pub(crate) async fn get(router: &Router, path: &str) -> Answer {
    send(router, Request::get(path).body(Body::empty()).unwrap()).await
}

pub(crate) async fn press(
    router: &Router,
    path: &str,
    form: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let mut request =
        Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(router, request.body(Body::from(form.to_owned())).unwrap()).await
}

pub(crate) fn asked(fake: &Fake) -> Vec<String> {
    std::mem::take(&mut *fake.asked.lock().unwrap())
}

/// Checks what every page promises.
pub(crate) fn assert_page(answer: &Answer) {
    assert_eq!(
        answer.header(header::CONTENT_TYPE),
        "text/html; charset=utf-8"
    );
    assert_eq!(
        answer.header(header::CONTENT_SECURITY_POLICY),
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' https://chatter.example; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(answer.header(header::REFERRER_POLICY), "no-referrer");
    for forbidden in ["<script", "style=", " on", "<style", "<img", "<iframe"] {
        let mut tags = answer
            .body
            .split('<')
            .map(|tag| tag.split('>').next().unwrap_or(""));
        assert!(
            !tags.any(|tag| format!("<{tag}").contains(forbidden)),
            "{forbidden} in {}",
            answer.body
        );
    }
}
