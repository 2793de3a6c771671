//! `cargo xtask torture`: the bridge under kills and faults, in memory or with real parts.
//!
//! The simulation is a program of its own, built for speed; what it can be asked is in `crates/torture/src/main.rs`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use testbed::postgres::Postgres;

use crate::steps::Step;
use crate::{cargo, prerequisites};

/// What to run. Without `--real`, everything goes to the simulation as it is.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// `--seeds N` runs so many seeds of the simulation, `--seed S` one with each of its steps; `--real` takes a real
    /// homeserver and the real program; `--help` and `--real --help` tell more
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// With a real Synapse and the real program.
#[derive(clap::Parser)]
#[command(name = "cargo xtask torture --real")]
struct Real {
    /// How often the bridge is killed
    #[arg(long, default_value_t = 200)]
    kills: usize,
    /// What the dice begin with
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// After so many minutes nothing is killed any more
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Where the bridge keeps everything
    #[arg(long, value_enum, default_value = "sqlite")]
    database: Database,
    /// Kill this program instead of building one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
}

/// Builds and runs it.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    if let Some((first, rest)) = options.arguments.split_first()
        && first == "--real"
    {
        let arguments = std::iter::once("--real".to_owned()).chain(rest.iter().cloned());
        return real(<Real as clap::Parser>::parse_from(arguments)).await;
    }
    let status = cargo::command(&["run", "--quiet", "--profile", "torture", "--package"])
        .args(["torture", "--"])
        .args(&options.arguments)
        .status()
        .await
        .context("cannot start cargo")?;
    anyhow::ensure!(status.success(), "it found something");
    Ok(())
}

async fn real(real: Real) -> anyhow::Result<()> {
    prerequisites::synapse().await?;
    let program = if let Some(program) = real.program {
        program
    } else {
        let step = Step::begin("The bridge");
        let program = cargo::build_program(&step).await?;
        step.done("built");
        program
    };
    let database = match real.database {
        Database::Sqlite => None,
        Database::Postgres => {
            let step = Step::begin("PostgreSQL");
            let server = Postgres::start(&step).await?;
            let uri = server.database().await?;
            step.done("");
            Some((server, uri))
        }
    };
    let options = siege::Options {
        program,
        kills: real.kills,
        seed: real.seed,
        longest: Duration::from_mins(real.minutes),
        database: database.as_ref().map(|(_, uri)| uri.clone()),
    };
    let step = Step::begin("Kills");
    let report = siege::run(&options, &step).await?;
    step.done("");
    println!("{report}");
    anyhow::ensure!(
        report.findings.is_empty(),
        "it found something; seed {}, logs in {}",
        real.seed,
        testbed::scratch::target().join("testbed").display()
    );
    Ok(())
}
