//! Sets up the demo as an admin would: build, configure, register, start.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use gitter_sandbox::{OAuthClient, Sandbox, UserId};
use tempfile::TempDir;
use testbed::process::{Process, Signal, log_file, output};
use testbed::synapse::{self, Synapse};
use testbed::user::User;
use testbed::web_client::{self, Account, WebClient};
use testbed::{ports, scratch};

use super::people;
use crate::steps::Step;
use crate::{cargo, prerequisites};

/// Localpart of the Matrix account.
pub(super) const MATRIX_NAME: &str = "dana";
/// Its password.
pub(super) const MATRIX_PASSWORD: &str = "dana";

/// Matrix id of the bot.
pub(super) fn bot() -> String {
    format!("@gitter:{}", synapse::DOMAIN)
}

/// Matrix id of a Gitter person's ghost.
pub(super) fn ghost(person: UserId) -> String {
    format!("@gitter_{person}:{}", synapse::DOMAIN)
}

/// Everything that runs. Dropping it ends it all.
pub(super) struct Stage {
    // In this order: the bridge goes before what it talks to.
    _bridge: Process,
    client: Option<WebClient>,
    pub(super) dana: User,
    pub(super) people: people::People,
    pub(super) sandbox: Sandbox,
    synapse: Synapse,
    home: TempDir,
    ports: Ports,
}

/// Addresses that are chosen before anything starts, since each must know the others'.
pub(super) struct Ports {
    homeserver: u16,
    bridge: u16,
    gitter: u16,
    client: u16,
}

impl Stage {
    /// Step by step, each shown.
    pub(super) async fn set_up(ports: Ports) -> anyhow::Result<Self> {
        prerequisites::synapse().await?;

        let step = Step::begin("Gitter, with people who talk");
        let sandbox = Sandbox::builder().port(ports.gitter).start().await?;
        let people = people::move_in(&sandbox)?;
        step.done(sandbox.web_url().as_str());

        let step = Step::begin("The bridge");
        let program = cargo::build_program(&step).await?;
        step.done("built");

        let step = Step::begin("Configuration");
        let home = scratch::directory("demo")?;
        let redirect = format!("http://127.0.0.1:{}/callback", ports.bridge);
        let app = sandbox.world().add_client("Matrix bridge", &redirect);
        let admin = Admin::new(&program, home.path(), &sandbox, &app, &ports);
        admin.configure().await?;
        step.done("by `matrix-gitter init`");

        let step = Step::begin("Registration");
        let registration = admin.register().await?;
        step.done("by `matrix-gitter register`");

        let step = Step::begin("Homeserver");
        let options = synapse::Options {
            registrations: vec![registration],
            port: Some(ports.homeserver),
            ..synapse::Options::default()
        };
        let synapse = Synapse::start(options, &step).await?;
        step.done(synapse.base().as_str());

        let step = Step::begin("Matrix account");
        let dana = synapse.user_named(MATRIX_NAME, MATRIX_PASSWORD).await?;
        dana.set_display_name("Dana").await?;
        step.done(&dana.id);

        let step = Step::begin("Start of the bridge");
        let bridge = admin.run().await?;
        step.done(&format!("http://127.0.0.1:{}", ports.bridge));
        Ok(Self {
            _bridge: bridge,
            client: None,
            dana,
            people,
            sandbox,
            synapse,
            home,
            ports,
        })
    }

    /// Starts the chat with the bot and serves a web client that shows it, logged in as Dana, beside a room on Gitter.
    ///
    /// The demo is a demo without the client, too: where there is no npm, or it cannot fetch anything, the step says so.
    pub(super) async fn add_client(&mut self, npm: Option<PathBuf>) -> anyhow::Result<()> {
        let dm = self.dana.dm(&bot()).await?;
        let step = Step::begin("Web client");
        let Some(npm) = npm else {
            step.done("none, since there is no npm");
            return Ok(());
        };
        let files = match web_client::build(&npm, &step).await {
            Ok(files) => files,
            Err(error) => {
                step.done(&format!("none: {}", in_short(&error)));
                return Ok(());
            }
        };
        let account = Account {
            homeserver: self.homeserver_address(),
            user: MATRIX_NAME,
            password: MATRIX_PASSWORD,
            room: &dm.room,
            beside: &self.gitter_page(people::LOUNGE),
        };
        let client = WebClient::serve(files, self.ports.client, &account).await?;
        step.done(client.address());
        self.client = Some(client);
        Ok(())
    }

    /// The web client, if there is one.
    pub(super) fn client(&self) -> Option<&WebClient> {
        self.client.as_ref()
    }

    pub(super) fn homeserver_address(&self) -> &str {
        self.synapse.base().as_str().trim_end_matches('/')
    }

    pub(super) fn gitter_page(&self, room: &str) -> String {
        format!("{}{room}", self.sandbox.web_url())
    }

