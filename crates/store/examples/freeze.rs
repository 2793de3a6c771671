//! Freezes today's schema as that of a release: a whole database with a row in every table, as SQL for each back end.
//! `cargo xtask freeze VERSION` runs it; `tests/schemas.rs` migrates what it made forward for ever after.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a developer runs it, and looks what it says"
)]

#[path = "../tests/schemas/dump.rs"]
#[allow(dead_code, reason = "only the tests load")]
mod dump;
#[path = "../tests/schemas/rows.rs"]
#[allow(dead_code, reason = "only the tests check")]
mod rows;

use std::path::Path;

use store::{Options, Store};

#[tokio::main]
async fn main() {
    let version = std::env::args().nth(1).unwrap_or_default();
    let is_version = |text: &str| {
        let parts: Vec<_> = text.split('.').collect();
        parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
    };
    assert!(is_version(&version), "say which version, such as 1.2.3");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/schemas")
        .join(&version);
    assert!(!folder.exists(), "{} is frozen already", folder.display());
    let home = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}/new.db", home.path().display());
    fill(&sqlite).await;
    let postgres = testbed::postgres::shared().await.unwrap();
    let uri = postgres.database().await.unwrap();
    fill(&uri).await;
    let dumps = [
        ("sqlite.sql", dump::of_sqlite(&sqlite).await),
        ("postgres.sql", postgres.dump(&uri).await.unwrap()),
    ];
    for (_, text) in &dumps {
        assert_eq!(dump::without_rows(text), [""; 0], "tables without rows");
    }
    std::fs::create_dir(&folder).unwrap();
    for (name, text) in dumps {
        std::fs::write(folder.join(name), text).unwrap();
    }
    println!(
        "{} holds the schema of {version} now; commit it",
        folder.display()
    );
}

async fn fill(uri: &str) {
    let options = Options {
        uri: uri.to_owned().into(),
        max_connections: 2,
    };
    let store = Store::open(&options, &rows::key()).await.unwrap();
    rows::put(&store).await;
    store.close().await;
}
