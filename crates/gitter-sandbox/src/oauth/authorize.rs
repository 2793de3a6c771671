//! The consent page and what follows it.

use http::{StatusCode, header};

use super::{Code, Consent, session, with_cookie};
use crate::answer::{Answer, Request, find};
use crate::inner::Inner;
use crate::pages;
use crate::world::OAuthApp;

pub(super) fn page(inner: &mut Inner, request: &Request) -> Answer {
    let (id, cookie) = session(inner, request);
    let entry = inner.grants.sessions.entry(id.clone()).or_default();
    let Some(user) = entry.user else {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&request.query)
            .finish();
        entry.return_to = Some(format!("{}?{query}", request.path));
        return with_cookie(Answer::redirect("/login"), cookie);
    };
    let app = match check(inner, request) {
        Ok(app) => app.clone(),
        Err(why) => return with_cookie(incorrect(&why), cookie),
    };
    let consent = Consent {
        session: id,
        user,
        client: app.key,
        redirect_uri: app.redirect_uri,
        state: request.query("state").map(str::to_owned),
    };
    if app.trusted {
        return allow(inner, &consent);
    }
    let transaction = inner.world.nonce(8);
    inner.grants.consents.insert(transaction.clone(), consent);
    let who = inner
        .world
        .users
        .get(&user)
        .map(|user| user.username.clone())
        .unwrap_or_default();
    with_cookie(pages::consent(&app.name, &who, &transaction), cookie)
}

/// The client that asks; what is wrong with the request otherwise, for a page with status 401. A browser is never redirected to
/// an address that was not registered.
fn check<'a>(inner: &'a Inner, request: &Request) -> Result<&'a OAuthApp, String> {
    let given = |key: &str| request.query(key).filter(|value| !value.is_empty());
    let response_type = given("response_type").ok_or_else(|| missing("response_type"))?;
    if response_type != "code" {
        return Err(format!("Unsupported response type: {response_type}"));
    }
    let client = given("client_id").ok_or_else(|| missing("client_id"))?;
    let app = inner
        .world
        .app(client)
        .ok_or("Provided clientKey does not exist.")?;
    if given("redirect_uri") != Some(app.redirect_uri.as_str()) || !is_safe(&app.redirect_uri) {
        return Err(
            "Provided redirectUri does not match registered URI for client_id/clientKey".to_owned(),
        );
    }
    Ok(app)
}

fn is_safe(uri: &str) -> bool {
    url::Url::parse(uri).is_ok_and(|uri| !matches!(uri.scheme(), "javascript" | "data"))
}

fn missing(parameter: &str) -> String {
    format!("Missing required parameter: {parameter}")
}

fn incorrect(why: &str) -> Answer {
    pages::error(
        StatusCode::UNAUTHORIZED,
        "Your OAuth request is incorrect",
        why,
    )
}

pub(super) fn decide(inner: &mut Inner, request: &Request) -> Answer {
    let form = request.form();
    let Some(user) = inner.grants.user(request) else {
        return Answer::redirect("/login");
    };
    let transaction = find(&form, "transaction_id").unwrap_or_default();
    let own = |consent: &Consent| {
        consent.user == user && request.cookie(super::COOKIE) == Some(consent.session.as_str())
    };
    if !inner.grants.consents.get(transaction).is_some_and(own) {
        return pages::error(
            StatusCode::FORBIDDEN,
            "Forbidden",
            "This request for access is not open any more.",
        );
    }
    let Some(consent) = inner.grants.consents.remove(transaction) else {
        return pages::error(
            StatusCode::FORBIDDEN,
            "Forbidden",
            "This request for access is not open any more.",
        );
    };
    if find(&form, "cancel").is_some() {
        return back(&consent, "error", "access_denied");
    }
    allow(inner, &consent)
}

fn allow(inner: &mut Inner, consent: &Consent) -> Answer {
    let text = inner.world.secret(40);
    let code = Code {
        user: consent.user,
        client: consent.client.clone(),
        redirect_uri: consent.redirect_uri.clone(),
    };
    inner.grants.codes.insert(text.clone(), code);
    back(consent, "code", &text)
}

/// Sends the browser back to the client.
fn back(consent: &Consent, key: &str, value: &str) -> Answer {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair(key, value);
    if let Some(state) = &consent.state {
        query.append_pair("state", state);
    }
    let joint = if consent.redirect_uri.contains('?') {
        '&'
    } else {
        '?'
    };
    Answer::redirect(&format!(
        "{}{joint}{}",
        consent.redirect_uri,
        query.finish()
    ))
    .with(header::CACHE_CONTROL, "no-store")
}
