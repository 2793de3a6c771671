//! The endpoints.

use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post, put};
use axum::{Json, Router};
use http_body_util::LengthLimitError;
use ruma::UserId;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::Problem;
use super::{Appservice, Transaction, auth};

/// The largest body we take, in bytes: 16 MiB.
pub const MAX_BODY: usize = 16 * 1024 * 1024;

struct Shared {
    appservice: Arc<dyn Appservice>,
    token: SecretString,
}

/// Routes for everything below `/_matrix`, and for the paths without that prefix which older homeservers use.
///
/// `hs_token` is what the homeserver has to show. The router leaves all other paths alone, so that it can be merged with
/// the pages for people.
pub fn router(appservice: Arc<dyn Appservice>, hs_token: SecretString) -> Router {
    let shared = Arc::new(Shared {
        appservice,
        token: hs_token,
    });
    Router::new()
        .route("/_matrix/app/v1/transactions/{txn}", put(transaction))
        .route("/_matrix/app/v1/users/{user}", get(user))
        .route("/_matrix/app/v1/rooms/{alias}", get(room))
        .route("/_matrix/app/v1/ping", post(ping))
        .route("/transactions/{txn}", put(transaction))
        .route("/users/{user}", get(user))
        .route("/rooms/{alias}", get(room))
        .method_not_allowed_fallback(|| async { Problem::wrong_method() })
        .route("/_matrix/{*rest}", any(|| async { Problem::no_endpoint() }))
        .with_state(shared)
}

async fn transaction(
    State(shared): State<Arc<Shared>>,
    txn: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(peer)| *peer);
    let body = authentic(&shared, request).await?;
    let Path(txn) = txn.map_err(|_| Problem::no_text())?;
    let transaction = Transaction {
        peer,
        ..Transaction::parse(&body)?
    };
    // The homeserver waits for our answer, so the bytes need not stay beside what was made of them.
    drop(body);
    shared
        .appservice
        .transaction(&txn, transaction)
        .await
        .map_err(|_| Problem::unavailable())?;
    Ok(done())
}

async fn user(
    State(shared): State<Arc<Shared>>,
    user: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    auth::check(request.headers(), request.uri(), &shared.token)?;
    let Path(user) = user.map_err(|_| Problem::no_text())?;
    let user = <&UserId>::try_from(user.as_str()).map_err(|_| Problem::not_found())?;
    if shared.appservice.user_exists(user).await {
        Ok(done())
    } else {
        Err(Problem::not_found())
    }
}

async fn room(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    auth::check(request.headers(), request.uri(), &shared.token)?;
    // Our rooms have no aliases.
    Err(Problem::not_found())
}

async fn ping(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    struct Ping {
        transaction_id: Option<String>,
    }
    let body = authentic(&shared, request).await?;
    let json: Value = if body.is_empty() {
        json!({})
    } else {
        serde_json::from_slice(&body).map_err(|_| Problem::not_json())?
    };
    let ping: Ping = serde_json::from_value(json)
        .map_err(|_| Problem::bad_json("`transaction_id` is a text"))?;
    shared
        .appservice
        .ping_received(ping.transaction_id.as_deref());
    Ok(done())
}

/// The body of a request, if it comes from our homeserver. A stranger's body is not even read.
async fn authentic(shared: &Shared, request: Request) -> Result<axum::body::Bytes, Problem> {
    auth::check(request.headers(), request.uri(), &shared.token)?;
    read(request.into_body()).await
}

async fn read(body: Body) -> Result<axum::body::Bytes, Problem> {
    let read = axum::body::to_bytes(body, MAX_BODY).await;
    read.map_err(|error| match error.source() {
        Some(source) if source.is::<LengthLimitError>() => Problem::too_large(),
        _ => Problem::broken_body(),
    })
}

fn done() -> Response {
    Json(json!({})).into_response()
}
