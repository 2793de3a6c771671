//! A Matrix client in a browser: Hydrogen with the few lines of `web-client/`, built once by npm below `target/testbed`, and
//! served with the account that it logs in by itself.
//!
//! One more file of it is one more line in [`SOURCES`]. The lock file names no registry, so that npm asks the one it is set up
//! for; `web-client/.npmrc` sees to that when `npm install --package-lock-only` makes it anew.

mod served;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::process::Command;

use crate::process::output;
use crate::progress::Progress;
use crate::{debian, scratch};

pub use served::{Account, WebClient};

const SOURCES: [(&str, &str); 9] = [
    ("package.json", include_str!("../web-client/package.json")),
    (
        "package-lock.json",
        include_str!("../web-client/package-lock.json"),
    ),
    (".npmrc", include_str!("../web-client/.npmrc")),
    ("build.js", include_str!("../web-client/build.js")),
    ("index.html", include_str!("../web-client/index.html")),
    ("both.html", include_str!("../web-client/both.html")),
    ("page.css", include_str!("../web-client/page.css")),
    ("main.js", include_str!("../web-client/main.js")),
    ("changes.js", include_str!("../web-client/changes.js")),
];

/// The files of a client, ready to be served.
#[derive(Debug, Clone)]
pub struct Files(PathBuf);

/// Where npm is, if it is at hand.
pub fn npm() -> Option<PathBuf> {
    debian::find("npm")
}

/// Installs npm if it is missing, and builds the client.
///
/// # Errors
/// Says which package to install when we are not root, and those of [`build`].
pub async fn prepare(progress: &dyn Progress) -> anyhow::Result<Files> {
    let npm = debian::find_or_install("npm", &["npm"], progress, npm).await?;
    build(&npm, progress).await
}

/// Builds it unless that is done (6 s, 40 MB from the npm registry).
///
/// # Errors
/// If npm cannot build it: too old, or its registry cannot be reached.
pub async fn build(npm: &Path, progress: &dyn Progress) -> anyhow::Result<Files> {
    let directory = scratch::kept()?.join("web-client");
    let files = Files(directory.join("dist"));
    // Written last: a directory without it is half made, or made from other sources.
    let done = directory.join("built-from.txt");
    let sources = SOURCES.map(|(name, text)| [name, text].join("\n")).concat();
    let is_done = || std::fs::read_to_string(&done).is_ok_and(|text| text == sources);
    if is_done() {
        return Ok(files);
    }
    let _lock = scratch::lock("web-client").await?;
    if is_done() {
        return Ok(files);
    }
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).context("cannot make a directory for the web client")?;
    for (name, text) in SOURCES {
        std::fs::write(directory.join(name), text)
            .with_context(|| format!("cannot write {name}"))?;
    }
    progress.say("fetching Hydrogen (once; 40 MB)");
    run(npm, &directory, &["ci", "--ignore-scripts"])
        .await
        .context("npm cannot fetch Hydrogen")?;
    progress.say("putting it together");
    run(npm, &directory, &["run", "build"])
        .await
        .context("the web client cannot be built")?;
    std::fs::write(&done, sources).context("cannot finish the web client")?;
    Ok(files)
}

async fn run(npm: &Path, directory: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new(npm);
    command
        .args(arguments)
        .args(["--no-audit", "--no-fund", "--fetch-retries", "1"])
        .current_dir(directory);
    output(&mut command).await.map(drop)
}
