//! `cargo xtask torture`: the bridge between a homeserver and a network in memory, with seeded faults and kills.
//!
//! The simulation is a program of its own, built for speed; what it can be asked is in `crates/torture/src/main.rs`.

use anyhow::Context as _;

use crate::cargo;

/// Goes to the simulation as it is.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// `--seeds N` runs so many, `--seed S` one with each of its steps; `--help` tells more
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds and runs it.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let status = cargo::command(&["run", "--quiet", "--profile", "torture", "--package"])
        .args(["torture", "--"])
        .args(&options.arguments)
        .status()
        .await
        .context("cannot start cargo")?;
    anyhow::ensure!(status.success(), "it found something");
    Ok(())
}
