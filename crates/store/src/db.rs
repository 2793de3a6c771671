//! SQL on either back end.
//!
//! What differs between them stays in here: the connections, `BEGIN`, and how values go in and out. One more type of value
//! is one more variant of [`Arg`], if both know it.

mod sqlite;
mod tx;
mod value;

use std::sync::Arc;

use sqlx::PgPool;

pub(crate) use sqlite::Lite;
pub(crate) use tx::Tx;
pub(crate) use value::{Arg, Row};

use crate::Error;

/// A database.
#[derive(Clone, Debug)]
pub(crate) enum Db {
    /// One connection in all: SQLite writes one at a time anyway, and each connection costs a thread and a cache. A lock
    /// instead of a pool, since pools run on timers, which fire at once under virtual time.
    Sqlite(Arc<tokio::sync::Mutex<Lite>>),
    Postgres(PgPool),
}

/// Values for `$1`, `$2`, …
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Arg::from($value)),*] };
}
pub(crate) use args;

impl Db {
    /// Runs one statement as a commit of its own, and gives the number of rows it touched.
    pub(crate) async fn run(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, Error> {
        Ok(match self {
            Self::Sqlite(lite) => {
                let mut lite = lite.lock().await;
                let query = value::sqlite(sql, args);
                query.execute(lite.ready().await?).await?.rows_affected()
            }
            Self::Postgres(pool) => value::postgres(sql, args)
                .execute(pool)
                .await?
                .rows_affected(),
        })
    }

    /// All rows of a query.
    pub(crate) async fn rows(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, Error> {
        Ok(match self {
            Self::Sqlite(lite) => {
                let mut lite = lite.lock().await;
                let query = value::sqlite(sql, args);
                let rows = query.fetch_all(lite.ready().await?).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(pool) => {
                let rows = value::postgres(sql, args).fetch_all(pool).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row of a query.
    pub(crate) async fn row(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<Row>, Error> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    /// Begins a transaction that may write. Dropped without [`Tx::commit`], nothing of it happened.
    pub(crate) async fn begin(&self) -> Result<Tx, Error> {
        Ok(match self {
            Self::Sqlite(lite) => {
                let mut lite = Arc::clone(lite).lock_owned().await;
                lite.begin().await?;
                Tx::Sqlite(lite)
            }
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Whether the back end takes this text.
    #[cfg(test)]
    pub(crate) async fn prepare(&self, sql: &'static str) -> Result<(), Error> {
        use sqlx::{Executor as _, SqlSafeStr as _};

        match self {
            Self::Sqlite(lite) => {
                let mut lite = lite.lock().await;
                lite.ready().await?.prepare(sql.into_sql_str()).await?;
            }
            Self::Postgres(pool) => {
                pool.acquire().await?.prepare(sql.into_sql_str()).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(lite) => lite.lock().await.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
