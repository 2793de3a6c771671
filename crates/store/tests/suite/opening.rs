//! Opening: again, after a kill, with the wrong key, by an older program, on a wrong database.

use sqlx::{AssertSqlSafe, Connection, Executor};
use store::{Error, Probe, SecretKey, Store};

use super::lanes::item;
use crate::{Base, alice, key};

/// Changes a database behind the store's back.
pub(crate) async fn meddle(base: &Base, sql: &str) {
    use secrecy::ExposeSecret;
    let options = base.options();
    let uri = options.uri.expose_secret();
    if uri.starts_with("postgres") {
        let mut connection = sqlx::PgConnection::connect(uri).await.unwrap();
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let uri = format!("{uri}?mode=rwc");
        let mut connection = sqlx::SqliteConnection::connect(&uri).await.unwrap();
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
        connection.close().await.unwrap();
    }
}

pub(crate) async fn opens_again(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    store.close().await;
    let store = base.open().await;
    assert_eq!(
        store.login_of(&login.mxid).await.unwrap(),
        Some(login.clone())
    );
    assert_eq!(store.portal(portal.id).await.unwrap(), Some(portal));
    assert!(store.login_credentials(login.id).await.unwrap().is_some());
}

pub(crate) async fn without_closing(base: Base) {
    let store = base.open().await;
    let (login, portal) = alice(&store).await;
    store
        .accept_events(&[item(portal.id, Some(login.id), "$a")], 1)
        .await
        .unwrap();
    let id = store
        .next_item(&store::Lane::ToRemote(portal.id))
        .await
        .unwrap()
        .unwrap()
        .id;
    store.attempt(id, Some("note"), 2).await.unwrap();
    drop(store);
    let store = base.open().await;
    let left = store
        .next_item(&store::Lane::ToRemote(portal.id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (left.id, left.state, left.note.as_deref()),
        (id, store::ItemState::Attempting, Some("note"))
    );
    assert!(
        store
            .accept_events(&[item(portal.id, Some(login.id), "$a")], 3)
            .await
            .unwrap()
            .lanes
            .is_empty()
    );
}

pub(crate) async fn another_key(base: Base) {
    let store = base.open().await;
    let (login, _) = alice(&store).await;
    store.close().await;
    let other = Store::open(&base.options(), &SecretKey::new([1; 32])).await;
    assert!(matches!(other, Err(Error::WrongKey)));
    let store = base.open().await;
    assert!(
        store.login_credentials(login.id).await.unwrap().is_some(),
        "nothing was changed"
    );
}

pub(crate) async fn a_newer_schema(base: Base) {
    base.open().await.close().await;
    meddle(
        &base,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            SELECT 9999, 'of the future', success, checksum, 1 FROM _sqlx_migrations WHERE version = 1",
    )
    .await;
    let refused = async || {
        let opened = Store::open(&base.options(), &key()).await;
        assert!(matches!(&opened, Err(Error::Newer)), "{opened:?}");
    };
    refused().await;
    // Whatever it calls its tables, and whatever of our steps it has put together: nothing is read of them, nor made anew.
    for (there, back) in [
        (
            "ALTER TABLE meta RENAME TO settings",
            "ALTER TABLE settings RENAME TO meta",
        ),
        (
            "UPDATE _sqlx_migrations SET version = -1 WHERE version = 1",
            "UPDATE _sqlx_migrations SET version = 1 WHERE version = -1",
        ),
    ] {
        meddle(&base, there).await;
        refused().await;
        meddle(&base, back).await;
    }
    meddle(&base, "DELETE FROM _sqlx_migrations WHERE version = 9999").await;
    base.open().await.check().await.unwrap();
}

pub(crate) async fn somebody_elses_database(base: Base) {
    meddle(&base, "CREATE TABLE events (id BIGINT)").await;
    let refused = Store::open(&base.options(), &key()).await;
    assert!(
        matches!(&refused, Err(Error::Unusable(words)) if words.contains("another program")),
        "{refused:?}"
    );
    // Our tables are not in it.
    meddle(&base, "CREATE TABLE meta (id BIGINT)").await;
}

pub(crate) async fn after_close(base: Base) {
    let store = base.open().await;
    store.close().await;
    let error = store.check().await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(store.mark("a", "b", 1).await.unwrap_err().is_transient());
    assert!(
        store
            .accept_remote(1, &[], Some("m1"), 1)
            .await
            .unwrap_err()
            .is_transient()
    );
}

pub(crate) async fn twice_at_once(base: Base) {
    let (one, two) = tokio::join!(base.open(), base.open());
    let (login, portal) = alice(&one).await;
    assert_eq!(two.portal(portal.id).await.unwrap(), Some(portal.clone()));
    let (a, b) = (
        [item(portal.id, Some(login.id), "$a")],
        [item(portal.id, Some(login.id), "$a")],
    );
    let (first, second) = tokio::join!(one.accept_events(&a, 1), two.accept_events(&b, 1));
    assert_eq!(
        first.unwrap().lanes.len() + second.unwrap().lanes.len(),
        1,
        "only one of them got it"
    );
}

pub(crate) async fn a_look_changes_nothing(base: Base) {
    let look = async || Store::probe(&base.options(), &key()).await;
    assert_eq!(look().await.unwrap(), Probe::Absent);
    assert_eq!(look().await.unwrap(), Probe::Absent, "it made nothing");
    let store = base.open().await;
    assert_eq!(
        look().await.unwrap(),
        Probe::Current,
        "even while it is in use"
    );
    store.close().await;
    let other = Store::probe(&base.options(), &SecretKey::new([1; 32])).await;
    assert!(matches!(other, Err(Error::WrongKey)));
    base.open().await.check().await.unwrap();
}

pub(crate) async fn one_process_at_a_time(base: Base) {
    let alone = async || Store::open_alone(&base.options(), &key()).await;
    let (store, claim) = alone().await.unwrap();
    let refused = alone().await;
    assert!(matches!(&refused, Err(Error::InUse)), "{refused:?}");
    assert_eq!(
        Store::probe(&base.options(), &key()).await.unwrap(),
        Probe::Current,
        "a look does no harm"
    );
    store.check().await.unwrap();
    // As when the process dies: nothing is said to the database.
    drop((store, claim));
    let (store, _claim) = alone().await.unwrap();
    store.check().await.unwrap();
}
