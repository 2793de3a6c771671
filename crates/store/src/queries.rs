//! The store's methods, one file a subject.
//!
//! Each file lists its SQL with [`sql!`], which makes a constant of each text and a list of all, so that the test below
//! can prepare them on both back ends. One more file is one more line in `EVERY`.

mod awaited;
mod deliveries;
mod edits;
mod ghosts;
mod items;
mod lanes;
mod logins;
mod marks;
mod media;
mod messages;
mod portals;
mod sweeps;
mod tickets;
mod users;

/// Names texts of SQL, and lists them as `SQL`.
macro_rules! sql {
    ($($name:ident = $text:expr;)*) => {
        $(pub(super) const $name: &str = $text;)*
        #[cfg(test)]
        pub(crate) const SQL: &[&str] = &[$($name),*];
    };
}
pub(crate) use sql;

/// Those of many rows that can be read. One that cannot, since a disk has damaged it perhaps, is told of in the log and
/// holds nobody else up.
fn readable<T>(
    rows: &[crate::db::Row],
    table: &str,
    read: impl Fn(&crate::db::Row) -> Result<T, crate::Error>,
) -> Result<Vec<T>, crate::Error> {
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        match read(row) {
            Ok(it) => found.push(it),
            Err(error @ crate::Error::Corrupt(_)) => {
                let id = row.get::<i64>(0).ok();
                tracing::error!(table, id, %error, "a row is left out; mend or delete it");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, SecretKey, Store};

    const EVERY: [&[&str]; 15] = [
        crate::open::SQL,
        awaited::SQL,
        deliveries::SQL,
        edits::SQL,
        ghosts::SQL,
        items::SQL,
        lanes::SQL,
        logins::SQL,
        marks::SQL,
        media::SQL,
        messages::SQL,
        portals::SQL,
        sweeps::SQL,
        tickets::SQL,
        users::SQL,
    ];

    #[tokio::test]
    async fn both_back_ends_take_every_text() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = format!("sqlite:{}/test.db", folder.path().display());
        for uri in [sqlite, testbed::postgres::database().await.unwrap()] {
            let options = Options {
                uri: uri.into(),
                max_connections: 1,
            };
            let store = Store::open(&options, &SecretKey::new([1; 32]))
                .await
                .unwrap();
            for text in EVERY.concat() {
                if let Err(error) = store.db.end.prepare(text).await {
                    panic!("{text}\n{error}");
                }
            }
            store.close().await;
        }
    }

    /// What is asked for each item must not read all that waits behind it.
    #[tokio::test]
    async fn no_question_about_an_item_reads_its_whole_lane() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            uri: format!("sqlite:{}/test.db", folder.path().display()).into(),
            max_connections: 1,
        };
        let store = Store::open(&options, &SecretKey::new([1; 32]))
            .await
            .unwrap();
        for text in [
            items::NEXT_ITEM,
            items::LAST_ITEMS,
            items::ABOUT,
            items::ATTEMPTING_IN,
            items::FAILED_ITEM,
            lanes::WITHDRAW,
            lanes::LATER,
        ] {
            let explain: &'static str = format!("EXPLAIN QUERY PLAN {text}").leak();
            let args = ["1"; 4].map(crate::db::Arg::from);
            let count = (1..=4).filter(|n| text.contains(&format!("${n}"))).count();
            let plan = store.db.rows(explain, &args[..count]).await.unwrap();
            for step in plan {
                let step: String = step.get(3).unwrap();
                // In these, the first row is what is asked for, or all of the few are.
                let is_sorted = ["items_open (lane=?)", "items_attempting (lane=?)"]
                    .iter()
                    .any(|index| step.ends_with(index));
                let is_lane = step.ends_with("(lane=?)") && !is_sorted;
                assert!(
                    !is_lane && !step.starts_with("SCAN items"),
                    "{step}: {text}"
                );
            }
        }
        store.close().await;
    }
}
