//! One process at a time: the claim to a database.
//!
//! Two bridges on one database would carry each message twice. A claim ends with its process, however that ends: for SQLite
//! it is a lock on a file beside the database, for PostgreSQL an advisory lock, which lives as long as a connection of its own.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::time::{sleep, timeout};

use crate::db::{Held, SILENT};
use crate::{Error, open};

/// How often we look whether the lock's connection still stands, and how long it may take to say so.
const LOOK: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(5);
/// The same at the start, when the server may have just been started, too.
const ANSWER_AT_START: Duration = Duration::from_secs(15);
/// A server needs a moment to notice that a process was killed.
const AGAIN: Duration = Duration::from_millis(500);
const TRIES_AT_START: u32 = 6;
/// Longer than the server takes to notice that our former connection is gone (see [`KEEPALIVE`]).
const TRIES_AFTER_LOSS: u32 = 120;

/// Of the connection, not of the transaction; each schema is a database of its own to us.
const LOCK: &str =
    "SELECT pg_try_advisory_lock(673327941, hashtext(current_schema())), pg_backend_pid()";
/// `$1` is the holder's process id on the server.
const HOLDS: &str = "SELECT COUNT(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND classid = 673327941 AND pid = $1 AND granted";
/// Has the server notice within half a minute that the machine at the other end has vanished. Nothing on a Unix socket.
const KEEPALIVE: &str =
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";

/// The right to be the only process that works with a database. Ends when dropped, or with the process.
#[derive(Debug)]
pub struct Claim(Kind);

#[derive(Debug)]
enum Kind {
    /// A database in memory is nobody else's.
    Memory,
    /// Locked as long as it is open.
    File {
        _lock: File,
    },
    Server(Box<Lock>),
}

#[derive(Debug)]
struct Lock {
    server: PgConnectOptions,
    connection: PgConnection,
    held: Held,
}

impl Claim {
    pub(crate) fn of_file(database: &Path) -> Result<Self, Error> {
        if open::is_memory(database) {
            return Ok(Self(Kind::Memory));
        }
        let unusable = |error: &dyn std::fmt::Display| {
            Error::Unusable(format!(
                "cannot use the database {}: {error}",
                database.display()
            ))
        };
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(lock_file(database))
            .map_err(|error| unusable(&error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self(Kind::File { _lock: lock })),
            Err(TryLockError::WouldBlock) => Err(Error::InUse),
            Err(TryLockError::Error(error)) => Err(unusable(&error)),
        }
    }

    pub(crate) async fn on_server(server: PgConnectOptions, held: Held) -> Result<Self, Error> {
        let mut tries = 1;
        loop {
            let locked = timeout(ANSWER_AT_START, lock(&server, &held)).await;
            let silent = |_| Error::Unavailable(SILENT.to_owned());
            if let Some(connection) = locked.map_err(silent)?? {
                return Ok(Self(Kind::Server(Box::new(Lock {
                    server,
                    connection,
                    held,
                }))));
            }
            if tries == TRIES_AT_START {
                return Err(Error::InUse);
            }
            tries += 1;
            sleep(AGAIN).await;
        }
    }

    /// Comes back if another process has the database, and we must not go on. While that is not known, since the server
    /// cannot be reached, every call of the store fails with [`Error::Unavailable`].
    pub async fn lost(&mut self) {
        match &mut self.0 {
            Kind::Memory | Kind::File { .. } => std::future::pending().await,
            Kind::Server(lock) => lock.lost().await,
        }
    }
}

impl Lock {
    async fn lost(&mut self) {
        loop {
            sleep(LOOK).await;
            let stands = matches!(timeout(ANSWER, self.connection.ping()).await, Ok(Ok(())));
            if stands && !self.held.is_lost() {
                continue;
            }
            self.held.lost();
            tracing::warn!(
                "the connection that holds the lock on the database is gone; nothing is delivered until the lock is taken again"
            );
            if !self.take_again().await {
                return;
            }
            tracing::info!("the database is ours again");
        }
    }

    /// `false` if somebody else has it.
    async fn take_again(&mut self) -> bool {
        let mut refusals = 0;
        while refusals < TRIES_AFTER_LOSS {
            match timeout(ANSWER, lock(&self.server, &self.held)).await {
                Ok(Ok(Some(connection))) => {
                    self.connection = connection;
                    return true;
                }
                Ok(Ok(None)) => {
                    self.held.still_lost(None);
                    refusals += 1;
                }
                Ok(Err(error)) => {
                    tracing::debug!(%error, "the lock on the database cannot be taken yet");
                    self.held.still_lost(Some(error));
                }
                Err(_) => tracing::debug!("the database does not answer"),
            }
            sleep(AGAIN).await;
        }
        false
    }
}

/// A connection that holds the lock, unless another one does.
async fn lock(server: &PgConnectOptions, held: &Held) -> Result<Option<PgConnection>, Error> {
    let mut connection = PgConnection::connect_with(server)
        .await
        .map_err(open::refused)?;
    connection.execute(KEEPALIVE).await?;
    let (ours, holder): (bool, i32) = sqlx::query_as(LOCK).fetch_one(&mut connection).await?;
    if ours {
        held.by(holder);
        return Ok(Some(connection));
    }
    connection.close().await.ok();
    Ok(None)
}

/// Whether this process of the server holds a lock of ours.
pub(crate) async fn holds(connection: &mut PgConnection, holder: i32) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(HOLDS)
        .bind(holder)
        .fetch_one(connection)
        .await
}

/// Beside the database itself, by whatever link it was named. Not the database: closing another handle of it would take
/// SQLite's own locks away.
fn lock_file(database: &Path) -> PathBuf {
    let real = database
        .canonicalize()
        .unwrap_or_else(|_| database.to_owned());
    let mut name = real.into_os_string();
    name.push("-lock");
    name.into()
}
