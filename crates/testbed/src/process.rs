//! A child process that is ended with its owner, and can be stopped, killed and looked at before that.
//!
//! Each child leads a process group of its own: signals reach its children too (chromedriver forgets its browser), and
//! the terminal's Ctrl-C does not, so that we end things in order.
//! `std`'s child instead of Tokio's, because shared parts outlive the runtime of the test which happened to start them.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Pid, kill_process_group};

pub use rustix::process::Signal;
use tokio::time::Instant;

use crate::{guardian, http};

const POLL: Duration = Duration::from_millis(20);

/// A running child. Dropping it stops it (see [`Process::stop`]).
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    polite: Signal,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command`, which is called `name` in messages and asked to end by the signal `polite`.
    pub fn start(name: &str, command: &mut Command, polite: Signal) -> anyhow::Result<Self> {
        let child = command.process_group(0).spawn().with_context(|| {
            format!("cannot start {name} ({})", command.get_program().display())
        })?;
        let process = Self {
            child,
            name: name.to_owned(),
            polite,
            ended: None,
        };
        guardian::watch(process.pid(), signal_name(polite))?;
        Ok(process)
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self
                .child
                .try_wait()
                .with_context(|| format!("cannot wait for {}", self.name))?;
            if self.ended.is_some() {
                guardian::forget(self.pid())?;
            }
        }
        Ok(self.ended)
    }

    /// Sends a signal; does nothing once the process has ended.
    pub fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        if self.ended()?.is_none() {
            kill_process_group(Pid::from_child(&self.child), signal)
                .with_context(|| format!("cannot send a signal to {}", self.name))?;
        }
        Ok(())
    }

    /// Waits until it has ended by itself.
    pub async fn wait(&mut self, deadline: Duration) -> anyhow::Result<ExitStatus> {
        let mut waited = Duration::ZERO;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            anyhow::ensure!(
                waited < deadline,
                "{} still runs after {deadline:?}",
                self.name
            );
            tokio::time::sleep(POLL).await;
            waited += POLL;
        }
    }

    /// Waits until `url` answers with success, and gives how long that took; `log` is where the process writes.
    ///
    /// # Errors
    /// If the process ends, or nothing comes within a minute; the message holds the end of the log.
    pub async fn answering(&mut self, url: &str, log: &Path) -> anyhow::Result<Duration> {
        let http = http::client()?;
        let start = Instant::now();
        let what = loop {
            if let Some(status) = self.ended()? {
                break format!("{} ended ({status})", self.name);
            }
            let answer = http.get(url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(start.elapsed());
            }
            if start.elapsed() > Duration::from_mins(1) {
                break format!("{} does not answer after a minute", self.name);
            }
            tokio::time::sleep(POLL / 2).await;
        };
        let log = std::fs::read_to_string(log).unwrap_or_default();
        anyhow::bail!("{what}:\n{}", tail(&log, 25))
    }

    /// Asks it to end, and waits up to 15 s for that; then kills it, which is reported as an error.
    pub async fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        self.signal(self.polite)?;
        let ended = self.wait(Duration::from_secs(15)).await;
        if ended.is_err() {
            self.kill().await?;
        }
        ended
    }

    /// SIGKILL, and waits until it is gone.
    pub async fn kill(&mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::KILL)?;
        self.wait(Duration::from_secs(15)).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody can be told of a failure here; the guardian tries again when we end.
        let _ = self.signal(self.polite);
        for round in 0..500 {
            if !matches!(self.ended(), Ok(None)) {
                return;
            }
            if round == 250 {
                let _ = self.signal(Signal::KILL);
            }
            std::thread::sleep(POLL);
        }
    }
}

fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::INT => "INT",
        Signal::QUIT => "QUIT",
        Signal::KILL => "KILL",
        _ => "TERM",
    }
}

/// A file to which a process writes, and goes on writing when it is started again.
pub fn log_file(path: &Path) -> anyhow::Result<File> {
    let mut options = File::options();
    options.create(true).append(true);
    options
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Runs a command to its end and gives what it wrote to its standard output; a failure names the last lines of what it
/// wrote to its standard error.
pub async fn output(command: &mut tokio::process::Command) -> anyhow::Result<String> {
    let name = command.as_std().get_program().display().to_string();
    let done = command
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("cannot start `{name}`"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if done.status.success() {
        return Ok(text(&done.stdout));
    }
    let said = format!("{}{}", text(&done.stdout), text(&done.stderr));
    anyhow::bail!("`{name}` failed ({}):\n{}", done.status, tail(&said, 20));
}

/// The last `lines` lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(lines);
    all.get(from..).unwrap_or_default().join("\n")
}
