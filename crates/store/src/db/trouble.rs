//! Says in the log that the database fails and what to do, and that it works again: once, not for each of the many who
//! wait for it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::Error;

/// How often the same words are said, and how often others.
const AGAIN: Duration = Duration::from_mins(5);
const OTHERS: Duration = Duration::from_secs(2);
/// For how long a failure counts if nobody has tried since: a disk without room may take a little, and not what matters.
const COUNTS: Duration = Duration::from_secs(30);

/// What a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
    /// A write that only looks whether one can be done.
    Check,
}

/// What is wrong with a database.
#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failure: Option<Failure>,
    /// We close it ourselves.
    closed: bool,
}

#[derive(Debug)]
struct Failure {
    words: String,
    kind: Kind,
    at: Instant,
    said: String,
    said_at: Instant,
}

impl Trouble {
    /// Takes notice of how a statement came out.
    pub(super) fn note<T>(&self, kind: Kind, result: &Result<T, Error>) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        if let Err(Error::Unavailable(words)) = result {
            state.failed(kind, words);
            return;
        }
        // Whatever else it says, it answers. But a full disk can be read, and take a little.
        let over = |failure: &Failure| kind == Kind::Write || failure.kind == Kind::Read;
        if state.failure.as_ref().is_some_and(over) {
            state.failure = None;
            tracing::info!("the database works again");
        }
    }

    /// What failed a moment ago and has not worked since.
    pub(super) fn latest(&self) -> Result<(), Error> {
        let mut state = self.lock();
        match &state.failure {
            Some(failure) if failure.kind != Kind::Check && failure.at.elapsed() < COUNTS => {
                Err(Error::Unavailable(failure.words.clone()))
            }
            Some(_) => {
                state.failure = None;
                tracing::info!("the database works again");
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failure {
    /// How long to wait before something is said again.
    fn pause(&self, words: &str) -> Duration {
        if self.said == words { AGAIN } else { OTHERS }
    }
}

impl State {
    fn failed(&mut self, kind: Kind, words: &str) {
        let now = Instant::now();
        let (said, said_at) = match &self.failure {
            Some(before) if before.said_at.elapsed() < before.pause(words) => {
                (before.said.clone(), before.said_at)
            }
            _ => {
                tracing::error!(
                    "the database is not available: {words}. Nothing is lost: what is stored waits, and the homeserver keeps the rest"
                );
                (words.to_owned(), now)
            }
        };
        // What really had to be written says more than a look.
        let kind = match &self.failure {
            Some(before) if kind != Kind::Write => before.kind,
            _ => kind,
        };
        self.failure = Some(Failure {
            words: words.to_owned(),
            kind,
            at: now,
            said,
            said_at,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Result<(), Error> {
        Err(Error::Unavailable("it is full".to_owned()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_failed_counts_until_one_works() {
        let trouble = Trouble::default();
        trouble.note(Kind::Write, &full());
        trouble.note(Kind::Read, &Ok(()));
        trouble.note(Kind::Check, &Ok(()));
        assert!(trouble.latest().is_err());
        trouble.note(Kind::Write, &Ok(()));
        trouble.latest().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_writes_a_look_is_enough_after_a_while() {
        let trouble = Trouble::default();
        trouble.note(Kind::Write, &full());
        tokio::time::advance(COUNTS).await;
        trouble.note(Kind::Check, &full());
        assert!(trouble.latest().is_err(), "it failed again");
        tokio::time::advance(COUNTS).await;
        trouble.note(Kind::Check, &Ok(()));
        trouble.latest().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_failed_is_outdone_by_the_next() {
        let trouble = Trouble::default();
        trouble.note(Kind::Check, &full());
        trouble.latest().unwrap();
    }

    #[test]
    fn the_end_is_no_trouble() {
        let trouble = Trouble::default();
        trouble.close();
        trouble.note(Kind::Write, &full());
        trouble.latest().unwrap();
    }
}
