//! Intake: what the homeserver or the network tells becomes rows of a lane, in one commit, before it is
//! answered.
//!
//! [`matrix`] takes transactions and [`missed`] reads what they left out, `written` knows when it was written; [`remote`] takes what a connected account tells
//! and [`catch_up`] reads what was said while it was not connected, and `leavers` who left. Nothing is carried out here. To take a new kind of thing: a variant of [`ControlEvent`] or
//! of the items of [`crate::delivery`], and its line in `matrix::classify` or `remote`.

pub mod catch_up;
mod control;
pub(crate) mod gate;
mod leavers;
pub mod matrix;
pub(crate) mod missed;
pub mod remote;
mod written;

pub use catch_up::Intakes;
pub use control::{ControlEvent, Membership};
pub use gate::Gate;
pub use missed::Missed;
pub(crate) use written::Clocks;
