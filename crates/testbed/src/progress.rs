//! How long steps tell what they do, so that nobody stares at a silent terminal.

/// Hears what is being done.
pub trait Progress: Send + Sync {
    /// One short line, such as "installing Synapse 1.163.2 (once, 20 s)".
    fn say(&self, line: &str);
}

/// Prints lines to standard error; what tests use.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lines;

impl Progress for Lines {
    fn say(&self, line: &str) {
        eprintln!("[testbed] {line}");
    }
}
