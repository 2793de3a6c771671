//! "Each message arrives once, in order per room and direction, whatever is killed": a small one of `cargo xtask torture --real`.

use std::time::Duration;

use testbed::progress::Lines;

use crate::scene::{PROGRAM, Result};

#[tokio::test]
async fn killed_at_any_moment_on_bad_roads_both_sides_are_the_same_in_the_end() -> Result {
    let options = siege::Options {
        program: PROGRAM.into(),
        kills: 6,
        seed: 6,
        longest: Duration::from_mins(2),
        database: None,
    };
    let report = siege::run(&options, &Lines).await?;
    anyhow::ensure!(report.findings.is_empty(), "{report}");
    assert!(report.blows.kills >= 1, "nothing was killed: {report}");
    Ok(())
}
