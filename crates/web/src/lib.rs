//! The pages people open, health and metrics.
//!
//! The road of a login: [`pages`] shows the link's page, starts the login, and takes the browser back when the
//! network is done with it; the [`Backend`] behind them (the bridge) decides everything. Nothing here keeps state.
//!
//! Files on Matrix, for people who have no account there, stream through [`pages`] too.
//!
//! To add a page: a template, a function below [`pages`], and its route in [`router`].

mod address;
mod assets;
mod backend;
mod cookie;
mod headers;
mod health;
mod metrics;
mod pages;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::get;

pub use address::{Address, UnusableAddress};
pub use backend::{Backend, Site};

/// Forms carry one short token, so nothing longer than this many bytes is read.
const BODY_LIMIT: usize = 16 * 1024;

/// What each handler works with.
#[derive(Clone)]
struct Shared {
    backend: Arc<dyn Backend>,
    address: Arc<Address>,
    site: Arc<Site>,
}

/// The pages and the health checks.
///
/// They answer at the root and, when the public address has a path, below that path too, so that it does not
/// matter whether the reverse proxy strips it. Whatever is not known gets the page that says so, as the
/// router's fallback.
pub fn router(backend: Arc<dyn Backend>, address: Address) -> Router {
    let site = Arc::new(backend.site());
    let shared = Shared {
        backend,
        address: Arc::new(address),
        site,
    };
    let policy = headers::Policy::new(&shared.site.login_origins);
    let pages = Router::new()
        .route("/", get(pages::index::show))
        .route(
            "/login/{ticket}",
            get(pages::login::show).post(pages::login::start),
        )
        .route(
            "/callback",
            get(pages::callback::show).post(pages::callback::connect),
        )
        .route("/media/{secret}", get(pages::media::show))
        .route("/media/{secret}/{name}", get(pages::media::show_named))
        .route("/style.css", get(assets::style))
        .route("/icon.svg", get(assets::icon))
        .merge(health_routes(&shared.backend));
    let prefix = shared.address.prefix().to_owned();
    let all = if prefix.is_empty() {
        pages
    } else {
        // A nested `/` is `/prefix` alone.
        pages
            .clone()
            .nest(&prefix, pages)
            .route(&format!("{prefix}/"), get(pages::index::show))
    };
    all.method_not_allowed_fallback(pages::problem::wrong_method)
        .fallback(pages::problem::not_found)
        .layer(middleware::map_response_with_state(policy, headers::add))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(shared)
}

/// The health checks alone, for a listener without pages; [`router`] has them, too.
pub fn health_router(backend: &Arc<dyn Backend>) -> Router {
    health_routes(backend)
}

fn health_routes<S: Clone + Send + Sync + 'static>(backend: &Arc<dyn Backend>) -> Router<S> {
    Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .with_state(health::Looks::new(Arc::clone(backend)))
}

/// `GET /metrics`, for a listener of its own: figures are the admin's business, not the public's.
pub fn metrics_router(backend: Arc<dyn Backend>) -> Router {
    Router::new()
        .route("/metrics", get(metrics::show))
        .with_state(backend)
}
