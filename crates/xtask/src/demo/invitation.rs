//! What the demo says once everything runs: what to open, what to do, and which client to use where it has none to offer.

use std::path::PathBuf;

use super::people;
use super::stage::{self, Stage};

/// All that the words are made of.
struct Facts {
    /// The web client with Gitter beside it, and by itself.
    client: Option<(String, String)>,
    gitter: String,
    homeserver: String,
    log: PathBuf,
}

/// What to do with this stage.
pub(super) fn to(stage: &Stage) -> String {
    words(&Facts {
        client: stage
            .client()
            .map(|client| (client.both(), client.address().to_owned())),
        gitter: stage.gitter_page(people::LOUNGE),
        homeserver: stage.homeserver_address().to_owned(),
        log: stage.log(),
    })
}

fn words(facts: &Facts) -> String {
    let rule = "─".repeat(76);
    let steps = facts
        .client
        .as_ref()
        .map_or_else(|| by_own_client(facts), |client| in_browser(client, facts));
    format!(
        "{rule}\n\
         Everything runs. You are Dana, who has an account on each side.\n\n\
         {steps}\n\
         What the bridge does\n     {log}\n\n\
         Ctrl-C ends it all. `cargo xtask demo --check` walks through it by itself.\n\
         {rule}",
        log = facts.log.display(),
    )
}

fn in_browser((both, matrix): &(String, String), facts: &Facts) -> String {
    format!(
        "1. Open this in a browser: Matrix as Dana on the left, Gitter on the right.\n     \
            {both}\n   \
            Or each in a window of its own:\n     \
            {matrix}\n     \
            {gitter}\n\
         2. On Matrix, open the link that the bot sent (after ten minutes, write login for\n   \
            another). Pick Dana where Gitter asks who you are, press Allow, then Connect.\n\
         3. On Matrix, accept the invite to {room}. Say something in either\n   \
            window; on Gitter you are Dana, too, until you sign out, and in as somebody else.\n   \
            The others answer Dana. Change, delete and answer messages, and send pictures.\n\n\
         Other clients work as well: homeserver {homeserver}, user @{user}:{domain},\n\
         password {password}.\n",
        gitter = facts.gitter,
        room = people::LOUNGE,
        homeserver = facts.homeserver,
        domain = testbed::synapse::DOMAIN,
        user = stage::MATRIX_NAME,
        password = stage::MATRIX_PASSWORD,
    )
}

fn by_own_client(facts: &Facts) -> String {
    format!(
        "1. Log in with a Matrix client on this machine, such as nheko or Element Desktop.\n   \
            Where it asks for the homeserver, give this address (Element: \"Edit\", \"Other\n   \
            homeserver\"). Where npm works, the demo brings a client along.\n     \
            homeserver  {homeserver}\n     \
            user        @{user}:{domain}\n     \
            password    {password}\n\
         2. There, open the link that the bot sent (after ten minutes, write login for\n   \
            another). Pick Dana where Gitter asks who you are, press Allow, then Connect.\n\
         3. Accept the invite to {room}. Say something; the others answer you.\n   \
            Gitter as they see it, in a browser; sign in there to write:\n     \
            {gitter}\n",
        homeserver = facts.homeserver,
        domain = testbed::synapse::DOMAIN,
        gitter = facts.gitter,
        room = people::LOUNGE,
        user = stage::MATRIX_NAME,
        password = stage::MATRIX_PASSWORD,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(client: Option<(String, String)>) -> Facts {
        Facts {
            client,
            gitter: "http://127.0.0.1:5000/gardeners/lounge".to_owned(),
            homeserver: "http://127.0.0.1:8008".to_owned(),
            log: "/tmp/demo/log".into(),
        }
    }

    #[test]
    fn with_a_client_there_is_one_page_to_open() {
        let client = (
            "http://127.0.0.1:8080/both".to_owned(),
            "http://127.0.0.1:8080/".to_owned(),
        );
        insta::assert_snapshot!(words(&facts(Some(client))));
    }

    #[test]
    fn without_one_it_says_how_to_log_in_with_another() {
        insta::assert_snapshot!(words(&facts(None)));
    }
}
