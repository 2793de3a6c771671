//! Headers that each answer carries.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::Response;

/// The content security policy.
#[derive(Clone, Debug)]
pub(crate) struct Policy(Arc<HeaderValue>);

impl Policy {
    /// Nothing inline, nothing foreign, no frames. Forms lead to ourselves and to where a login goes: Chromium applies
    /// `form-action` to the redirects after a form too.
    pub(crate) fn new(login_origins: &[String]) -> Self {
        let mut forms = String::from("'self'");
        for origin in login_origins.iter().filter(|origin| is_origin(origin)) {
            forms.push(' ');
            forms.push_str(origin);
        }
        let text = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
        );
        let value = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(
            "default-src 'none'; form-action 'self'",
        ));
        Self(Arc::new(value))
    }
}

/// What could end the directive early, or begin another, is left out.
fn is_origin(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_graphic() && !matches!(c, ';' | ',' | '\'' | '"'))
}

/// Adds them; an answer that says what it may do, or how long it may be kept, is left its word.
pub(crate) async fn add(State(policy): State<Policy>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert_with(|| policy.0.as_ref().clone());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
