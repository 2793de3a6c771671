//! Faults that only somebody with the connection in hand can make: a full or read-only file, a migration that breaks off.

use sqlx::{AssertSqlSafe, Executor as _};

use super::*;
use crate::{Lane, NewItem};

#[path = "../../tests/schemas/rows.rs"]
mod rows;

async fn open(uri: String, max_connections: u32) -> Store {
    let options = Options {
        uri: uri.into(),
        max_connections,
    };
    Store::open(&options, &rows::key()).await.unwrap()
}

/// A file, and what removes it.
async fn file() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(format!("sqlite:{}/test.db", folder.path().display()), 1).await;
    (folder, store)
}

async fn server(max_connections: u32) -> Store {
    open(
        testbed::postgres::database().await.unwrap(),
        max_connections,
    )
    .await
}

async fn execute(store: &Store, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    match &store.db.end {
        BackEnd::Sqlite(lite) => {
            let mut lite = lite.lock().await;
            lite.ready().await.unwrap().execute(sql).await.unwrap();
        }
        BackEnd::Postgres(server) => {
            server.pool().execute(sql).await.unwrap();
        }
        BackEnd::Stepped(..) => unreachable!("it takes no steps"),
    }
}

async fn count(store: &Store, sql: &'static str) -> i64 {
    store
        .db
        .row(sql, &[])
        .await
        .unwrap()
        .unwrap()
        .get(0)
        .unwrap()
}

fn items(from: i64, count: i64) -> Vec<NewItem> {
    let item = |n| NewItem {
        lane: Lane::ToRemote(1),
        login_id: None,
        key: format!("$event{n}"),
        about: None,
        payload: "x".repeat(2000),
    };
    (from..from + count).map(item).collect()
}

