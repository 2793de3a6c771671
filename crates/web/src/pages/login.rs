//! The page behind a login link: whose link it is, and the button that starts.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;

use super::{Frame, is_from_elsewhere, page, problem};
use crate::{Shared, cookie};

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    site: Frame,
    mxid: String,
    action: String,
}

/// Shows it. Link previews come here too, so nothing changes.
pub(crate) async fn show(
    State(shared): State<Shared>,
    ticket: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(ticket)) = ticket else {
        return problem::not_found(State(shared)).await;
    };
    match shared.backend.look(&ticket).await {
        Ok(view) => {
            let action = shared.address.path(&format!("/login/{ticket}"));
            page(
                StatusCode::OK,
                &Login {
                    site: Frame::new(&shared),
                    mxid: view.mxid,
                    action,
                },
            )
        }
        Err(problem) => problem::show(&shared, &problem),
    }
}

/// The button: binds the link to this browser and sends it on to the network.
pub(crate) async fn start(
    State(shared): State<Shared>,
    ticket: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    jar: CookieJar,
) -> Response {
    let Ok(Path(ticket)) = ticket else {
        return problem::not_found(State(shared)).await;
    };
    if is_from_elsewhere(&headers) {
        return problem::not_ours(&shared);
    }
    match shared
        .backend
        .start(&ticket, cookie::read(&jar, &shared.address))
        .await
    {
        Ok(started) => {
            let jar = cookie::write(jar, &shared.address, started.browser);
            (jar, Redirect::to(started.url.as_str())).into_response()
        }
        Err(problem) => problem::show(&shared, &problem),
    }
}
