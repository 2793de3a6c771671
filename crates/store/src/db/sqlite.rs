//! The one connection to a SQLite file.

use sqlx::{Connection, Executor, SqliteConnection};

use crate::Error;

/// A connection, and whether a transaction may have been left open by somebody who was dropped in the middle of it.
#[derive(Debug)]
pub(crate) struct Lite {
    connection: Option<SqliteConnection>,
    open: bool,
}

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
    pub(super) fn inside(&mut self) -> Result<&mut SqliteConnection, Error> {
        self.connection
            .as_mut()
            .ok_or_else(|| Error::Unavailable("it is closed".to_owned()))
    }

    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        self.ready().await?;
        // Before the statement, since we may be dropped while it runs.
        self.open = true;
        // Takes the write lock at once: a transaction that first reads could find it taken when it wants to write.
        self.inside()?.execute("BEGIN IMMEDIATE").await?;
        Ok(())
    }

    pub(super) async fn commit(&mut self) -> Result<(), Error> {
        self.inside()?.execute("COMMIT").await?;
        self.open = false;
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
