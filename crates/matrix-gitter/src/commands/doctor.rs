//! `matrix-gitter doctor`: checks everything an admin can get wrong, and says how to mend it. Changes nothing.
//!
//! To add a check: a function in one of the files here that gives a [`Finding`], and its line in [`examine`].

mod database;
mod finding;
mod homeserver;
mod network;
mod pages;
mod permissions;
mod puppets;
mod registration;
mod stand_in;

use std::path::Path;

use crate::config::{self, Config};
use crate::exit::{Failure, Status};
use finding::{Finding, Findings};
use stand_in::StandIn;

/// Checks everything, and prints a line for each check as soon as it is done.
#[expect(clippy::print_stdout, reason = "it is what was asked for")]
pub(super) fn run(path: &Path, registration: &Path) -> Result<Status, Failure> {
    let mut findings = Findings::default();
    let config = match config::load(path) {
        Ok(config) => config,
        Err(failure) => {
            findings.add(Finding::failed(
                "configuration",
                &failure.message,
                "change it, then run `doctor` again",
                failure.status,
            ));
            return Ok(findings.status());
        }
    };
    findings.add(Finding::ok(
        "configuration",
        &format!("{} is complete", path.display()),
    ));
    let work = examine(&config, registration, &mut findings);
    super::block_on(async { Box::pin(work).await })?;
    println!("\n{}", findings.summary());
    Ok(findings.status())
}

async fn examine(config: &Config, path: &Path, findings: &mut Findings) -> Result<(), Failure> {
    findings.add(database::check(config).await);
    findings.add(registration::check(config, path));
    findings.add(permissions::check(config));

    // The homeserver and the reverse proxy have to find somebody at home; if the bridge does not run, we stand in for it.
    let stand_in = StandIn::start(config).await;
    findings.add(stand_in.finding());
    homeserver::check(config, findings).await?;
    network::check(config, findings).await?;
    findings.add(pages::check(config, &stand_in).await?);
    stand_in.stop().await;
    Ok(())
}
