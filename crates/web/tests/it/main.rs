//! The pages as a browser meets them.
//!
//! To add a scene: a test in the file it belongs to; what it plays on is in `stage`.

#![allow(
    clippy::unwrap_used,
    reason = "a scene says what it expects by unwrapping"
)]

mod login;
mod media;
mod site;
mod stage;
