//! The program, run to its end as from a shell.

use std::path::Path;

use serde_json::Value;
use testbed::bridge::Setup;
use testbed::synapse;
use tokio::process::Command;

use crate::scene::{PROGRAM, Result};
use crate::town::Town;

/// What came of it.
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the program to its end.
pub(crate) async fn run(
    home: &Path,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<Ran> {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(home)
        .kill_on_drop(true);
    let done = tokio::time::timeout(std::time::Duration::from_mins(1), command.output()).await??;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let status = done.status.code().unwrap_or(-1);
    Ok(Ran {
        status,
        out: text(&done.stdout),
        err: text(&done.stderr),
    })
}

/// A configuration that would work.
pub(crate) async fn good() -> Result<Value> {
    let synapse = synapse::shared().await?;
    let slot = synapse.slot()?;
    let town = Town::start(&format!("{}/callback", slot.address())).await?;
    Ok(Setup::new(PROGRAM, synapse, slot, &town.gitter())?
        .config()
        .clone())
}
