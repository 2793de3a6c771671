//! Whether those who may use the bridge can come into the rooms that it makes.

use std::collections::BTreeMap;

use bridge::permissions::Level;

use super::Finding;
use crate::config::Config;

const WHAT: &str = "permissions";

pub(super) fn check(config: &Config) -> Finding {
    let bridge = &config.bridge;
    judge(
        &bridge.permissions,
        &config.homeserver.domain,
        bridge.federate,
    )
}

fn judge(permissions: &BTreeMap<String, Level>, domain: &str, federate: bool) -> Finding {
    let mut let_in = permissions
        .iter()
        .filter(|(_, level)| **level >= Level::User)
        .map(|(who, _)| who.as_str())
        .peekable();
    if let_in.peek().is_none() {
        return Finding::warning(
            WHAT,
            "they let nobody in",
            "name your homeserver in `bridge.permissions`",
        );
    }
    let outside: Vec<_> = let_in.filter(|who| server(who) != Some(domain)).collect();
    if outside.is_empty() || federate {
        return Finding::ok(WHAT, "those who are let in can enter the rooms");
    }
    Finding::warning(
        WHAT,
        &format!(
            "{} may use the bridge, but people of other homeservers than {domain} cannot enter its rooms",
            outside.join(", ")
        ),
        "set `bridge.federate: true`, or take them out of `bridge.permissions`",
    )
}

/// The homeserver that an entry is about; none for everybody.
fn server(who: &str) -> Option<&str> {
    match who.strip_prefix('@') {
        Some(user) => user.split_once(':').map(|(_, server)| server),
        None => Some(who).filter(|who| *who != "*"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(entries: &[(&str, Level)], federate: bool) -> String {
        let entries = entries
            .iter()
            .map(|(who, level)| ((*who).to_owned(), *level));
        format!("{:?}", judge(&entries.collect(), "a.org:8448", federate))
    }

    #[test]
    fn only_those_count_who_are_let_in() {
        let home = [("a.org:8448", Level::User), ("@x:a.org:8448", Level::Admin)];
        assert!(judged(&home, false).contains("Ok"));
        let blocked = [("*", Level::Block), ("a.org:8448", Level::User)];
        assert!(judged(&blocked, false).contains("Ok"));
        assert!(judged(&[("*", Level::Block)], true).contains("nobody"));
    }

    #[test]
    fn others_need_federated_rooms() {
        for who in ["*", "b.org", "@x:b.org"] {
            assert!(judged(&[(who, Level::User)], true).contains("Ok"), "{who}");
            let said = judged(&[(who, Level::User)], false);
            assert!(
                said.contains("federate: true") && said.contains(who),
                "{said}"
            );
        }
    }
}
