//! Whether people's browsers reach the pages.

use std::time::Duration;

use url::{Host, Url};

use super::{Finding, StandIn};
use crate::config::Config;
use crate::exit::{Failure, Status};
use crate::{system, wiring};

const WHAT: &str = "public address";
const PROXY: &str =
    "let your web server pass web.public_address on to the bridge (see the README), or correct it";

pub(super) async fn check(config: &Config, stand_in: &StandIn) -> Result<Finding, Failure> {
    let address = &config.web.public_address;
    if matches!(stand_in, StandIn::Nobody(_)) {
        return Ok(Finding::warning(
            WHAT,
            "not checked, since nobody listens at our port",
            "mend that first",
        ));
    }
    let base = wiring::url("web.public_address", address)?;
    let url = format!("{}/health/live", base.as_str().trim_end_matches('/'));
    let answer = system::homeserver_http()?
        .get(url)
        .timeout(Duration::from_secs(15))
        .send()
        .await;
    Ok(match answer {
        Ok(answer) if answer.status().is_success() && is_private(&base) => Finding::warning(
            WHAT,
            &format!("{address} leads here, but only from this machine"),
            "fine for trying things out; others need an address of their own",
        ),
        Ok(answer) if answer.status().is_success() && base.scheme() == "http" => Finding::warning(
            WHAT,
            &format!("{address} leads here, but without encryption"),
            "use https, so that nobody on the way can take over a login",
        ),
        Ok(answer) if answer.status().is_success() => {
            Finding::ok(WHAT, &format!("{address} leads here"))
        }
        Ok(answer) => Finding::failed(
            WHAT,
            &format!(
                "{address} answers, but not with our pages (status {})",
                answer.status().as_u16()
            ),
            PROXY,
            Status::Failed,
        ),
        // Some networks cannot reach their own public address from the inside.
        Err(error) => Finding::warning(
            WHAT,
            &format!(
                "{address} cannot be reached from here: {}",
                error.without_url()
            ),
            PROXY,
        ),
    })
}

fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
