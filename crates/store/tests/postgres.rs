//! What only a server can get wrong.

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
