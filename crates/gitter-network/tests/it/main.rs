//! Gitter as the contract has it, against the sandbox.

mod contract;
mod events;
mod faults;
mod messages;
mod world;
