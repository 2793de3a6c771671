//! Chance, from a seed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// A generator of its own for each who throws, so that their throws do not depend on who is quicker.
pub(crate) struct Dice(Mutex<StdRng>);

impl Dice {
    pub(crate) fn new(seed: u64, whose: u64) -> Self {
        let seed = seed.wrapping_mul(1_000).wrapping_add(whose);
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// From 0 to just below `bound`; 0 if that is 0.
    pub(crate) fn below(&self, bound: usize) -> usize {
        let mut generator = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bound == 0 {
            0
        } else {
            generator.random_range(0..bound)
        }
    }

    /// Whether something happens that happens so many times in a hundred.
    pub(crate) fn percent(&self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// Between the two, in whole milliseconds.
    pub(crate) fn millis(&self, least: u64, most: u64) -> Duration {
        let span = usize::try_from(most.saturating_sub(least)).unwrap_or(0);
        Duration::from_millis(least + self.below(span + 1) as u64)
    }

    /// One of them.
    pub(crate) fn pick<'a, T>(&self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}
