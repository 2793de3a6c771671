//! Delivery: carries one item of a lane across, and says how that came out.
//!
//! `to_remote` writes to the network as the user, `to_matrix` to the homeserver as ghosts, `control`
//! hands everything else to whom it concerns, `echoes` finds out what the network did not keep. Each may be asked to carry the same item again and must not
//! do it twice.
//!
//! To carry one more kind of thing to Matrix: a variant of [`ToMatrix`]; to the network: a variant of
//! [`crate::text::Crossing`].

pub(crate) mod control;
mod digest;
pub(crate) mod echoes;
mod item;
pub(crate) mod tell;
pub(crate) mod to_matrix;
pub(crate) mod to_remote;
mod txn;

pub use item::ToMatrix;
pub use txn::txn;
