//! What an answer means.

use http::StatusCode;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::http::Answer;
use crate::models::Shape;
use crate::{Effect, Error, Listing, Nonsense};

/// The answer, if Gitter carried out the request; else the error.
///
/// Gitter's own refusals are JSON objects with `error`. A web page with status 401 or 404 is not Gitter's word (nor that of a
/// route it has), and must not log anybody out or make a room look gone.
pub(super) fn checked(answer: Answer, effect: Effect) -> Result<Answer, Error> {
    let status = answer.status;
    if status.is_success() {
        return Ok(answer);
    }
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        return Err(Error::ServerFault {
            status: status.as_u16(),
            effect,
        });
    }
    let effect = Effect::None;
    if status.is_redirection() {
        return Err(
            if status == StatusCode::MOVED_PERMANENTLY && is_gitters(&answer) {
                Error::Moved
            } else {
                Error::Protocol {
                    what: Nonsense::Redirect(status.as_u16()),
                    effect,
                }
            },
        );
    }
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        // A proxy in front of Gitter may refuse it first, in words of its own.
        return Err(Error::TooLarge);
    }
    if !status.is_client_error() || !is_gitters(&answer) {
        return Err(Error::Protocol {
            what: answer.nonsense(Shape::NotJson),
            effect,
        });
    }
    Err(match status {
        StatusCode::UNAUTHORIZED => Error::Unauthorised,
        StatusCode::FORBIDDEN => Error::Forbidden,
        StatusCode::NOT_FOUND => Error::NotFound,
        _ => Error::BadRequest {
            status: status.as_u16(),
        },
    })
}

/// Whether an error answer is one of Gitter's.
fn is_gitters(answer: &Answer) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        #[expect(dead_code, reason = "only its presence counts")]
        error: IgnoredAny,
    }
    !answer.is_web_page() && serde_json::from_slice::<Refusal>(&answer.body).is_ok()
}

impl Answer {
    /// The one object in it.
    pub(super) fn object<T: DeserializeOwned>(&self, effect: Effect) -> Result<T, Error> {
        serde_json::from_slice(&self.body)
            .map_err(|error| self.garbled(Shape::from(&error), effect))
    }

    /// The list in it.
    pub(super) fn list<T: DeserializeOwned>(&self) -> Result<Listing<T>, Error> {
        Listing::parse(&self.body).map_err(|shape| self.garbled(shape, Effect::None))
    }

    /// Checks that this is a success of Gitter and no login page, where there is nothing to read in it.
    pub(super) fn done(&self) -> Result<(), Error> {
        if self.is_web_page() {
            return Err(self.garbled(Shape::NotJson, Effect::Unknown));
        }
        Ok(())
    }

    fn garbled(&self, shape: Shape, effect: Effect) -> Error {
        Error::Protocol {
            what: self.nonsense(shape),
            effect,
        }
    }
}
