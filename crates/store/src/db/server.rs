//! The connections to a PostgreSQL, and whether we may use them.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool, Postgres};
use tokio::time::timeout;

use crate::{Error, claim, open};

/// How long to wait for a connection.
const ACQUIRE: Duration = Duration::from_secs(5);
/// How long statements may take. One that has no answer by then has none coming: the server hangs, or the network between
/// has swallowed the connection.
const ANSWER: Duration = Duration::from_secs(30);
/// How long it may take to find out why no connection came.
const REASON: Duration = Duration::from_secs(2);

const BUSY: &str = "all connections of the bridge to PostgreSQL are busy; raise `database.max_connections`, or look what holds the server up";
pub(crate) const SILENT: &str =
    "PostgreSQL does not answer; look whether it runs, and whether it can be reached";
const LOST: &str = "the lock on it was lost with its connection, and is being taken again";
const NOT_OURS: &str = "another process of the bridge has it";

/// Whether the database is surely ours. It is until a [`crate::Claim`] says otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Held(Arc<Holder>);

#[derive(Debug)]
struct Holder {
    process: AtomicI32,
    /// Why it is not ours, if it is not.
    why: Mutex<String>,
}

/// Nobody has claimed it, as when `doctor` looks.
const UNCLAIMED: i32 = 0;
/// It was claimed, and may be another's by now.
const GONE: i32 = -1;

impl Default for Held {
    fn default() -> Self {
        Self(Arc::new(Holder {
            process: AtomicI32::new(UNCLAIMED),
            why: Mutex::new(LOST.to_owned()),
        }))
    }
}

impl Held {
    /// The server's process with this id holds the lock for us.
    pub(crate) fn by(&self, holder: i32) {
        self.0.process.store(holder, Ordering::SeqCst);
    }

    pub(crate) fn lost(&self) {
        LOST.clone_into(&mut self.why());
        self.0.process.store(GONE, Ordering::SeqCst);
    }

    /// It could not be taken again.
    pub(crate) fn still_lost(&self, error: Option<Error>) {
        *self.why() = match error {
            None => NOT_OURS.to_owned(),
            Some(Error::Unavailable(words) | Error::Unusable(words)) => words,
            Some(error) => error.to_string(),
        };
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.0.process.load(Ordering::SeqCst) == GONE
    }

    fn why(&self) -> MutexGuard<'_, String> {
        self.0.why.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks whether the lock is still ours. After a restart of the server it is not, and nothing may be done on new
    /// connections before it was taken again.
    async fn look(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let process = &self.0.process;
        let holder = process.load(Ordering::SeqCst);
        if holder > UNCLAIMED && !claim::holds(connection, holder).await? {
            // Unless it has been taken again meanwhile.
            let _ = process.compare_exchange(holder, GONE, Ordering::SeqCst, Ordering::SeqCst);
        }
        Ok(())
    }
}

/// Connections to a server.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pool: PgPool,
    address: Arc<PgConnectOptions>,
    held: Held,
}

impl Server {
    /// Connects when a connection is needed.
    pub(crate) fn new(server: PgConnectOptions, max_connections: u32, held: Held) -> Self {
        let of_new = held.clone();
        let pool = PgPoolOptions::new()
            .max_connections(max_connections.max(1))
            .acquire_timeout(ACQUIRE)
            .idle_timeout(Duration::from_mins(5))
            .after_connect(move |connection, _| {
                let held = of_new.clone();
                Box::pin(async move { held.look(connection).await })
            })
            .connect_lazy_with(server.clone());
        Self {
            pool,
            address: Arc::new(server),
            held,
        }
    }

    /// A connection, unless somebody else may be using the database by now.
    pub(crate) async fn take(&self) -> Result<Taken, Error> {
        if self.held.is_lost() {
            return Err(Error::Unavailable(self.held.why().clone()));
        }
        match self.pool.acquire().await {
            // It may be a new one, which found out.
            Ok(_) if self.held.is_lost() => Err(Error::Unavailable(self.held.why().clone())),
            Ok(connection) => Ok(Taken(Some(connection))),
            Err(sqlx::Error::PoolTimedOut) => Err(self.why_none().await),
            Err(error) => Err(unreachable(error)),
        }
    }

    /// The pool waits, whatever the reason, and does not tell it.
    async fn why_none(&self) -> Error {
        match timeout(REASON, PgConnection::connect_with(&self.address)).await {
            Ok(Ok(connection)) => {
                connection.close().await.ok();
                Error::Unavailable(BUSY.to_owned())
            }
            Ok(Err(error)) => unreachable(error),
            Err(_) => Error::Unavailable(SILENT.to_owned()),
        }
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    #[cfg(test)]
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }
}

/// A connection in use. Closed when dropped, since nobody knows what it is waiting for then, unless it was given back.
pub(crate) struct Taken(Option<PoolConnection<Postgres>>);

impl Taken {
    /// Nothing is under way on it.
    pub(crate) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

impl Deref for Taken {
    type Target = PoolConnection<Postgres>;

    #[expect(
        clippy::expect_used,
        reason = "only `give_back` and `drop`, which end it, take it out"
    )]
    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("it was not given back")
    }
}

impl DerefMut for Taken {
    #[expect(
        clippy::expect_used,
        reason = "only `give_back` and `drop`, which end it, take it out"
    )]
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.as_mut().expect("it was not given back")
    }
}

/// Why there is no connection. All of it may pass, unlike at the start.
fn unreachable(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Io(io) => open::out_of_reach(&io),
        error => error.into(),
    }
}

/// What statements answer, if they do in time.
pub(super) async fn in_time<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = |_| Error::Unavailable(SILENT.to_owned());
    timeout(ANSWER, work).await.map_err(late)?
}
