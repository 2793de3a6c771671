//! A clock which goes with tokio's, and so stands still while that one is paused.

use bridge::Clock;
use tokio::time::Instant;

/// When every scene begins.
pub const START: i64 = 1_700_000_000_000;

/// Begins when it is made.
pub struct StageClock(Instant);

impl Default for StageClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for StageClock {
    fn now(&self) -> i64 {
        START + i64::try_from(self.0.elapsed().as_millis()).unwrap()
    }
}
