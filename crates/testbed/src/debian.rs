//! Programs that come from Debian's packages: found, or installed when we are root, or asked for by name.

use std::path::PathBuf;

use anyhow::Context as _;
use tokio::process::Command;

use crate::process::output;
use crate::progress::Progress;
use crate::scratch;

/// Are we allowed to install packages?
pub fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where `program` is in `PATH` or the places of system programs.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/bin", "/usr/sbin", "/usr/local/bin"].map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// What `look` finds; when it finds nothing, installs `packages` (as root) and looks again.
///
/// # Errors
/// Says which packages to install when we are not root or there is no `apt-get`, and why installing failed.
pub async fn find_or_install<T>(
    what: &str,
    packages: &[&str],
    progress: &dyn Progress,
    look: impl Fn() -> Option<T>,
) -> anyhow::Result<T> {
    if let Some(found) = look() {
        return Ok(found);
    }
    let names = packages.join(" ");
    anyhow::ensure!(
        root() && find("apt-get").is_some(),
        "{what} is missing. On Debian or Ubuntu: sudo apt-get install {names}"
    );
    // Two test binaries may miss the same thing at the same time.
    let _lock = scratch::lock("apt").await?;
    if let Some(found) = look() {
        return Ok(found);
    }
    progress.say(&format!("installing {what} (apt-get install {names})"));
    if apt(&["install"], packages).await.is_err() {
        apt(&["update"], &[])
            .await
            .context("cannot read the package lists")?;
        apt(&["install"], packages)
            .await
            .with_context(|| format!("cannot install {names}"))?;
    }
    look().with_context(|| format!("{what} is still missing after installing {names}"))
}

async fn apt(verb: &[&str], packages: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args([
            "-q",
            "-y",
            "-o",
            "DPkg::Lock::Timeout=300",
            "--no-install-recommends",
        ])
        .args(verb)
        .args(packages);
    output(&mut command).await.map(drop)
}
