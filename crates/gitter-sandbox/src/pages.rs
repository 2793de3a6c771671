//! The pages people open in a browser: who to be, the rooms, one room, consent, errors.
//!
//! To add one, write a template in `templates/` and a function here or in a file of its own.

pub(crate) mod avatar;
mod emoji;
pub(crate) mod room;
mod upload;

use askama::Template;
use http::{Method, StatusCode, header};

use crate::answer::{Answer, Request};
use crate::ids::UserId;
use crate::inner::Inner;
use crate::world::World;

/// A page, or what went wrong in making it.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Answer {
    match template.render() {
        Ok(page) => Answer::html(status, page).with(header::CACHE_CONTROL, "no-store"),
        Err(error) => Answer::of(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain; charset=utf-8",
            error.to_string(),
        ),
    }
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    people: Vec<Person>,
}

struct Person {
    username: String,
    display_name: String,
    picture: String,
    here: bool,
}

pub(crate) fn login(world: &World, here: Option<UserId>) -> Answer {
    let present = world.users.values().filter(|user| !user.removed);
    let people = present.map(|user| Person {
        username: user.username.clone(),
        display_name: user.display_name.clone(),
        picture: world.picture(user, 60),
        here: here == Some(user.id),
    });
    page(
        StatusCode::OK,
        &LoginPage {
            people: people.collect(),
        },
    )
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    app: &'a str,
    username: &'a str,
    transaction: &'a str,
}

pub(crate) fn consent(app: &str, username: &str, transaction: &str) -> Answer {
    page(
        StatusCode::OK,
        &ConsentPage {
            app,
            username,
            transaction,
        },
    )
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    why: &'a str,
}

pub(crate) fn error(status: StatusCode, title: &str, why: &str) -> Answer {
    page(status, &ErrorPage { title, why })
}

/// Answers whatever is neither API nor login: the list of rooms, a room, the style sheet.
pub(crate) fn answer(inner: &mut Inner, request: &Request) -> Answer {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let viewer = inner.grants.user(request);
    match (&request.method, segments.as_slice()) {
        (&Method::GET | &Method::HEAD, ["_s", "style.css"]) => Answer::of(
            StatusCode::OK,
            "text/css; charset=utf-8",
            include_str!("../templates/style.css"),
        ),
        (&Method::GET | &Method::HEAD, ["_s", "enter.js"]) => Answer::of(
            StatusCode::OK,
            "text/javascript; charset=utf-8",
            include_str!("../templates/enter.js"),
        ),
        (&Method::GET | &Method::HEAD, ["_files", path @ ..]) => inner.world.file(path),
        (&Method::GET | &Method::HEAD, []) => room::list(&inner.world, viewer),
        (&Method::GET | &Method::HEAD, [.., "~messages"]) => {
            room::messages::show(inner, viewer, &segments)
        }
        (&Method::GET | &Method::HEAD, path) => room::show(inner, viewer, path, request),
        (&Method::POST, path) => room::act::act(inner, viewer, path, request),
        _ => Answer::cannot(&request.method, &request.path),
    }
}
