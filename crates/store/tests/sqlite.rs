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
