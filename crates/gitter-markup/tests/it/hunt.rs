//! How properties are tried: on some texts in each run, and on more of them for whoever goes hunting.
//!
//! - `MARKUP_SEED=<number>` begins with the texts of that number, which a failure tells.
//! - `MARKUP_CASES=<number>` tries so many in a round.
//! - `MARKUP_ROUNDS=<number>` goes on with the next seed so often, whatever is found, and tells all of it at the end.
//! - `MARKUP_RENDERER=<command>` asks another renderer than the sandbox's; see `support`.

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

/// Where the texts of each run begin: always with the same, so that nobody's run fails for what is not his.
const SEED: u64 = 1;

/// Tries whether `check` holds for so many values of a strategy.
pub(crate) fn holds<S>(
    cases: u32,
    strategy: &S,
    check: impl Fn(S::Value) -> Result<(), TestCaseError>,
) where
    S: Strategy,
    S::Value: Debug,
{
    let first = number("MARKUP_SEED").unwrap_or(SEED);
    let cases = number("MARKUP_CASES").map_or(cases, |cases| {
        u32::try_from(cases).expect("a number of cases")
    });
    let mut found = Vec::new();
    for seed in first..first + number("MARKUP_ROUNDS").unwrap_or(1) {
        let mut runner = TestRunner::new(Config {
            cases,
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(seed),
            max_shrink_iters: 5000,
            max_global_rejects: cases.saturating_mul(4),
            ..Config::default()
        });
        if let Err(error) = runner.run(strategy, &check) {
            found.push(format!("MARKUP_SEED={seed} MARKUP_CASES={cases}: {error}"));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} has to be a number")),
    )
}
