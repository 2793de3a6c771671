//! What can go wrong with the database, and what the caller can do about it.
//!
//! One more kind is one more variant, and its place in the classification below.

/// The database failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be opened. The words say what an admin has to mend.
    #[error("{0}")]
    Unusable(String),
    /// It was written with another `bridge.secret_key`.
    #[error(
        "the database was made with another `bridge.secret_key`; put the old key back, or start with a new database"
    )]
    WrongKey,
    /// A newer version of the program has changed its schema. It was left as it is.
    #[error(
        "the database belongs to a newer version of this program; run that version, or restore an older backup"
    )]
    Newer,
    /// Out of reach or busy just now: try again later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Something unique belongs to somebody else already.
    #[error("it is taken by another")]
    Taken,
    /// A row holds what we never wrote.
    #[error("the database holds something unreadable: {0}")]
    Corrupt(String),
    /// It refused what we asked: a mistake of ours.
    #[error("the database refused a query: {0}")]
    Bug(String),
}

impl Error {
    /// The same may well succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Database(database) if database.is_unique_violation() => Self::Taken,
            E::Database(database) => {
                let code = database.code().unwrap_or_default();
                let passing = if database
                    .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
                    .is_some()
                {
                    passes_on_postgres(&code)
                } else {
                    passes_on_sqlite(&code)
                };
                // A detail or hint may quote what a row holds; the message itself does not.
                if passing {
                    Self::Unavailable(database.message().to_owned())
                } else {
                    Self::Bug(database.message().to_owned())
                }
            }
            E::Io(_)
            | E::Tls(_)
            | E::Protocol(_)
            | E::PoolTimedOut
            | E::PoolClosed
            | E::WorkerCrashed
            | E::BeginFailed => Self::Unavailable(error.to_string()),
            E::ColumnDecode { .. } | E::Decode(_) => Self::Corrupt(error.to_string()),
            _ => Self::Bug(error.to_string()),
        }
    }
}

/// Classes and codes of PostgreSQL's manual, appendix A: connection, resources, operator, rollback.
fn passes_on_postgres(code: &str) -> bool {
    ["08", "53", "57", "58", "40", "55"]
        .iter()
        .any(|class| code.starts_with(class))
        // Read-only: a standby, or a server that ran out of disk.
        || code == "25006"
}

/// Primary result codes of SQLite's C interface: BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN, PROTOCOL.
fn passes_on_sqlite(code: &str) -> bool {
    let primary = code.parse::<u32>().map(|code| code & 0xff);
    matches!(primary, Ok(5 | 6 | 7 | 8 | 10 | 13 | 14 | 15))
}
