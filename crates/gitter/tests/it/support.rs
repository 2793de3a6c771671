//! A server that answers what it is told and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use gitter::{Client, Clock, Endpoints, OAuth};
use jiff::Timestamp;

/// The time of the recordings.
pub(crate) const NOW: i64 = 1_795_362_920_000;

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What to answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self {
            status,
            headers,
            body: body.into(),
        }
    }

    pub(crate) fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, "application/json; charset=utf-8", body)
    }
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Answer>,
    asked: Vec<Asked>,
}

/// The server.
pub(crate) struct Server {
    script: Arc<Mutex<Script>>,
    pub(crate) endpoints: Arc<Endpoints>,
    pub(crate) http: reqwest::Client,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let app = Router::new().fallback(answer).with_state(script.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self {
            script,
            endpoints: endpoints(&address.to_string()),
            http: http(),
        }
    }

    /// What to answer next; the last one is repeated.
    pub(crate) fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        let mut script = self.script.lock().unwrap();
        script.answers = answers.into_iter().collect();
        script.asked.clear();
    }

    /// What was asked since then.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.lock().unwrap().asked.clone()
    }

    pub(crate) fn client(&self, token: &str) -> Client {
        Client::new(
            self.endpoints.clone(),
            self.http.clone(),
            clock(),
            token.to_owned().into(),
        )
    }

    pub(crate) fn oauth(&self, id: &str, secret: &str) -> OAuth {
        OAuth::new(
            &self.endpoints,
            self.http.clone(),
            id,
            secret.to_owned().into(),
        )
    }
}

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut script = script.lock().unwrap();
    script.asked.push(Asked {
        method,
        uri,
        headers,
        body,
    });
    let answer = if script.answers.len() > 1 {
        script.answers.pop_front()
    } else {
        script.answers.front().cloned()
    };
    let answer = answer.unwrap_or_else(|| Answer::json(599, "{}"));
    let mut response = (StatusCode::from_u16(answer.status).unwrap(), answer.body).into_response();
    response.headers_mut().clear();
    for (name, value) in answer.headers {
        response.headers_mut().append(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::try_from(value).unwrap(),
        );
    }
    response
}

pub(crate) fn endpoints(address: &str) -> Arc<Endpoints> {
    Arc::new(Endpoints {
        web_url: format!("http://{address}").parse().unwrap(),
        api_url: format!("http://{address}/v1").parse().unwrap(),
        realtime_url: format!("ws://{address}/bayeux").parse().unwrap(),
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the tests build an HTTP client"
)]
pub(crate) fn http() -> reqwest::Client {
    gitter::configure(reqwest::Client::builder())
        .no_proxy()
        .build()
        .unwrap()
}

pub(crate) fn clock() -> Clock {
    Arc::new(|| Timestamp::from_millisecond(NOW).unwrap())
}
