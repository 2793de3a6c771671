//! [`Homeserver`](crate::Homeserver) over HTTP.
//!
//! `call` carries one request out and repeats it where that is safe, `answer` reads what came back, `requests` holds the
//! requests themselves, `counters` what was asked how often. One more request: a [`RequestKind`] and a method in `requests`.

mod answer;
mod call;
mod counters;
mod membership;
mod requests;

use std::sync::Arc;

use ruma::{OwnedUserId, UserId};
use secrecy::SecretString;
use url::Url;

pub use counters::{Counters, RequestKind};

use crate::Actor;

/// Where the homeserver is and who we are to it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Base of the client-server API, such as `http://localhost:8008`. A path in it is kept.
    pub address: Url,
    /// The `as_token` of the registration.
    pub as_token: SecretString,
    /// The bot's full id.
    pub bot: OwnedUserId,
    /// The registration's `id`; needed for the ping.
    pub appservice_id: String,
}

/// The homeserver over HTTP. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    settings: Arc<Settings>,
    counters: Arc<Counters>,
}

impl Client {
    /// `http` brings what all our HTTP has in common (user agent, connect time-out, TLS). How long an answer may take is
    /// set here, per request.
    pub fn new(http: reqwest::Client, settings: Settings) -> Self {
        Self {
            http,
            settings: Arc::new(settings),
            counters: Arc::default(),
        }
    }

    /// What was asked of the homeserver since the start.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    fn user_id<'a>(&'a self, who: &'a Actor) -> &'a UserId {
        who.user_id(&self.settings.bot)
    }
}
