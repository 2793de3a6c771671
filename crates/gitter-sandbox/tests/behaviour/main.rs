//! The sandbox through its front door: an application's walk, patience, faults, pages.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by unwrapping"
)]

mod caller;
mod faults;
mod pages;
mod patience;
mod walk;
