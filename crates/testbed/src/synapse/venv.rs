//! Synapse itself: a pinned version with pinned dependencies, installed once below `target/testbed`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::process::output;
use crate::progress::Progress;
use crate::{debian, scratch};

/// The version that `synapse-requirements.txt` pins.
pub const VERSION: &str = "1.163.2";

const REQUIREMENTS: &str = include_str!("../../synapse-requirements.txt");

/// Makes the venv unless it is there (20 to 60 s, 240 MB, from the Python package index) and gives its interpreter.
pub async fn prepare(progress: &dyn Progress) -> anyhow::Result<PathBuf> {
    let venv = scratch::kept()?.join(format!("synapse-{VERSION}"));
    let python = venv.join("bin/python");
    // Written last: a venv without it is half made, or made from other requirements.
    let done = venv.join("installed-requirements.txt");
    let is_done = || std::fs::read_to_string(&done).is_ok_and(|text| text == REQUIREMENTS);
    if is_done() {
        return Ok(python);
    }
    let _lock = scratch::lock("synapse").await?;
    if is_done() {
        return Ok(python);
    }
    let system = system_python(progress).await?;
    progress.say(&format!(
        "installing Synapse {VERSION} into target/testbed (once; 240 MB)"
    ));
    let _ = std::fs::remove_dir_all(&venv);
    output(Command::new(&system).args(["-m", "venv"]).arg(&venv))
        .await
        .context("cannot make a venv")?;
    install(&python, &venv, progress).await?;
    std::fs::write(&done, REQUIREMENTS).context("cannot finish the venv")?;
    Ok(python)
}

/// A Python 3.10 or newer which can make venvs.
async fn system_python(progress: &dyn Progress) -> anyhow::Result<PathBuf> {
    let look = || {
        let python = debian::find("python3")?;
        let check = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
        let able = std::process::Command::new(&python)
            .args(["-c", check])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        able.is_ok_and(|status| status.success()).then_some(python)
    };
    let what = "Python 3.10 or newer with venv";
    debian::find_or_install(what, &["python3", "python3-venv"], progress, look).await
}

async fn install(python: &Path, venv: &Path, progress: &dyn Progress) -> anyhow::Result<()> {
    let requirements = venv.join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENTS).context("cannot write into the venv")?;
    let errors = venv.join("pip.log");
    let mut pip = Command::new(python)
        .args([
            "-m",
            "pip",
            "install",
            "--no-deps",
            "--no-input",
            "--disable-pip-version-check",
        ])
        .args(["--progress-bar", "off", "--prefer-binary", "--requirement"])
        .arg(&requirements)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&errors).context("cannot write into the venv")?)
        .kill_on_drop(true)
        .spawn()
        .context("cannot start pip")?;
    let out = pip.stdout.take().context("pip has no output")?;
    let total = REQUIREMENTS
        .lines()
        .filter(|line| line.contains("=="))
        .count();
    let mut lines = BufReader::new(out).lines();
    let mut count = 0;
    while let Some(line) = lines.next_line().await.context("cannot read from pip")? {
        if let Some(package) = line.strip_prefix("Collecting ") {
            count += 1;
            let name = package.split_whitespace().next().unwrap_or(package);
            progress.say(&format!("Synapse: package {count} of {total}, {name}"));
        } else if line.starts_with("Installing") {
            progress.say("Synapse: unpacking");
        }
    }
    let status = pip.wait().await.context("cannot wait for pip")?;
    let said = std::fs::read_to_string(&errors).unwrap_or_default();
    anyhow::ensure!(
        status.success(),
        "pip could not install Synapse ({status}); it needs the Python package index:\n{}",
        crate::process::tail(&said, 15)
    );
    Ok(())
}
