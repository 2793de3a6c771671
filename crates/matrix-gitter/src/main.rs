//! A bridge between Matrix and a user's own Gitter account.
//!
//! This crate is the program: command line, configuration, start and stop, `doctor`. It wires the other crates
//! together and does nothing else. One file per command lives in [`commands`].

mod cli;
mod commands;
mod config;
mod exit;
mod logging;
mod system;
mod wiring;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match commands::run(arguments.task()) {
        Ok(status) => status.into(),
        Err(failure) => {
            eprintln!("matrix-gitter: {failure}");
            failure.status.into()
        }
    }
}
