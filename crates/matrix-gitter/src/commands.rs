//! The commands, one file each.

mod doctor;
mod init;
mod register;
mod run;
mod version;

pub(crate) use version::line as version_line;

use std::future::Future;

use crate::cli::Task;
use crate::exit::{Failure, Status};

/// Does what was asked for.
pub(crate) fn run(task: Task) -> Result<Status, Failure> {
    match task {
        Task::Run { config } => run::run(&config),
        Task::Init { config } => init::run(&config),
        Task::Register {
            config,
            registration,
            double_puppet,
        } => register::run(&config, &registration, &double_puppet),
        Task::Doctor {
            config,
            registration,
        } => doctor::run(&config, &registration),
        Task::Version => Ok(version::run()),
    }
}

/// Waits for a future. One thread is plenty: a bridge waits for others nearly all the time, and each further thread costs memory.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(
                Status::Failed,
                format!("the runtime cannot be started: {error}"),
            )
        })?
        .block_on(future)
}
