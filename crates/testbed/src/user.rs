//! A Matrix user as a test drives one: it does what a client does, keeps everything it has seen, and tells what it saw
//! when what was awaited never came.
//!
//! Plain requests instead of our own client crate, on purpose: the two must not share a mistake.
//! One more thing a user can do is one more method in [`files`], [`rooms`], [`talk`] or here.

mod files;
mod request;
mod rooms;
mod seen;
mod sync;
mod talk;

use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;

pub use request::{Refused, path};
pub use rooms::Dm;
pub use seen::{Event, Place};

use crate::http;

/// Somebody with an account, logged in.
#[derive(Debug)]
pub struct User {
    http: reqwest::Client,
    base: Url,
    /// Matrix user id.
    pub id: String,
    token: String,
    seen: Mutex<seen::Seen>,
}

impl User {
    /// Makes the account on a homeserver with open registration, and is logged in.
    pub async fn register(base: Url, localpart: &str, password: &str) -> anyhow::Result<Self> {
        let body = json!({
            "username": localpart,
            "password": password,
            "auth": { "type": "m.login.dummy" },
            "initial_device_display_name": "test bed",
        });
        Self::enter(base, "_matrix/client/v3/register", &body).await
    }

    /// Logs in with a password.
    pub async fn log_in(base: Url, localpart: &str, password: &str) -> anyhow::Result<Self> {
        let body = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": localpart },
            "password": password,
        });
        Self::enter(base, "_matrix/client/v3/login", &body).await
    }

    async fn enter(base: Url, endpoint: &str, body: &Value) -> anyhow::Result<Self> {
        let http = http::client()?;
        let answer = http.post(base.join(endpoint)?).json(body).send().await?;
        let answer = request::json("POST", endpoint, answer).await?;
        let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            http,
            base,
            id: text("user_id"),
            token: text("access_token"),
            seen: Mutex::default(),
        })
    }

    /// The access token, for programs which act for this user.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Any request of the client-server API; `path` begins behind `/_matrix/client/` and has its segments encoded
    /// (see [`path`]).
    pub async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Refused> {
        let url = self
            .base
            .join(&format!("_matrix/client/{path}"))
            .map_err(|error| Refused::unanswered(path, &error))?;
        let mut request = self
            .http
            .request(method.clone(), url)
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request
            .send()
            .await
            .map_err(|error| Refused::unanswered(path, &error))?;
        request::json(method.as_str(), path, answer).await
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Refused> {
        self.call(reqwest::Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        self.call(reqwest::Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        self.call(reqwest::Method::PUT, path, Some(body)).await
    }

    /// Gives himself a display name.
    pub async fn set_display_name(&self, name: &str) -> Result<(), Refused> {
        let path = path(&["v3", "profile", &self.id, "displayname"]);
        self.put(&path, &json!({ "displayname": name }))
            .await
            .map(drop)
    }

    /// Display name and avatar of anybody.
    pub async fn profile(&self, user: &str) -> Result<Value, Refused> {
        self.get(&path(&["v3", "profile", user])).await
    }
}
