//! The one connection to a SQLite file.

use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Connection, Either, Executor, SqliteConnection};

use super::batch::{Answer, Batch};
use super::value::{self, Arg, Row};
use crate::Error;

/// A connection, and whether a transaction may have been left open by somebody who was dropped in the middle of it.
#[derive(Debug)]
pub(crate) struct Lite {
    connection: Option<SqliteConnection>,
    open: bool,
}

// Takes the write lock at once: a transaction that first reads could find it taken when it wants to write.
const BEGIN: &str = "BEGIN IMMEDIATE;";
const COMMIT: &str = "COMMIT;";

impl Lite {
    pub(crate) fn new(connection: SqliteConnection) -> Self {
        Self {
            connection: Some(connection),
            open: false,
        }
    }

    /// The connection, outside of any transaction.
    pub(crate) async fn ready(&mut self) -> Result<&mut SqliteConnection, Error> {
        if self.open {
            // Fails if the transaction ended after all, which is as good.
            self.inside()?.execute("ROLLBACK").await.ok();
            self.open = false;
        }
        self.inside()
    }

    /// The connection, as it is.
    fn inside(&mut self) -> Result<&mut SqliteConnection, Error> {
        self.connection
            .as_mut()
            .ok_or_else(|| Error::Unavailable("it is closed".to_owned()))
    }

    /// Runs statements that only read.
    pub(super) async fn ask(&mut self, batch: &Batch<'_>) -> Result<Vec<Answer>, Error> {
        self.ready().await?;
        let mut answers = Vec::new();
        for (text, args) in batch.texts() {
            self.run(text, args, &mut answers).await?;
        }
        Ok(answers)
    }

    /// Runs statements as one commit.
    pub(super) async fn commit(&mut self, batch: &Batch<'_>) -> Result<Vec<Answer>, Error> {
        self.ready().await?;
        // Before the first statement, since we may be dropped while it runs.
        self.open = true;
        let answers = self.transaction(batch).await;
        if answers.is_ok() {
            self.open = false;
        } else {
            self.ready().await.ok();
        }
        answers
    }

    async fn transaction(&mut self, batch: &Batch<'_>) -> Result<Vec<Answer>, Error> {
        let mut answers = Vec::new();
        let mut texts = batch.texts();
        if let Some((first, _)) = texts.first_mut() {
            first.insert_str(0, BEGIN);
        }
        if let Some((last, _)) = texts.last_mut() {
            last.push_str(COMMIT);
        }
        for (text, args) in texts {
            self.run(text, args, &mut answers).await?;
        }
        // Those of `BEGIN` and `COMMIT`.
        answers.pop();
        if !answers.is_empty() {
            answers.remove(0);
        }
        Ok(answers)
    }

    /// Runs a text of several statements.
    async fn run(
        &mut self,
        text: String,
        args: Vec<Arg<'_>>,
        answers: &mut Vec<Answer>,
    ) -> Result<(), Error> {
        let query = value::sqlite(AssertSqlSafe(text), args);
        let mut results = self.inside()?.fetch_many(query);
        let mut rows = Vec::new();
        while let Some(result) = results.try_next().await? {
            match result {
                Either::Right(row) => rows.push(Row::Sqlite(row)),
                Either::Left(done) => answers.push(Answer {
                    rows: std::mem::take(&mut rows),
                    touched: done.rows_affected(),
                }),
            }
        }
        Ok(())
    }

    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the database did not close in order");
        }
    }
}
