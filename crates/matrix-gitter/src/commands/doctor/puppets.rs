//! Whether the homeserver lets us speak as its users.

use homeserver::{Actor, Client, Error};
use ruma::OwnedUserId;

use super::Finding;
use crate::config::Config;
use crate::exit::Status;
use crate::wiring;

const WHAT: &str = "double puppeting";
const REGISTER: &str = "write double-puppet.yaml with `matrix-gitter register`, name it in the homeserver's configuration (Synapse: \
                        app_service_config_files) and restart the homeserver; or comment `double_puppet.as_token` out";

/// Tries it as a user who is named in `bridge.permissions` and, if there is none, as the bot: both are users of the
/// homeserver, and the registration has to cover all of them. Nothing is changed by it.
pub(super) async fn check(config: &Config, client: &Client) -> Finding {
    let domain = config.homeserver.domain.as_str();
    let users = config.bridge.permissions.keys();
    let mut users: Vec<OwnedUserId> = users
        .filter_map(|whom| OwnedUserId::try_from(whom.as_str()).ok())
        .filter(|user| user.server_name() == domain)
        .collect();
    users.extend(wiring::bot(config).ok());
    let mut refusal = None;
    for user in users {
        match client.whoami_as(&Actor::User(user.clone())).await {
            Ok(found) if found == user => {
                return Finding::ok(WHAT, &format!("we may speak as users, such as {user}"));
            }
            Ok(found) => {
                let problem =
                    format!("the homeserver takes us for {found} when we speak as {user}");
                return failed(&problem, "look into the homeserver's log");
            }
            Err(error) if error.is_unknown_token() => {
                return failed("the homeserver does not know its token", REGISTER);
            }
            // Perhaps nobody has that account; another one may do.
            Err(error) if error.is_forbidden() => refusal = Some(user),
            Err(error) => return failed(&error.to_string(), "look into the homeserver's log"),
        }
    }
    // The bot is registered when the bridge first runs.
    match client.whoami_as(&Actor::Bot).await {
        Err(error @ Error::Refused { .. }) if error.is_forbidden() => Finding::warning(
            WHAT,
            "the homeserver knows the token; nobody is there yet to try it with",
            "run the bridge once, then `doctor` again",
        ),
        _ => failed(
            &format!(
                "the homeserver does not let us speak as {}",
                refusal.map_or_else(|| "anybody".to_owned(), |user| user.to_string())
            ),
            "its registration needs the namespace that `matrix-gitter register` writes into double-puppet.yaml; restart the homeserver afterwards",
        ),
    }
}

fn failed(problem: &str, advice: &str) -> Finding {
    Finding::failed(WHAT, problem, advice, Status::Homeserver)
}
