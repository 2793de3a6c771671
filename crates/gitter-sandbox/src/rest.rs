//! The REST API, version 1: a table of routes, and what comes before every one of them.
//!
//! To add a call, write a handler in the file of its subject and add a line to that file's `ROUTES`.

#![expect(
    clippy::unnecessary_wraps,
    reason = "handlers share one signature, and some cannot refuse"
)]

mod auth;
mod body;
pub(crate) mod groups;
pub(crate) mod limit;
mod members;
mod messages;
mod misc;
mod presence;
mod private;
mod rooms;
mod seats;
mod users;

use http::{Method, StatusCode, header};
use serde_json::Value;

use crate::answer::{Answer, Request};
use crate::bayeux::hub::Hub;
use crate::ids::{MessageId, RoomId, UserId};
use crate::inner::Inner;
use crate::world::{Refusal, World};

pub(crate) use members::views as member_views;
pub(crate) use private::answer as answer_private;

/// Longest body that is read.
pub(crate) const LARGEST_BODY: usize = 100 * 1024;

type Handler = fn(&mut Call<'_>) -> Result<Answer, Refusal>;

/// A call: a verb, a path with `:names` in it, and what answers.
pub(crate) struct Route {
    method: Method,
    pattern: &'static str,
    handler: Handler,
}

const fn get(pattern: &'static str, handler: Handler) -> Route {
    Route {
        method: Method::GET,
        pattern,
        handler,
    }
}

const fn post(pattern: &'static str, handler: Handler) -> Route {
    Route {
        method: Method::POST,
        pattern,
        handler,
    }
}

const fn put(pattern: &'static str, handler: Handler) -> Route {
    Route {
        method: Method::PUT,
        pattern,
        handler,
    }
}

const fn patch(pattern: &'static str, handler: Handler) -> Route {
    Route {
        method: Method::PATCH,
        pattern,
        handler,
    }
}

const fn delete(pattern: &'static str, handler: Handler) -> Route {
    Route {
        method: Method::DELETE,
        pattern,
        handler,
    }
}

static TABLES: &[&[Route]] = &[
    users::ROUTES,
    rooms::ROUTES,
    members::ROUTES,
    messages::ROUTES,
    seats::ROUTES,
    groups::ROUTES,
    misc::ROUTES,
    presence::ROUTES,
];

/// One call on its way to its handler: somebody known, within his budget, with a body that could be read.
pub(crate) struct Call<'a> {
    pub(crate) world: &'a mut World,
    /// The realtime clients.
    pub(crate) hub: &'a mut Hub,
    pub(crate) request: &'a Request,
    pub(crate) user: UserId,
    /// Key of the OAuth client.
    pub(crate) client: String,
    pub(crate) body: Value,
    params: Vec<(&'static str, String)>,
}

impl Call<'_> {
    fn param(&self, name: &str) -> &str {
        self.params
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    }

    /// The room of the path; [`gate`] has seen that it is there and open.
    fn room(&self) -> Result<RoomId, Refusal> {
        self.param("room").parse().map_err(|_| Refusal::BadRequest)
    }

    /// The message of the path. Gitter trips over an id that is none.
    fn message(&self) -> Result<MessageId, Refusal> {
        self.param("message").parse().map_err(|_| Refusal::Internal)
    }

    fn query(&self, key: &str) -> Option<&str> {
        self.request.query(key)
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.query(key)?.parse().ok()
    }

    /// A field of the body.
    fn field(&self, key: &str) -> Option<&Value> {
        self.body.get(key)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.field(key)?.as_str().filter(|text| !text.is_empty())
    }
}

/// The pattern of the request's path, for counting; the path itself if no route has it.
pub(crate) fn label(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let found = strip_version(&segments).and_then(|rest| {
        TABLES
            .iter()
            .copied()
            .flatten()
            .find(|route| params(route.pattern, rest).is_some())
    });
    found.map_or_else(|| path.to_owned(), |route| format!("/v1{}", route.pattern))
}

/// Username of the account whose token a request carries.
pub(crate) fn account(world: &World, request: &Request) -> Option<String> {
    let caller = auth::caller(world, request).ok()?;
    world
        .users
        .get(&caller.user)
        .map(|user| user.username.clone())
}

/// What follows `/v1` or `/api/v1`.
fn strip_version<S: AsRef<str>>(segments: &[S]) -> Option<&[S]> {
    match segments {
        [api, v1, rest @ ..] if api.as_ref() == "api" && v1.as_ref() == "v1" => Some(rest),
        [v1, rest @ ..] if v1.as_ref() == "v1" => Some(rest),
        _ => None,
    }
}

/// What stands where the pattern has names, if the path fits it.
fn params<S: AsRef<str>>(
    pattern: &'static str,
    segments: &[S],
) -> Option<Vec<(&'static str, String)>> {
    let mut parts = pattern.split('/').skip(1);
    let mut found = Vec::new();
    for segment in segments {
        let (part, segment) = (parts.next()?, segment.as_ref());
        match part.strip_prefix(':') {
            Some(name) => found.push((name, segment.to_owned())),
            None if part == segment => {}
            None => return None,
        }
    }
    parts.next().is_none().then_some(found)
}

