//! One request: built, sent, and repeated where that cannot do a thing twice.

use http::{Method, header};
use ruma::UserId;
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use super::answer::{self, Fault};
use super::{Client, RequestKind};
use crate::{Actor, Error};

/// When a request that failed may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Doing it twice is doing it once.
    Safe,
    /// Only if the homeserver surely did not carry it out.
    UnlessDone,
    /// Not at all.
    Never,
}

/// What is sent beside the path.
pub(super) enum Body {
    Nothing,
    Json(Value),
    File { bytes: Vec<u8>, mime: String },
}

/// A request to be made.
pub(super) struct Call<'a> {
    pub(super) kind: RequestKind,
    pub(super) method: Method,
    /// Segments of the path below the address, not yet escaped.
    pub(super) path: &'a [&'a str],
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Body,
    pub(super) repeat: Repeat,
}

impl Client {
    /// Makes the request as `who`, or as the appservice itself, and gives the JSON of a good answer.
    pub(super) async fn call(&self, who: Option<&Actor>, call: Call<'_>) -> Result<Value, Error> {
        let result = self.repeat(who, call).await;
        if result.is_err() {
            self.counters.count_failure();
        }
        result
    }

    async fn repeat(&self, who: Option<&Actor>, call: Call<'_>) -> Result<Value, Error> {
        let Call {
            kind,
            method,
            path,
            query,
            body,
            repeat,
        } = call;
        let url = self.url(who.map(|who| self.user_id(who)), path, &query)?;
        let mut request = self
            .http
            .request(method, url)
            .timeout(self.patience.answer)
            .bearer_auth(self.token(who)?.expose_secret());
        request = match body {
            Body::Nothing => request,
            Body::Json(json) => request.json(&json),
            Body::File { bytes, mime } => request.header(header::CONTENT_TYPE, mime).body(bytes),
        };
        let request = request
            .build()
            .map_err(|_| Error::Garbled("the request could not be built".to_owned()))?;

        let mut pause = self.patience.first_pause;
        let mut attempt = 1;
        loop {
            // Only a body in memory is ever sent, and that can be cloned without copying it.
            let again = request.try_clone();
            let Some(request) = again else {
                return Err(Error::Garbled("the request could not be built".to_owned()));
            };
            self.counters.count(kind, attempt > 1);
            let Fault { error, wait } = match self.once(request).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            let may_repeat = error.is_transient()
                && match repeat {
                    Repeat::Safe => true,
                    Repeat::UnlessDone => !error.perhaps_done(),
                    Repeat::Never => false,
                };
            let wait = wait.unwrap_or(pause);
            if !may_repeat
                || attempt >= self.patience.attempts
                || wait > self.patience.longest_pause
            {
                return Err(error);
            }
            tracing::debug!(request = kind.name(), attempt, ?wait, %error, "the homeserver failed us, trying again");
            tokio::time::sleep(wait).await;
            pause *= 2;
            attempt += 1;
        }
    }

    async fn once(&self, request: reqwest::Request) -> Result<Value, Fault> {
        match self.http.execute(request).await {
            Ok(response) => answer::read(response).await,
            Err(error) => Err(answer::unreachable(&error)),
        }
    }

    pub(super) fn url(
        &self,
        who: Option<&UserId>,
        path: &[&str],
        query: &[(&'static str, String)],
    ) -> Result<Url, Error> {
        let mut url = self.settings.address.clone();
        url.path_segments_mut()
            .map_err(|()| {
                Error::Garbled("the homeserver's address is no base of a URL".to_owned())
            })?
            .pop_if_empty()
            .extend(path);
        // Synapse refuses it for somebody who is not registered yet, even for the bot.
        url.query_pairs_mut()
            .clear()
            .extend_pairs(query)
            .extend_pairs(who.map(|who| ("user_id", who.as_str())));
        if url.query() == Some("") {
            url.set_query(None);
        }
        Ok(url)
    }
}
