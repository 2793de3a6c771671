//! A database made ready: opened, checked, migrated.
//!
//! Nothing is changed before it is sure that the database is ours, not newer than we are, and sealed with our key.

use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::claim::Claim;
use crate::db::{BackEnd, Db, Held, Lite, Server, args};
use crate::queries::sql;
use crate::{Error, SecretKey, Store};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: LazyLock<Migrator> = LazyLock::new(|| {
    let mut steps = sqlx::migrate!("migrations/postgres");
    // The library gives its lock back before our commit, and keeps it after a failure; see `MIGRATE_ALONE`.
    steps.set_locking(false);
    steps
});

/// What a look at a database found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// There is none yet; opening makes it.
    Absent,
    /// It is ours, of an earlier version; opening brings it up to date.
    Older,
    /// It is ours and up to date.
    Current,
}

/// What is sealed to recognise the key by.
const CHECK: &str = "matrix-gitter";
const CHECK_ROW: &str = "meta/key";

/// How long another process may hold the file before we give up.
const BUSY: Duration = Duration::from_secs(10);

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
    // A write, since a full disk can still be read.
    CHECK_UP = "UPDATE meta SET value = value WHERE name = $1";
}

/// Until the commit.
const MIGRATE_ALONE: &str = "SELECT pg_advisory_xact_lock(673327942, hashtext(current_schema()))";

/// The tables of a database, whoever made them.
const SQLITE_TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('sqlite_sequence', 'sqlite_stat1')";
const POSTGRES_TABLES: &str = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema()";

impl Store {
    /// Opens the database, makes it if it is an empty one, and brings its schema up to date.
    ///
    /// Errors: [`Error::Unusable`], [`Error::WrongKey`] and [`Error::Newer`] are for the admin, and have changed nothing;
    /// [`Error::Unavailable`] may pass.
    pub async fn open(options: &Options, key: &SecretKey) -> Result<Self, Error> {
        Self::open_place(Place::read(options)?, options, key, Held::default()).await
    }

    /// The same, for a process that will deliver: only one at a time has a database.
    ///
    /// Errors: those of [`Store::open`], and [`Error::InUse`].
    pub async fn open_alone(options: &Options, key: &SecretKey) -> Result<(Self, Claim), Error> {
        let (place, held) = (Place::read(options)?, Held::default());
        let claim = match &place {
            Place::File(file) => {
                // So that the lock is named after the file, and not after a link to it.
                create_private(file.get_filename()).map_err(|error| unusable(file, &error))?;
                Claim::of_file(file.get_filename())?
            }
            Place::Server(server) => {
                Claim::on_server(server.as_ref().clone(), held.clone()).await?
            }
        };
        let store = Self::open_place(place, options, key, held).await?;
        Ok((store, claim))
    }

    async fn open_place(
        place: Place,
        options: &Options,
        key: &SecretKey,
        held: Held,
    ) -> Result<Self, Error> {
        let db = match place {
            Place::File(file) => {
                create_private(file.get_filename()).map_err(|error| unusable(&file, &error))?;
                connect_sqlite(&file).await?
            }
            Place::Server(server) => {
                connect_postgres(server, options.max_connections, held).await?
            }
        };
        let store = Self {
            db,
            key: key.clone(),
        };
        store.inspect().await?;
        store.migrate(&SQLITE, &POSTGRES).await?;
        store.remember_key().await?;
        Ok(store)
    }

    /// Looks whether [`Store::open`] would succeed, and changes nothing.
    ///
    /// Errors: those of [`Store::open`].
    pub async fn probe(options: &Options, key: &SecretKey) -> Result<Probe, Error> {
        let db = match Place::read(options)? {
            Place::File(file) if !file.get_filename().exists() => {
                return writable_folder(file.get_filename())
                    .map(|()| Probe::Absent)
                    .map_err(|error| unusable(&file, &error));
            }
            Place::File(file) => connect_sqlite(&file).await?,
            Place::Server(server) => connect_postgres(server, 1, Held::default()).await?,
        };
        let store = Self {
            db,
            key: key.clone(),
        };
        let found = store.inspect().await;
        store.close().await;
        found
    }

