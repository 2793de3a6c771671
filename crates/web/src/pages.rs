//! The pages: one file for each, and what they share.
//!
//! To add one: a template in `templates/` that extends `base.html`, a struct with `frame` and its values, a handler.

pub(crate) mod callback;
pub(crate) mod index;
pub(crate) mod login;
pub(crate) mod media;
pub(crate) mod problem;

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use crate::{Shared, assets};

/// What every page shows or links to.
pub(crate) struct Frame {
    pub(crate) network: String,
    pub(crate) network_url: String,
    pub(crate) bot: String,
    pub(crate) bot_link: String,
    pub(crate) style: String,
    pub(crate) icon: String,
    pub(crate) index: String,
}

impl Frame {
    pub(crate) fn new(shared: &Shared) -> Self {
        Self {
            network: shared.site.network_name.clone(),
            network_url: shared.site.network_url.clone(),
            bot: shared.site.bot.clone(),
            bot_link: shared.site.bot_link.clone(),
            style: shared.address.path(&assets::style_path()),
            icon: shared.address.path(&assets::icon_path()),
            index: shared.address.path("/"),
        }
    }
}

/// Fills a template.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be filled");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Whether another site made the browser send this form. Browsers too old to say are taken at their word;
/// what a form can do there still hangs on the cookie, which other sites cannot send.
pub(crate) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"))
}
