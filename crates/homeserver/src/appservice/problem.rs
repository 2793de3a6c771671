//! How we tell the homeserver that something is wrong (Matrix spec, "Standard error response").

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

/// A refusal.
pub(super) struct Problem(StatusCode, &'static str, &'static str);

impl Problem {
    pub(super) fn no_token() -> Self {
        Self(StatusCode::UNAUTHORIZED, "M_UNAUTHORIZED", "no token")
    }

    pub(super) fn wrong_token() -> Self {
        Self(StatusCode::FORBIDDEN, "M_FORBIDDEN", "wrong token")
    }

    pub(super) fn no_text() -> Self {
        Self(
            StatusCode::BAD_REQUEST,
            "M_INVALID_PARAM",
            "what stands in the path is not UTF-8",
        )
    }

    pub(super) fn not_json() -> Self {
        Self(
            StatusCode::BAD_REQUEST,
            "M_NOT_JSON",
            "the body is not JSON",
        )
    }

    pub(super) fn bad_json(what: &'static str) -> Self {
        Self(StatusCode::BAD_REQUEST, "M_BAD_JSON", what)
    }

    pub(super) fn too_large() -> Self {
        Self(
            StatusCode::PAYLOAD_TOO_LARGE,
            "M_TOO_LARGE",
            "the body has more than 16 MiB",
        )
    }

    pub(super) fn broken_body() -> Self {
        Self(
            StatusCode::BAD_REQUEST,
            "M_UNKNOWN",
            "the body did not arrive whole",
        )
    }

    pub(super) fn not_found() -> Self {
        Self(
            StatusCode::NOT_FOUND,
            "M_NOT_FOUND",
            "we have no such thing",
        )
    }

    pub(super) fn no_endpoint() -> Self {
        Self(StatusCode::NOT_FOUND, "M_UNRECOGNIZED", "no such endpoint")
    }

    pub(super) fn wrong_method() -> Self {
        Self(
            StatusCode::METHOD_NOT_ALLOWED,
            "M_UNRECOGNIZED",
            "not with this method",
        )
    }

    pub(super) fn unavailable() -> Self {
        Self(
            StatusCode::SERVICE_UNAVAILABLE,
            "M_UNKNOWN",
            "cannot store events at the moment; send them again",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self(status, errcode, error) = self;
        (status, Json(json!({ "errcode": errcode, "error": error }))).into_response()
    }
}
