//! Gitter as the contract has it, against the sandbox.

mod contract;
mod events;
mod faults;
mod files;
mod messages;
mod world;
