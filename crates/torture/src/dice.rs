//! Chance, from a seed: the same seed gives the same throws.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// A generator of its own for each purpose, so that one more throw here changes nothing there.
pub(crate) struct Dice(Mutex<StdRng>);

impl Dice {
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&purpose.to_le_bytes());
        Self(Mutex::new(StdRng::from_seed(bytes)))
    }

    /// From 0 to just below `bound`; 0 if that is 0.
    pub(crate) fn below(&self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        self.rng().random_range(0..bound)
    }

    /// As [`Dice::below`], for counting and indexing.
    pub(crate) fn index(&self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap_or(0)
    }

    /// Whether something happens that happens so many times in a thousand.
    pub(crate) fn permille(&self, chance: u64) -> bool {
        chance > 0 && self.below(1_000) < chance
    }

    /// Up to so long, in whole milliseconds.
    pub(crate) fn time(&self, longest: Duration) -> Duration {
        let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.below(millis.saturating_add(1)))
    }

    pub(crate) fn seed(&self) -> [u8; 32] {
        self.rng().random()
    }

    fn rng(&self) -> std::sync::MutexGuard<'_, StdRng> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
