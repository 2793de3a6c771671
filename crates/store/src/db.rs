//! SQL on either back end.
//!
//! What differs between them stays in here: the connections, `BEGIN`, and how values go in and out. One more type of value
//! is one more variant of [`Arg`], if both know it.

mod batch;
mod server;
mod sqlite;
mod stepped;
mod trouble;
mod value;

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use sqlx::{Connection as _, Either, Executor as _, PgConnection};

pub(crate) use batch::{Answer, Batch};
pub(crate) use server::{Held, SILENT, Server};
pub(crate) use sqlite::Lite;
pub use stepped::Steps;
pub(crate) use value::{Arg, Row};

use server::in_time;
use trouble::{Kind, Trouble};

use crate::Error;

/// A database.
#[derive(Clone, Debug)]
pub(crate) struct Db {
    pub(crate) end: BackEnd,
    trouble: Arc<Trouble>,
}

/// Where it is.
#[derive(Clone, Debug)]
pub(crate) enum BackEnd {
    /// One connection in all: SQLite writes one at a time anyway, and each connection costs a thread and a cache. A lock
    /// instead of a pool, since pools run on timers, which fire at once under virtual time.
    Sqlite(Arc<tokio::sync::Mutex<Lite>>),
    Postgres(Server),
    /// One of the others, in steps.
    Stepped(Arc<Self>, Arc<dyn Steps>),
}

/// Values for `$1`, `$2`, …
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Arg::from($value)),*] };
}
pub(crate) use args;

impl Db {
    pub(crate) fn new(end: BackEnd) -> Self {
        Self {
            end,
            trouble: Arc::default(),
        }
    }

