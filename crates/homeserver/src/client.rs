//! [`Homeserver`](crate::Homeserver) over HTTP.
//!
//! `requests` holds the requests, with the shapes they share in `verbs` and the JSON in `json`; `call` carries one out and
//! repeats it where that is safe, `answer` reads what came back, `media` streams files, `counters` knows what was asked how often. One more request: a [`RequestKind`] and a method in `requests`.

mod answer;
mod call;
mod counters;
mod json;
mod media;
mod membership;
mod requests;
mod verbs;

use std::sync::Arc;
use std::time::Duration;

use ruma::{OwnedUserId, UserId};
use secrecy::SecretString;
use url::Url;

pub use counters::{Counters, RequestKind};

use crate::{Actor, Error};

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

/// How long to go on with one request. Whoever calls may try again later: lanes do so for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How often a request is sent at most.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles each time.
    pub first_pause: Duration,
    /// A longer pause than this, if the homeserver wants one, is left to the caller.
    pub longest_pause: Duration,
    /// How long one answer may take. Synapse may take long over a join or an upload.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            answer: Duration::from_secs(90),
        }
    }
}

/// The homeserver over HTTP. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    settings: Arc<Settings>,
    puppets: Option<SecretString>,
    patience: Patience,
    counters: Arc<Counters>,
}

impl Client {
    /// `http` brings what all our HTTP has in common (user agent, connect time-out, TLS). How long an answer may take is
    /// set here, per request.
    pub fn new(http: reqwest::Client, settings: Settings) -> Self {
        Self {
            http,
            settings: Arc::new(settings),
            puppets: None,
            patience: Patience::default(),
            counters: Arc::default(),
        }
    }

    /// The same client with more or less patience, for those who would rather hear at once (a check by an admin).
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The same client, which can speak as users of the homeserver, too. `token` is the `as_token` of
    /// [`Registration::double_puppet`](crate::Registration::double_puppet).
    #[must_use]
    pub fn with_puppets(mut self, token: SecretString) -> Self {
        self.puppets = Some(token);
        self
    }

    /// What was asked of the homeserver since the start.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    fn user_id<'a>(&'a self, who: &'a Actor) -> &'a UserId {
        who.user_id(&self.settings.bot)
    }

    /// What lets us speak as him.
    fn token(&self, who: Option<&Actor>) -> Result<&SecretString, Error> {
        match who {
            Some(Actor::User(_)) => self.puppets.as_ref().ok_or_else(|| Error::Refused {
                status: 403,
                errcode: "M_FORBIDDEN".to_owned(),
                message: "double puppeting is not set up".to_owned(),
            }),
            _ => Ok(&self.settings.as_token),
        }
    }
}
