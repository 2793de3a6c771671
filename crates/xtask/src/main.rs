//! What developers and newcomers run: `cargo xtask demo`, `test`, `ci`, `fuzz`, `torture`, `freeze` and `bench`.
//!
//! One more command is one more module and one more variant of [`Task`].
#![expect(
    clippy::print_stdout,
    reason = "these commands talk to whoever runs them"
)]

mod bench;
mod cargo;
mod ci;
mod demo;
mod freeze;
mod fuzz;
mod prerequisites;
mod steps;
mod test;
mod torture;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks around matrix-gitter")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Sets up a homeserver, a Gitter with people who talk, and the bridge between them
    Demo(demo::Options),
    /// Runs every test: unit, recorded cases, both databases, and the whole road on a real Synapse
    Test(test::Options),
    /// Checks format and lints, then runs every test
    Ci,
    /// Throws strange input at whatever reads foreign text
    Fuzz(fuzz::Options),
    /// Kills the bridge in every way, in memory and under virtual time, and compares both sides afterwards
    Torture(torture::Options),
    /// Freezes the database's schema as that of a release, so that later versions are tested to migrate it
    Freeze(freeze::Options),
    /// Measures what the bridge costs, and writes a table
    Bench(bench::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Demo(options) => demo::run(&options).await,
        Task::Test(options) => test::run(&options).await,
        Task::Ci => ci::run().await,
        Task::Fuzz(options) => fuzz::run(&options).await,
        Task::Torture(options) => torture::run(&options).await,
        Task::Freeze(options) => freeze::run(&options).await,
        Task::Bench(options) => bench::run(&options).await,
    }
}
