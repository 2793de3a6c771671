//! `cargo xtask test`: everything there is to test, and a summary of it.

use std::process::Stdio;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::Instant;

use crate::{cargo, prerequisites};

/// What to test.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Only tests whose name contains this
    filter: Option<String>,
}

/// What a run of `cargo test` told.
#[derive(Default)]
struct Summary {
    passed: u32,
    failed: u32,
    failures: Vec<String>,
}

/// Fetches what is missing, then runs `cargo test --workspace`.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let start = Instant::now();
    prerequisites::fetch().await?;
    let mut arguments = vec!["test", "--workspace", "--no-fail-fast"];
    if let Some(filter) = &options.filter {
        arguments.extend(["--", filter]);
    }
    println!("$ cargo {}", arguments.join(" "));
    let mut cargo = cargo::command(&arguments)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let out = cargo.stdout.take().context("cargo has no output")?;
    let mut lines = BufReader::new(out).lines();
    let mut summary = Summary::default();
    while let Some(line) = lines.next_line().await.context("cannot read from cargo")? {
        println!("{line}");
        summary.read(&line);
    }
    let status = cargo.wait().await.context("cannot wait for cargo")?;
    let seconds = start.elapsed().as_secs();
    let (passed, failed) = (summary.passed, summary.failed);
    println!(
        "\n{passed} tests passed, {failed} failed, in {} min {} s",
        seconds / 60,
        seconds % 60
    );
    for name in &summary.failures {
        println!("  failed: {name}");
    }
    anyhow::ensure!(status.success(), "not everything passed");
    anyhow::ensure!(passed > 0, "no test ran");
    Ok(())
}

impl Summary {
    fn read(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            let count = |what: &str| {
                let words: Vec<&str> = result.split([' ', ';', '.']).collect();
                let at = words.iter().position(|word| *word == what)?;
                words.get(at.checked_sub(1)?)?.parse::<u32>().ok()
            };
            self.passed += count("passed").unwrap_or_default();
            self.failed += count("failed").unwrap_or_default();
        } else if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|it| it.strip_suffix(" ... FAILED"))
        {
            self.failures.push(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_what_the_tests_print() {
        let mut summary = Summary::default();
        for line in [
            "running 3 tests",
            "test rooms::join ... ok",
            "test rooms::leave ... FAILED",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s",
            "test result: ok. 40 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ] {
            summary.read(line);
        }
        assert_eq!((summary.passed, summary.failed), (42, 1));
        assert_eq!(summary.failures, ["rooms::leave"]);
    }
}