/// Answers a request below `/v1`, or says that the path is not below it.
pub(crate) fn answer(inner: &mut Inner, request: &Request) -> Option<Answer> {
    let segments = request.segments();
    let rest = strip_version(&segments)?;
    let answer = answer_below(inner, request, rest);
    Some(with_cors(answer.tagged(request), request))
}

fn answer_below(inner: &mut Inner, request: &Request, rest: &[String]) -> Answer {
    let now = inner.world.now();
    if request.method == Method::OPTIONS {
        let wanted = request
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS)
            .unwrap_or_default();
        return Answer::empty(StatusCode::NO_CONTENT)
            .with(
                header::ACCESS_CONTROL_ALLOW_METHODS,
                "GET,POST,PUT,DELETE,PATCH",
            )
            .with(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    }
    if request.headers.contains_key(header::TRANSFER_ENCODING) {
        return Answer::failure(StatusCode::NOT_ACCEPTABLE, now)
            .with(header::CACHE_CONTROL, "no-cache");
    }
    // A body that cannot be read is refused before anything else is looked at.
    if request.body.len() > LARGEST_BODY {
        return Answer::failure(StatusCode::PAYLOAD_TOO_LARGE, now);
    }
    let body = match body::read(request) {
        Ok(body) => body,
        Err(refusal) => return Answer::refused(refusal, now),
    };
    let answer = answer_read(inner, request, rest, body);
    if matches!(request.method, Method::GET | Method::HEAD) {
        return answer;
    }
    answer.with(header::CACHE_CONTROL, "no-cache")
}

fn answer_read(inner: &mut Inner, request: &Request, rest: &[String], body: Value) -> Answer {
    let now = inner.world.now();
    let fits = |route: &&Route| params(route.pattern, rest).is_some();
    let known: Vec<&Route> = TABLES.iter().copied().flatten().filter(fits).collect();
    if known.is_empty() {
        return if matches!(request.method, Method::GET | Method::HEAD) {
            Answer::failure(StatusCode::NOT_FOUND, now)
        } else {
            Answer::cannot(&request.method, &request.path)
        };
    }
    let caller = match auth::caller(&inner.world, request) {
        Ok(caller) => caller,
        Err(refusal) => return Answer::refused(refusal, now),
    };
    let allowance = inner.limiter.count(now, caller.user, &caller.client);
    let answer = if allowance.exceeded {
        inner.stats.too_many += 1;
        Answer::failure(StatusCode::TOO_MANY_REQUESTS, now)
    } else {
        // HEAD is GET without the body, which the server leaves away.
        let method = if request.method == Method::HEAD {
            &Method::GET
        } else {
            &request.method
        };
        let call = Call {
            world: &mut inner.world,
            hub: &mut inner.hub,
            request,
            user: caller.user,
            client: caller.client,
            body,
            params: Vec::new(),
        };
        let answer = carry_out(call, method, &known, rest);
        if std::mem::take(&mut inner.hub.moved) {
            inner.note_presence();
        }
        answer
    };
    allowance.tell(answer)
}

fn carry_out(mut call: Call<'_>, method: &Method, known: &[&Route], rest: &[String]) -> Answer {
    let now = call.world.now();
    if let Err(refusal) = gate(&call, rest) {
        return Answer::refused(refusal, now);
    }
    let Some(route) = known.iter().find(|route| route.method == *method) else {
        return if *method == Method::GET {
            Answer::failure(StatusCode::NOT_FOUND, now)
        } else {
            Answer::cannot(method, &call.request.path)
        };
    };
    call.params = params(route.pattern, rest).unwrap_or_default();
    (route.handler)(&mut call).unwrap_or_else(|refusal| Answer::refused(refusal, now))
}

/// Before any call below a room or a person: is it there, and may the caller have to do with it?
fn gate(call: &Call<'_>, rest: &[String]) -> Result<(), Refusal> {
    match rest {
        [rooms, id, ..] if rooms == "rooms" => {
            let id = id.parse().map_err(|_| Refusal::BadRequest)?;
            // Governing does not need access: an admin who is not a member can still act.
            let room = call.world.room(id)?;
            if room.admits(call.user) || call.world.is_admin(room, call.user) {
                Ok(())
            } else {
                Err(Refusal::Forbidden)
            }
        }
        [user, id, ..] if user == "user" && id != "me" && *id != call.user.to_string() => {
            Err(Refusal::Forbidden)
        }
        _ => Ok(()),
    }
}

fn with_cors(answer: Answer, request: &Request) -> Answer {
    let Some(origin) = request.header(header::ORIGIN) else {
        return answer;
    };
    answer
        .with(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin)
        .with(header::VARY, "Origin")
        .with(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "X-RateLimit-Limit,X-RateLimit-Remaining,X-RateLimit-Reset",
        )
}
