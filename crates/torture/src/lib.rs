//! A whole bridge between a homeserver and a network in memory, under virtual time: people write on both sides, things go
//! wrong, the bridge is killed again and again, and at the end both sides have to say the same.
//!
//! Everything follows from the seed. All runs in one thread, whose time stands still while anybody has something to do;
//! chance is drawn from the seed; each statement to the database happens at once ([`store::Steps`]). So a seed that fails
//! fails again, step by step: [`Report::trace`] is the proof.
//!
//! `life` is one life of the bridge, `homeserver` and `network` are what it meets, `pusher` is how the homeserver
//! tells it what happens, `people` are those who write, `faults` is what goes wrong, `facts` what really happened, `check` compares both sides.

#![allow(
    clippy::similar_names,
    reason = "rooms have threads, and threads have roots"
)]

mod check;
mod dice;
mod facts;
mod faults;
mod homeserver;
mod life;
mod network;
mod people;
mod pusher;
mod run;
mod world;

pub use check::{Finding, Wrong};
pub use faults::Kind;
pub use life::Watch;
pub use run::{Report, run};

/// Tells whoever watches one seed.
#[expect(clippy::print_stderr, reason = "it was asked for")]
fn say(line: &str) {
    eprintln!("{line}");
}
