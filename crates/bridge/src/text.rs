//! Text between Matrix's events and the contract's rich text.
//!
//! [`crossing`] decides whether an event can cross at all, `outgoing` turns what a Matrix user wrote into
//! a message for the network, [`contents`] turns a message of the network into events. What each network's
//! own markup looks like is the network's business.
//!
//! To let another kind of event cross: a variant of [`Crossing`] in place of one of [`Unsupported`], and
//! its arm in `delivery::to_remote`.

mod crossing;
mod from_matrix;
mod names_in_text;
mod quote;
mod relation;
mod to_matrix;

pub use crossing::{Crossing, FileContent, TextContent, Unsupported, crossing, plain_body, quoted};
pub(crate) use from_matrix::outgoing;
pub use from_matrix::{Written, compose, read};
pub use names_in_text::{Calling, Callings};
pub(crate) use quote::shorten;
pub use relation::{Relation, changed, is_edit, relation};
pub(crate) use to_matrix::fits;
pub use to_matrix::{MatrixNames, contents};
