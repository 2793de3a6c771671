//! Where things live: what is kept between runs, below `target/`, and what lives as long as its owner.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::guardian;

/// Less room than this in `/dev/shm` (containers often have 64 MB) and a database could fill it.
const ROOM_IN_MEMORY: u64 = 1 << 30;

/// The workspace's target directory.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        PathBuf::from,
    )
}

/// `target/testbed`, made if need be: what is fetched once and kept.
pub fn kept() -> anyhow::Result<PathBuf> {
    let path = target().join("testbed");
    std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
    path.canonicalize()
        .context("cannot resolve the target directory")
}

/// A new empty directory, in memory if there is room, with a short path (a socket's may have 107 bytes at most).
/// It goes with its owner, or with this process at the latest.
pub fn directory(name: &str) -> anyhow::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    let roomy = rustix::fs::statvfs(memory)
        .is_ok_and(|at| at.f_bavail.saturating_mul(at.f_frsize) > ROOM_IN_MEMORY);
    let base = if roomy {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    let made = tempfile::Builder::new()
        .prefix(&format!("mg-{name}-"))
        .tempdir_in(&base)
        .with_context(|| format!("cannot make a directory in {}", base.display()))?;
    guardian::remove(made.path())?;
    Ok(made)
}

/// Waits for the lock named `name` among all processes; it is held until the file is dropped.
pub async fn lock(name: &str) -> anyhow::Result<File> {
    let path = kept()?.join(format!("{name}.lock"));
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    tokio::task::spawn_blocking(move || file.lock().map(|()| file).context("cannot lock a file"))
        .await?
}