fn says(error: &Error, words: &str) {
    assert!(
        matches!(error, Error::Unavailable(said) if said.contains(words)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_full_disk_takes_all_of_a_transaction_or_nothing() {
    let (_folder, store) = file().await;
    store.accept_events(&items(0, 1), 1).await.unwrap();
    execute(&store, "PRAGMA max_page_count = 1").await;
    let mut taken = 1;
    // The pages that it has may still take a little.
    let error = loop {
        match store.accept_events(&items(taken, 50), 1).await {
            Ok(_) => taken += 50,
            Err(error) => break error,
        }
    };
    says(&error, "make room on its disk");
    // What it asks of the database would go through: it adds nothing.
    says(&store.check().await.unwrap_err(), "make room on its disk");
    let stored = "SELECT COUNT(*) FROM items";
    assert_eq!(count(&store, stored).await, taken);
    execute(&store, "PRAGMA max_page_count = 1000000").await;
    // The homeserver repeats it.
    store.accept_events(&items(taken, 50), 2).await.unwrap();
    store.check().await.unwrap();
    assert_eq!(count(&store, stored).await, taken + 50);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM seen").await, taken + 50);
}

#[tokio::test]
async fn a_read_only_file_is_not_ready() {
    let (_folder, store) = file().await;
    execute(&store, "PRAGMA query_only = 1").await;
    says(&store.check().await.unwrap_err(), "writable for the bridge");
    let refused = store.accept_events(&items(0, 20), 1).await;
    says(&refused.unwrap_err(), "writable for the bridge");
    execute(&store, "PRAGMA query_only = 0").await;
    store.accept_events(&items(0, 20), 1).await.unwrap();
    store.check().await.unwrap();
    assert_eq!(count(&store, "SELECT COUNT(*) FROM items").await, 20);
}

#[tokio::test]
async fn a_read_only_server_is_not_ready() {
    let store = server(1).await;
    execute(&store, "SET default_transaction_read_only = on").await;
    let refused = store.accept_events(&items(0, 20), 1).await.unwrap_err();
    says(&refused, "takes no changes");
    says(&store.check().await.unwrap_err(), "takes no changes");
    execute(&store, "SET default_transaction_read_only = off").await;
    store.accept_events(&items(0, 20), 1).await.unwrap();
    store.check().await.unwrap();
    assert_eq!(count(&store, "SELECT COUNT(*) FROM items").await, 20);
}

#[tokio::test]
async fn a_pool_that_is_exhausted_is_waited_for_and_then_told() {
    let store = server(2).await;
    let BackEnd::Postgres(server) = &store.db.end else {
        unreachable!("it is a server")
    };
    let pool = server.pool();
    let held = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    let refused = store.accept_events(&items(0, 1), 1).await.unwrap_err();
    says(&refused, "database.max_connections");
    drop(held);
    store.accept_events(&items(0, 1), 1).await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_gives_nothing_up() {
    use std::os::unix::fs::FileExt as _;

    let (folder, store) = file().await;
    store.accept_events(&items(0, 200), 1).await.unwrap();
    store.close().await;
    let path = folder.path().join("test.db");
    let length = std::fs::metadata(&path).unwrap().len();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    // All pages of rows; the schema in front stays.
    let from = length / 4 * 3;
    let length = usize::try_from(length - from).unwrap();
    file.write_all_at(&vec![0xff; length], from).unwrap();
    let store = open(format!("sqlite:{}", path.display()), 1).await;
    let mut found = None;
    for n in 0..200 {
        if let Err(error) = store
            .failed_item(&Lane::ToRemote(1), &format!("$event{n}"))
            .await
        {
            found = Some(error);
        }
        if let Err(error) = store.is_seen(&format!("$event{n}")).await {
            found = Some(error);
        }
    }
    if let Err(error) = store.db.rows("SELECT * FROM items", &[]).await {
        found = Some(error);
    }
    says(&found.unwrap(), "restore a backup");
}

/// The migrations as they are, and one more that breaks off in the middle.
async fn one_more(of: &str, sql: &str) -> Migrator {
    let folder = tempfile::tempdir().unwrap();
    let known = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(of);
    for entry in std::fs::read_dir(known).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    std::fs::write(
        folder.path().join("9998_good.sql"),
        "CREATE TABLE whole (id BIGINT)",
    )
    .unwrap();
    std::fs::write(folder.path().join("9999_more.sql"), sql).unwrap();
    let mut steps = Migrator::new(folder.path()).await.unwrap();
    steps.set_locking(false);
    steps
}

#[tokio::test]
async fn a_migration_that_breaks_off_leaves_all_as_it_was() {
    let half =
        "CREATE TABLE half (id BIGINT); DELETE FROM meta; ALTER TABLE items ADD COLUMN half TEXT;
        UPDATE items SET half = key, payload = ''; SELECT nothing FROM nowhere";
    let full = "CREATE TABLE half (id BIGINT); ALTER TABLE items ADD COLUMN half TEXT; UPDATE items SET half = key;
        ALTER TABLE portals RENAME COLUMN topic TO subject; ALTER TABLE portals RENAME COLUMN subject TO topic";
    let (_folder, file) = file().await;
    for store in [file, server(2).await] {
        rows::put(&store).await;
        let breaks = (
            one_more("sqlite", half).await,
            one_more("postgres", half).await,
        );
        store.migrate(&breaks.0, &breaks.1).await.unwrap_err();
        assert_eq!(store.inspect().await.unwrap(), Probe::Current);
        rows::check(&store).await;
        let tables = match &store.db.end {
            BackEnd::Sqlite(_) => SQLITE_TABLES,
            _ => POSTGRES_TABLES,
        };
        let names = async || -> Vec<String> {
            let rows = store.db.rows(tables, &[]).await.unwrap();
            rows.iter().map(|row| row.get(0).unwrap()).collect()
        };
        let before = names().await;
        assert!(
            !before.iter().any(|name| name == "half" || name == "whole"),
            "{before:?}"
        );
        // Mended, it goes forward with all that was in it; and this program then leaves it alone.
        let mended = (
            one_more("sqlite", full).await,
            one_more("postgres", full).await,
        );
        store.migrate(&mended.0, &mended.1).await.unwrap();
        rows::check(&store).await;
        assert_eq!(names().await.len(), before.len() + 2);
        assert!(matches!(store.inspect().await, Err(Error::Newer)));
    }
}
