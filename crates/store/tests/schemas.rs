//! "A database of any released schema migrates forward, automatically, in a transaction; a newer schema than the program knows
//! is refused untouched."
//!
//! Below `schemas/`, each released version has a folder with a whole database as SQL, `sqlite.sql` and `postgres.sql`, which
//! `cargo xtask freeze` made. What is not released yet is frozen anew by each test, so that the road is always walked.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by unwrapping"
)]

#[path = "schemas/dump.rs"]
mod dump;
#[path = "schemas/rows.rs"]
mod rows;

use std::path::Path;

use store::{Error, Options, Probe, Store};
use testbed::postgres::{self, Postgres};

/// The two back ends.
enum Base {
    Sqlite(tempfile::TempDir),
    Postgres(&'static Postgres, String),
}

impl Base {
    /// One of each.
    async fn both() -> [Self; 2] {
        let postgres = postgres::shared().await.unwrap();
        let uri = postgres.database().await.unwrap();
        [
            Self::Sqlite(tempfile::tempdir().unwrap()),
            Self::Postgres(postgres, uri),
        ]
    }

    /// An empty one of the same kind.
    async fn another(&self) -> Self {
        match self {
            Self::Sqlite(_) => Self::Sqlite(tempfile::tempdir().unwrap()),
            Self::Postgres(postgres, _) => {
                Self::Postgres(postgres, postgres.database().await.unwrap())
            }
        }
    }

    fn uri(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}/test.db", folder.path().display()),
            Self::Postgres(_, uri) => uri.clone(),
        }
    }

    fn options(&self) -> Options {
        Options {
            uri: self.uri().into(),
            max_connections: 2,
        }
    }

    async fn open(&self) -> Result<Store, Error> {
        Store::open(&self.options(), &rows::key()).await
    }

    /// Its file in the folder of a release.
    fn file(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite.sql",
            Self::Postgres(..) => "postgres.sql",
        }
    }

    async fn dump(&self) -> String {
        match self {
            Self::Sqlite(_) => dump::of_sqlite(&self.uri()).await,
            Self::Postgres(postgres, uri) => postgres.dump(uri).await.unwrap(),
        }
    }

    async fn load(&self, text: &str) {
        match self {
            Self::Sqlite(_) => dump::into_sqlite(&self.uri(), text).await,
            Self::Postgres(postgres, uri) => postgres.load(uri, text).await.unwrap(),
        }
    }

    /// The same with a row in every table, as text.
    async fn frozen_today(&self) -> String {
        let store = self.open().await.unwrap();
        rows::put(&store).await;
        store.close().await;
        self.dump().await
    }
}

#[tokio::test]
async fn every_released_schema_migrates_forward_with_all_its_rows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas");
    for base in Base::both().await {
        let mut frozen = vec![("today's".to_owned(), base.frozen_today().await)];
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                let text = std::fs::read_to_string(entry.path().join(base.file())).unwrap();
                frozen.push((entry.file_name().to_string_lossy().into_owned(), text));
            }
        }
        for (version, text) in frozen {
            assert_eq!(
                dump::without_rows(&text),
                [""; 0],
                "{version}: empty tables"
            );
            let base = base.another().await;
            base.load(&text).await;
            let found = Store::probe(&base.options(), &rows::key()).await.unwrap();
            assert!(
                matches!(found, Probe::Older | Probe::Current),
                "{version}: {found:?}"
            );
            let store = base.open().await.unwrap();
            rows::check(&store).await;
            store.check().await.unwrap();
            store.close().await;
            let found = Store::probe(&base.options(), &rows::key()).await.unwrap();
            assert_eq!(found, Probe::Current, "{version}");
        }
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_untouched() {
    for base in Base::both().await {
        let text = base.frozen_today().await;
        let base = base.another().await;
        base.load(&text).await;
        base.load(
            "CREATE TABLE of_the_future (id BIGINT);
            INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                SELECT 9999, 'of the future', success, checksum, 1 FROM _sqlx_migrations WHERE version = 1;",
        )
        .await;
        let before = base.dump().await;
        let opened = base.open().await;
        assert!(matches!(opened, Err(Error::Newer)), "{opened:?}");
        let opened = Store::open_alone(&base.options(), &rows::key()).await;
        assert!(matches!(opened, Err(Error::Newer)), "{:?}", opened.err());
        assert_eq!(base.dump().await, before);
    }
}

/// Whoever changes a migration that is out in the world hears of it.
#[tokio::test]
async fn a_migration_that_is_not_the_one_we_know_is_refused() {
    for base in Base::both().await {
        let text = base.frozen_today().await;
        let base = base.another().await;
        base.load(&text).await;
        base.load("UPDATE _sqlx_migrations SET checksum = (SELECT value FROM meta LIMIT 1);")
            .await;
        let before = base.dump().await;
        let opened = base.open().await;
        assert!(
            matches!(&opened, Err(Error::Unusable(words)) if words.contains("step 1")),
            "{opened:?}"
        );
        assert_eq!(base.dump().await, before);
    }
}
