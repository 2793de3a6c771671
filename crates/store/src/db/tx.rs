//! A transaction.

use sqlx::{Postgres, Transaction};
use tokio::sync::OwnedMutexGuard;

use super::Lite;
use super::value::{self, Arg, Row};
use crate::Error;

/// Several statements, one commit.
pub(crate) enum Tx {
    /// If it is dropped, whoever uses the connection next rolls it back.
    Sqlite(OwnedMutexGuard<Lite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Makes the others who take it wait until the transaction ends. PostgreSQL only: SQLite has one writer anyway.
pub(crate) const TAKE_TURNS: &str = "SELECT pg_advisory_xact_lock(6733279417)";

impl Tx {
    pub(crate) async fn run(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, Error> {
        Ok(match self {
            Self::Sqlite(lite) => value::sqlite(sql, args)
                .execute(lite.inside()?)
                .await?
                .rows_affected(),
            Self::Postgres(tx) => value::postgres(sql, args)
                .execute(&mut **tx)
                .await?
                .rows_affected(),
        })
    }

    pub(crate) async fn row(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<Row>, Error> {
        Ok(match self {
            Self::Sqlite(lite) => {
                let rows = value::sqlite(sql, args).fetch_all(lite.inside()?).await?;
                rows.into_iter().next().map(Row::Sqlite)
            }
            Self::Postgres(tx) => {
                let rows = value::postgres(sql, args).fetch_all(&mut **tx).await?;
                rows.into_iter().next().map(Row::Postgres)
            }
        })
    }

    /// Waits for its turn: of two transactions which took turns, the rows of the first have the lower ids and are
    /// committed before the second begins. A lane is worked by id, so a row must not appear behind one that was worked.
    pub(crate) async fn take_turns(&mut self) -> Result<(), Error> {
        if let Self::Postgres(_) = self {
            self.run(TAKE_TURNS, &[]).await?;
        }
        Ok(())
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(mut lite) => lite.commit().await,
            Self::Postgres(tx) => Ok(tx.commit().await?),
        }
    }
}
