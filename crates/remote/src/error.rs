//! What can go wrong with a remote network, told by what the caller can do about it.

use crate::Millis;

/// Whether a request that failed may have been carried out all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It certainly was not carried out.
    NotDone,
    /// It may have been: look before doing it again.
    Unknown,
}

/// What is wrong, as far as it matters for what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The credentials are no longer accepted: the user has to log in again.
    LoggedOut,
    /// The account may not do this.
    Forbidden,
    /// There is no such room, message or person (or the account may not know of it).
    NotFound,
    /// Too long or too large for the network.
    TooLarge,
    /// The network does not accept this, and will not on a second try.
    Rejected,
    /// The network cannot do this at all.
    Unsupported,
    /// Too many requests; try again at the given time.
    RateLimited(Millis),
    /// The network, or the way to it, is out of order; try again later.
    Unavailable,
    /// What came back makes no sense; try again later, and tell the admin.
    Garbled,
}

/// An error of a remote network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct RemoteError {
    /// What is wrong.
    pub fault: Fault,
    /// Whether the request may have been carried out.
    pub certainty: Certainty,
    /// One sentence for the user, without a full stop at its end; no raw error body, no secret.
    pub sentence: String,
}

impl RemoteError {
    /// An error after which nothing was carried out.
    pub fn new(fault: Fault, sentence: impl Into<String>) -> Self {
        Self {
            fault,
            certainty: Certainty::NotDone,
            sentence: sentence.into(),
        }
    }

    /// The same error, but the request may have been carried out.
    #[must_use]
    pub fn perhaps_done(mut self) -> Self {
        self.certainty = Certainty::Unknown;
        self
    }

    /// Whether trying again later can help without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.fault,
            Fault::RateLimited(_) | Fault::Unavailable | Fault::Garbled
        )
    }
}
