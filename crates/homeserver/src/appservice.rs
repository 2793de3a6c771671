//! What the homeserver asks of us (Matrix spec, application service API).
//!
//! [`router`] answers HTTP and nothing else; what it means is decided by an [`Appservice`]. One more endpoint is one more
//! route there and its handler in `appservice/routes.rs`.

mod auth;
mod problem;
mod routes;
mod transaction;

use async_trait::async_trait;
use ruma::UserId;

pub use routes::{MAX_BODY, router};
pub use transaction::Transaction;

/// The bridge, as the homeserver sees it.
#[async_trait]
pub trait Appservice: Send + Sync {
    /// Takes a transaction. `Ok` means that it is stored for good: the homeserver will never send it again. An error makes
    /// it send the same again, later. The id is only a hint, since Synapse may use one again: events count by their own ids.
    async fn transaction(&self, id: &str, transaction: Transaction) -> Result<(), Unavailable>;

    /// Whether this user of our namespace exists or could be made on the spot.
    async fn user_exists(&self, user: &UserId) -> bool;

    /// The homeserver called us because we asked it to, with the `txn` we gave it.
    fn ping_received(&self, txn: Option<&str>);
}

/// We cannot store anything just now; the homeserver has to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not able to store events at the moment")]
pub struct Unavailable;

/// Reads the body of a transaction, whatever it is.
#[cfg(feature = "fuzzing")]
pub fn read_transaction(body: &[u8]) -> Option<Transaction> {
    Transaction::parse(body).ok()
}
