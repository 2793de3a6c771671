//! Some hundred seeds, on all cores. `cargo xtask torture` runs more.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use torture::{Report, Watch, run};

/// Runs these seeds and gives the reports of those that failed.
fn failed(seeds: std::ops::Range<u64>) -> Vec<Report> {
    let next = AtomicU64::new(seeds.start);
    let failed = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let report = run(seed, None, Watch::Sum);
                    if !report.findings.is_empty() {
                        failed.lock().expect("no thread has panicked").push(report);
                    }
                }
            });
        }
    });
    failed.into_inner().expect("no thread has panicked")
}

#[test]
fn nothing_is_lost_doubled_reordered_or_stuck() {
    let failed = failed(0..150);
    assert!(failed.is_empty(), "{failed:#?}");
}
