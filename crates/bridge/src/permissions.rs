//! Who may use the bridge: the most specific entry of the configuration wins, and nobody else may.
//!
//! To add a level: a variant of [`Level`] in its place in the order, and whoever asks for it.

use std::collections::BTreeMap;

use ruma::UserId;
use serde::{Deserialize, Serialize};

/// What somebody may do, least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing; the bot refuses his invites.
    #[default]
    Block,
    /// Log in and chat.
    User,
    /// Look after the others, too.
    Admin,
}

/// The table of the configuration: a whole Matrix id, a server name, or `*` for everybody, each with a level.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permissions(BTreeMap<String, Level>);

impl Permissions {
    /// From entries of Matrix ids, server names and `*`.
    pub fn new(entries: impl IntoIterator<Item = (String, Level)>) -> Self {
        Self(entries.into_iter().collect())
    }

    /// What this user may do.
    pub fn level(&self, user: &UserId) -> Level {
        [user.as_str(), user.server_name().as_str(), "*"]
            .into_iter()
            .find_map(|key| self.0.get(key))
            .copied()
            .unwrap_or_default()
    }

    /// Whether he may log in and chat.
    pub fn may_use(&self, user: &UserId) -> bool {
        self.level(user) >= Level::User
    }

    /// The same of somebody who is known by what was written down.
    pub fn may_still_use(&self, mxid: &str) -> bool {
        UserId::parse(mxid).is_ok_and(|user| self.may_use(&user))
    }

    /// Whether he looks after the others.
    pub fn is_admin(&self, user: &UserId) -> bool {
        self.level(user) >= Level::Admin
    }

    /// The entries, in the order of their keys.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Level)> {
        self.0.iter().map(|(key, level)| (key.as_str(), *level))
    }
}

#[cfg(test)]
mod tests {
    use ruma::user_id;

    use super::*;

    fn permissions(entries: &[(&str, Level)]) -> Permissions {
        Permissions::new(
            entries
                .iter()
                .map(|(key, level)| ((*key).to_owned(), *level)),
        )
    }

    #[test]
    fn the_most_specific_entry_wins() {
        let table = permissions(&[
            ("*", Level::Block),
            ("example.org", Level::User),
            ("@admin:example.org", Level::Admin),
            ("@troll:example.org", Level::Block),
        ]);
        assert_eq!(table.level(user_id!("@alice:example.org")), Level::User);
        assert_eq!(table.level(user_id!("@admin:example.org")), Level::Admin);
        assert_eq!(table.level(user_id!("@troll:example.org")), Level::Block);
        assert_eq!(table.level(user_id!("@alice:elsewhere.org")), Level::Block);
    }

    #[test]
    fn a_port_belongs_to_the_server_name() {
        let table = permissions(&[("127.0.0.1:8441", Level::User)]);
        assert!(table.may_use(user_id!("@alice:127.0.0.1:8441")));
        assert!(!table.may_use(user_id!("@alice:127.0.0.1:8442")));
    }

    #[test]
    fn nobody_is_let_in_by_an_empty_table() {
        assert!(!permissions(&[]).may_use(user_id!("@alice:example.org")));
    }

    #[test]
    fn everybody_may_be_let_in() {
        let table = permissions(&[("*", Level::User)]);
        assert!(table.may_use(user_id!("@alice:example.org")));
        assert!(!table.is_admin(user_id!("@alice:example.org")));
    }
}
