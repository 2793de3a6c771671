//! `cargo xtask freeze`: the database's schema as a release has it, kept for the tests of later versions.
//!
//! What it does is in `crates/store/examples/freeze.rs`, where the store is at hand.

use anyhow::Context as _;

use crate::cargo;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Of the release, such as `1.2.3`
    version: String,
}

/// Builds and runs it.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let status = cargo::command(&[
        "run",
        "--quiet",
        "--package",
        "store",
        "--example",
        "freeze",
    ])
    .args(["--", &options.version])
    .status()
    .await
    .context("cannot start cargo")?;
    anyhow::ensure!(status.success(), "nothing was frozen");
    Ok(())
}
