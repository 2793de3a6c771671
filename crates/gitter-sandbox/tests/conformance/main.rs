//! Holds the sandbox to the recordings of a real Gitter: it gets the recorded requests, and has to give answers with the
//! recorded status and shape.
//!
//! `rest` says in which world each group of cases is asked, and in what order; `compare` says what "the same" is;
//! `case` reads and sends a case; `realtime` has the recorded Bayeux sessions, and `replay`
//! plays their client's side. A new recorded case is asked without
//! further ado, in the group of its place in the file.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by unwrapping"
)]

mod case;
mod compare;
mod realtime;
mod replay;
mod rest;
mod stage;
