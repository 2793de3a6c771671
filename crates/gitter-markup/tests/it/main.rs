//! Behaviour through the front door.

mod incoming;
mod outgoing;
mod properties;
mod renderer;
mod support;
mod table;
