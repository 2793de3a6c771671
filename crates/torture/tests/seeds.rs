//! Some hundred seeds, on all cores. `cargo xtask torture` runs more.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use torture::{Report, Watch, run};

/// Runs these seeds, so many at once, and gives the reports that are asked for.
fn reports(
    seeds: std::ops::Range<u64>,
    at_once: usize,
    wanted: impl Fn(&Report) -> bool + Sync,
) -> Vec<Report> {
    let next = AtomicU64::new(seeds.start);
    let reports = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let report = run(seed, None, Watch::Sum);
                    if wanted(&report) {
                        reports.lock().expect("no thread has panicked").push(report);
                    }
                }
            });
        }
    });
    reports.into_inner().expect("no thread has panicked")
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[test]
fn nothing_is_lost_doubled_reordered_or_stuck() {
    let failed = reports(0..300, cores(), |it| !it.findings.is_empty());
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Twice as many at once as there are cores, so that the machine interrupts them wherever it likes.
#[test]
fn a_seed_goes_the_same_way_again() {
    let traces = || {
        let reports = reports(0..8, 2 * cores(), |_| true);
        let traces = reports.into_iter().map(|it| (it.seed, it.trace));
        traces.collect::<BTreeMap<_, _>>()
    };
    let first = traces();
    assert_eq!(first.len(), 8);
    for _ in 0..3 {
        assert_eq!(traces(), first);
    }
}
