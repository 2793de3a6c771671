//! A throw-away PostgreSQL: a new cluster from Debian's package, on a socket of its own and without TCP.
//!
//! It never touches the machine's own clusters. The server refuses to run as root, so then it runs as `postgres`.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::process::{Process, output, tail};
use crate::progress::{Lines, Progress};
use crate::tls::Certificate;
use crate::{debian, ports, scratch};

static SHARED: OnceCell<Postgres> = OnceCell::const_new();

/// A fresh, empty database on the cluster which the tests of this process share; gives its URI.
pub async fn database() -> anyhow::Result<String> {
    shared().await?.database().await
}

/// The cluster which the tests of this process share; started on first use, ended with the process.
pub async fn shared() -> anyhow::Result<&'static Postgres> {
    SHARED.get_or_try_init(|| Postgres::start(&Lines)).await
}

/// A running cluster. Dropping it ends the server and removes its data.
#[derive(Debug)]
pub struct Postgres {
    // Dropped in this order: first the server, then its data.
    server: Process,
    home: TempDir,
    programs: PathBuf,
    /// With TLS.
    port: Option<u16>,
    made: AtomicU32,
}

impl Postgres {
    /// Installs PostgreSQL if it is missing.
    pub async fn prepare(progress: &dyn Progress) -> anyhow::Result<()> {
        programs(progress).await.map(drop)
    }

    /// Makes a cluster and waits until it answers (2 s; longer if the package must be installed first).
    pub async fn start(progress: &dyn Progress) -> anyhow::Result<Self> {
        Self::start_as(progress, None).await
    }

    /// The same, listening on `localhost` by TCP, too, with TLS.
    pub async fn start_with_tls(
        progress: &dyn Progress,
        certificate: &Certificate,
    ) -> anyhow::Result<Self> {
        Self::start_as(progress, Some(certificate)).await
    }

    async fn start_as(
        progress: &dyn Progress,
        certificate: Option<&Certificate>,
    ) -> anyhow::Result<Self> {
        let programs = programs(progress).await?;
        let home = scratch::directory("pg")?;
        let data = home.path().join("data");
        if let Some(certificate) = certificate {
            certificate.write(home.path())?;
        }
        if debian::root() {
            let (uid, gid) = (id_of_postgres("-u").await?, id_of_postgres("-g").await?);
            for name in ["", "server.crt", "server.key"] {
                let path = home.path().join(name);
                if path.exists() {
                    chown(path, Some(uid), Some(gid))
                        .context("cannot give a directory to the user postgres")?;
                }
            }
        }
        let mut initdb = tokio::process::Command::from(unprivileged(&programs.join("initdb")));
        initdb
            .args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
            ])
            .args(["--no-sync", "--wal-segsize=1", "--pgdata"])
            .arg(&data);
        output(&mut initdb)
            .await
            .context("cannot make a PostgreSQL cluster")?;

        let port = certificate.map(|_| ports::reserve()).transpose()?;
        let server = serve(&programs, home.path(), port)?;
        let postgres = Self {
            port,
            server,
            home,
            programs,
            made: AtomicU32::new(0),
        };
        postgres.answering().await?;
        Ok(postgres)
    }

    /// Makes a fresh, empty database and gives its URI.
    pub async fn database(&self) -> anyhow::Result<String> {
        let name = format!("test{}", self.made.fetch_add(1, Ordering::Relaxed));
        output(self.client("createdb").arg(&name))
            .await
            .context("cannot make a database")?;
        Ok(format!(
            "postgres://postgres@localhost/{name}?host={}",
            self.home.path().display()
        ))
    }

    /// The same, reached by TCP, as [`Self::start_with_tls`] makes possible; what `sslmode` is to be is left to the test.
    pub async fn remote_database(&self) -> anyhow::Result<String> {
        let port = self.port.context("it listens on no port")?;
        let uri = self.database().await?;
        let name = uri.split(['/', '?']).nth(3).unwrap_or_default();
        Ok(format!("postgres://postgres@localhost:{port}/{name}"))
    }

    /// Kills the server as a power cut would, and starts it again on the same data.
    pub async fn crash(&mut self) -> anyhow::Result<()> {
        self.stop().await?;
        self.start_again().await
    }

    /// Ends the server at once.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        self.server.signal(Signal::QUIT)?;
        self.server.wait(Duration::from_secs(15)).await.map(drop)
    }

    /// Starts it on the same data, after [`Self::stop`].
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.server = serve(&self.programs, self.home.path(), self.port)?;
        self.answering().await
    }

    /// Carries out statements in a database which [`Self::database`] made, one after the other, and gives their rows.
    pub async fn execute(&self, uri: &str, statements: &[&str]) -> anyhow::Result<String> {
        let mut command = self.session(uri);
        for statement in statements {
            command.args(["--command", statement]);
        }
        output(&mut command).await
    }

    /// A whole database as SQL, without what differs from one version of the server to the next.
    pub async fn dump(&self, uri: &str) -> anyhow::Result<String> {
        let mut command = tokio::process::Command::new(self.programs.join("pg_dump"));
        command.args([
            "--inserts",
            "--no-owner",
            "--no-privileges",
            "--dbname",
            uri,
        ]);
        let text = output(&mut command).await?;
        let is_kept = |line: &&str| {
            !line.is_empty()
                && !["--", "\\", "SET ", "SELECT pg_catalog.set_config("]
                    .iter()
                    .any(|start| line.starts_with(start))
        };
        let mut kept: String = text.lines().filter(is_kept).collect::<Vec<_>>().join("\n");
        kept.push('\n');
        Ok(kept)
    }

    /// Carries out a text of SQL in a database which [`Self::database`] made.
    pub async fn load(&self, uri: &str, text: &str) -> anyhow::Result<()> {
        let file = tempfile::NamedTempFile::new().context("cannot make a file")?;
        std::fs::write(file.path(), text).context("cannot write SQL")?;
        let mut command = self.session(uri);
        command.arg("--file").arg(file.path());
        output(&mut command).await.map(drop)
    }

    /// A client that takes statements by its standard input, and whose session ends with that.
    pub fn session(&self, uri: &str) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(self.programs.join("psql"));
        command.args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet"]);
        command.args(["--set", "ON_ERROR_STOP=1", "--dbname", uri]);
        command.kill_on_drop(true);
        command
    }

    async fn answering(&self) -> anyhow::Result<()> {
        for _ in 0..600 {
            if output(self.client("pg_isready").arg("--quiet"))
                .await
                .is_ok()
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let log = std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
        anyhow::bail!("PostgreSQL does not answer after 30 s:\n{}", tail(&log, 20));
    }

    fn client(&self, program: &str) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(self.programs.join(program));
        command
            .arg("--host")
            .arg(self.home.path())
            .args(["--username", "postgres"]);
        if let Some(port) = self.port {
            command.args(["--port", &port.to_string()]);
        }
        command
    }
}

