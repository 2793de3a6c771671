//! Logging in and granting access: OAuth's authorization-code grant as Gitter runs it, below `/login`.
//!
//! There are no passwords: `/login` lists the sandbox's people and one picks who to be.

mod authorize;
mod token;

use std::collections::BTreeMap;

use http::{Method, StatusCode, header};

use crate::answer::{Answer, Request, find};
use crate::ids::UserId;
use crate::inner::Inner;
use crate::pages;

/// Browsers, pending consents and unused codes.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    sessions: BTreeMap<String, Session>,
    consents: BTreeMap<String, Consent>,
    codes: BTreeMap<String, Code>,
}

/// What a browser's cookie stands for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    pub(crate) user: Option<UserId>,
    return_to: Option<String>,
}

/// A consent page that waits for an answer.
#[derive(Clone, Debug)]
struct Consent {
    session: String,
    user: UserId,
    client: String,
    redirect_uri: String,
    state: Option<String>,
}

/// A code that waits to be exchanged. It never times out; it can be used once.
#[derive(Clone, Debug)]
struct Code {
    user: UserId,
    client: String,
    redirect_uri: String,
}

/// Name of the cookie, as on a development server of Gitter's.
const COOKIE: &str = "d_session";

impl Grants {
    /// Who this browser is logged in as.
    pub(crate) fn user(&self, request: &Request) -> Option<UserId> {
        self.sessions.get(request.cookie(COOKIE)?)?.user
    }
}

/// The browser's session, made if it has none; the second value is the cookie to set.
fn session(inner: &mut Inner, request: &Request) -> (String, Option<String>) {
    if let Some(known) = request
        .cookie(COOKIE)
        .filter(|known| inner.grants.sessions.contains_key(*known))
    {
        return (known.to_owned(), None);
    }
    let id = inner.world.secret(40);
    inner.grants.sessions.insert(id.clone(), Session::default());
    let cookie = format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax");
    (id, Some(cookie))
}

fn with_cookie(answer: Answer, cookie: Option<String>) -> Answer {
    match cookie {
        Some(cookie) => answer.with(header::SET_COOKIE, &cookie),
        None => answer,
    }
}

/// Answers a request below `/login` or `/logout`, or says that the path is neither.
pub(crate) fn answer(inner: &mut Inner, request: &Request) -> Option<Answer> {
    let answer = match (&request.method, request.path.as_str()) {
        (&Method::GET | &Method::HEAD, "/login") => login_page(inner, request),
        (&Method::POST, "/login") => log_in(inner, request),
        (&Method::POST, "/logout") => log_out(inner, request),
        (&Method::GET | &Method::HEAD, "/login/oauth/authorize") => authorize::page(inner, request),
        (&Method::POST, "/login/oauth/authorize/decision") => authorize::decide(inner, request),
        (&Method::POST, "/login/oauth/token") => token::exchange(inner, request),
        (_, path) if path == "/login" || path.starts_with("/login/") => {
            pages::error(StatusCode::NOT_FOUND, "Not Found", "There is no such page.")
        }
        _ => return None,
    };
    Some(answer.with(header::X_FRAME_OPTIONS, "DENY"))
}

fn login_page(inner: &mut Inner, request: &Request) -> Answer {
    let (_, cookie) = session(inner, request);
    let here = inner.grants.user(request);
    with_cookie(pages::login(&inner.world, here), cookie)
}

fn log_in(inner: &mut Inner, request: &Request) -> Answer {
    let form = request.form();
    let user = find(&form, "user")
        .and_then(|name| inner.world.user_named(name))
        .map(|user| user.id);
    let Some(user) = user else {
        return pages::error(
            StatusCode::FORBIDDEN,
            "Forbidden",
            "Nobody here has that name.",
        );
    };
    let (id, cookie) = session(inner, request);
    let session = inner.grants.sessions.entry(id).or_default();
    session.user = Some(user);
    let to = session.return_to.take().unwrap_or_else(|| "/".to_owned());
    with_cookie(Answer::redirect(&to), cookie)
}

fn log_out(inner: &mut Inner, request: &Request) -> Answer {
    if let Some(id) = request.cookie(COOKIE) {
        inner.grants.sessions.remove(id);
    }
    Answer::redirect("/")
}

/// Logs a person in without the page, and tells the `Cookie` header his browser would send.
pub(crate) fn cookie_for(inner: &mut Inner, user: UserId) -> String {
    let id = inner.world.secret(40);
    inner.grants.sessions.insert(
        id.clone(),
        Session {
            user: Some(user),
            return_to: None,
        },
    );
    format!("{COOKIE}={id}")
}
