//! From a link to an access token: Gitter's OAuth 2, of which it has the authorization-code grant only.
//!
//! Gitter knows neither scopes nor PKCE nor refresh tokens: a token can do whatever its account can, until it is revoked, and
//! a second login brings the same token again (Gitter 21.15, recorded case `oauth_token_second_grant`). The client's
//! credentials go into the body; HTTP Basic is refused (recorded case `oauth_token_basic_auth`).
//!
//! To add an error form: its arm in `OAuth::token`, with the recorded case that shows it.

use std::time::Duration;

use http::{Method, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::http::{Answer, Failure, exchange};
use crate::models::Shape;
use crate::{Effect, Endpoints, Error, NetworkFault, Nonsense};

const TOKEN: Duration = Duration::from_secs(30);

/// A login that did not succeed, told by who has to do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OAuthError {
    /// The person said no on Gitter's page.
    #[error("access was refused on Gitter's page")]
    Denied,
    /// The code is missing, unknown, used already, or was given for another address: start over with a new link.
    #[error("what the browser brought back can no longer be used")]
    Stale,
    /// The client's id or secret is wrong: whoever runs this has to mend it.
    #[error("Gitter does not know this OAuth client, or its secret is wrong")]
    Client,
    /// Gitter does not accept the request at all: it is not the Gitter this was written for.
    #[error("Gitter does not accept the login request (status {status})")]
    Rejected {
        /// HTTP status.
        status: u16,
    },
    /// Gitter could not be asked, or failed; start over with a new link.
    #[error(transparent)]
    Request(#[from] Error),
}

/// An OAuth client, as registered at a Gitter.
#[derive(Clone, Debug)]
pub struct OAuth {
    web_url: Url,
    http: reqwest::Client,
    client_id: String,
    client_secret: SecretString,
}

impl OAuth {
    /// `http` is best built with [`configure`](crate::configure).
    pub fn new(
        endpoints: &Endpoints,
        http: reqwest::Client,
        client_id: impl Into<String>,
        client_secret: SecretString,
    ) -> Self {
        Self {
            web_url: endpoints.web_url.clone(),
            http,
            client_id: client_id.into(),
            client_secret,
        }
    }

    /// Where to send the person's browser. `redirect_uri` has to be the registered one, letter for letter; Gitter sends the
    /// browser there with `code` and `state`, or with `error` and `state`.
    ///
    /// If the client or the address is wrong, Gitter shows a page that says so and the browser never comes back (recorded
    /// cases `oauth_authorize_*`).
    pub fn authorize_url(&self, redirect_uri: &str, state: &str) -> Url {
        let mut url = self.endpoint("authorize");
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("state", state);
        url
    }

    /// Reads the code out of the query with which the browser came back. Checking `state` is the caller's part, and comes
    /// first.
    ///
    /// # Errors
    /// [`OAuthError::Denied`] if the person said no; [`OAuthError::Stale`] if there is no code in it.
    pub fn code<'a>(
        query: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<SecretString, OAuthError> {
        let mut code = None;
        for (key, value) in query {
            match key {
                "error" if value == "access_denied" => return Err(OAuthError::Denied),
                "error" => return Err(OAuthError::Stale),
                "code" if !value.is_empty() => code = Some(SecretString::from(value)),
                _ => {}
            }
        }
        code.ok_or(OAuthError::Stale)
    }

    /// Turns a code into an access token. A code is good for one time.
    ///
    /// # Errors
    /// [`OAuthError`], which says whose turn it is.
    pub async fn token(
        &self,
        code: &SecretString,
        redirect_uri: &str,
    ) -> Result<SecretString, OAuthError> {
        #[derive(Serialize)]
        struct Body<'a> {
            client_id: &'a str,
            client_secret: &'a str,
            code: &'a str,
            redirect_uri: &'a str,
            grant_type: &'a str,
        }
        #[derive(Deserialize)]
        struct Granted {
            access_token: String,
        }
        let request = self
            .http
            .request(Method::POST, self.endpoint("token"))
            .header(header::ACCEPT, "application/json")
            .form(&Body {
                client_id: &self.client_id,
                client_secret: self.client_secret.expose_secret(),
                code: code.expose_secret(),
                redirect_uri,
                grant_type: "authorization_code",
            });
        let answer = exchange(request, TOKEN).await.map_err(failed)?;
        if !answer.status.is_success() {
            return Err(refused(&answer));
        }
        match serde_json::from_slice::<Granted>(&answer.body) {
            Ok(granted) if !granted.access_token.is_empty() => Ok(granted.access_token.into()),
            Ok(_) => Err(garbled(&answer, Shape::Other)),
            Err(error) => Err(garbled(&answer, Shape::from(&error))),
        }
    }

    /// Whether Gitter knows this client and its secret, without anybody logging in: a code that cannot exist is refused in one
    /// way if it does (recorded case `oauth_token_bad_code`) and in another if it does not (`oauth_token_bad_secret`).
    ///
    /// # Errors
    /// [`OAuthError::Client`] if it does not; others if something else is wrong.
    pub async fn verify(&self, redirect_uri: &str) -> Result<(), OAuthError> {
        match self.token(&"none".to_owned().into(), redirect_uri).await {
            Err(OAuthError::Stale) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn endpoint(&self, name: &str) -> Url {
        Endpoints::below(&self.web_url, &["login", "oauth", name])
            .unwrap_or_else(|| self.web_url.clone())
    }
}

/// What a refusal of the token endpoint means. Its JSON has the standard `error`, but for a wrong client that is
/// `server_error` with status 401.
fn refused(answer: &Answer) -> OAuthError {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let status = answer.status.as_u16();
    let refusal = serde_json::from_slice::<Refusal>(&answer.body).ok();
    match (
        status,
        refusal.as_ref().map(|refusal| refusal.error.as_str()),
    ) {
        (_, Some("invalid_grant")) => OAuthError::Stale,
        (_, Some("invalid_client" | "unauthorized_client")) | (401, Some(_)) => OAuthError::Client,
        // 501 and all: see recorded case `oauth_token_bad_grant_type`.
        (_, Some("invalid_request" | "unsupported_grant_type" | "invalid_scope")) => {
            OAuthError::Rejected { status }
        }
        (500.., _) => Error::ServerFault {
            status,
            effect: Effect::Unknown,
        }
        .into(),
        (300..=399, _) => Error::Protocol {
            what: Nonsense::Redirect(status),
            effect: Effect::None,
        }
        .into(),
        (_, Some(_)) | (429, None) => OAuthError::Rejected { status },
        (_, None) => garbled(answer, Shape::NotJson),
    }
}

fn garbled(answer: &Answer, shape: Shape) -> OAuthError {
    Error::Protocol {
        what: answer.nonsense(shape),
        effect: Effect::Unknown,
    }
    .into()
}

fn failed(failure: Failure) -> OAuthError {
    match failure {
        Failure::Network(what) => {
            let effect = if matches!(what, NetworkFault::Connect | NetworkFault::Certificate) {
                Effect::None
            } else {
                Effect::Unknown
            };
            Error::Network { what, effect }.into()
        }
        Failure::Nonsense(what) => Error::Protocol {
            what,
            effect: Effect::Unknown,
        }
        .into(),
    }
}
