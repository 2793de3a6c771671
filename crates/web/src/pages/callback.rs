//! Back from the network: both accounts, the button that connects them, and the page after it.

use askama::Template;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum_extra::extract::CookieJar;
use serde::Deserialize;

use super::{Frame, is_from_elsewhere, page, problem};
use crate::{Shared, cookie};

#[derive(Template)]
#[template(path = "confirm.html")]
struct Confirm {
    site: Frame,
    mxid: String,
    display_name: String,
    username: String,
    token: String,
    action: String,
}

#[derive(Template)]
#[template(path = "connected.html")]
struct Done {
    site: Frame,
    mxid: String,
    username: String,
}

/// The confirmation form.
#[derive(Deserialize)]
pub(crate) struct Pressed {
    confirm: String,
}

/// Names both accounts. Nothing is stored before the button is pressed.
pub(crate) async fn show(
    State(shared): State<Shared>,
    RawQuery(query): RawQuery,
    jar: CookieJar,
) -> Response {
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    match shared
        .backend
        .come_back(&query, cookie::read(&jar, &shared.address))
        .await
    {
        Ok(pending) => {
            let confirm = Confirm {
                site: Frame::new(&shared),
                mxid: pending.mxid,
                display_name: pending.display_name,
                username: pending.username,
                token: pending.confirm,
                action: shared.address.path("/callback"),
            };
            page(StatusCode::OK, &confirm)
        }
        Err(problem) => problem::show(&shared, &problem),
    }
}

/// The button: connects the two accounts.
pub(crate) async fn connect(
    State(shared): State<Shared>,
    headers: HeaderMap,
    jar: CookieJar,
    form: Result<Form<Pressed>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else {
        return problem::not_ours(&shared);
    };
    if is_from_elsewhere(&headers) {
        return problem::not_ours(&shared);
    }
    match shared
        .backend
        .connect(&form.confirm, cookie::read(&jar, &shared.address))
        .await
    {
        Ok(connected) => {
            let done = Done {
                site: Frame::new(&shared),
                mxid: connected.mxid,
                username: connected.username,
            };
            page(StatusCode::OK, &done)
        }
        Err(problem) => problem::show(&shared, &problem),
    }
}
