//! A real Synapse, pinned, in a venv below `target/`, with its database in memory and no way to the outside.
//!
//! Tests share one per process ([`shared`]) and take a [`Slot`] each, since Synapse reads registrations only when it
//! starts. The demo, the bench and tests which kill a homeserver start their own ([`Synapse::start`]).

mod settings;
mod slot;
mod venv;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::Context as _;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use url::Url;

pub use slot::Slot;
pub use venv::{VERSION, prepare};

use crate::process::{Process, log_file};
use crate::progress::{Lines, Progress};
use crate::user::User;
use crate::{http, ports, scratch};

/// How many tests of one binary can have an appservice of their own.
const SHARED_SLOTS: usize = 192;

/// The server name of every Synapse here.
pub const DOMAIN: &str = "matrix.test";

static SHARED: OnceCell<Synapse> = OnceCell::const_new();

/// Synapse's limits on how often somebody may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RateLimits {
    /// So high that no test meets them.
    #[default]
    Off,
    /// As Synapse comes (except for making accounts).
    Stock,
}

/// What a Synapse is started with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Limits for ordinary users.
    pub rate_limits: RateLimits,
    /// Registration files, such as `matrix-gitter register` writes.
    pub registrations: Vec<PathBuf>,
    /// How many appservices to register for [`Synapse::slot`].
    pub slots: usize,
    /// Listen here instead of on a port of our choice.
    pub port: Option<u16>,
}

/// A running Synapse. Dropping it ends it and removes its data.
#[derive(Debug)]
pub struct Synapse {
    server: tokio::sync::Mutex<Process>,
    home: TempDir,
    python: PathBuf,
    base: Url,
    free_slots: Mutex<Vec<Slot>>,
}

/// The Synapse which the tests of this process share; started on first use, ended with the process.
pub async fn shared() -> anyhow::Result<&'static Synapse> {
    SHARED
        .get_or_try_init(|| {
            let options = Options {
                slots: SHARED_SLOTS,
                ..Options::default()
            };
            async move { Synapse::start(options, &Lines).await }
        })
        .await
}

impl Synapse {
    /// Starts one and waits until it answers (2 s; some 30 s more the first time, when the venv is made).
    pub async fn start(options: Options, progress: &dyn Progress) -> anyhow::Result<Self> {
        let python = prepare(progress).await?;
        let home = scratch::directory("hs")?;
        let port = options.port.map_or_else(ports::reserve, Ok)?;
        let puppet_token = crate::http::random_hex(32);
        let slots = (0..options.slots)
            .map(|number| Slot::new(number, &puppet_token))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let mut registrations = options.registrations;
        for slot in &slots {
            let file = home.path().join(format!("{}.yaml", slot.id));
            write_json(&file, &slot.registration())?;
            registrations.push(file);
        }
        if !slots.is_empty() {
            let file = home.path().join("double-puppet.yaml");
            write_json(&file, &Slot::puppet_registration(&puppet_token))?;
            registrations.push(file);
        }
        settings::write(home.path(), port, options.rate_limits, &registrations)?;
        let base = Url::parse(&format!("http://127.0.0.1:{port}/")).context("a URL of our own")?;
        let server = serve(&python, home.path())?;
        let synapse = Self {
            server: server.into(),
            home,
            python,
            base,
            free_slots: Mutex::new(slots),
        };
        synapse.answering().await?;
        Ok(synapse)
    }

    /// Base of the client-server API, with a slash at the end.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Its process id, to look at what it costs.
    pub async fn pid(&self) -> u32 {
        self.server.lock().await.pid()
    }

    /// An appservice nobody else uses.
    pub fn slot(&self) -> anyhow::Result<Slot> {
        let mut free = self
            .free_slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        free.pop()
            .context("all appservice slots are taken: raise SHARED_SLOTS or Options::slots")
    }

    /// Makes an account; `name` gets a random suffix, so that tests do not meet in it.
    pub async fn user(&self, name: &str) -> anyhow::Result<User> {
        let name = format!("{name}-{}", http::random_hex(4));
        self.user_named(&name, &http::random_hex(12)).await
    }

    /// Makes an account with exactly this localpart and password.
    pub async fn user_named(&self, localpart: &str, password: &str) -> anyhow::Result<User> {
        User::register(self.base.clone(), localpart, password).await
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    pub(crate) fn log_file(&self) -> PathBuf {
        self.home.path().join("log")
    }

    /// Stops it in good order.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.server.lock().await.stop().await.map(drop)
    }

    /// SIGKILL.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.server.lock().await.kill().await.map(drop)
    }

    /// Starts it again on the same data, after [`stop`](Self::stop) or [`kill`](Self::kill).
    pub async fn start_again(&self) -> anyhow::Result<()> {
        let mut server = self.server.lock().await;
        anyhow::ensure!(server.ended()?.is_some(), "Synapse still runs");
        *server = serve(&self.python, self.home.path())?;
        drop(server);
        self.answering().await
    }

    async fn answering(&self) -> anyhow::Result<()> {
        let health = self.base.join("health").context("a URL of our own")?;
        let log = self.home.path().join("log");
        self.server
            .lock()
            .await
            .answering(health.as_str(), &log)
            .await
            .map(drop)
    }
}

fn serve(python: &Path, home: &Path) -> anyhow::Result<Process> {
    let log = log_file(&home.join("log"))?;
    let mut command = Command::new(python);
    command
        .args(["-m", "synapse.app.homeserver", "--config-path"])
        .arg(home.join("homeserver.yaml"))
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("cannot share a log")?)
        .stderr(log);
    Process::start("Synapse", &mut command, Signal::TERM)
}

/// JSON is YAML too, and Synapse reads that.
fn write_json(file: &Path, value: &serde_json::Value) -> anyhow::Result<()> {
    std::fs::write(file, format!("{value:#}"))
        .with_context(|| format!("cannot write {}", file.display()))
}
