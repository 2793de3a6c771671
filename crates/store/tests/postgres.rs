//! What only a server can get wrong.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by unwrapping"
)]

use sqlx::{Connection as _, Executor as _};
use store::{Error, Options, SecretKey, Store};
use testbed::postgres::Postgres;
use testbed::progress::Lines;

async fn open(uri: &str) -> Result<Store, Error> {
    let options = Options {
        uri: uri.to_owned().into(),
        max_connections: 2,
    };
    Store::open(&options, &SecretKey::new([42; 32])).await
}

#[tokio::test]
async fn says_what_is_wrong_without_the_password() {
    let uri = testbed::postgres::database().await.unwrap();
    let missing = uri.replace("/test", "/absent");
    let error = open(&missing).await.unwrap_err();
    assert!(
        matches!(&error, Error::Unusable(words) if words.contains("does not exist")),
        "{error:?}"
    );
    let stranger = uri.replace("postgres@", "stranger:hunter2@");
    let error = open(&stranger).await.unwrap_err();
    assert!(matches!(error, Error::Unusable(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("hunter2"));
    for broken in ["postgres://u:hunter2@h:port/x", "postgres://u:hunter2@[/x"] {
        let error = open(broken).await.unwrap_err();
        assert!(
            matches!(error, Error::Unusable(_)) && !format!("{error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
    let error = open("postgres://u:hunter2@127.0.0.1:1/x")
        .await
        .unwrap_err();
    assert!(
        error.is_transient() && !format!("{error:?}").contains("hunter2"),
        "{error:?}"
    );
}

#[tokio::test]
async fn survives_a_crash_of_the_server() {
    let mut postgres = Postgres::start(&Lines).await.unwrap();
    let store = open(&postgres.database().await.unwrap()).await.unwrap();
    assert!(store.mark("a", "before", 1).await.unwrap());
    postgres.crash().await.unwrap();
    let mut passed = 0;
    // The connections of old may fail once each; then it goes on without being opened anew.
    while let Err(error) = store.mark("a", "after", 2).await {
        assert!(error.is_transient(), "{error:?}");
        passed += 1;
        assert!(passed < 10, "{error:?}");
    }
    assert!(store.marked("a", "before").await.unwrap());
}

/// Ends every connection but our own, as an admin does, or a proxy between.
async fn cut_all(uri: &str) {
    let mut admin = sqlx::PgConnection::connect(uri).await.unwrap();
    admin
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    admin.close().await.unwrap();
}

/// Waits until the store is refused its database, or gets it back.
async fn until(store: &Store, there: bool) {
    while store.mark("a", "again", 1).await.is_ok() != there {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_lock_is_taken_again_after_a_cut() {
    let postgres = Postgres::start(&Lines).await.unwrap();
    let uri = postgres.database().await.unwrap();
    let alone = async || {
        let options = Options {
            uri: uri.clone().into(),
            max_connections: 2,
        };
        Store::open_alone(&options, &SecretKey::new([42; 32])).await
    };
    let (store, mut claim) = alone().await.unwrap();
    store.check().await.unwrap();
    cut_all(&uri).await;
    // The pool makes new connections, and each looks first: by now another process may have the lock.
    let error = store.mark("a", "b", 1).await.unwrap_err();
    assert!(
        matches!(&error, Error::Unavailable(words) if words.contains("lock")),
        "{error:?}"
    );
    let watch = tokio::spawn(async move { claim.lost().await });
    until(&store, true).await;
    let mut admin = sqlx::PgConnection::connect(&uri).await.unwrap();
    let locked = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND granted";
    while sqlx::query_scalar::<_, i64>(locked)
        .fetch_one(&mut admin)
        .await
        .unwrap()
        == 0
    {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    until(&store, true).await;
    assert!(matches!(alone().await, Err(Error::InUse)));
    assert!(!watch.is_finished(), "it is ours as before");
    watch.abort();
}

#[tokio::test]
async fn nothing_is_written_once_another_has_the_lock() {
    let postgres = Postgres::start(&Lines).await.unwrap();
    let uri = postgres.database().await.unwrap();
    let alone = async || {
        let options = Options {
            uri: uri.clone().into(),
            max_connections: 2,
        };
        Store::open_alone(&options, &SecretKey::new([42; 32])).await
    };
    let (store, mut claim) = alone().await.unwrap();
    cut_all(&uri).await;
    let (_second, _theirs) = alone().await.unwrap();
    // Only now does the first look.
    let watch = tokio::spawn(async move { claim.lost().await });
    until(&store, false).await;
    let error = store.mark("a", "b", 1).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    watch.abort();
}
