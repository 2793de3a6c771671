//! Ports nobody else uses.
//!
//! A port which the kernel hands out for port 0 can be some connection's own port a moment later, and several test
//! binaries look for ports at once, perhaps from several checkouts. So: below the kernel's range, found free, and held by a lock file
//! as long as we live, where all of a user's processes look.

use std::fs::{File, TryLockError};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;

/// Linux gives connections ports from 32768 on.
const RANGE: std::ops::Range<u16> = 18_000..32_000;

static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A port on 127.0.0.1 which is free and stays ours until this process ends.
pub fn reserve() -> anyhow::Result<u16> {
    let directory = locks()?;
    std::fs::create_dir_all(&directory).context("cannot make a directory for port locks")?;
    let start = std::process::id() % u32::from(RANGE.end - RANGE.start);
    let start = RANGE.start + u16::try_from(start).unwrap_or_default();
    for port in (start..RANGE.end).chain(RANGE.start..start) {
        let file =
            File::create(directory.join(port.to_string())).context("cannot make a port lock")?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => continue,
            Err(TryLockError::Error(error)) => return Err(error).context("cannot lock a port"),
        }
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            HELD.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(file);
            return Ok(port);
        }
    }
    anyhow::bail!("no port is free on 127.0.0.1")
}

/// Where the locks of all of this user's checkouts are.
fn locks() -> anyhow::Result<PathBuf> {
    let me = std::fs::metadata("/proc/self").context("cannot see whose process this is")?;
    Ok(std::env::temp_dir().join(format!("matrix-gitter-ports-{}", me.uid())))
}
