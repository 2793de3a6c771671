//! The connections to a PostgreSQL, and whether we may use them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::PgPool;

use crate::Error;

/// Whether the database is surely ours. It is until a [`crate::Claim`] says otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Held(Arc<AtomicBool>);

impl Default for Held {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Held {
    pub(crate) fn set(&self, held: bool) {
        self.0.store(held, Ordering::SeqCst);
    }
}

/// Connections to a server.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pool: PgPool,
    held: Held,
}

impl Server {
    pub(crate) fn new(pool: PgPool, held: Held) -> Self {
        Self { pool, held }
    }

    /// The connections, unless somebody else may be using the database by now.
    pub(crate) fn pool(&self) -> Result<&PgPool, Error> {
        if self.held.0.load(Ordering::SeqCst) {
            Ok(&self.pool)
        } else {
            Err(Error::Unavailable(
                "the lock on it was lost with its connection, and is being taken again".to_owned(),
            ))
        }
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}