fn serve(programs: &Path, home: &Path, tls_port: Option<u16>) -> anyhow::Result<Process> {
    let log = std::fs::File::create(home.join("log")).context("cannot write PostgreSQL's log")?;
    let mut command = unprivileged(&programs.join("postgres"));
    command.arg("-D").arg(home.join("data")).arg("-k").arg(home);
    for setting in [
        "fsync=off",
        "full_page_writes=off",
        "max_connections=200",
        "shared_buffers=32MB",
        "timezone=UTC",
        // In the data's directory, so that it goes with it however the server ends.
        "dynamic_shared_memory_type=mmap",
    ] {
        command.args(["-c", setting]);
    }
    let over_tcp = match tls_port {
        None => vec!["listen_addresses=".to_owned()],
        Some(port) => vec![
            "listen_addresses=localhost".to_owned(),
            format!("port={port}"),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", home.join("server.crt").display()),
            format!("ssl_key_file={}", home.join("server.key").display()),
        ],
    };
    for setting in over_tcp {
        command.args(["-c", &setting]);
    }
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    // SIGQUIT ends it at once; nothing on it is worth an orderly end.
    Process::start("PostgreSQL", &mut command, Signal::QUIT)
}

/// The program as ourselves, or as `postgres` if we are root. `setpriv` becomes the program, so its process id is the
/// server's.
fn unprivileged(program: &Path) -> Command {
    let mut command = if debian::root() {
        let mut command = Command::new("setpriv");
        command
            .args([
                "--reuid=postgres",
                "--regid=postgres",
                "--init-groups",
                "--",
            ])
            .arg(program);
        command
    } else {
        Command::new(program)
    };
    // Our own directory may be closed to that user.
    command.current_dir("/");
    command
}

async fn id_of_postgres(flag: &str) -> anyhow::Result<u32> {
    let id = output(tokio::process::Command::new("id").args([flag, "postgres"])).await?;
    id.trim().parse().context("`id` answered with no number")
}

async fn programs(progress: &dyn Progress) -> anyhow::Result<PathBuf> {
    debian::find_or_install("PostgreSQL", &["postgresql"], progress, newest_programs).await
}

/// Where the newest installed version's programs are.
fn newest_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            programs
                .join("initdb")
                .is_file()
                .then_some((version, programs))
        })
        .max()
        .map(|(_, programs)| programs)
}
