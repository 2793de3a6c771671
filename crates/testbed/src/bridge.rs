//! The real program, `matrix-gitter`, with a fresh configuration against a [`Slot`] of a Synapse, a Gitter and a
//! database; it can be stopped, killed and started again on the same configuration.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, log_file, tail};
use crate::synapse::{DOMAIN, Slot, Synapse};
use crate::{debian, http, logs, scratch};

/// The Gitter a bridge talks to.
#[derive(Debug, Clone)]
pub struct Gitter {
    /// `network.web_url`
    pub web_url: String,
    /// `network.api_url`
    pub api_url: String,
    /// `network.realtime_url`
    pub realtime_url: String,
    /// `network.files_url`
    pub files_url: String,
    /// OAuth key of an app whose redirect URL is [`Slot::address`] and `/callback`.
    pub client_id: String,
    /// OAuth secret of that app.
    pub client_secret: String,
}

/// A bridge that is about to be started.
#[derive(Debug)]
pub struct Setup {
    program: PathBuf,
    slot: Slot,
    home: TempDir,
    config: Value,
    environment: Vec<(String, String)>,
    homeserver_log: PathBuf,
    small_disk: bool,
}

/// How large a small disk is.
pub const SMALL_DISK: u64 = 16 << 20;

impl Setup {
    /// A configuration with SQLite in a directory of its own; `program` is the path of `matrix-gitter`.
    pub fn new(
        program: impl Into<PathBuf>,
        synapse: &Synapse,
        slot: Slot,
        gitter: &Gitter,
    ) -> anyhow::Result<Self> {
        let home = scratch::directory("bridge")?;
        let key = hex::decode(http::random_hex(32)).context("our own digits")?;
        let database = home.path().join("bridge.db");
        let config = json!({
            "homeserver": {
                "address": synapse.base().as_str().trim_end_matches('/'),
                "domain": DOMAIN,
            },
            "appservice": {
                "address": slot.address(),
                "hostname": "127.0.0.1",
                "port": slot.port,
                "id": slot.id,
                "bot": { "username": slot.bot },
                "username_template": format!("{}{{id}}", slot.ghost_prefix),
                "as_token": slot.as_token,
                "hs_token": slot.hs_token,
            },
            "web": { "public_address": slot.address() },
            "database": { "uri": format!("sqlite:{}", database.display()) },
            "network": {
                "type": "gitter",
                "web_url": gitter.web_url,
                "api_url": gitter.api_url,
                "realtime_url": gitter.realtime_url,
                "files_url": gitter.files_url,
                "client_id": gitter.client_id,
                "client_secret": gitter.client_secret,
            },
            "bridge": {
                "secret_key": STANDARD.encode(key),
                "permissions": { DOMAIN: "user" },
            },
            "logging": { "level": "trace" },
        });
        Ok(Self {
            program: program.into(),
            slot,
            home,
            config,
            environment: Vec::new(),
            homeserver_log: synapse.log_file(),
            small_disk: false,
        })
    }

    /// Sets one key, named with dots: `bridge.members.initial`.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        let place = key
            .split('.')
            .fold(&mut self.config, |at, part| &mut at[part]);
        *place = value.into();
        self
    }

    /// Starts it with this variable in its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Lets the bridge speak as the users of its homeserver.
    #[must_use]
    pub fn with_puppets(self) -> Self {
        let token = self.slot.puppet_token.clone();
        self.set("double_puppet.as_token", token)
    }

    /// Sets the level of a user or a homeserver in `bridge.permissions`, whose keys hold dots.
    #[must_use]
    pub fn permit(mut self, whom: &str, level: &str) -> Self {
        self.config["bridge"]["permissions"][whom] = level.into();
        self
    }

    /// Keeps everything in this database instead.
    #[must_use]
    pub fn database(self, uri: &str) -> Self {
        self.set("database.uri", uri)
    }

    /// Keeps everything in SQLite on a file system of its own ([`SMALL_DISK`]), which is there as long as the process. See
    /// [`Bridge::small_disk`].
    #[must_use]
    pub fn on_a_small_disk(mut self) -> Self {
        self.small_disk = true;
        let file = self.home.path().join("disk").join("bridge.db");
        self.database(&format!("sqlite:{}", file.display()))
    }

    /// The configuration as it would be written.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// Starts the program and waits until it says that it is ready.
    pub async fn start(self) -> anyhow::Result<Bridge> {
        let file = self.home.path().join("config.yaml");
        // JSON is YAML too.
        std::fs::write(&file, format!("{:#}", self.config)).context("cannot write config.yaml")?;
        if self.small_disk {
            std::fs::create_dir(self.home.path().join("disk")).context("cannot make a folder")?;
        }
        let process = run(
            &self.program,
            self.home.path(),
            &self.environment,
            self.small_disk,
        )?;
        let mut bridge = Bridge {
            small_disk: self.small_disk,
            process,
            environment: self.environment,
            program: self.program,
            slot: self.slot,
            config: self.config,
            home: self.home,
            homeserver_log: self.homeserver_log,
        };
        bridge.ready().await?;
        Ok(bridge)
    }
}

