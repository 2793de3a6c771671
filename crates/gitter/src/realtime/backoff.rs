//! How long to wait before the next attempt.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// The longest wait.
const LONGEST: Duration = Duration::from_mins(1);

/// Waits that double with every failure, shortened at random by up to a half, so that many accounts which were cut off together
/// do not come back together.
pub(super) struct Backoff {
    failures: u32,
    rng: StdRng,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            failures: 0,
            rng: StdRng::seed_from_u64(seed),
        }
    }

    /// Things went well.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after one more failure: 1 s, 2 s, 4 s … 60 s, each between half of it and all of it.
    pub(super) fn next(&mut self) -> Duration {
        let doubled = Duration::from_secs(1).saturating_mul(1 << self.failures.min(6));
        self.failures = self.failures.saturating_add(1);
        doubled
            .min(LONGEST)
            .mul_f64(self.rng.random_range(0.5..=1.0))
    }
}
