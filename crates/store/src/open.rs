//! A database made ready: opened, checked, migrated.
//!
//! Nothing is changed before it is sure that the database is ours, not newer than we are, and sealed with our key.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::db::{Db, Lite, args};
use crate::queries::sql;
use crate::{Error, SecretKey, Store};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// What is sealed to recognise the key by.
const CHECK: &str = "matrix-gitter";
const CHECK_ROW: &str = "meta/key";

/// How long another process may hold the file before we give up.
const BUSY: Duration = Duration::from_secs(10);
/// How long to wait for a connection to PostgreSQL.
const ACQUIRE: Duration = Duration::from_secs(5);

/// Which database.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite:file` or `postgres://user:password@host/name`. Secret, since it may hold a password.
    pub uri: SecretString,
    /// Connections to PostgreSQL at most; at least one. SQLite always takes one.
    pub max_connections: u32,
}

sql! {
    VERSION = "SELECT MAX(version) FROM _sqlx_migrations";
    META = "SELECT value FROM meta WHERE name = $1";
    SET_META = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    CHECK_UP = "SELECT COUNT(*) FROM meta";
}

/// The tables of a database, whoever made them.
const SQLITE_TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('sqlite_sequence', 'sqlite_stat1')";
const POSTGRES_TABLES: &str = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema()";

impl Store {
    /// Opens the database, makes it if it is an empty one, and brings its schema up to date.
    ///
    /// Errors: [`Error::Unusable`], [`Error::WrongKey`] and [`Error::Newer`] are for the admin, and have changed nothing;
    /// [`Error::Unavailable`] may pass.
    pub async fn open(options: &Options, key: &SecretKey) -> Result<Self, Error> {
        let uri = options.uri.expose_secret();
        let store = if uri.starts_with("sqlite:") {
            open_sqlite(uri, key).await?
        } else if uri.starts_with("postgres:") || uri.starts_with("postgresql:") {
            open_postgres(uri, options.max_connections, key).await?
        } else {
            return Err(Error::Unusable(
                "`database.uri` has to begin with `sqlite:` or `postgres://`".to_owned(),
            ));
        };
        store.remember_key().await?;
        Ok(store)
    }

    /// Whether the database answers.
    pub async fn check(&self) -> Result<(), Error> {
        self.db.row(CHECK_UP, &[]).await.map(drop)
    }

