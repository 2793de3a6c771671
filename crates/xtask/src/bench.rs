//! `cargo xtask bench`: what the bridge costs, measured on the release build against a real Synapse and the sandbox.
//!
//! One more figure is one more function in [`measure`] and its row in [`run`]. Figures differ from machine to machine; those
//! that compare two things on the same machine say how much dearer one is.

mod costs;
mod measure;
mod table;
mod world;

use std::path::{Path, PathBuf};
use std::time::Duration;

use table::Table;

use crate::steps::Step;
use crate::{cargo, prerequisites};

/// How much to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Messages each way
    #[arg(long, default_value_t = 1000)]
    messages: usize,
    /// Measure this program instead of building one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Only the messages both ways
    #[arg(long)]
    only_traffic: bool,
}

/// Measures everything, prints the table, and writes it to `target/bench.md`.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    prerequisites::synapse().await?;
    let program = if let Some(program) = &options.program {
        program.clone()
    } else {
        let step = Step::begin("The bridge, optimised");
        let program = cargo::build_release(&step).await?;
        step.done("built");
        program
    };
    let mut table = Table::default();

    if !options.only_traffic {
        standing(&program, &mut table).await?;
    }
    moving(&program, options.messages, &mut table).await?;

    let text = table.to_string();
    println!("\n{text}");
    std::fs::write(testbed::scratch::target().join("bench.md"), text)?;
    Ok(())
}

/// What the bridge takes without traffic.
async fn standing(program: &Path, table: &mut Table) -> anyhow::Result<()> {
    let size = std::fs::metadata(program)?.len();
    table.row("binary, stripped", mebibytes(size), "");

    let step = Step::begin("Start and idling");
    let idle = measure::start_and_idle(program).await?;
    table.row("start to ready", seconds(idle.start), "0.3 s");
    table.row("resident memory, idle", mebibytes(idle.memory), "12 MiB");
    step.done("");

    let step = Step::begin("Login of a user with 60 rooms");
    let login = measure::login(program, 60).await?;
    table.row(
        "Gitter requests to log in a user with 60 rooms",
        login.requests.to_string(),
        "100",
    );
    table.row("answers 429 on the way", login.refused.to_string(), "0");
    step.done("");

    let step = Step::begin("One user in 20 rooms");
    let twenty = measure::twenty_rooms(program).await?;
    table.row(
        "resident memory, one user in 20 rooms",
        mebibytes(twenty),
        "12 MiB",
    );
    step.done("");
    Ok(())
}

/// What messages cost.
async fn moving(program: &Path, messages: usize, table: &mut Table) -> anyhow::Result<()> {
    let step = Step::begin("Messages both ways");
    let traffic = measure::traffic(program, messages).await?;
    for (way, figures, aim) in [
        ("to Gitter", &traffic.to_gitter, "0"),
        ("to Matrix", &traffic.to_matrix, "1"),
    ] {
        table.row(
            &format!("CPU for 1000 messages {way}"),
            seconds(figures.cpu),
            "0.2 s",
        );
        let requests = format!("{:.2}", figures.homeserver_requests);
        table.row(
            &format!("homeserver requests per message {way}"),
            requests,
            aim,
        );
        let latency = format!(
            "{} ({:.1} times a direct send)",
            millis(figures.added),
            figures.ratio()
        );
        table.row(&format!("added latency {way}, median"), latency, "");
    }
    table.row(
        "resident memory after all that",
        mebibytes(traffic.memory),
        "",
    );
    step.done("");
    Ok(())
}

fn mebibytes(bytes: u64) -> String {
    // Tenths, without a detour through floating point.
    let tenths = bytes * 10 / (1 << 20);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}
