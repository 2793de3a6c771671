//! A database for simulations: each statement happens within one turn of the task that asks for it, with a step before
//! and a step behind, at which the simulation may let others go on, fail it, or end everything.
//!
//! SQLite works in a thread of its own, so without this nobody could say in which order things happen, let alone make
//! them happen in that order again.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};

use futures_util::future::BoxFuture;

use crate::{Error, Store};

use super::{BackEnd, Db};

/// What a simulation does around each statement (or batch that is one commit).
pub trait Steps: fmt::Debug + Send + Sync {
    /// Before it is carried out. An error is given in its place, and it is not carried out.
    fn before(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// After it was carried out. An error is given in place of its answer.
    fn after(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// So many rows were read by it.
    fn gave(&self, _rows: usize) {}
}

impl Store {
    /// The same database, in steps. For simulations that run in one thread.
    #[must_use]
    pub fn in_steps(self, steps: Arc<dyn Steps>) -> Self {
        Self {
            db: Db {
                end: BackEnd::Stepped(Arc::new(self.db.end), steps),
                trouble: self.db.trouble,
            },
            key: self.key,
        }
    }
}

/// Does something between the steps.
pub(super) async fn within<T>(
    steps: &dyn Steps,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    steps.before().await?;
    let done = at_once(work).await;
    steps.after().await?;
    done
}

/// Carries something out while its thread does nothing else. It must not wait for another task of that thread.
pub(super) async fn at_once<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(tokio::task::unconstrained(work));
    poll_fn(move |_| {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
                return Poll::Ready(done);
            }
            std::thread::park();
        }
    })
    .await
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
