//! Gitter before anybody is logged in.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gitter::{Client, Counters, Endpoints, OAuth, OAuthError};
use gitter_markup::{MAX_UNITS, split, to_markdown};
use jiff::Timestamp;
use remote::{
    Account, Capabilities, Check, Credentials, Echoes, EditWindow, Fault, Login, LoginError,
    MessageId, MessageKind, Millis, Network, NetworkInfo, Outgoing, Part, Person, RemoteError,
    Threads, Traffic,
};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::account::GitterAccount;
use crate::convert::Converter;
use crate::files::Files;
use crate::guard::Guard;
use crate::{address, check, fault, preface};

/// Tells the time, in milliseconds since 1970 UTC. Handed in, so that tests control it.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// Room in the first message of a `/me` for the sender's name in front of it, in UTF-16 code units. Names from GitLab, the longest there
/// are, have up to 255.
const NAME_ROOM: usize = 300;

/// Where a Gitter is, and by what it knows this bridge.
#[derive(Clone, Debug)]
pub struct Config {
    /// The web site, below which OAuth is: `https://gitter.im`.
    pub web_url: Url,
    /// The REST API with its version: `https://api.gitter.im/v1`.
    pub api_url: Url,
    /// Bayeux: `wss://ws.gitter.im/bayeux`.
    pub realtime_url: Url,
    /// Where uploaded files are, such as `https://files.gitter.im`; `None` for the host `files` below the web site's.
    pub files_url: Option<Url>,
    /// OAuth key of the app registered there.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
}

/// What Gitter can do: changes for ten minutes (Gitter 21.15, recorded case `msg_edit_too_old`), deletions at any time, threads of one
/// level, no reactions, and nothing against a message that is sent twice.
pub fn capabilities() -> Capabilities {
    Capabilities {
        edits: EditWindow::For(Duration::from_mins(10)),
        deletions: true,
        threads: Threads::OneLevel,
        reactions: false,
        idempotent_send: false,
        // Recorded nowhere, read in Gitter's source (21.15, `modules/spam-detection`): accounts flagged for spam get an answer as
        // always, and nothing is stored.
        echoes: Some(Echoes {
            within: Duration::from_secs(20),
            missing: "It does so to new accounts that said the same thing too often, and tells nobody; its admins can help",
        }),
        reread: 100,
    }
}

/// Sets what this crate needs of its HTTP client: what [`gitter::configure`] sets, and that names lead to no address which only machines
/// near the bridge can reach, except those that the configuration holds. Messages of strangers name hosts, and who answers for a name
/// can change his mind between two questions, so the address that is connected to is the one to look at. (Where the environment names a
/// proxy, that one resolves names, and has to keep what is private to itself.)
pub fn configure(builder: reqwest::ClientBuilder, config: &Config) -> reqwest::ClientBuilder {
    let files = Files::of_config(config);
    let named = [&config.web_url, &config.api_url, &config.realtime_url];
    let named = named.into_iter().chain(files.as_ref().map(Files::url));
    gitter::configure(builder).dns_resolver(std::sync::Arc::new(Guard::new(named)))
}

/// A Gitter.
pub struct GitterNetwork {
    info: NetworkInfo,
    capabilities: Capabilities,
    endpoints: Arc<Endpoints>,
    files: Option<Files>,
    oauth: OAuth,
    http: reqwest::Client,
    clock: gitter::Clock,
    seed: u64,
    counters: Arc<Counters>,
}

impl std::fmt::Debug for GitterNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitterNetwork")
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}

impl GitterNetwork {
    /// A Gitter. `http` must be built with [`configure`]; `seed` spreads the reconnects of its accounts.
    pub fn new(config: Config, http: reqwest::Client, clock: Clock, seed: u64) -> Self {
        let info = NetworkInfo {
            id: "gitter",
            name: "Gitter",
            url: config.web_url.clone(),
            event_key: "im.gitter.message",
        };
        let files = Files::of_config(&config);
        let endpoints = Endpoints {
            web_url: config.web_url,
            api_url: config.api_url,
            realtime_url: config.realtime_url,
        };
        let oauth = OAuth::new(
            &endpoints,
            http.clone(),
            config.client_id,
            config.client_secret,
        );
        let clock: gitter::Clock =
            Arc::new(move || Timestamp::from_millisecond(clock()).unwrap_or(Timestamp::UNIX_EPOCH));
        Self {
            info,
            capabilities: capabilities(),
            endpoints: Arc::new(endpoints),
            files,
            oauth,
            http,
            clock,
            seed,
            counters: Arc::default(),
        }
    }

