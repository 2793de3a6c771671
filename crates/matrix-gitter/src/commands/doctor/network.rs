//! Whether the remote network is there and lets people log in through us. The network itself knows what to look at.

use remote::Check;

use super::{Finding, Findings};
use crate::config::Config;
use crate::exit::{Failure, Status};
use crate::wiring;

pub(super) async fn check(config: &Config, findings: &mut Findings) -> Result<(), Failure> {
    let public = wiring::url("web.public_address", &config.web.public_address)?;
    let callback = bridge::login::callback_url(&public);
    for check in wiring::network(config)?.check(&callback).await {
        findings.add(finding(check));
    }
    Ok(())
}

fn finding(check: Check) -> Finding {
    match check.result {
        Ok(details) => Finding::ok(&check.what, &details),
        Err(complaint) if complaint.only_warning => {
            Finding::warning(&check.what, &complaint.problem, &complaint.advice)
        }
        Err(complaint) => Finding::failed(
            &check.what,
            &complaint.problem,
            &complaint.advice,
            Status::Failed,
        ),
    }
}
