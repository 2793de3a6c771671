//! Sees to it that nothing stays behind: a small shell which waits for the end of its standard input.
//!
//! The kernel closes our end of the pipe however we end, destructors or not. Then the shell ends the processes it was
//! told of and removes the directories. There is one per process, since children and directories are what a process owns.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::Context as _;

/// `watch SIGNAL:PID`, `forget PID`, `remove DIRECTORY`, one a line; it acts at the end of its input.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
watched=
while read -r verb rest; do
  case $verb in
    watch) watched="$watched $rest" ;;
    forget)
      kept=
      for w in $watched; do [ "${w#*:}" = "$rest" ] || kept="$kept $w"; done
      watched=$kept ;;
    remove) set -- "$@" "$rest" ;;
  esac
done
for w in $watched; do kill -s "${w%%:*}" -- "-${w#*:}" 2>/dev/null; done
rounds=0
while [ $rounds -lt 50 ]; do
  alive=
  for w in $watched; do
    # An orphan nobody waits for stays a zombie where the first process of a container is no init.
    case $(sed 's/.*) //' "/proc/${w#*:}/stat" 2>/dev/null) in '' | Z*) ;; *) alive=yes ;; esac
  done
  [ -z "$alive" ] && break
  sleep 0.1
  rounds=$((rounds + 1))
done
for w in $watched; do kill -s KILL -- "-${w#*:}" 2>/dev/null; done
for directory; do rm -rf -- "$directory"; done
"#;

static GUARDIAN: OnceLock<Mutex<ChildStdin>> = OnceLock::new();

fn start() -> anyhow::Result<ChildStdin> {
    let mut child = Command::new("sh")
        .args(["-c", SCRIPT, "guardian"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Out of reach of the terminal's Ctrl-C, which is meant for us.
        .process_group(0)
        .spawn()
        .context("cannot start `sh`")?;
    child.stdin.take().context("the guardian has no input")
}

fn tell(line: &str) -> anyhow::Result<()> {
    let guardian = if let Some(guardian) = GUARDIAN.get() {
        guardian
    } else {
        let started = start()?;
        // Should two threads get here, the loser's shell ends at once, having been told nothing.
        GUARDIAN.get_or_init(|| Mutex::new(started))
    };
    let mut input = guardian.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(input, "{line}").context("the guardian is gone")
}

/// When we end, send `signal` (a name such as `TERM`) to the process group that `pid` leads, and SIGKILL as soon as `pid`
/// has ended, or 5 s later.
pub fn watch(pid: u32, signal: &str) -> anyhow::Result<()> {
    tell(&format!("watch {signal}:{pid}"))
}

/// The process has ended and its id may be given to another.
pub fn forget(pid: u32) -> anyhow::Result<()> {
    tell(&format!("forget {pid}"))
}

/// When we end, and after the processes have, remove the directory.
pub fn remove(directory: &Path) -> anyhow::Result<()> {
    tell(&format!("remove {}", directory.display()))
}
