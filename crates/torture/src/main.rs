//! Runs seeds on all cores and tells what they found. `cargo xtask torture` builds it for speed and starts it.
#![expect(clippy::print_stdout, reason = "it talks to whoever runs it")]

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use clap::Parser;
use torture::{Finding, Kind, Report, Watch, Wrong, run};

/// What to run.
#[derive(Parser)]
#[command(name = "torture", about = "A bridge under seeded faults and kills")]
struct Options {
    /// How many seeds
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Only this one, with each step that it takes
    #[arg(long)]
    seed: Option<u64>,
    /// Only these kinds of fault, separated by commas, and all of them; without it, each seed draws its own
    #[arg(long, value_delimiter = ',', value_parser = kind)]
    only: Option<Vec<Kind>>,
    /// Each so many times, which have to go the same way
    #[arg(long, default_value_t = 1)]
    times: u64,
    /// On so many cores (default: all)
    #[arg(long)]
    threads: Option<usize>,
}

fn kind(name: &str) -> Result<Kind, String> {
    let named = |kind: &Kind| format!("{kind:?}").eq_ignore_ascii_case(name);
    Kind::ALL
        .into_iter()
        .find(named)
        .ok_or_else(|| format!("there is no such kind; there are {:?}", Kind::ALL))
}

fn main() -> ExitCode {
    let options = Options::parse();
    let only = options.only.map(|only| only.into_iter().collect());
    let reports = if let Some(seed) = options.seed {
        vec![run(seed, only.as_ref(), Watch::Print)]
    } else {
        let threads = options
            .threads
            .or_else(|| thread::available_parallelism().ok().map(usize::from));
        let seeds = options.from..options.from.saturating_add(options.seeds);
        all(seeds, only.as_ref(), options.times, threads.unwrap_or(1))
    };
    tell(&reports)
}

fn all(
    seeds: Range<u64>,
    only: Option<&BTreeSet<Kind>>,
    times: u64,
    threads: usize,
) -> Vec<Report> {
    const TELL_EVERY: u64 = 1_000;
    let next = AtomicU64::new(seeds.start);
    let reports = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let report = repeated(seed, only, times);
                    if !report.findings.is_empty() {
                        show(&report);
                    }
                    let done = seed - seeds.start + 1;
                    if done.is_multiple_of(TELL_EVERY) {
                        println!("{done} seeds");
                    }
                    reports
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(report);
                }
            });
        }
    });
    reports.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a seed so many times, and finds it broken when one goes another way.
fn repeated(seed: u64, only: Option<&BTreeSet<Kind>>, times: u64) -> Report {
    let watch = if times > 1 { Watch::Keep } else { Watch::Sum };
    let mut first = run(seed, only, watch);
    for time in 1..times {
        let again = run(seed, only, watch);
        if again.trace != first.trace {
            let mut both = first.steps.iter().zip(&again.steps).enumerate();
            let parted = both.find(|(_, (one, other))| one != other);
            let parted = parted.map_or(String::new(), |(step, (one, other))| {
                format!(", at step {step}: {one:?} and then {other:?}")
            });
            first.findings.push(Finding {
                wrong: Wrong::Broken,
                what: format!("it went another way the {time}. time again{parted}"),
            });
            break;
        }
    }
    first.steps.clear();
    first
}

fn show(report: &Report) {
    println!(
        "seed {}, of {} messages and {} lives, with {:?}:",
        report.seed, report.messages, report.lives, report.kinds
    );
    for finding in &report.findings {
        println!("  {finding}");
    }
    println!(
        "  again, step by step: cargo xtask torture --seed {}",
        report.seed
    );
}

fn tell(reports: &[Report]) -> ExitCode {
    let sum = |count: fn(&Report) -> u64| reports.iter().map(count).sum::<u64>();
    println!(
        "{} seeds, {} lives of the bridge, {} messages",
        reports.len(),
        sum(|it| it.lives),
        sum(|it| it.messages)
    );
    let mut wrong: BTreeMap<Wrong, usize> = BTreeMap::new();
    let failed = reports.iter().filter(|it| !it.findings.is_empty());
    let failed: Vec<_> = failed.collect();
    for finding in failed.iter().flat_map(|it| &it.findings) {
        *wrong.entry(finding.wrong).or_default() += 1;
    }
    let count = |what| wrong.get(&what).copied().unwrap_or(0);
    println!(
        "lost {}, doubled {}, reordered {}, stale {}, given up {}, stuck {}, broken {}",
        count(Wrong::Lost),
        count(Wrong::Doubled),
        count(Wrong::Reordered),
        count(Wrong::Stale),
        count(Wrong::GivenUp),
        count(Wrong::Stuck),
        count(Wrong::Broken),
    );
    if let [one] = reports {
        println!("trace {:016x}", one.trace);
        one.findings.iter().for_each(|it| println!("{it}"));
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    let seeds: Vec<_> = failed.iter().map(|it| it.seed).collect();
    println!("failed: {seeds:?}");
    ExitCode::FAILURE
}
