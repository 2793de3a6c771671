//! What went wrong, and what to do next.
//!
//! To add a problem: its arm in [`show`].

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bridge::login::LinkProblem;
use bridge::media::MediaProblem;

use super::{Frame, page};
use crate::Shared;

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem {
    site: Frame,
    title: String,
    what: String,
    advice: String,
    offer_bot: bool,
}

/// One problem in words.
struct Words {
    status: StatusCode,
    title: String,
    what: String,
    advice: String,
    offer_bot: bool,
}

impl Words {
    fn new(
        status: StatusCode,
        title: &str,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            status,
            title: title.to_owned(),
            what: what.into(),
            advice: advice.into(),
            offer_bot: false,
        }
    }

    fn with_bot(mut self) -> Self {
        self.offer_bot = true;
        self
    }

    fn page(self, shared: &Shared) -> Response {
        let Self {
            status,
            title,
            what,
            advice,
            offer_bot,
        } = self;
        page(
            status,
            &Problem {
                site: Frame::new(shared),
                title,
                what,
                advice,
                offer_bot,
            },
        )
    }
}

const OR_NEW_LINK: &str = "write “login” to the bot in Matrix, and open the new link it sends you.";
const NEW_LINK: &str = "Write “login” to the bot in Matrix, and open the new link it sends you.";

/// The page for a login that cannot go on.
pub(crate) fn show(shared: &Shared, problem: &LinkProblem) -> Response {
    let network = &shared.site.network_name;
    let words = match problem {
        LinkProblem::Unknown => Words::new(
            StatusCode::NOT_FOUND,
            "This login link is not known",
            "It is incomplete, or it has been used or replaced by a newer one.",
            format!("Check that the whole link was copied. If it was: {OR_NEW_LINK}"),
        )
        .with_bot(),
        LinkProblem::Expired => Words::new(
            StatusCode::GONE,
            "This login link has expired",
            "For your safety, a link is valid for 10 minutes only.",
            NEW_LINK,
        )
        .with_bot(),
        LinkProblem::Used => Words::new(
            StatusCode::GONE,
            "This login link has been used",
            "Each link works once. If it was you who used it, you are done: your Matrix client has the rest.",
            format!("If you are not logged in yet: {OR_NEW_LINK}"),
        )
        .with_bot(),
        LinkProblem::OtherBrowser => Words::new(
            StatusCode::FORBIDDEN,
            "This login began in another browser",
            "Only the browser in which you pressed the login button can finish it (it must accept cookies from this site).",
            format!("Go on in that browser. Or begin anew: {OR_NEW_LINK}"),
        )
        .with_bot(),
        LinkProblem::Refused => Words::new(
            StatusCode::FORBIDDEN,
            "Nothing was connected",
            format!("You did not give this bridge access on {network}'s page, so it has none."),
            format!("Nothing, if that is what you want. If you change your mind: {OR_NEW_LINK}"),
        )
        .with_bot(),
        LinkProblem::Stale => Words::new(
            StatusCode::BAD_REQUEST,
            "This login can no longer be finished",
            format!("What {network} sent along was used already, or came too late."),
            NEW_LINK,
        )
        .with_bot(),
        LinkProblem::NotPermitted => Words::new(
            StatusCode::FORBIDDEN,
            "You may not use this bridge",
            "The admin of this bridge has not permitted your Matrix account to use it.",
            "Ask the admin of your homeserver about it.",
        ),
        LinkProblem::OtherAccount { connected, offered } => Words::new(
            StatusCode::CONFLICT,
            "You are connected with another account",
            format!("Your Matrix account is connected with @{connected} on {network}, but you came back as @{offered}."),
            format!(
                "To switch, write “logout” to the bot first, then “login”. To stay @{connected}, log in to {network} as that account and begin anew."
            ),
        )
        .with_bot(),
        LinkProblem::Misconfigured => Words::new(
            StatusCode::BAD_GATEWAY,
            &format!("{network} does not accept this bridge"),
            "This bridge is not set up correctly for it; that is not your fault.",
            "Tell the admin of this bridge: “doctor” names what is wrong.",
        ),
        LinkProblem::Trouble { sentence } => Words::new(
            StatusCode::BAD_GATEWAY,
            &format!("{network} has a problem right now"),
            format!("{}.", sentence.trim_end_matches('.')),
            format!("Wait a minute, then open your login link again. If it has expired by then: {OR_NEW_LINK}"),
        )
        .with_bot(),
        LinkProblem::OutOfOrder => Words::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The bridge has a problem right now",
            "It could not read or write what it needs to remember your login.",
            "Reload this page in a minute. If that does not help, tell the admin of this bridge.",
        ),
    };
    words.page(shared)
}

/// The page for a file that cannot be had.
pub(crate) fn no_file(shared: &Shared, problem: MediaProblem) -> Response {
    let words = match problem {
        MediaProblem::Unknown => Words::new(
            StatusCode::NOT_FOUND,
            "There is no such file",
            "This link leads to no file that was sent from Matrix.",
            "Check that the whole link was copied.",
        ),
        MediaProblem::Revoked => Words::new(
            StatusCode::GONE,
            "This file was taken back",
            "Whoever sent it has deleted it since.",
            "If you need it, ask whoever sent it.",
        ),
        MediaProblem::Expired => Words::new(
            StatusCode::GONE,
            "This link has expired",
            "Links to files work for a limited time here.",
            "If you need the file, ask whoever sent it to send it again.",
        ),
        MediaProblem::Gone => Words::new(
            StatusCode::GONE,
            "This file is gone",
            "The Matrix server where it was does not have it any more.",
            "If you need it, ask whoever sent it to send it again.",
        ),
        MediaProblem::NoSuchPart(_) => Words::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "The file has no such part",
            "Your browser asked for a part which lies behind the end of the file.",
            "Reload the file as a whole.",
        ),
        MediaProblem::Busy => Words::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many files are being fetched right now",
            "The bridge serves a limited number of files at a time.",
            "Reload this page in a minute.",
        ),
        MediaProblem::Homeserver => Words::new(
            StatusCode::BAD_GATEWAY,
            "The file cannot be fetched right now",
            "The Matrix server where it is does not answer.",
            "Reload this page in a minute.",
        ),
        MediaProblem::OutOfOrder => Words::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The bridge has a problem right now",
            "It could not look up where the file is.",
            "Reload this page in a minute.",
        ),
    };
    words.page(shared)
}

/// Nothing is at this address.
pub(crate) async fn not_found(State(shared): State<Shared>) -> Response {
    Words::new(
        StatusCode::NOT_FOUND,
        "There is nothing here",
        "This address does not lead to a page.",
        "If you followed a login link, check that the whole of it was copied.",
    )
    .page(&shared)
}

/// There is a page, but not for this method.
pub(crate) async fn wrong_method(State(shared): State<Shared>) -> Response {
    Words::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "This page cannot be used like that",
        "Your browser asked for it in a way it does not answer.",
        "Open the login link again.",
    )
    .page(&shared)
}

/// A form which is not one of ours, or which another site sent.
pub(crate) fn not_ours(shared: &Shared) -> Response {
    Words::new(
        StatusCode::BAD_REQUEST,
        "This did not come from our page",
        "The button you pressed is not one of this bridge's, or the page was changed on its way.",
        "Open the login link from your Matrix client again, and press the button there.",
    )
    .page(shared)
}