    /// Runs one statement as a commit of its own, and gives the number of rows it touched.
    pub(crate) async fn run(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, Error> {
        let done = self.end.run(sql, args).await;
        self.trouble.note(Kind::Write, &done);
        done
    }

    /// Finds out by a statement that changes nothing whether others will work.
    pub(crate) async fn check(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<(), Error> {
        let done = self.end.run(sql, args).await;
        self.trouble.note(Kind::Check, &done);
        done?;
        self.trouble.latest()
    }

    /// All rows of a query.
    pub(crate) async fn rows(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, Error> {
        let rows = self.end.rows(sql, args).await;
        self.trouble.note(Kind::Read, &rows);
        rows
    }

    /// The first row of a query.
    pub(crate) async fn row(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<Row>, Error> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    /// Runs `N` statements that only read, and gives the answer of each.
    pub(crate) async fn ask<const N: usize>(
        &self,
        batch: &Batch<'_>,
    ) -> Result<[Answer; N], Error> {
        let answers = self.end.ask(batch).await;
        self.trouble.note(Kind::Read, &answers);
        let bug = |_| Error::Bug("not as many answers as questions".to_owned());
        answers?.try_into().map_err(bug)
    }

    /// Runs statements as one commit, and gives the answer of each. If one fails, or the call is dropped before its end,
    /// all of it happened or nothing.
    pub(crate) async fn commit(&self, batch: &Batch<'_>) -> Result<Vec<Answer>, Error> {
        if batch.statements().is_empty() {
            return Ok(Vec::new());
        }
        let done = self.end.commit(batch).await;
        self.trouble.note(Kind::Write, &done);
        done
    }

    pub(crate) async fn close(&self) {
        self.trouble.close();
        self.end.close().await;
    }
}

impl BackEnd {
    async fn run(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, Error> {
        Ok(match self {
            Self::Sqlite(lite) => {
                let mut lite = lite.lock().await;
                let query = value::sqlite(sql, args.iter().copied());
                query.execute(lite.ready().await?).await?.rows_affected()
            }
            Self::Postgres(server) => {
                let mut taken = server.take().await?;
                let query = value::postgres(sql, args);
                let done = in_time(async { Ok(query.execute(&mut **taken).await) }).await?;
                taken.give_back();
                done?.rows_affected()
            }
            Self::Stepped(end, steps) => {
                Box::pin(stepped::within(&**steps, end.run(sql, args))).await?
            }
        })
    }

    async fn rows(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<Row>, Error> {
        Ok(match self {
            Self::Sqlite(lite) => {
                let mut lite = lite.lock().await;
                let query = value::sqlite(sql, args.iter().copied());
                let rows = query.fetch_all(lite.ready().await?).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(server) => {
                let mut taken = server.take().await?;
                let query = value::postgres(sql, args);
                let rows = in_time(async { Ok(query.fetch_all(&mut **taken).await) }).await?;
                taken.give_back();
                rows?.into_iter().map(Row::Postgres).collect()
            }
            Self::Stepped(end, steps) => {
                let rows = Box::pin(stepped::within(&**steps, end.rows(sql, args))).await?;
                steps.gave(rows.len());
                rows
            }
        })
    }

    async fn ask(&self, batch: &Batch<'_>) -> Result<Vec<Answer>, Error> {
        match self {
            Self::Sqlite(lite) => lite.lock().await.ask(batch).await,
            Self::Postgres(server) => {
                let mut taken = server.take().await?;
                let answers = in_time(async { Ok(postgres(&mut taken, batch).await) }).await?;
                taken.give_back();
                answers
            }
            Self::Stepped(end, steps) => {
                let answers = Box::pin(stepped::within(&**steps, end.ask(batch))).await?;
                steps.gave(count(&answers));
                Ok(answers)
            }
        }
    }

    async fn commit(&self, batch: &Batch<'_>) -> Result<Vec<Answer>, Error> {
        match self {
            Self::Sqlite(lite) => lite.lock().await.commit(batch).await,
            Self::Postgres(server) => {
                let mut taken = server.take().await?;
                let done = in_time(async { Ok(transaction(&mut taken, batch).await) }).await?;
                taken.give_back();
                done
            }
            Self::Stepped(end, steps) => {
                let answers = Box::pin(stepped::within(&**steps, end.commit(batch))).await?;
                steps.gave(count(&answers));
                Ok(answers)
            }
        }
    }

    /// Whether the back end takes this text.
    #[cfg(test)]
    pub(crate) async fn prepare(&self, sql: &'static str) -> Result<(), Error> {
        use sqlx::SqlSafeStr as _;

        match self {
            Self::Sqlite(lite) => {
                let mut lite = lite.lock().await;
                lite.ready().await?.prepare(sql.into_sql_str()).await?;
            }
            Self::Postgres(server) => {
                server.take().await?.prepare(sql.into_sql_str()).await?;
            }
            Self::Stepped(end, _) => Box::pin(end.prepare(sql)).await?,
        }
        Ok(())
    }

    async fn close(&self) {
        match self {
            Self::Sqlite(lite) => lite.lock().await.close().await,
            Self::Postgres(server) => server.close().await,
            Self::Stepped(end, _) => Box::pin(stepped::at_once(end.close())).await,
        }
    }
}

fn count(answers: &[Answer]) -> usize {
    answers.iter().map(|answer| answer.rows.len()).sum()
}

/// Makes the others who take it wait until the transaction ends. SQLite has one writer anyway.
const TAKE_TURNS: &str = "SELECT pg_advisory_xact_lock(6733279417)";

/// Runs statements as one commit.
async fn transaction(
    connection: &mut PgConnection,
    batch: &Batch<'_>,
) -> Result<Vec<Answer>, Error> {
    let mut tx = connection.begin().await?;
    if batch.in_turn {
        value::postgres(TAKE_TURNS, &[]).execute(&mut *tx).await?;
    }
    let answers = postgres(&mut tx, batch).await?;
    tx.commit().await?;
    Ok(answers)
}

/// Runs statements one after the other. PostgreSQL says how many rows it wrote beside the rows that it gives.
async fn postgres(connection: &mut PgConnection, batch: &Batch<'_>) -> Result<Vec<Answer>, Error> {
    let mut answers = Vec::new();
    for statement in batch.statements() {
        let query = value::postgres(statement.sql, &statement.args);
        let mut results = connection.fetch_many(query);
        let mut answer = Answer::default();
        while let Some(result) = results.try_next().await? {
            match result {
                Either::Right(row) => answer.rows.push(Row::Postgres(row)),
                Either::Left(done) => answer.touched = done.rows_affected(),
            }
        }
        answers.push(answer);
    }
    Ok(answers)
}
