//! The throw-away PostgreSQL: databases apart from each other, data kept over a crash, nothing left behind.

use std::path::Path;
use std::process::Command;

use testbed::postgres::{self, Postgres};
use testbed::progress::Lines;

fn sql(uri: &str, statement: &str) -> Result<String, String> {
    let done = Command::new("psql")
        .args([uri, "-qAtc", statement])
        .output()
        .expect("psql is installed");
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes)
            .expect("psql speaks UTF-8")
            .trim()
            .to_owned()
    };
    if done.status.success() {
        Ok(text(done.stdout))
    } else {
        Err(text(done.stderr))
    }
}

#[tokio::test]
async fn each_database_is_empty_and_apart() {
    let (one, two) = (
        postgres::database().await.unwrap(),
        postgres::database().await.unwrap(),
    );
    assert_ne!(one, two);
    sql(&one, "create table t (a bigint)").unwrap();
    assert!(
        sql(&two, "select * from t")
            .unwrap_err()
            .contains("does not exist")
    );
    assert_eq!(sql(&two, "show server_encoding").unwrap(), "UTF8");
}

#[tokio::test]
async fn committed_rows_outlive_a_crash_and_the_data_goes_with_its_owner() {
    let mut cluster = Postgres::start(&Lines).await.unwrap();
    let uri = cluster.database().await.unwrap();
    sql(&uri, "create table t (a bigint)").unwrap();
    sql(&uri, "insert into t values (7)").unwrap();
    cluster.crash().await.unwrap();
    assert_eq!(sql(&uri, "select a from t").unwrap(), "7");

    let home = uri.split_once("host=").unwrap().1.to_owned();
    assert!(Path::new(&home).exists());
    drop(cluster);
    assert!(!Path::new(&home).exists());
}
