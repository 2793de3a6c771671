//! `cargo xtask fuzz`: libFuzzer over whatever reads foreign text.
//!
//! What it finds is written to `target/fuzz/found/<target>/`; mend it, and put the input into `crates/fuzz/corpus/<target>/`, over
//! which every test run goes.

use std::path::PathBuf;

use anyhow::Context as _;
use testbed::scratch;

use crate::cargo;

/// What to fuzz, and for how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this target (all of them, one after the other, if none is named)
    target: Option<String>,
    /// How long each target runs, in seconds
    #[arg(long, default_value_t = 180)]
    seconds: u32,
}

/// What makes LLVM tell the fuzzer which way the code went. All of it is stable.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Bytes of input at most: as long as an event may be.
const LONGEST: u32 = 65_536;
/// Seconds one input may take, above which it is a finding.
const SLOWEST: u32 = 5;

/// Builds the runner and runs the targets; fails at the first finding.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let targets: Vec<&str> = fuzz::TARGETS
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| {
            options
                .target
                .as_deref()
                .is_none_or(|wanted| wanted == *name)
        })
        .collect();
    anyhow::ensure!(
        !targets.is_empty(),
        "there is no such target; there are {}",
        names()
    );
    let runner = build().await?;
    for target in targets {
        one(&runner, target, options.seconds).await?;
    }
    Ok(())
}

fn names() -> String {
    let names: Vec<_> = fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

async fn build() -> anyhow::Result<PathBuf> {
    let folder = scratch::target().join("fuzz");
    // Named, so that the flags hold for the targets and not for what builds them.
    let host = host().await?;
    let status = cargo::command(&["build", "--release", "--target", &host])
        .arg("--manifest-path")
        .arg(cargo::root().join("crates/fuzz/runner/Cargo.toml"))
        .arg("--target-dir")
        .arg(&folder)
        .env("RUSTFLAGS", FLAGS)
        .status()
        .await
        .context("cannot start cargo")?;
    anyhow::ensure!(
        status.success(),
        "the fuzzer cannot be built; it takes a C++ compiler (`apt install g++`)"
    );
    Ok(folder.join(host).join("release/fuzz-runner"))
}

async fn host() -> anyhow::Result<String> {
    let told = tokio::process::Command::new("rustc")
        .arg("-vV")
        .output()
        .await
        .context("cannot start rustc")?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host
        .context("rustc does not say what it runs on")?
        .to_owned())
}

async fn one(runner: &PathBuf, target: &str, seconds: u32) -> anyhow::Result<()> {
    let seeds = cargo::root().join("crates/fuzz/corpus").join(target);
    let folder = |kind: &str| scratch::target().join("fuzz").join(kind).join(target);
    let (grown, found) = (folder("corpus"), folder("found"));
    for folder in [&grown, &found] {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    println!("\n{target}, for {seconds} s");
    let out = tokio::process::Command::new(runner)
        .env("FUZZ_TARGET", target)
        .args([&grown, &seeds])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={LONGEST}"))
        .arg(format!("-timeout={SLOWEST}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .args(["-print_final_stats=1", "-rss_limit_mb=2048", "-verbosity=0"])
        .kill_on_drop(true)
        .output()
        .await
        .context("cannot start the fuzzer")?;
    let said = String::from_utf8_lossy(&out.stderr);
    for line in said.lines().filter(|line| {
        [
            "stat::number_of_executed_units",
            "stat::new_units_added",
            "stat::slowest_unit",
        ]
        .iter()
        .any(|wanted| line.starts_with(wanted))
    }) {
        println!("  {line}");
    }
    if !out.status.success() {
        println!("{said}");
        anyhow::bail!("{target}: a finding, in {}", found.display());
    }
    println!("  no finding");
    Ok(())
}
