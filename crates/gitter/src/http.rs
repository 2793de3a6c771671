//! Sending one HTTP request and reading its answer whole: what REST, OAuth and long-polling have in common.
//!
//! Nothing here knows what is asked. `rest` decides what an answer means; see `client::answer`.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use reqwest::{ClientBuilder, RequestBuilder, redirect};

use crate::{NetworkFault, Nonsense};

/// How long an answer may be, in bytes. A hundred of the longest messages fit several times.
pub const MAX_ANSWER: usize = 16 << 20;

/// How long a connection to Gitter may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// Sets what this library needs of its HTTP client: HTTP/1.1 (a WebSocket begins as such), no redirects (they would carry
/// the token elsewhere), and at most 10 s to connect. Set no total time-out: each request has its own, and long-polling
/// waits for minutes.
pub fn configure(builder: ClientBuilder) -> ClientBuilder {
    builder
        .http1_only()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT)
        .referer(false)
        // Gitter closes idle connections after 5 s. A POST on one that is being closed would leave it open whether it arrived.
        .pool_idle_timeout(Duration::from_secs(4))
        .pool_max_idle_per_host(8)
}

/// An answer, whatever it says.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    Network(NetworkFault),
    Nonsense(Nonsense),
}

/// Sends a request and reads the answer, all within `limit`.
pub(crate) async fn exchange(request: RequestBuilder, limit: Duration) -> Result<Answer, Failure> {
    match tokio::time::timeout(limit, exchange_unhurried(request)).await {
        Ok(result) => result,
        Err(_) => Err(Failure::Network(NetworkFault::TimedOut)),
    }
}

async fn exchange_unhurried(request: RequestBuilder) -> Result<Answer, Failure> {
    let (client, request) = request.build_split();
    let request = request.map_err(|error| fault(&error))?;
    let asked = request.url().origin();
    let mut response = client
        .execute(request)
        .await
        .map_err(|error| fault(&error))?;
    let status = response.status();
    if response.url().origin() != asked {
        // Only with an HTTP client that was not built with `configure`.
        return Err(Failure::Nonsense(Nonsense::Redirect(status.as_u16())));
    }
    let headers = std::mem::take(response.headers_mut());
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(Failure::Nonsense(Nonsense::TooLong));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        headers,
        body: body.freeze(),
    })
}

/// The kind of fault, without the URL or anything else an error of the HTTP client says.
pub(crate) fn fault(error: &reqwest::Error) -> Failure {
    if is_certificate(error) {
        return Failure::Network(NetworkFault::Certificate);
    }
    // Before `is_timeout`, because connecting can time out too, and then nothing was sent.
    if error.is_connect() || error.is_builder() {
        Failure::Network(NetworkFault::Connect)
    } else if error.is_timeout() {
        Failure::Network(NetworkFault::TimedOut)
    } else {
        Failure::Network(NetworkFault::Lost)
    }
}

/// Whether the server's certificate was refused. Only the words of the TLS library tell.
fn is_certificate(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if inner.to_string().contains("invalid peer certificate") {
            return true;
        }
        cause = inner.source();
    }
    false
}

impl Answer {
    pub(crate) fn is_web_page(&self) -> bool {
        self.headers
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| {
                value
                    .trim_start()
                    .to_ascii_lowercase()
                    .starts_with("text/html")
            })
    }

    /// What to call it, if it cannot be what was asked for.
    pub(crate) fn nonsense(&self, shape: crate::models::Shape) -> Nonsense {
        use crate::models::Shape;
        let status = self.status.as_u16();
        if self.is_web_page() {
            return Nonsense::WebPage(status);
        }
        match shape {
            Shape::Truncated => Nonsense::Truncated,
            Shape::NotJson => Nonsense::NotJson(status),
            Shape::Other => Nonsense::OtherShape,
        }
    }
}
