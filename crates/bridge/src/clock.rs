//! The time of day, handed in. Waiting is `tokio::time`, which tests can pause.

use remote::Millis;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01 UTC.
    fn now(&self) -> Millis;
}
