//! Serves the web client on a loopback port, with the account to log in with.

use std::net::Ipv4Addr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Files;

/// What the client has to know to show somebody's chat by itself.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// Base of the client-server API, without a slash at the end.
    pub homeserver: &'a str,
    /// Localpart of the user.
    pub user: &'a str,
    /// That user's password.
    pub password: &'a str,
    /// Id of the room it opens first.
    pub room: &'a str,
    /// Address of the page that stands beside it in [`WebClient::both`].
    pub beside: &'a str,
}

/// A web client that is being served until it is dropped.
#[derive(Debug)]
pub struct WebClient {
    address: String,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Site {
    files: PathBuf,
    demo: Value,
}

impl WebClient {
    /// Serves `files` on 127.0.0.1.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn serve(files: Files, port: u16, account: &Account<'_>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .context("cannot serve the web client")?;
        let site = Site {
            files: files.0,
            demo: json!({
                // Room ids differ from homeserver to homeserver, so the browser can tell demos at the same address apart.
                "id": account.room,
                "homeserver": account.homeserver,
                "user": account.user,
                "password": account.password,
                "room": account.room,
                "beside": account.beside,
            }),
        };
        let router = Router::new()
            .route("/demo.json", get(demo))
            .fallback(get(file))
            .with_state(Arc::new(site));
        let server = tokio::spawn(async move {
            // It only ends with us.
            let _ = axum::serve(listener, router).await;
        });
        let address = format!("http://127.0.0.1:{port}/");
        Ok(Self { address, server })
    }

    /// The client by itself.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The client, and beside it the page that [`Account::beside`] names.
    pub fn both(&self) -> String {
        format!("{}both", self.address)
    }
}

impl Drop for WebClient {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn demo(State(site): State<Arc<Site>>) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (headers, axum::Json(site.demo.clone())).into_response()
}

async fn file(State(site): State<Arc<Site>>, uri: Uri) -> Response {
    let path = match uri.path().trim_start_matches('/') {
        "" => Path::new("index.html"),
        "both" => Path::new("both.html"),
        path => Path::new(path),
    };
    let inside = path
        .components()
        .all(|component| matches!(component, Component::Normal(_)));
    if !inside {
        return StatusCode::NOT_FOUND.into_response();
    }
    match tokio::fs::read(site.files.join(path)).await {
        Ok(bytes) => {
            let headers = [
                (header::CONTENT_TYPE, content_type(path)),
                // The next demo may have another client at the same address.
                (header::CACHE_CONTROL, "no-cache"),
            ];
            (headers, bytes).into_response()
        }
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|it| it.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        Some("woff") => "font/woff",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
