//! Why a login cannot go on.

use remote::LoginError;

use crate::Error;

/// Why a login cannot go on. The page that shows it says what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkProblem {
    /// No such link: cut off, used long ago, or replaced by a newer one.
    #[error("this login link is not known")]
    Unknown,
    /// Its time is over: write `login` for a new one.
    #[error("this login link has expired")]
    Expired,
    /// It has done its work.
    #[error("this login link has been used")]
    Used,
    /// Another browser started it, and only that one can finish it.
    #[error("this login began in another browser")]
    OtherBrowser,
    /// The person said no on the network's page.
    #[error("access was refused on the network's page")]
    Refused,
    /// What the browser brought back was used already or came too late: begin anew.
    #[error("what the browser brought back can no longer be used")]
    Stale,
    /// The Matrix user may not use this bridge (any more).
    #[error("this Matrix account may not use this bridge")]
    NotPermitted,
    /// The Matrix user is connected with somebody else there: log out first, or log in as that one.
    #[error("connected with another account of the network")]
    OtherAccount {
        /// Username he is connected with.
        connected: String,
        /// Username he came back with.
        offered: String,
    },
    /// The network does not accept the bridge itself: the admin has to mend it.
    #[error("the network does not accept the bridge")]
    Misconfigured,
    /// The network has trouble: try again later.
    #[error("{sentence}")]
    Trouble {
        /// One sentence for the person, without a full stop.
        sentence: String,
    },
    /// Our own database has trouble: try again later.
    #[error("the bridge cannot read or write what it needs")]
    OutOfOrder,
}

impl From<LoginError> for LinkProblem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Refused => Self::Refused,
            LoginError::Stale => Self::Stale,
            LoginError::Misconfigured(problem) => {
                tracing::error!(
                    problem,
                    "the network does not accept the bridge; run `doctor`"
                );
                Self::Misconfigured
            }
            LoginError::Remote(error) => Self::Trouble {
                sentence: error.sentence,
            },
        }
    }
}

impl From<Error> for LinkProblem {
    fn from(error: Error) -> Self {
        tracing::error!(%error, "a login could not go on");
        Self::OutOfOrder
    }
}

impl From<store::Error> for LinkProblem {
    fn from(error: store::Error) -> Self {
        Error::from(error).into()
    }
}