/// A running bridge. Dropping it kills it and removes its files; its log is kept, see [`crate::logs`].
#[derive(Debug)]
pub struct Bridge {
    process: Process,
    program: PathBuf,
    slot: Slot,
    config: Value,
    environment: Vec<(String, String)>,
    home: TempDir,
    homeserver_log: PathBuf,
    small_disk: bool,
}

impl Bridge {
    /// The appservice it is.
    pub fn slot(&self) -> &Slot {
        &self.slot
    }

    /// Its process id, to look at what it costs.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// `config.yaml`, for the program's other commands.
    pub fn config_file(&self) -> PathBuf {
        self.home.path().join("config.yaml")
    }

    /// The folder which is a file system of its own, as we see it from outside of the process.
    pub fn small_disk(&self) -> PathBuf {
        let folder = self.home.path().join("disk");
        let inside = folder.strip_prefix("/").unwrap_or(&folder);
        Path::new("/proc")
            .join(self.pid().to_string())
            .join("root")
            .join(inside)
    }

    /// What `GET /health/ready` answers.
    pub async fn readiness(&self) -> anyhow::Result<(u16, Value)> {
        let url = format!("{}/health/ready", self.slot.address());
        let answer = http::client()?.get(url).send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }

    /// What it wrote to its standard error so far, over all its starts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Errors
    /// If it takes more than 15 s, or ends with another status than 0.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let status = self.process.stop().await?;
        anyhow::ensure!(
            status.success(),
            "the bridge ended with {status}:\n{}",
            tail(&self.log(), 25)
        );
        Ok(())
    }

    /// SIGKILL.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill().await.map(drop)
    }

    /// Starts it again on the same configuration, after [`stop`](Self::stop) or [`kill`](Self::kill).
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.launch_again()?;
        self.ready().await.map(drop)
    }

    /// As [`start_again`](Self::start_again), but does not wait until it is ready.
    pub fn launch_again(&mut self) -> anyhow::Result<()> {
        anyhow::ensure!(self.process.ended()?.is_some(), "the bridge still runs");
        self.process = run(
            &self.program,
            self.home.path(),
            &self.environment,
            self.small_disk,
        )?;
        Ok(())
    }

    /// Waits until `GET /health/ready` answers 200; gives how long that took since now.
    pub async fn ready(&mut self) -> anyhow::Result<Duration> {
        let health = format!("{}/health/ready", self.slot.address());
        let log = self.home.path().join("log");
        self.process.answering(&health, &log).await
    }

    /// Looks for secrets in the log: its own (tokens, keys) and those given, such as login links and message texts.
    ///
    /// # Errors
    /// Names the lines in which one stands, without the secret.
    pub fn check_log(&self, secrets: &[&str]) -> anyhow::Result<()> {
        let own = [
            "/appservice/as_token",
            "/appservice/hs_token",
            "/double_puppet/as_token",
            "/network/client_secret",
            "/bridge/secret_key",
        ];
        let own = own
            .iter()
            .filter_map(|pointer| self.config.pointer(pointer)?.as_str());
        let log = self.log();
        anyhow::ensure!(!log.is_empty(), "the bridge logged nothing");
        for (number, secret) in own.chain(secrets.iter().copied()).enumerate() {
            let holds = log.lines().find(|line| line.contains(secret));
            if let Some(line) = holds {
                let line = line.replace(secret, "<secret>");
                anyhow::bail!("secret {number} of the list stands in the log: {line}");
            }
        }
        Ok(())
    }
}

impl Drop for Bridge {
    // Nobody waits for a good end any more; one that is wanted has been asked for by `stop`.
    fn drop(&mut self) {
        let _ = self.process.signal(Signal::KILL);
        logs::keep(
            &self.slot.id,
            &self.home.path().join("log"),
            &self.homeserver_log,
        );
    }
}

fn run(
    program: &Path,
    home: &Path,
    environment: &[(String, String)],
    small_disk: bool,
) -> anyhow::Result<Process> {
    let log = log_file(&home.join("log"))?;
    let mut command = if small_disk {
        on_a_small_disk(program, &home.join("disk"))
    } else {
        Command::new(program)
    };
    command
        .args(["run", "-c"])
        .arg(home.join("config.yaml"))
        .current_dir(home)
        .envs(environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("cannot share a log")?)
        .stderr(log);
    Process::start("matrix-gitter", &mut command, Signal::TERM)
}

/// The program where it alone sees the file system in `folder`, which ends with it. Each of these programs becomes the next,
/// so the process id is the program's.
fn on_a_small_disk(program: &Path, folder: &Path) -> Command {
    const MOUNT: &str = r#"mount -t tmpfs -o "size=$1" tmpfs "$2" && shift 2 && exec "$@""#;
    let mut command = Command::new("unshare");
    // Whoever is not root may mount in a user namespace of his own.
    if debian::root() {
        command.arg("--mount");
    } else {
        command.args(["--user", "--map-root-user", "--mount"]);
    }
    command
        .args(["sh", "-c", MOUNT, "sh", &SMALL_DISK.to_string()])
        .arg(folder)
        .arg(program);
    command
}
