//! The database: schema, migrations, queries, sealed secrets.
//!
//! [`Store`] is everything the bridge remembers, on SQLite or PostgreSQL behind one interface. It knows neither Matrix nor
//! the remote network: ids are texts, times are milliseconds since 1970 and handed in. Each method is one commit: killed
//! at any moment, it either happened or it did not.
//!
//! - `claim` sees to it that one process has it; `db` runs SQL on either back end; `open` makes a database ready; `seal` keeps secrets at rest.
//! - `queries/` holds the methods, one file a subject. To add one: its SQL in the `sql!` list of the file, in words both
//!   back ends know (`$1`; TEXT, BIGINT, BOOLEAN, BLOB/BYTEA), and a test in `tests/`. A test prepares every listed text on
//!   both back ends.
//! - To change the schema: one more numbered file in both folders of `migrations/`, never a change to an old one.

// The rows of `tests/schemas` are put in by unit tests, too.
#[cfg(test)]
extern crate self as store;

mod claim;
mod db;
mod error;
mod lane;
mod model;
mod open;
mod queries;
mod seal;

pub use claim::Claim;
pub use db::Steps;
pub use error::Error;
pub use lane::{Lane, NoLane};
pub use model::{
    Accepted, Awaited, Backlog, Counts, EditRow, Ghost, Item, ItemState, Link, Login, LoginId,
    LoginState, MessageRow, NewItem, NewLogin, NewPortal, Place, Portal, PortalId, PortalState,
    Queue, Shown, Ticket, Told, Uploaded, User, WayToRemote, Written,
};
pub use open::{Options, Probe};
pub use seal::{BadKey, SecretKey};

/// Everything the bridge remembers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    db: db::Db,
    key: SecretKey,
}
