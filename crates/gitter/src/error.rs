//! What can go wrong with a request, told by what the caller can do about it.
//!
//! Gitter never says why it refused (`{"error":"Bad Request"}` is all there is), so neither can this. No error carries any
//! content of an answer.
//!
//! To add one: a variant, its arm in [`Error::may_have_been_carried_out`], and the place in `client::answer` that makes it.

use jiff::Timestamp;

/// Whether a request that failed has changed anything at Gitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Certainly not, or the request only reads.
    None,
    /// Perhaps: look before doing it again.
    Unknown,
}

/// A request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// 401: the token is not, or no longer, valid. The person has to log in again.
    #[error("Gitter does not accept the access token")]
    Unauthorised,
    /// 403: this account may not do this.
    #[error("Gitter does not allow this")]
    Forbidden,
    /// 404: there is no such thing, or this account may not know of it.
    #[error("Gitter knows nothing by that name")]
    NotFound,
    /// 301 without an address: the room was renamed. Gitter does not say how it is called now; ask for it by id.
    #[error("the room has been renamed on Gitter")]
    Moved,
    /// The text is longer than [`MAX_TEXT`](crate::MAX_TEXT), or the body longer than 100 kB.
    #[error("this is too long for Gitter")]
    TooLarge,
    /// Another 4xx: Gitter does not accept this, and will not when it is repeated.
    #[error("Gitter does not accept this (status {status})")]
    BadRequest {
        /// HTTP status.
        status: u16,
    },
    /// 429 several times, although requests were held back; wait until then.
    #[error("too many requests to Gitter")]
    RateLimited {
        /// When Gitter takes requests again.
        until: Timestamp,
    },
    /// 5xx. Gitter also answers 500 where a request has a malformed or unknown id (recorded cases `msg_show_invalid`,
    /// `join_room_unknown`), so repeating it does not always help.
    #[error("Gitter failed (status {status})")]
    ServerFault {
        /// HTTP status.
        status: u16,
        /// Whether it was carried out.
        effect: Effect,
    },
    /// No answer, or not all of it.
    #[error("{what}")]
    Network {
        /// What happened.
        what: NetworkFault,
        /// Whether it was carried out.
        effect: Effect,
    },
    /// An answer which makes no sense. Perhaps a proxy or a login page answered in place of Gitter.
    #[error("Gitter's answer makes no sense: {what}")]
    Protocol {
        /// What came instead.
        what: Nonsense,
        /// Whether it was carried out.
        effect: Effect,
    },
}

/// How an answer failed to arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkFault {
    /// No connection could be made: name, address or port.
    #[error("cannot connect to Gitter")]
    Connect,
    /// The server's TLS certificate is not one that this machine trusts.
    #[error("the certificate of Gitter's server is not accepted")]
    Certificate,
    /// It took too long.
    #[error("Gitter took too long to answer")]
    TimedOut,
    /// The connection broke in the middle.
    #[error("the connection to Gitter broke")]
    Lost,
}

/// What came instead of an answer of Gitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Nonsense {
    /// A web page.
    #[error("a web page came (status {0})")]
    WebPage(u16),
    /// JSON that ends too early, or nothing at all.
    #[error("the answer is cut off")]
    Truncated,
    /// Something that is not JSON.
    #[error("the answer is not JSON (status {0})")]
    NotJson(u16),
    /// JSON, but not what was asked for.
    #[error("the answer is not what was asked for")]
    OtherShape,
    /// More than this library is ready to read.
    #[error("the answer is too long")]
    TooLong,
    /// A redirect, which is not followed since it would carry the token elsewhere.
    #[error("a redirect came (status {0})")]
    Redirect(u16),
}

impl Error {
    /// Whether the request may have been carried out all the same, so that repeating it could do it twice.
    ///
    /// Certainly not if the connection was never made or Gitter refused; perhaps after a time-out, a lost answer, a 5xx or
    /// an answer that makes no sense. Always `false` for requests that only read.
    pub fn may_have_been_carried_out(&self) -> bool {
        match self {
            Self::ServerFault { effect, .. }
            | Self::Network { effect, .. }
            | Self::Protocol { effect, .. } => *effect == Effect::Unknown,
            Self::Unauthorised
            | Self::Forbidden
            | Self::NotFound
            | Self::Moved
            | Self::TooLarge
            | Self::BadRequest { .. }
            | Self::RateLimited { .. } => false,
        }
    }
}
