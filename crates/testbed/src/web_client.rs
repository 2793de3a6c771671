//! A Matrix client in a browser: Hydrogen with the few lines of `web-client/`, built once by npm below `target/testbed`, and
//! served with the account that it logs in by itself.
//!
//! One more file of it is one more line in [`SOURCES`]. The lock file names no registry, so that npm asks the one it is set up
//! for; `web-client/.npmrc` sees to that when `npm install --package-lock-only` makes it anew.

mod served;

use std::ffi::OsStr;
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

/// Where npm is, if it is at hand: in `PATH` alone, as it wants its `node` there, too.
pub fn npm() -> Option<PathBuf> {
    npm_in(&std::env::var_os("PATH").unwrap_or_default())
}

fn npm_in(path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .map(|directory| directory.join("npm"))
        .find(|candidate| candidate.is_file())
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
    build_in(&scratch::kept()?.join("web-client"), npm, progress).await
}

async fn build_in(directory: &Path, npm: &Path, progress: &dyn Progress) -> anyhow::Result<Files> {
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
    let _ = std::fs::remove_dir_all(directory);
    std::fs::create_dir_all(directory).context("cannot make a directory for the web client")?;
    for (name, text) in SOURCES {
        std::fs::write(directory.join(name), text)
            .with_context(|| format!("cannot write {name}"))?;
    }
    progress.say("fetching Hydrogen (once; 40 MB)");
    run(npm, directory, &["ci", "--ignore-scripts"])
        .await
        .context("npm cannot fetch Hydrogen")?;
    progress.say("putting it together");
    run(npm, directory, &["run", "build"])
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::progress::Lines;

    /// An npm that does this.
    fn npm(home: &Path, script: &str) -> PathBuf {
        let path = home.join("npm");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn npm_is_looked_for_where_programs_are() {
        let home = scratch::directory("npm").unwrap();
        let path = std::env::join_paths([Path::new("/nowhere"), home.path()]).unwrap();
        assert_eq!(npm_in(&path), None);
        let here = npm(home.path(), "");
        assert_eq!(npm_in(&path), Some(here));
    }

    #[tokio::test]
    async fn what_npm_could_not_do_is_said_and_tried_again() {
        let home = scratch::directory("npm").unwrap();
        let client = home.path().join("client");
        let offline = npm(home.path(), "echo 'npm error network is away' >&2; exit 1");
        for _ in 0..2 {
            let error = build_in(&client, &offline, &Lines).await.unwrap_err();
            let error = format!("{error:#}");
            assert!(
                error.starts_with("npm cannot fetch Hydrogen")
                    && error.contains("npm error network is away"),
                "{error}"
            );
        }
        let works = npm(home.path(), "echo \"$1\" >> log");
        let files = build_in(&client, &works, &Lines).await.unwrap();
        assert_eq!(files.0, client.join("dist"));
        // What is done stays done.
        build_in(&client, &offline, &Lines).await.unwrap();
        let log = std::fs::read_to_string(client.join("log")).unwrap();
        assert_eq!(log, "ci\nrun\n");
    }
}