    /// Closes the database in order. Whoever uses the store afterwards gets [`Error::Unavailable`].
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// Refuses a database that is not ours to change.
    async fn inspect(&self, tables: &'static str, newest: i64) -> Result<(), Error> {
        let rows = self.db.rows(tables, &[]).await?;
        let tables: Vec<String> = rows
            .iter()
            .map(|row| row.get(0))
            .collect::<Result<_, _>>()?;
        let has = |name: &str| tables.iter().any(|table| table == name);
        if has("_sqlx_migrations") {
            let version = self.db.row(VERSION, &[]).await?;
            let version: Option<i64> = version.map_or(Ok(None), |row| row.get(0))?;
            if version.is_some_and(|version| version > newest) {
                return Err(Error::Newer);
            }
        }
        if has("meta") && has("_sqlx_migrations") {
            if let Some(row) = self.db.row(META, args![CHECK_ROW]).await? {
                self.key.open(CHECK_ROW, &row.get::<Vec<u8>>(0)?)?;
            }
        } else if tables.iter().any(|table| table != "_sqlx_migrations") {
            return Err(Error::Unusable(
                "the database is in use by another program; give the bridge one of its own"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    async fn remember_key(&self) -> Result<(), Error> {
        let sealed = self.key.seal(CHECK_ROW, CHECK)?;
        self.db
            .run(SET_META, args![CHECK_ROW, &sealed])
            .await
            .map(drop)
    }
}

async fn open_sqlite(uri: &str, key: &SecretKey) -> Result<Store, Error> {
    let options = SqliteConnectOptions::from_str(uri)
        .map_err(|error| Error::Unusable(format!("`database.uri` cannot be read: {error}")))?
        .journal_mode(SqliteJournalMode::Wal)
        // What was accepted survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .statement_cache_capacity(40)
        // In KiB, negative as SQLite wants it: half of its default, which no query here needs.
        .pragma("cache_size", "-1024");
    let file = options.get_filename().to_owned();
    let unusable = |error: &dyn std::fmt::Display| {
        Error::Unusable(format!(
            "cannot use the database {}: {error}",
            file.display()
        ))
    };
    create_private(&file).map_err(|error| unusable(&error))?;
    let connection =
        SqliteConnection::connect_with(&options)
            .await
            .map_err(|error| match &error {
                sqlx::Error::Database(database) => match database.code().as_deref() {
                    Some("26") => unusable(&"it is no SQLite database"),
                    Some("5" | "6") => {
                        Error::Unavailable("another process has locked it".to_owned())
                    }
                    _ => unusable(&database.message()),
                },
                _ => unusable(&error),
            })?;
    let store = Store {
        db: Db::Sqlite(Arc::new(tokio::sync::Mutex::new(Lite::new(connection)))),
        key: key.clone(),
    };
    store.inspect(SQLITE_TABLES, newest(&SQLITE)).await?;
    if let Db::Sqlite(lite) = &store.db {
        let mut lite = lite.lock().await;
        SQLITE.run(lite.ready().await?).await.map_err(migration)?;
    }
    Ok(store)
}

/// Makes the file, readable by us alone. SQLite gives its other files the same mode.
fn create_private(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // What `sqlite::memory:` is called inside of the library.
    if file.to_string_lossy().starts_with("file:") {
        return Ok(());
    }
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    match made {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

async fn open_postgres(uri: &str, max_connections: u32, key: &SecretKey) -> Result<Store, Error> {
    let options = PgConnectOptions::from_str(uri)
        // The library's words could hold a piece of the URI, and with it the password.
        .map_err(|_| {
            Error::Unusable(
                "`database.uri` cannot be read: use postgres://user:password@host/name".to_owned(),
            )
        })?
        .application_name("matrix-gitter");
    // Not through the pool, which says nothing about why it cannot connect.
    let mut connection = PgConnection::connect_with(&options)
        .await
        .map_err(refused)?;
    let pool = PgPoolOptions::new()
        .max_connections(max_connections.max(1))
        .acquire_timeout(ACQUIRE)
        .idle_timeout(Duration::from_secs(300))
        .connect_lazy_with(options);
    let store = Store {
        db: Db::Postgres(pool),
        key: key.clone(),
    };
    store.inspect(POSTGRES_TABLES, newest(&POSTGRES)).await?;
    POSTGRES.run(&mut connection).await.map_err(migration)?;
    connection.close().await.ok();
    Ok(store)
}

fn refused(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Database(database) => match database.code().unwrap_or_default().get(..2) {
            // Authorisation, and no such database. The server's words name neither password nor key.
            Some("28" | "3D") => {
                Error::Unusable(format!("PostgreSQL refused us: {}", database.message()))
            }
            _ => error.into(),
        },
        sqlx::Error::Configuration(_) => {
            Error::Unusable("PostgreSQL cannot be reached as `database.uri` says".to_owned())
        }
        sqlx::Error::Io(io) => Error::Unavailable(format!("cannot connect to PostgreSQL: {io}")),
        _ => error.into(),
    }
}

fn newest(migrator: &Migrator) -> i64 {
    migrator
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

fn migration(error: MigrateError) -> Error {
    match error {
        MigrateError::VersionMissing(_) => Error::Newer,
        MigrateError::VersionMismatch(version) | MigrateError::Dirty(version) => {
            Error::Unusable(format!(
                "step {version} of the database's schema is not the one we know; restore a backup"
            ))
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        error => Error::Bug(error.to_string()),
    }
}
