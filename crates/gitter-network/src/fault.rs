//! Gitter's errors in words for the person who is kept from something.

use gitter::realtime::{Loss, RealtimeError};
use gitter::{Error, NetworkFault, Nonsense};
use remote::{Fault, RemoteError};

/// An error of a request.
#[expect(clippy::needless_pass_by_value, reason = "taken as `map_err` gives it")]
pub(crate) fn from(error: Error) -> RemoteError {
    let done = error.may_have_been_carried_out();
    let (fault, sentence) = match error {
        Error::Unauthorised => (
            Fault::LoggedOut,
            "Gitter no longer accepts your login".to_owned(),
        ),
        Error::Forbidden => (
            Fault::Forbidden,
            "Gitter does not allow you to do this".to_owned(),
        ),
        Error::NotFound => (
            Fault::NotFound,
            "Gitter knows no such room, person or message, or hides it from you".to_owned(),
        ),
        Error::Moved => (
            Fault::NotFound,
            "This room has another name on Gitter by now".to_owned(),
        ),
        Error::TooLarge => (Fault::TooLarge, "This is too long for Gitter".to_owned()),
        Error::BadRequest { .. } => (Fault::Rejected, "Gitter does not accept this".to_owned()),
        Error::RateLimited { until } => (
            Fault::RateLimited(until.as_millisecond()),
            "Gitter asks to wait a minute, since it got too many requests of yours".to_owned(),
        ),
        Error::ServerFault { status, .. } => (
            Fault::Unavailable,
            format!("Gitter is having trouble (error {status})"),
        ),
        Error::Network { what, .. } => (Fault::Unavailable, network(what).to_owned()),
        Error::Protocol {
            what: Nonsense::WebPage(_) | Nonsense::Redirect(_) | Nonsense::NotJson(_),
            ..
        } => (
            Fault::Garbled,
            "Gitter's address answered with something that is not Gitter's API".to_owned(),
        ),
        Error::Protocol {
            what: Nonsense::Truncated | Nonsense::OtherShape | Nonsense::TooLong,
            ..
        } => (Fault::Garbled, "Gitter's answer makes no sense".to_owned()),
    };
    let error = RemoteError::new(fault, sentence);
    if done { error.perhaps_done() } else { error }
}

fn network(what: NetworkFault) -> &'static str {
    match what {
        NetworkFault::Connect => "Gitter cannot be reached",
        NetworkFault::Certificate => "The certificate of Gitter's server is not accepted",
        NetworkFault::TimedOut => "Gitter takes too long to answer",
        NetworkFault::Lost => "The connection to Gitter broke before it answered",
    }
}

/// The end of a connection.
pub(crate) fn ended(error: RealtimeError) -> RemoteError {
    match error {
        RealtimeError::TokenRefused => from(Error::Unauthorised),
        RealtimeError::Banished(_) => RemoteError::new(
            Fault::Unavailable,
            "Gitter refuses to tell what happens in your rooms",
        ),
    }
}

/// Why a connection broke.
pub(crate) fn loss(why: Loss) -> String {
    match why {
        Loss::Unreachable => "Gitter cannot be reached".to_owned(),
        Loss::Refused(status) => format!("Gitter refuses the connection (error {status})"),
        Loss::Closed(_) | Loss::Forgotten => "Gitter closed the connection".to_owned(),
        Loss::Broken => "The connection to Gitter broke".to_owned(),
        Loss::Silent => "Gitter fell silent".to_owned(),
        Loss::Handshake(_) => "Gitter refuses the connection".to_owned(),
        Loss::Garbled => "Gitter's address answered with something that is not Gitter".to_owned(),
    }
}
