//! A clock which goes with tokio's, and so stands still while that one is paused.

use bridge::Clock;
use tokio::time::Instant;

/// When every scene begins.
pub(crate) const START: i64 = 1_700_000_000_000;

pub(crate) struct StageClock(Instant);

impl StageClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for StageClock {
    fn now(&self) -> i64 {
        START + i64::try_from(self.0.elapsed().as_millis()).unwrap()
    }
}
