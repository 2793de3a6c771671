//! Exchanging a code for a token.

use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::answer::{Answer, Request, find};
use crate::inner::Inner;

/// The parameters count in the body only, as form or JSON; neither HTTP Basic nor the query is looked at.
pub(super) fn exchange(inner: &mut Inner, request: &Request) -> Answer {
    let given = fields(request);
    let given = |key: &str| find(&given, key).map(str::to_owned);
    let key = given("client_id").unwrap_or_default();
    let known = inner
        .world
        .app(&key)
        .is_some_and(|app| Some(&app.secret) == given("client_secret").as_ref());
    if !known {
        return failure(StatusCode::UNAUTHORIZED, "server_error", "Unauthorized");
    }
    let grant = given("grant_type").unwrap_or_else(|| "undefined".to_owned());
    if grant != "authorization_code" {
        let why = format!("Unsupported grant type: {grant}");
        return failure(StatusCode::NOT_IMPLEMENTED, "unsupported_grant_type", &why);
    }
    let Some(text) = given("code") else {
        return failure(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "Missing required parameter: code",
        );
    };
    let fits = |code: &super::Code| {
        code.client == key && Some(&code.redirect_uri) == given("redirect_uri").as_ref()
    };
    let user = inner
        .grants
        .codes
        .get(&text)
        .filter(|code| fits(code))
        .map(|code| code.user);
    let token = user.and_then(|user| inner.world.token_for(user, &key).ok());
    let Some(token) = token else {
        return failure(
            StatusCode::FORBIDDEN,
            "invalid_grant",
            "Invalid authorization code",
        );
    };
    inner.grants.codes.remove(&text);
    answer(
        StatusCode::OK,
        &json!({ "access_token": token, "token_type": "Bearer" }),
    )
    .with(header::CACHE_CONTROL, "no-store")
}

fn fields(request: &Request) -> Vec<(String, String)> {
    if !request.has_type("application/json") {
        return request.form();
    }
    let Ok(Value::Object(body)) = serde_json::from_slice(&request.body) else {
        return Vec::new();
    };
    body.into_iter()
        .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
        .collect()
}

fn answer(status: StatusCode, body: &Value) -> Answer {
    Answer::of(status, "application/json", body.to_string())
}

fn failure(status: StatusCode, error: &str, description: &str) -> Answer {
    answer(
        status,
        &json!({ "error": error, "error_description": description }),
    )
}
