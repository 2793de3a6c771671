//! What this is and how to reach the bot.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Frame, page};
use crate::Shared;

#[derive(Template)]
#[template(path = "index.html")]
struct Index {
    site: Frame,
}

pub(crate) async fn show(State(shared): State<Shared>) -> Response {
    page(
        StatusCode::OK,
        &Index {
            site: Frame::new(&shared),
        },
    )
}
