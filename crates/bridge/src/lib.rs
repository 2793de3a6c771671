//! What a bridge is: logins, portals, ghosts, management rooms, commands, lanes.
//!
//! The road of a message: [`intake`] takes what the homeserver or the network tells and commits it as rows
//! of a lane; [`lanes`] works each lane in order; [`delivery`] carries one item across. [`portal`],
//! [`ghost`], [`space`], [`text`] and [`media`] are what delivery needs; `management` answers the people who write to
//! the bot, [`login`] is how they get in.
//!
//! All I/O goes through the traits of `homeserver` and `remote`; store, clock and randomness are handed in
//! by [`Parts`]. Nothing here asks the wall clock, and whatever is spawned is spawned by
//! [`world::World::spawn`], so that a bridge can be killed at any await and started anew.

mod bridge;
mod clock;
pub mod config;
mod creation;
pub mod delivery;
mod error;
mod figures;
pub mod ghost;
pub mod intake;
pub mod lanes;
pub mod login;
mod management;
pub mod media;
pub mod permissions;
pub mod portal;
mod reading;
pub mod space;
mod status;
pub mod text;
pub mod world;

pub use bridge::{Bridge, Health};
pub use clock::Clock;
pub use config::Config;
pub use error::Error;
pub use figures::{BOUNDS, Figures, HomeserverFigures, Latency, WayFigures};
pub use remote::Traffic;
pub use world::{Ctx, Parts, Random, World};
