//! Behaviour through the front door.

mod hunt;
mod incoming;
mod outgoing;
mod properties;
mod renderer;
mod support;
mod table;
mod texts;
