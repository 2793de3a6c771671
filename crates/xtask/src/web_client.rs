//! The demo's Matrix client: Hydrogen with the few lines of `web-client/`, built once by npm below `target/testbed`.
//!
//! One more file of it is one more line in [`SOURCES`]. `package-lock.json` names no registry, so that npm asks the one it is set
//! up for; made anew, it has to have its `resolved` lines taken out.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use testbed::process::output;
use testbed::progress::Progress;
use testbed::{debian, scratch};
use tokio::process::Command;

const SOURCES: [(&str, &str); 6] = [
    ("package.json", include_str!("../web-client/package.json")),
    (
        "package-lock.json",
        include_str!("../web-client/package-lock.json"),
    ),
    (".npmrc", include_str!("../web-client/.npmrc")),
    ("index.html", include_str!("../web-client/index.html")),
    ("main.js", include_str!("../web-client/main.js")),
    (
        "vite.config.js",
        include_str!("../web-client/vite.config.js"),
    ),
];

/// Builds it unless that is done (15 s, 50 MB, from the npm registry), and gives the directory to serve; `None` without npm.
///
/// # Errors
/// If npm is there and cannot build it: too old, or its registry cannot be reached.
pub(crate) async fn build(progress: &dyn Progress) -> anyhow::Result<Option<PathBuf>> {
    let Some(npm) = debian::find("npm") else {
        return Ok(None);
    };
    let directory = scratch::kept()?.join("web-client");
    let files = directory.join("dist");
    // Written last: a directory without it is half made, or made from other sources.
    let done = directory.join("built-from.txt");
    let sources = SOURCES.map(|(name, text)| [name, text].join("\n")).concat();
    let is_done = || std::fs::read_to_string(&done).is_ok_and(|text| text == sources);
    if is_done() {
        return Ok(Some(files));
    }
    let _lock = scratch::lock("web-client").await?;
    if is_done() {
        return Ok(Some(files));
    }
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).context("cannot make a directory for the web client")?;
    for (name, text) in SOURCES {
        std::fs::write(directory.join(name), text)
            .with_context(|| format!("cannot write {name}"))?;
    }
    progress.say("fetching Hydrogen and Vite (once; 50 MB)");
    // Not `npm ci`: that insists on packages for every system, and a registry need not have them all. Both keep to the lock.
    run(
        &npm,
        &directory,
        &["install", "--no-save", "--ignore-scripts"],
    )
    .await?;
    progress.say("putting it together");
    run(&npm, &directory, &["run", "build"]).await?;
    std::fs::write(&done, sources).context("cannot finish the web client")?;
    Ok(Some(files))
}

async fn run(npm: &Path, directory: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new(npm);
    command
        .args(arguments)
        .args(["--no-audit", "--no-fund", "--fetch-retries", "1"])
        .current_dir(directory);
    output(&mut command).await.map(drop)
}
