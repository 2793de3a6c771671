//! `cargo xtask ci`: what `.ci/run` checks, and the licences and advisories of dependencies where `cargo-deny` is there.

use crate::{cargo, test};

/// Stops at the first thing that is not in order.
pub(crate) async fn run() -> anyhow::Result<()> {
    cargo::run(&["fmt", "--all", "--check"]).await?;
    cargo::run(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])
    .await?;
    let has_deny = cargo::command(&["deny", "--version"]).output().await;
    if has_deny.is_ok_and(|output| output.status.success()) {
        cargo::run(&["deny", "check"]).await?;
    } else {
        println!("cargo-deny is not installed: licences and advisories are not checked");
    }
    test::run(&test::Options::default()).await
}
