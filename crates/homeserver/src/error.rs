//! What can go wrong with a request to the homeserver, and what the caller can do about it.
//!
//! One more kind of failure is one more variant, and a thought about [`Error::is_transient`] and [`Error::perhaps_done`].

use std::time::Duration;

/// A request to the homeserver failed, after the retries that were safe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No answer: try again later.
    #[error("the homeserver cannot be reached: {reason}")]
    Unreachable {
        /// Why, without any token.
        reason: String,
        /// The request may have reached it, so it may have been carried out.
        sent: bool,
    },
    /// It answered with an error.
    #[error("the homeserver refused: {status} {errcode}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Matrix error code such as `M_FORBIDDEN`; `M_UNKNOWN` where it gave none.
        errcode: String,
        /// Its own words. They may come from anywhere: never show them to a user.
        message: String,
    },
    /// It wants us to go slower, and said so each time we asked.
    #[error("the homeserver limits our rate")]
    RateLimited {
        /// How long it wants us to wait, if it said so.
        retry_after: Option<Duration>,
    },
    /// It carried the request out (2xx), but its answer makes no sense.
    #[error("the homeserver gave an answer that makes no sense: {0}")]
    Garbled(String),
    /// What we sent is too large for it (Matrix spec, "Size limits": an event may have 65,536 bytes). Sending it again is
    /// useless.
    #[error("the homeserver finds it too large")]
    TooLarge,
}

impl Error {
    /// We, or the one we speak as, may not do that.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused { status: 403, .. })
    }

    /// What we sent cannot be taken as it is.
    pub fn is_bad_request(&self) -> bool {
        matches!(self, Self::Refused { status: 400, .. })
    }

    /// There is no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// The homeserver does not know our token: the registration is not installed, or not the same as the configuration.
    pub fn is_unknown_token(&self) -> bool {
        self.errcode()
            .is_some_and(|code| matches!(code, "M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN"))
    }

    /// The same request may well succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::RateLimited { .. } => true,
            Self::Refused { status, .. } => *status >= 500 || *status == 408,
            Self::Garbled(_) | Self::TooLarge => false,
        }
    }

    /// The homeserver may have done what we asked, although the request failed. Sending an event again with the same
    /// transaction id is safe all the same.
    pub fn perhaps_done(&self) -> bool {
        match self {
            Self::Unreachable { sent, .. } => *sent,
            Self::Refused { status, .. } => *status >= 500 || *status == 408,
            Self::Garbled(_) => true,
            Self::RateLimited { .. } | Self::TooLarge => false,
        }
    }

    /// The homeserver's TLS certificate is not one that this machine trusts. Only the words of the TLS library tell.
    pub fn is_certificate(&self) -> bool {
        matches!(self, Self::Unreachable { reason, .. } if reason.contains("invalid peer certificate"))
    }

    /// The Matrix error code, where there is one.
    pub fn errcode(&self) -> Option<&str> {
        match self {
            Self::Refused { errcode, .. } => Some(errcode),
            Self::RateLimited { .. } => Some("M_LIMIT_EXCEEDED"),
            Self::TooLarge => Some("M_TOO_LARGE"),
            Self::Unreachable { .. } | Self::Garbled(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, errcode: &str) -> Error {
        Error::Refused {
            status,
            errcode: errcode.to_owned(),
            message: String::new(),
        }
    }

    #[test]
    fn tells_what_to_do() {
        assert!(refused(403, "M_FORBIDDEN").is_forbidden());
        assert!(refused(404, "M_NOT_FOUND").is_not_found());
        assert!(refused(401, "M_UNKNOWN_TOKEN").is_unknown_token());
        assert!(
            refused(502, "M_UNKNOWN").is_transient() && refused(502, "M_UNKNOWN").perhaps_done()
        );
        assert!(!refused(400, "M_BAD_JSON").is_transient());
        let lost = Error::Unreachable {
            reason: "reset".into(),
            sent: true,
        };
        assert!(lost.is_transient() && lost.perhaps_done());
        let never_sent = Error::Unreachable {
            reason: "refused".into(),
            sent: false,
        };
        assert!(never_sent.is_transient() && !never_sent.perhaps_done());
        assert!(Error::Garbled(String::new()).perhaps_done());
    }
}
