//! How the program ends: the exit statuses it promises, and the error that carries one.

use std::fmt;
use std::process::ExitCode;

/// The exit statuses the program promises. `2`, wrong usage, is clap's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// All is well.
    Fine = 0,
    /// Something else went wrong, such as a port that is in use.
    Failed = 1,
    /// The configuration was refused.
    Configuration = 10,
    /// The configuration still has example values.
    ExampleValues = 11,
    /// `doctor` found the homeserver unreachable, or was refused by it.
    Homeserver = 13,
    /// The database was refused.
    Database = 14,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Why the program ends early: what to print, and the exit status.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit status.
    pub(crate) status: Status,
    /// What is wrong and how to mend it, for a person; may have several lines.
    pub(crate) message: String,
}

impl Failure {
    /// A failure with this status and message.
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
