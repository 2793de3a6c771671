//! The remote contract, fulfilled by Gitter.
//!
//! The road of a message from Gitter: `events` takes it from the realtime connection, `convert` makes the contract's message of it (its
//! text by `gitter_markup`). The road to Gitter: [`GitterNetwork`] composes parts, `account` sends them, `fault` says in words what went
//! wrong. What Gitter can and cannot do is in [`capabilities`].
//!
//! To fulfil one more method of the contract: in `account` or `network`; `tests/contract.rs` runs the contract's own checks against the
//! sandbox.

mod account;
mod address;
mod avatar;
mod check;
mod convert;
mod events;
mod fault;
mod fetch;
mod files;
mod guard;
mod network;
mod preface;

pub use network::{Clock, Config, GitterNetwork, capabilities, configure};
