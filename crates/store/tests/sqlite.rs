//! What only a file can get wrong.

use std::os::unix::fs::PermissionsExt;

use store::{Error, Options, SecretKey, Store};

async fn open(uri: String) -> Result<Store, Error> {
    let options = Options {
        uri: uri.into(),
        max_connections: 5,
    };
    Store::open(&options, &SecretKey::new([42; 32])).await
}

#[tokio::test]
async fn only_its_owner_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(format!("sqlite:{}/new.db", folder.path().display()))
        .await
        .unwrap();
    store.mark("a", "b", 1).await.unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
        files += 1;
    }
    assert_eq!(files, 3, "the database, its log and its index");
}

#[tokio::test]
async fn says_what_is_wrong_with_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    std::fs::write(
        folder.path().join("text"),
        "This is not a database. ".repeat(100),
    )
    .unwrap();
    for (uri, words) in [
        (format!("sqlite:{path}/text"), "it is no SQLite database"),
        (
            format!("sqlite:{path}/missing/new.db"),
            "No such file or directory",
        ),
        (format!("sqlite:{path}"), "cannot use the database"),
        (
            "mysql://localhost/x".to_owned(),
            "`database.uri` has to begin with",
        ),
        (String::new(), "`database.uri` has to begin with"),
    ] {
        let error = open(uri.clone()).await.unwrap_err();
        assert!(
            matches!(&error, Error::Unusable(said) if said.contains(words)),
            "{uri}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_database_in_memory_works_too() {
    let store = open("sqlite::memory:".to_owned()).await.unwrap();
    assert!(store.mark("a", "b", 1).await.unwrap());
    assert!(store.marked("a", "b").await.unwrap());
}

#[tokio::test]
async fn no_timer_can_end_a_call() {
    let store = open("sqlite::memory:".to_owned()).await.unwrap();
    tokio::time::pause();
    let calls = (0..50).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.mark("a", &n.to_string(), n).await.unwrap() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert!(call.await.unwrap());
    }
}

#[tokio::test]
async fn a_link_leads_to_the_same_claim() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let alone = async |name: &str| {
        let options = Options {
            uri: format!("sqlite:{path}/{name}").into(),
            max_connections: 1,
        };
        Store::open_alone(&options, &SecretKey::new([42; 32])).await
    };
    let _first = alone("new.db").await.unwrap();
    std::os::unix::fs::symlink(folder.path().join("new.db"), folder.path().join("link.db"))
        .unwrap();
    assert!(matches!(alone("link.db").await, Err(Error::InUse)));
    alone("other.db").await.unwrap();
}

/// PostgreSQL refuses such a text itself.
#[tokio::test]
async fn a_payload_that_is_no_text_holds_nobody_up() {
    use sqlx::{Connection as _, Executor as _};
    use store::{Lane, NewItem, NewLogin};

    let folder = tempfile::tempdir().unwrap();
    let uri = format!("sqlite:{}/new.db", folder.path().display());
    let store = open(uri.clone()).await.unwrap();
    let login = store
        .put_login(&NewLogin {
            mxid: "@alice:example.org".to_owned(),
            person_id: "p".to_owned(),
            username: "alice".to_owned(),
            display_name: "Alice".to_owned(),
            credentials: "token".to_owned().into(),
            now: 1,
        })
        .await
        .unwrap();
    let item = |key: &str| NewItem {
        lane: Lane::ToRemote(1),
        login_id: Some(login.id),
        key: key.to_owned(),
        about: None,
        payload: "{}".to_owned(),
    };
    store
        .accept_events(&[item("$a"), item("$b")], 1)
        .await
        .unwrap();
    let mut behind = sqlx::SqliteConnection::connect(&uri).await.unwrap();
    behind
        .execute("UPDATE items SET payload = X'fffe' WHERE key = '$a'")
        .await
        .unwrap();
    let lane = Lane::ToRemote(1);
    let error = store.next_item(&lane).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt(_)), "{error:?}");
    let head = store.head(&lane).await.unwrap().unwrap();
    store.fail_item(head, "unreadable", 2).await.unwrap();
    assert_eq!(store.next_item(&lane).await.unwrap().unwrap().key, "$b");
    let failed = store.failed_items("@alice:example.org").await.unwrap();
    let [failed] = failed.as_slice() else {
        panic!("{failed:?}")
    };
    assert_eq!((failed.key.as_str(), failed.payload.as_str()), ("$a", ""));
    assert!(store.discard_item(failed.id).await.unwrap());
}
