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

/// What the client has to know to show somebody's chat by itself.
pub(super) struct Account<'a> {
    /// Base of the client-server API.
    pub(super) homeserver: &'a str,
    pub(super) user: &'a str,
    pub(super) password: &'a str,
    /// The room it opens first.
    pub(super) room: &'a str,
}

/// A web client that is being served until it is dropped.
pub(super) struct Client {
    address: String,
    server: JoinHandle<()>,
}

struct Site {
    files: PathBuf,
    demo: Value,
}

impl Client {
    /// Serves what is in `files`.
    pub(super) async fn serve(
        files: PathBuf,
        port: u16,
        account: &Account<'_>,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .context("cannot serve the web client")?;
        let site = Site {
            files,
            demo: json!({
                // Room ids differ from homeserver to homeserver, so the browser can tell demos at the same address apart.
                "id": account.room,
                "homeserver": account.homeserver,
                "user": account.user,
                "password": account.password,
                "room": account.room,
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

    /// What to open.
    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Client {
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