    /// Whether the database answers and takes changes. Costs a commit. What just failed to be written counts, too, until
    /// something was written.
    ///
    /// Errors: [`Error::Unavailable`] says what to do, if somebody has to do something.
    pub async fn check(&self) -> Result<(), Error> {
        self.db.check(CHECK_UP, args![CHECK_ROW]).await
    }

    /// Closes the database in order. Whoever uses the store afterwards gets [`Error::Unavailable`].
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// Refuses a database that is not ours to change.
    async fn inspect(&self) -> Result<Probe, Error> {
        let (tables, migrator) = match &self.db.end {
            BackEnd::Sqlite(_) | BackEnd::Stepped(..) => (SQLITE_TABLES, &SQLITE),
            BackEnd::Postgres(_) => (POSTGRES_TABLES, &*POSTGRES),
        };
        let rows = self.db.rows(tables, &[]).await?;
        let tables: Vec<String> = rows
            .iter()
            .map(|row| row.get(0))
            .collect::<Result<_, _>>()?;
        let has = |name: &str| tables.iter().any(|table| table == name);
        if tables.is_empty() {
            return Ok(Probe::Absent);
        }
        if !has("_sqlx_migrations") {
            return Err(Error::Unusable(
                "the database is in use by another program; give the bridge one of its own"
                    .to_owned(),
            ));
        }
        let version = self.db.row(VERSION, &[]).await?;
        let version: Option<i64> = version.map_or(Ok(None), |row| row.get(0))?;
        let newest = newest(migrator);
        if version.is_some_and(|version| version > newest) {
            return Err(Error::Newer);
        }
        if has("meta") {
            self.check_key().await?;
        } else if tables.len() > 1 {
            return Err(Error::Unusable(
                "the database is in use by another program; give the bridge one of its own"
                    .to_owned(),
            ));
        }
        Ok(if version == Some(newest) {
            Probe::Current
        } else {
            Probe::Older
        })
    }

    /// One commit for all steps: it is done, or nothing was. The second of two processes waits for the first.
    async fn migrate(&self, on_sqlite: &Migrator, on_postgres: &Migrator) -> Result<(), Error> {
        match &self.db.end {
            BackEnd::Sqlite(lite) => {
                let mut lite = lite.lock().await;
                let connection = lite.ready().await?;
                // Written into the file, so only once it is sure that the file is ours.
                sqlx::query("PRAGMA journal_mode = WAL")
                    .execute(&mut *connection)
                    .await?;
                let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
                on_sqlite.run(&mut *tx).await.map_err(migration)?;
                Ok(tx.commit().await?)
            }
            BackEnd::Postgres(server) => {
                let mut connection = server.take().await?;
                let mut tx = connection.begin().await?;
                sqlx::query(MIGRATE_ALONE).execute(&mut *tx).await?;
                on_postgres.run(&mut *tx).await.map_err(migration)?;
                tx.commit().await?;
                connection.give_back();
                Ok(())
            }
            // Only one that is open already is taken in steps.
            BackEnd::Stepped(..) => Ok(()),
        }
    }

    async fn check_key(&self) -> Result<(), Error> {
        if let Some(row) = self.db.row(META, args![CHECK_ROW]).await? {
            self.key.open(CHECK_ROW, &row.get::<Vec<u8>>(0)?)?;
        }
        Ok(())
    }

    async fn remember_key(&self) -> Result<(), Error> {
        let sealed = self.key.seal(CHECK_ROW, CHECK)?;
        self.db.run(SET_META, args![CHECK_ROW, &sealed]).await?;
        // Another process may have been first, with another key.
        self.check_key().await
    }
}

/// Where a database is.
enum Place {
    File(Box<SqliteConnectOptions>),
    Server(Box<PgConnectOptions>),
}

