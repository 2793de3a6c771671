//! What can go wrong here, told by what the caller can do about it.

use std::time::Duration;

use remote::{Fault, RemoteError};

/// An error of the bridge.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database. Transient unless it says otherwise.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The homeserver failed or refused.
    #[error(transparent)]
    Homeserver(#[from] homeserver::Error),
    /// The network failed or refused; its text is a sentence for the user.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// A row that an earlier version wrote cannot be read. Trying again does not help.
    #[error("a stored item cannot be read: {0}")]
    Unreadable(String),
    /// Cannot be done, for a reason that the user understands: one sentence without a full stop at its end.
    #[error("{0}")]
    Refused(String),
    /// The login is not connected at the moment; its lanes go on when it is.
    #[error("you are not logged in")]
    NotLoggedIn,
}

impl Error {
    /// Whether trying again later can help without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            // A token that is not known belongs to a set-up which the admin is about to mend; an answer
            // that makes no sense comes from a proxy in between. Neither is a reason to give up what has to
            // be delivered.
            Self::Homeserver(error) => {
                error.is_transient()
                    || error.is_unknown_token()
                    || matches!(error, homeserver::Error::Garbled(_))
            }
            Self::Remote(error) => error.is_transient(),
            Self::Unreadable(_) | Self::Refused(_) | Self::NotLoggedIn => false,
        }
    }

    /// Whether the homeserver had an answer, and it was trouble with this request: others may go through.
    pub(crate) fn is_of_this_request(&self) -> bool {
        use homeserver::Error::{Garbled, Refused};
        self.is_transient() && matches!(self, Self::Homeserver(Refused { .. } | Garbled(_)))
    }

    /// How long the homeserver wants us to wait, if it said so; not longer than an hour.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        const LONGEST: Duration = Duration::from_hours(1);
        match self {
            Self::Homeserver(homeserver::Error::RateLimited { retry_after }) => {
                retry_after.map(|wait| wait.min(LONGEST))
            }
            _ => None,
        }
    }

    /// Whether the user has to log in (again) before this can work.
    pub fn needs_login(&self) -> bool {
        match self {
            Self::Remote(error) => error.fault == Fault::LoggedOut,
            Self::NotLoggedIn => true,
            _ => false,
        }
    }

    /// Why, in one sentence for the user, without a full stop at its end and without anything raw.
    pub fn sentence(&self) -> String {
        match self {
            Self::Store(_) => "the bridge's database is out of order".to_owned(),
            Self::Homeserver(_) if self.is_transient() => {
                "the homeserver does not answer".to_owned()
            }
            Self::Homeserver(error) if error.is_forbidden() => {
                "the homeserver does not allow it".to_owned()
            }
            Self::Homeserver(homeserver::Error::TooLarge) => {
                "it is too large for the homeserver".to_owned()
            }
            Self::Homeserver(_) => "the homeserver did not accept it".to_owned(),
            Self::Remote(error) => error.sentence.clone(),
            Self::Unreadable(_) => "the bridge can no longer read it".to_owned(),
            Self::Refused(why) => why.clone(),
            Self::NotLoggedIn => "you are not logged in".to_owned(),
        }
    }
}