    pub(super) fn log(&self) -> PathBuf {
        self.home.path().join("log")
    }
}

impl Ports {
    /// The well-known ones where they are free, since a person may have to type them.
    pub(super) fn usual() -> anyhow::Result<Self> {
        Self::choose(|usual| {
            let free = std::net::TcpListener::bind(("127.0.0.1", usual)).is_ok();
            if free { Ok(usual) } else { ports::reserve() }
        })
    }

    /// Such as nobody else wants.
    pub(super) fn any() -> anyhow::Result<Self> {
        Self::choose(|_| ports::reserve())
    }

    fn choose(choose: impl Fn(u16) -> anyhow::Result<u16>) -> anyhow::Result<Self> {
        Ok(Self {
            homeserver: choose(8008)?,
            bridge: choose(8445)?,
            gitter: choose(5000)?,
            client: choose(8080)?,
        })
    }
}

/// What went wrong, and the line which says most about why: npm says a lot.
fn in_short(error: &anyhow::Error) -> String {
    let whole = format!("{error:#}");
    let mut lines = whole.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default().trim_end_matches(':');
    let reason = lines.find_map(|line| {
        let said = line.strip_prefix("npm error ")?.trim();
        // One or two words are codes for programs.
        (said.split(' ').count() > 2).then_some(said)
    });
    reason.map_or_else(
        || first.to_owned(),
        |reason| format!("{first} ({})", reason.trim_end_matches(':')),
    )
}

/// Does with the program what an admin does.
struct Admin<'a> {
    program: &'a Path,
    home: &'a Path,
    settings: Vec<(&'static str, String)>,
    health: String,
}

impl<'a> Admin<'a> {
    fn new(
        program: &'a Path,
        home: &'a Path,
        sandbox: &Sandbox,
        app: &OAuthClient,
        ports: &Ports,
    ) -> Self {
        let bridge = format!("http://127.0.0.1:{}", ports.bridge);
        let settings = vec![
            (
                "HOMESERVER__ADDRESS",
                format!("http://127.0.0.1:{}", ports.homeserver),
            ),
            ("APPSERVICE__ADDRESS", bridge.clone()),
            ("APPSERVICE__PORT", ports.bridge.to_string()),
            ("WEB__PUBLIC_ADDRESS", bridge.clone()),
            ("NETWORK__WEB_URL", sandbox.web_url().to_string()),
            ("NETWORK__API_URL", sandbox.api_url().to_string()),
            ("NETWORK__REALTIME_URL", sandbox.realtime_url().to_string()),
            ("NETWORK__FILES_URL", sandbox.files_url().to_string()),
            ("NETWORK__CLIENT_ID", app.key.clone()),
            ("NETWORK__CLIENT_SECRET", app.secret.clone()),
        ];
        Self {
            program,
            home,
            settings,
            health: format!("{bridge}/health/ready"),
        }
    }

    fn command(&self, task: &str) -> Command {
        let mut command = Command::new(self.program);
        command
            .args([task, "-c", "config.yaml"])
            .current_dir(self.home);
        for (key, value) in &self.settings {
            command.env(format!("MATRIX_GITTER_{key}"), value);
        }
        command
    }

    /// `init`, and the one edit that the environment cannot make: whose homeserver it is.
    async fn configure(&self) -> anyhow::Result<()> {
        output(&mut self.command("init").into()).await?;
        let file = self.home.join("config.yaml");
        let example = std::fs::read_to_string(&file).context("cannot read config.yaml")?;
        let edited = example.replace("example.org", synapse::DOMAIN);
        std::fs::write(&file, edited).context("cannot write config.yaml")
    }

    async fn register(&self) -> anyhow::Result<PathBuf> {
        let file = self.home.join("registration.yaml");
        let mut command = self.command("register");
        command.arg("-r").arg(&file);
        output(&mut command.into()).await?;
        Ok(file)
    }

    async fn run(&self) -> anyhow::Result<Process> {
        let path = self.home.join("log");
        let log = log_file(&path)?;
        let mut command = self.command("run");
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut process = Process::start("matrix-gitter", &mut command, Signal::TERM)?;
        process.answering(&self.health, &path).await?;
        Ok(process)
    }
}

#[cfg(test)]
mod tests {
    use super::in_short;

    #[test]
    fn of_what_npm_says_the_reason_is_told() {
        let npm = anyhow::anyhow!(
            "npm failed with exit status: 1:\n\
             npm warn Unknown user config\n\
             npm error code EAI_AGAIN\n\
             npm error request to the registry failed\n\
             npm error A complete log is elsewhere"
        );
        assert_eq!(
            in_short(&npm.context("npm cannot fetch Hydrogen")),
            "npm cannot fetch Hydrogen: npm failed with exit status: 1 (request to the registry failed)"
        );
        let old = anyhow::anyhow!("no such file").context("cannot start npm");
        assert_eq!(in_short(&old), "cannot start npm: no such file");
    }
}
