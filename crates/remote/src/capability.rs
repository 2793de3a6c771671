//! What a network can do. The bridge reads it and never asks which network it is.
//!
//! To add a capability: a field here, its value in each network, and the one place in the bridge that reads it.

use std::time::Duration;

/// How long a message can be changed after it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditWindow {
    /// Never.
    Never,
    /// For so long.
    For(Duration),
    /// Always.
    Always,
}

/// What threads a network has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// None.
    No,
    /// Replies to a parent, which cannot have replies of their own.
    OneLevel,
    /// As in Matrix.
    Full,
}

/// How to find out that the network did not keep what it acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echoes {
    /// Within so long, a message that was sent is told as [`Event::Message`](crate::Event::Message), as others are. One that is
    /// not is to be looked for.
    pub within: Duration,
    /// Why one may be missing: goes on a sentence about it, without a full stop.
    pub missing: &'static str,
}

/// What the network can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// How long a message stays editable.
    pub edits: EditWindow,
    /// Own messages can be taken back.
    pub deletions: bool,
    /// What threads there are.
    pub threads: Threads,
    /// Reactions exist.
    pub reactions: bool,
    /// A repeated send with the same key is the same message.
    pub idempotent_send: bool,
    /// What was sent comes back, unless the network dropped it without a word; `None`: what it acknowledges stands.
    pub echoes: Option<Echoes>,
    /// How many of the newest messages per room are worth comparing for missed edits and deletions after a gap; 0: the network
    /// tells of them by itself.
    pub reread: u32,
}
