//! How long things took, in buckets.

use std::sync::atomic::{AtomicU64, Ordering};

use remote::Millis;

/// The upper ends of the buckets, in milliseconds: from what nobody notices to what is asked about before it is sent. What took longer is
/// in a last bucket without end.
pub const BOUNDS: [u64; 14] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000,
    14_400_000,
];

/// How long things took: how many fall into each bucket, and into no smaller one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// One for each of [`BOUNDS`], and one for what took longer.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// All times together, in milliseconds.
    pub sum: u64,
}

impl Latency {
    /// How many things there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

#[derive(Default)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum: AtomicU64,
}

impl Histogram {
    /// A clock that was set back makes it nothing.
    pub(super) fn add(&self, took: Millis) {
        let took = u64::try_from(took).unwrap_or(0);
        let bucket = BOUNDS.partition_point(|bound| *bound < took);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(took, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Latency {
        Latency {
            buckets: std::array::from_fn(|at| {
                self.buckets
                    .get(at)
                    .map_or(0, |bucket| bucket.load(Ordering::Relaxed))
            }),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_has_one_bucket() {
        let histogram = Histogram::default();
        for took in [-5, 0, 50, 51, 14_400_000, 14_400_001] {
            histogram.add(took);
        }
        let read = histogram.read();
        assert_eq!(read.buckets[0], 3);
        assert_eq!(read.buckets[1], 1);
        assert_eq!(read.buckets[BOUNDS.len() - 1], 1);
        assert_eq!(read.buckets[BOUNDS.len()], 1);
        assert_eq!(read.count(), 6);
        assert_eq!(read.sum, 50 + 51 + 14_400_000 + 14_400_001);
    }
}
