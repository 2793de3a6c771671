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
    /// Another process works with it, see [`crate::Claim`].
    #[error(
        "another process of the bridge is using the database; stop that one first, or give this one a database of its own"
    )]
    InUse,
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
                let remedy = if database
                    .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
                    .is_some()
                {
                    on_postgres(&code)
                } else {
                    on_sqlite(&code)
                };
                // A detail or hint may quote what a row holds; the message itself does not.
                match remedy {
                    Some(Remedy::Time) => Self::Unavailable(database.message().to_owned()),
                    Some(Remedy::Admin(what)) => {
                        Self::Unavailable(format!("{}; {what}", database.message()))
                    }
                    None => Self::Bug(database.message().to_owned()),
                }
            }
            E::Io(_)
            | E::PoolTimedOut
            | E::Tls(_)
            | E::Protocol(_)
            | E::PoolClosed
            | E::WorkerCrashed
            | E::BeginFailed => Self::Unavailable(error.to_string()),
            E::ColumnDecode { .. } | E::Decode(_) => Self::Corrupt(error.to_string()),
            _ => Self::Bug(error.to_string()),
        }
    }
}

/// What makes a fault of the whole database pass.
enum Remedy {
    Time,
    /// The admin does this. Nothing is given up until he has.
    Admin(&'static str),
}

const DISK: &str = "make room on its disk";
const BROKEN: &str = "look at its disk, and at what the system's log says of it";
const WRITABLE: &str = "make the file and its folder writable for the bridge";
const BACKUP: &str = "the database is damaged: stop the bridge, and restore a backup or repair it";
const CREDENTIALS: &str = "see to it that user, password and database of `database.uri` are as they were, or change it and start the bridge again";

/// Classes and codes of PostgreSQL's manual, appendix A. What is not listed is about the statement or its values, and would be
/// the same the next time.
fn on_postgres(code: &str) -> Option<Remedy> {
    Some(match (code, code.get(..2)?) {
        ("53100", _) => Remedy::Admin(DISK),
        // Read-only: a standby, or a server that ran out of disk.
        ("25006", _) => {
            Remedy::Admin("the server takes no changes; make it writable, or name the one that is")
        }
        ("53300", _) => Remedy::Admin("let the server take more connections, or the bridge fewer"),
        // Data or an index is damaged.
        ("XX001" | "XX002", _) => Remedy::Admin(BACKUP),
        // Privileges, schema and tables; authorisation, and no such database: changed since we started.
        ("42501" | "42P01" | "3F000", _) | (_, "28" | "3D") => Remedy::Admin(CREDENTIALS),
        // A plan or prepared statement of old, after somebody changed a table, or by a pooler between. Connection, resources,
        // operator, system, inside of the server, its configuration, rollback, prerequisites (locks).
        ("0A000" | "26000", _) | (_, "08" | "53" | "57" | "58" | "XX" | "F0" | "40" | "55") => {
            Remedy::Time
        }
        _ => return None,
    })
}

/// Primary result codes of SQLite's C interface.
fn on_sqlite(code: &str) -> Option<Remedy> {
    Some(match code.parse::<u32>().ok()? & 0xff {
        // ERROR, TOOBIG, CONSTRAINT, MISMATCH, MISUSE, RANGE: about the statement or its values.
        1 | 18 | 19 | 20 | 21 | 25 => return None,
        // PERM, READONLY, CANTOPEN.
        3 | 8 | 14 => Remedy::Admin(WRITABLE),
        // IOERR.
        10 => Remedy::Admin(BROKEN),
        // FULL.
        13 => Remedy::Admin(DISK),
        // CORRUPT, NOTADB.
        11 | 26 => Remedy::Admin(BACKUP),
        // BUSY, LOCKED, NOMEM, PROTOCOL, SCHEMA, INTERRUPT and the like.
        _ => Remedy::Time,
    })
}
