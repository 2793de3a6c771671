//! What bridge and homeserver logged is kept after a test, since a test that fails once in a hundred runs is only
//! understood by what stands there: `target/testbed/logs/<name of the test>/`, until the same test runs again.

use std::path::Path;

use crate::scratch;

/// Keeps the bridge's log, and of the homeserver's those lines that name its appservice. Best effort.
pub(crate) fn keep(appservice: &str, bridge: &Path, homeserver: &Path) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("main").replace("::", ".");
    let Ok(kept) = scratch::kept() else { return };
    let place = kept.join("logs").join(test);
    if std::fs::create_dir_all(&place).is_err() {
        return;
    }
    let _ = std::fs::copy(bridge, place.join("bridge.log"));
    let log = std::fs::read_to_string(homeserver).unwrap_or_default();
    let concerned = log.lines().filter(|line| line.contains(appservice));
    let lines: Vec<&str> = concerned.collect();
    let _ = std::fs::write(place.join("homeserver.log"), lines.join("\n"));
}
