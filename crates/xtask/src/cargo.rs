//! Runs Cargo as a person would.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use testbed::progress::Progress;
use testbed::scratch;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// A `cargo` command in the workspace's root.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Runs it with its output shown; an error says which command failed.
pub(crate) async fn run(arguments: &[&str]) -> anyhow::Result<()> {
    println!("$ cargo {}", arguments.join(" "));
    let status = command(arguments)
        .status()
        .await
        .context("cannot start cargo")?;
    anyhow::ensure!(status.success(), "`cargo {}` failed", arguments.join(" "));
    Ok(())
}

/// Builds `matrix-gitter` as quickly as it can be had, and gives its path.
pub(crate) async fn build_program(progress: &dyn Progress) -> anyhow::Result<PathBuf> {
    build(&["build", "--package", "matrix-gitter"], progress).await?;
    Ok(scratch::target().join("debug/matrix-gitter"))
}

/// Builds `matrix-gitter` as it is given to people, and gives its path.
pub(crate) async fn build_release(progress: &dyn Progress) -> anyhow::Result<PathBuf> {
    build(
        &["build", "--release", "--package", "matrix-gitter"],
        progress,
    )
    .await?;
    Ok(scratch::target().join("release/matrix-gitter"))
}

/// Runs it with only a line of progress shown; an error holds what it said.
async fn build(arguments: &[&str], progress: &dyn Progress) -> anyhow::Result<()> {
    let mut cargo = command(arguments)
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let out = cargo.stderr.take().context("cargo has no output")?;
    let mut lines = BufReader::new(out).lines();
    let mut said = String::new();
    while let Some(line) = lines.next_line().await.context("cannot read from cargo")? {
        progress.say(line.trim());
        said.push_str(&line);
        said.push('\n');
    }
    let status = cargo.wait().await.context("cannot wait for cargo")?;
    anyhow::ensure!(
        status.success(),
        "`cargo {}` failed:\n{said}",
        arguments.join(" ")
    );
    Ok(())
}
