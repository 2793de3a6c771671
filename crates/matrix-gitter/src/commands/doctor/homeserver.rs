//! Whether the homeserver is there, knows us, and reaches us.

use homeserver::{Client, Error, Homeserver as _};

use super::{Finding, Findings, puppets};
use crate::config::Config;
use crate::exit::{Failure, Status};
use crate::wiring;

pub(super) async fn check(config: &Config, findings: &mut Findings) -> Result<(), Failure> {
    let client = wiring::homeserver(config)?;
    let versions = versions(config, &client).await;
    let reached = versions.is_ok();
    findings.add(versions.unwrap_or_else(|finding| finding));
    if !reached {
        return Ok(());
    }
    let known = who_are_we(config, &client).await?;
    let is_known = known.is_ok();
    findings.add(known.unwrap_or_else(|finding| finding));
    if is_known {
        findings.add(ping(config, &client).await);
        if config.double_puppet.as_token.is_some() {
            findings.add(puppets::check(config, &client).await);
        }
    }
    Ok(())
}

async fn versions(config: &Config, client: &Client) -> Result<Finding, Finding> {
    let address = &config.homeserver.address;
    match client.versions().await {
        Ok(versions) if versions.is_empty() => Err(failed(
            "homeserver",
            &format!("{address} answers, but not as a homeserver"),
            "set `homeserver.address` to the base of its client-server API",
        )),
        Ok(versions) => {
            let newest = versions.last().map_or("", String::as_str);
            Ok(Finding::ok(
                "homeserver",
                &format!("{address} answers and speaks Matrix up to {newest}"),
            ))
        }
        // Homeservers look at the token even where they ask for none.
        Err(error) if error.is_unknown_token() => Err(unknown_token()),
        Err(error) if error.is_certificate() => Err(failed(
            "homeserver",
            &format!("{address}: {error}"),
            "see that `homeserver.address` names the host as its certificate does, and that it has not expired; if an authority of your \
             own signed it, add that to the machine's certificates or name its file in SSL_CERT_FILE",
        )),
        Err(error) => Err(failed(
            "homeserver",
            &format!("{address}: {error}"),
            "is it running, and is `homeserver.address` how this machine reaches it?",
        )),
    }
}

async fn who_are_we(config: &Config, client: &Client) -> Result<Result<Finding, Finding>, Failure> {
    const WHAT: &str = "as_token";
    let bot = wiring::bot(config)?;
    Ok(match client.whoami().await {
        Ok(user) if user == bot => Ok(Finding::ok(
            WHAT,
            &format!("the homeserver knows us as {user}"),
        )),
        Ok(user) => Err(failed(
            WHAT,
            &format!("the homeserver takes us for {user}, not for {bot}"),
            "make `homeserver.domain` and `appservice.bot.username` fit, write the registration again, and restart the homeserver",
        )),
        Err(error) if error.is_unknown_token() => Err(unknown_token()),
        // A user outside of the namespace, or of another server.
        Err(error) if error.is_forbidden() => Err(failed(
            WHAT,
            &format!("the homeserver does not let us be {bot}"),
            "is `homeserver.domain` its server name, and is the registration the one of this configuration?",
        )),
        Err(error) => Err(failed(
            WHAT,
            &error.to_string(),
            "look into the homeserver's log",
        )),
    })
}

async fn ping(config: &Config, client: &Client) -> Finding {
    const WHAT: &str = "homeserver to bridge";
    match client.ping("doctor").await {
        Ok(took) => Finding::ok(
            WHAT,
            &format!(
                "the homeserver reaches {} in {} ms",
                config.appservice.address,
                took.as_millis()
            ),
        ),
        Err(Error::Refused {
            status: 404 | 405, ..
        }) => Finding::warning(
            WHAT,
            "the homeserver is too old to be asked to call us",
            "watch the log for its first transaction instead",
        ),
        Err(error) => failed(
            WHAT,
            &format!(
                "the homeserver does not reach {}: {error}",
                config.appservice.address
            ),
            "set `appservice.address` to how the homeserver reaches the bridge, and write the registration again if it changed",
        ),
    }
}

fn unknown_token() -> Finding {
    failed(
        "as_token",
        "the homeserver answers, but does not know our token",
        "name registration.yaml in the homeserver's configuration (Synapse: app_service_config_files) and restart the homeserver",
    )
}

fn failed(what: &str, problem: &str, advice: &str) -> Finding {
    Finding::failed(what, problem, advice, Status::Homeserver)
}
