//! Section `bridge`.

use std::collections::BTreeMap;

use ::bridge::permissions::Level;
use serde::{Deserialize, Serialize};
use store::SecretKey;

use super::problems::Problems;
use super::secret::Secret;

/// How the bridge behaves.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a key of the configuration"
)]
pub(crate) struct BridgeConfig {
    /// 32 random bytes in base64; seals tokens in the database and signs links.
    pub(crate) secret_key: Secret,
    /// What a command begins with outside a management room.
    pub(crate) command_prefix: String,
    /// Who may use the bridge: user ids, server names, or `*`; the most specific one wins.
    pub(crate) permissions: BTreeMap<String, Level>,
    /// Which rooms a user is invited to after login.
    pub(crate) invites: InvitesConfig,
    /// Who is put into a room.
    pub(crate) members: MembersConfig,
    /// How much history is read.
    pub(crate) backfill: BackfillConfig,
    /// Files.
    pub(crate) media: MediaConfig,
    /// What is delivered.
    pub(crate) delivery: DeliveryConfig,
    /// Whether each message gets an event that says how it came out.
    pub(crate) message_status_events: bool,
    /// Whether the bot marks as read what has arrived on Gitter.
    pub(crate) delivery_receipts: bool,
    /// Whether each user gets a space that holds his rooms.
    pub(crate) space: bool,
    /// Whether people on other homeservers could be in the rooms.
    pub(crate) federate: bool,
    /// Whether `m.notice` messages cross to Gitter.
    pub(crate) relay_notices: bool,
}

/// Files.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MediaConfig {
    /// The largest file that is carried to Matrix, in MiB; larger ones stay links.
    pub(crate) max_size: u32,
    /// For how many days links to files on Matrix work; for ever without it.
    pub(crate) link_lifetime: Option<u32>,
}

/// What is delivered.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DeliveryConfig {
    /// For how many minutes a message may wait and is still sent to Gitter without asking; 0 or nothing: however long.
    pub(crate) max_age: Option<u32>,
}

/// Which rooms a user is invited to after login.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct InvitesConfig {
    /// All, or none.
    pub(crate) policy: InvitePolicy,
    /// At most so many, the most recently active first.
    pub(crate) max: usize,
}

/// Which rooms a user is invited to after login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum InvitePolicy {
    /// All of them.
    #[default]
    All,
    /// None; he asks for each.
    None,
}

/// Who is put into a room.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MembersConfig {
    /// So many when its user enters it; the others when they first speak.
    pub(crate) initial: usize,
}

/// How much history is read.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BackfillConfig {
    /// Messages in a new room.
    pub(crate) initial: usize,
    /// Messages per room after downtime.
    pub(crate) missed: usize,
}

impl Default for BridgeConfig {
    fn default() -> Self {
        Self {
            secret_key: Secret::default(),
            command_prefix: "!gitter".to_owned(),
            permissions: BTreeMap::new(),
            invites: InvitesConfig::default(),
            members: MembersConfig::default(),
            backfill: BackfillConfig::default(),
            media: MediaConfig::default(),
            delivery: DeliveryConfig::default(),
            message_status_events: false,
            delivery_receipts: true,
            space: true,
            federate: false,
            relay_notices: false,
        }
    }
}

impl Default for InvitesConfig {
    fn default() -> Self {
        Self {
            policy: InvitePolicy::All,
            max: 20,
        }
    }
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            max_size: 50,
            link_lifetime: None,
        }
    }
}

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self { max_age: Some(60) }
    }
}

impl Default for MembersConfig {
    fn default() -> Self {
        Self { initial: 30 }
    }
}

impl Default for BackfillConfig {
    fn default() -> Self {
        Self {
            initial: 50,
            missed: 1000,
        }
    }
}

impl BridgeConfig {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.secret("bridge.secret_key", &self.secret_key);
        let given = !matches!(self.secret_key.expose(), "" | "...");
        if given && SecretKey::from_base64(self.secret_key.expose()).is_err() {
            problems.refuse(
                "bridge.secret_key",
                "it has to be 32 random bytes in base64; `openssl rand -base64 32` makes one",
            );
        }
        if self.command_prefix.trim().is_empty()
            || self.command_prefix.contains(char::is_whitespace)
        {
            problems.refuse(
                "bridge.command_prefix",
                "it has to be one word, such as !gitter",
            );
        }
        if self.media.link_lifetime == Some(0) {
            problems.refuse(
                "bridge.media.link_lifetime",
                "links would not work at all; give a number of days, or null for ever",
            );
        }
        self.check_permissions(problems);
    }

    fn check_permissions(&self, problems: &mut Problems) {
        let key = "bridge.permissions";
        if self.permissions.is_empty() {
            problems.refuse(
                key,
                "nobody may use the bridge; name your homeserver, such as `\"your.server\": user`",
            );
        }
        for who in self.permissions.keys() {
            problems.example(key, who, &["example.org", "@admin:example.org"]);
            let valid = who == "*"
                || match who.strip_prefix('@') {
                    Some(user) => user
                        .split_once(':')
                        .is_some_and(|(name, server)| !name.is_empty() && is_server_name(server)),
                    None => is_server_name(who),
                };
            if !valid {
                problems.refuse(
                    key,
                    format!(
                        "`{who}` is neither a user id (@name:server), nor a server name, nor `*`"
                    ),
                );
            }
        }
    }
}

fn is_server_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-.:[]".contains(c))
}