    fn client(&self, token: SecretString) -> Client {
        Client::new(
            self.endpoints.clone(),
            self.http.clone(),
            self.clock.clone(),
            token,
        )
        .counted_by(self.counters.clone())
    }
}

#[async_trait]
impl Network for GitterNetwork {
    fn info(&self) -> &NetworkInfo {
        &self.info
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.counters.sent(),
            refused: self.counters.refused(),
            waits: self.counters.waits(),
            waited: self.counters.waited(),
            waiting: self.counters.waiting(),
        }
    }

    fn login_url(&self, callback: &Url, state: &str) -> Url {
        self.oauth.authorize_url(callback.as_str(), state)
    }

    fn login_origins(&self) -> Vec<String> {
        vec![self.endpoints.web_url.origin().ascii_serialization()]
    }

    async fn finish_login(
        &self,
        callback: &Url,
        query: &[(String, String)],
    ) -> Result<Login, LoginError> {
        let query = query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let code = OAuth::code(query).map_err(login_error)?;
        let token = self
            .oauth
            .token(&code, callback.as_str())
            .await
            .map_err(login_error)?;
        let me = self
            .client(token.clone())
            .urgent()
            .me()
            .await
            .map_err(fault::from)?;
        Ok(Login {
            person: Converter::new(self.endpoints.clone(), None).person(&me),
            credentials: token,
        })
    }

    fn account(
        &self,
        person: &Person,
        credentials: &Credentials,
    ) -> Result<Arc<dyn Account>, RemoteError> {
        let token = credentials.expose_secret();
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(RemoteError::new(
                Fault::LoggedOut,
                "What is stored of your login is not a login to Gitter",
            ));
        }
        let mut hasher = DefaultHasher::new();
        (self.seed, person.id.as_str()).hash(&mut hasher);
        Ok(Arc::new(GitterAccount::new(
            person,
            self.client(credentials.clone()),
            self.endpoints.clone(),
            self.files.clone(),
            self.http.clone(),
            credentials.clone(),
            hasher.finish(),
        )))
    }

    fn parse_address(&self, typed: &str) -> Option<String> {
        address::parse(typed, &self.endpoints.web_url)
    }

    fn compose(&self, message: &Outgoing) -> Vec<Part> {
        let limit = match message.kind {
            MessageKind::Emote => MAX_UNITS - NAME_ROOM,
            MessageKind::Text | MessageKind::Notice => MAX_UNITS,
        };
        let text = to_markdown(&message.text);
        let text = match &message.preface {
            Some(preface) => preface::with(preface, message.kind, &text),
            None => text,
        };
        let pieces = split(&text, limit);
        let part = |(number, text)| Part {
            text,
            // Who does something at length does it once, and goes on in plain words.
            kind: if number == 0 {
                message.kind
            } else {
                MessageKind::Text
            },
            thread: message.thread.clone(),
            reply_to: message.reply_to.clone(),
        };
        pieces.into_iter().enumerate().map(part).collect()
    }

    /// Gitter 21.15 has them as `/<uri>?at=<id>`, and those of a conversation of two below the other one's name.
    fn permalink(&self, address: &str, message: &MessageId) -> Option<String> {
        let mut url = self.endpoints.web_url.clone();
        let path = address.trim_start_matches(['@', '/']);
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(path.split('/'));
        url.query_pairs_mut().append_pair("at", message.as_str());
        Some(url.into())
    }

    async fn check(&self, callback: &Url) -> Vec<Check> {
        check::all(&self.endpoints, &self.http, &self.oauth, callback).await
    }
}

fn login_error(error: OAuthError) -> LoginError {
    match error {
        OAuthError::Denied => LoginError::Refused,
        OAuthError::Stale => LoginError::Stale,
        OAuthError::Client => LoginError::Misconfigured(
            "Gitter does not know the bridge's client_id, or its client_secret is wrong".into(),
        ),
        OAuthError::Rejected { status } => LoginError::Misconfigured(format!(
            "Gitter does not accept the bridge's way to log in (error {status})"
        )),
        OAuthError::Request(error) => LoginError::Remote(fault::from(error)),
    }
}