impl Place {
    fn read(options: &Options) -> Result<Self, Error> {
        let uri = options.uri.expose_secret();
        if uri.starts_with("sqlite:") {
            let file = SqliteConnectOptions::from_str(uri).map_err(|error| {
                Error::Unusable(format!("`database.uri` cannot be read: {error}"))
            })?;
            Ok(Self::File(Box::new(file)))
        } else if uri.starts_with("postgres:") || uri.starts_with("postgresql:") {
            // The library's words could hold a piece of the URI, and with it the password.
            let server = PgConnectOptions::from_str(uri).map_err(|_| {
                Error::Unusable(
                    "`database.uri` cannot be read: use postgres://user:password@host/name"
                        .to_owned(),
                )
            })?;
            Ok(Self::Server(Box::new(
                server.application_name("matrix-gitter"),
            )))
        } else {
            Err(Error::Unusable(
                "`database.uri` has to begin with `sqlite:` or `postgres://`".to_owned(),
            ))
        }
    }
}

fn unusable(file: &SqliteConnectOptions, why: &dyn std::fmt::Display) -> Error {
    Error::Unusable(format!(
        "cannot use the database {}: {why}",
        file.get_filename().display()
    ))
}

async fn connect_sqlite(file: &SqliteConnectOptions) -> Result<Db, Error> {
    let options = file
        .clone()
        // What was accepted survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .statement_cache_capacity(40)
        // In KiB, negative as SQLite wants it: half of its default, which no query here needs.
        .pragma("cache_size", "-1024");
    let opened = async {
        let mut connection = SqliteConnection::connect_with(&options).await?;
        // Connecting reads nothing yet; this does.
        sqlx::query(SQLITE_TABLES)
            .fetch_all(&mut connection)
            .await?;
        Ok(connection)
    };
    let connection = opened.await.map_err(|error: sqlx::Error| match &error {
        sqlx::Error::Database(database) => match database.code().as_deref() {
            Some("26") => unusable(file, &"it is no SQLite database"),
            Some("5" | "6") => Error::Unavailable("another process has locked it".to_owned()),
            _ => unusable(file, &database.message()),
        },
        _ => unusable(file, &error),
    })?;
    let lite = tokio::sync::Mutex::new(Lite::new(connection));
    Ok(Db::new(BackEnd::Sqlite(Arc::new(lite))))
}

/// Whether a file could be made there. Nothing is made.
fn writable_folder(file: &Path) -> std::io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if std::fs::metadata(folder)?.permissions().readonly() {
        return Err(std::io::ErrorKind::PermissionDenied.into());
    }
    Ok(())
}

/// Whether there is no file: what `sqlite::memory:` is called inside of the library.
pub(crate) fn is_memory(file: &Path) -> bool {
    file.to_string_lossy().starts_with("file:")
}

/// Makes the file, readable by us alone. SQLite gives its other files the same mode.
fn create_private(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if is_memory(file) {
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

async fn connect_postgres(
    server: Box<PgConnectOptions>,
    max_connections: u32,
    held: Held,
) -> Result<Db, Error> {
    // At once, since a start has to say what is wrong.
    let connection = PgConnection::connect_with(&server).await.map_err(refused)?;
    connection.close().await.ok();
    Ok(Db::new(BackEnd::Postgres(Server::new(
        *server,
        max_connections,
        held,
    ))))
}

pub(crate) fn refused(error: sqlx::Error) -> Error {
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
        sqlx::Error::Tls(tls) => certificate(&tls.to_string()),
        sqlx::Error::Io(io) if io.to_string().contains("invalid peer certificate") => {
            certificate(&io.to_string())
        }
        sqlx::Error::Io(io) => out_of_reach(io),
        _ => error.into(),
    }
}

pub(crate) fn out_of_reach(io: &std::io::Error) -> Error {
    Error::Unavailable(format!(
        "PostgreSQL cannot be reached ({io}); look whether it runs"
    ))
}

/// TLS was asked for (`sslmode`) and came to nothing.
fn certificate(why: &str) -> Error {
    Error::Unusable(format!(
        "no safe connection to PostgreSQL: {why}; `sslmode=verify-full` in `database.uri` wants a certificate for its host \
         from an authority among the machine's certificates, in the file that SSL_CERT_FILE names, or in that of `sslrootcert`"
    ))
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

#[cfg(test)]
mod tests;
