//! One account's REST calls.
//!
//! The calls are in the files below `client/`, one for each thing they are about; `answer` says what an answer means. Here is
//! what they share: URL, token, budget, time-out.
//!
//! To add a call: a method in the file that fits, which names its path and says which errors mean what.

mod answer;
mod members;
mod messages;
mod ping;
mod presence;
mod rooms;
mod unread;
mod users;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::{HeaderValue, Method, StatusCode, header};
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

pub use self::messages::MessageQuery;
pub use self::ping::ping;
use crate::budget::Permit;
use crate::http::{Answer, Failure, exchange};
use crate::{Budget, Clock, Counters, Effect, Endpoints, Error, Nonsense, Priority};

/// How long a request may take, with its answer.
const REQUEST: Duration = Duration::from_secs(30);

/// How often a request is sent in the face of 429, before the caller hears of it.
const ATTEMPTS: usize = 3;

/// One account at a Gitter. Cheap to clone; all clones share one [`Budget`].
///
/// Every call waits for its turn in the budget first, which can take up to a minute; then at most 30 s for the answer.
/// Dropping a call while it waits for its turn costs nothing.
#[derive(Clone)]
pub struct Client {
    account: Arc<Account>,
    priority: Priority,
    counters: Arc<Counters>,
}

struct Account {
    endpoints: Arc<Endpoints>,
    http: reqwest::Client,
    clock: Clock,
    token: SecretString,
    budget: Arc<Budget>,
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Client")
            .field("priority", &self.priority)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// The account to which `token` belongs, with a budget of its own. `http` is best built with [`configure`](crate::configure).
    pub fn new(
        endpoints: Arc<Endpoints>,
        http: reqwest::Client,
        clock: Clock,
        token: SecretString,
    ) -> Self {
        let account = Account {
            endpoints,
            http,
            clock,
            token,
            budget: Budget::new(),
        };
        Self {
            account: Arc::new(account),
            priority: Priority::default(),
            counters: Arc::default(),
        }
    }

    /// The same account, which from now on adds what it asks to these counts.
    #[must_use]
    pub fn counted_by(self, counters: Arc<Counters>) -> Self {
        Self { counters, ..self }
    }

    /// The same account, for calls that a person waits for.
    #[must_use]
    pub fn urgent(&self) -> Self {
        self.with_priority(Priority::Urgent)
    }

    /// The same account, for calls that nobody waits for.
    #[must_use]
    pub fn background(&self) -> Self {
        self.with_priority(Priority::Background)
    }

    /// The same account, for calls of this priority.
    #[must_use]
    pub fn with_priority(&self, priority: Priority) -> Self {
        Self {
            account: self.account.clone(),
            priority,
            counters: self.counters.clone(),
        }
    }

    /// What the account may still ask for.
    pub fn budget(&self) -> &Budget {
        &self.account.budget
    }

    /// Where this Gitter is.
    pub fn endpoints(&self) -> &Endpoints {
        &self.account.endpoints
    }

    /// Sends a request once it is its turn, and again where Gitter said 429 all the same.
    async fn call(&self, call: Call<'_>) -> Result<Answer, Error> {
        let url =
            Endpoints::below(&self.account.endpoints.api_url, call.path).ok_or(Error::NotFound)?;
        let effect = if call.method == Method::GET {
            Effect::None
        } else {
            Effect::Unknown
        };
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {}", self.account.token.expose_secret()))
                .map_err(|_| Error::Unauthorised)?;
        authorization.set_sensitive(true);

        for attempt in 1.. {
            let mut request = self
                .account
                .http
                .request(call.method.clone(), url.clone())
                .header(header::ACCEPT, "application/json")
                .header(header::AUTHORIZATION, authorization.clone());
            if !call.query.is_empty() {
                request = request.query(call.query);
            }
            if let Some(body) = &call.body {
                // A whole body: Gitter refuses chunked ones with 406 (recorded case `msg_send_chunked`).
                request = request
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(body.clone());
            }

            let mut permit = self.permit().await;
            permit.sent();
            self.counters.count_sent();
            let answer = match exchange(request, REQUEST).await {
                Ok(answer) => answer,
                Err(failure) => return Err(failed(failure, effect)),
            };
            let now = (self.account.clock)();
            if answer.status != StatusCode::TOO_MANY_REQUESTS {
                permit.answered(&answer.headers, now);
                return answer::checked(answer, effect);
            }
            self.counters.count_refused();
            let wait = permit.refused(&answer.headers, now);
            if attempt >= ATTEMPTS {
                let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_secs(60));
                return Err(Error::RateLimited {
                    until: now.saturating_add(wait).unwrap_or(now),
                });
            }
        }
        unreachable!("the loop ends by returning")
    }

    /// Waits for its turn.
    async fn permit(&self) -> Permit {
        let mut turn = std::pin::pin!(self.account.budget.permit(self.priority));
        if let Some(permit) = turn.as_mut().now_or_never() {
            return permit;
        }
        let _waiting = self.counters.wait();
        turn.await
    }
}

/// The error for a request without a usable answer.
fn failed(failure: Failure, effect: Effect) -> Error {
    match failure {
        // Nothing was sent.
        Failure::Network(
            what @ (crate::NetworkFault::Connect | crate::NetworkFault::Certificate),
        ) => Error::Network {
            what,
            effect: Effect::None,
        },
        Failure::Network(what) => Error::Network { what, effect },
        Failure::Nonsense(what @ Nonsense::Redirect(_)) => Error::Protocol {
            what,
            effect: Effect::None,
        },
        Failure::Nonsense(what) => Error::Protocol { what, effect },
    }
}

/// A request, before it has a host and a token.
struct Call<'a> {
    method: Method,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Option<bytes::Bytes>,
}

impl<'a> Call<'a> {
    fn get(path: &'a [&'a str]) -> Self {
        Self {
            method: Method::GET,
            path,
            query: &[],
            body: None,
        }
    }

    fn delete(path: &'a [&'a str]) -> Self {
        Self {
            method: Method::DELETE,
            path,
            query: &[],
            body: None,
        }
    }

    fn post(path: &'a [&'a str], body: &impl Serialize) -> Result<Self, Error> {
        Ok(Self {
            method: Method::POST,
            path,
            query: &[],
            body: Some(json(body)?),
        })
    }

    fn put(path: &'a [&'a str], body: &impl Serialize) -> Result<Self, Error> {
        Ok(Self {
            method: Method::PUT,
            path,
            query: &[],
            body: Some(json(body)?),
        })
    }

    fn query(mut self, query: &'a [(&'a str, &'a str)]) -> Self {
        self.query = query;
        self
    }
}

fn json(body: &impl Serialize) -> Result<bytes::Bytes, Error> {
    // Cannot fail for what this crate sends; were it to, Gitter would not have taken it either.
    let body = serde_json::to_vec(body).map_err(|_| Error::BadRequest { status: 400 })?;
    Ok(body.into())
}
