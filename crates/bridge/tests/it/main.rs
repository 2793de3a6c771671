//! The bridge through its front door: a homeserver and a network in memory, a real database, and time that
//! stands still until the stage moves it.
//!
//! To add a scene: a file here, with `Stage::new` at the top of each test.

#![allow(
    clippy::unwrap_used,
    reason = "a scene says what it expects by unwrapping"
)]

mod age;
mod ambiguous;
mod changes_to_matrix;
mod commands;
mod crashes;
mod deletions_to_remote;
mod edits_to_remote;
mod failures_and_status;
mod figures;
mod hang_ups;
mod hazards;
mod invites;
mod logins;
mod management;
mod meanwhile;
mod media;
mod messages;
mod missed;
mod portals;
mod pressure;
mod puppeting;
mod reading;
mod rooms;
mod second_thoughts;
mod silent_drops;
mod starts;
mod status_to_sender;
mod stops;
mod threads_to_remote;
mod tortured;
