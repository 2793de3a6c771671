//! Section `appservice`.

use serde::{Deserialize, Serialize};

use super::problems::Problems;
use super::secret::Secret;

/// The bridge, as the homeserver reaches it and shows it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AppserviceConfig {
    /// Base of what the homeserver calls; goes into the registration.
    pub(crate) address: String,
    /// Where we listen.
    pub(crate) hostname: String,
    /// Where we listen.
    pub(crate) port: u16,
    /// The registration's id.
    pub(crate) id: String,
    /// The bot.
    pub(crate) bot: BotConfig,
    /// Localpart of ghosts; `{id}` is the remote user id.
    pub(crate) username_template: String,
    /// Display name of ghosts; `{name}` and `{username}`.
    pub(crate) displayname_template: String,
    /// What we show to the homeserver.
    pub(crate) as_token: Secret,
    /// What the homeserver shows to us.
    pub(crate) hs_token: Secret,
}

/// The bot.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BotConfig {
    /// Its localpart.
    pub(crate) username: String,
    /// Its name.
    pub(crate) displayname: String,
    /// Its picture, an `mxc://` URI.
    pub(crate) avatar: Option<String>,
}

impl Default for AppserviceConfig {
    fn default() -> Self {
        Self {
            address: "http://localhost:8445".to_owned(),
            hostname: "127.0.0.1".to_owned(),
            port: 8445,
            id: "gitter".to_owned(),
            bot: BotConfig::default(),
            username_template: "gitter_{id}".to_owned(),
            displayname_template: "{name} (Gitter)".to_owned(),
            as_token: Secret::default(),
            hs_token: Secret::default(),
        }
    }
}

impl Default for BotConfig {
    fn default() -> Self {
        Self {
            username: "gitter".to_owned(),
            displayname: "Gitter bridge".to_owned(),
            avatar: None,
        }
    }
}

impl AppserviceConfig {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.web_address("appservice.address", &self.address);
        problems.required(
            "appservice.hostname",
            &self.hostname,
            "the address to listen on",
        );
        problems.required("appservice.id", &self.id, "a name for the registration");
        problems.port("appservice.port", self.port);
        problems.localpart("appservice.bot.username", &self.bot.username);
        problems.required(
            "appservice.bot.displayname",
            &self.bot.displayname,
            "the bot's name",
        );
        if let Some(avatar) = &self.bot.avatar
            && !avatar.starts_with("mxc://")
        {
            problems.refuse(
                "appservice.bot.avatar",
                format!("`{avatar}` is not an mxc:// URI"),
            );
        }
        self.check_templates(problems);
        problems.secret("appservice.as_token", &self.as_token);
        problems.secret("appservice.hs_token", &self.hs_token);
        if !self.as_token.expose().is_empty() && self.as_token == self.hs_token {
            problems.refuse(
                "appservice.hs_token",
                "it is the same as `appservice.as_token`; each has to be its own secret",
            );
        }
    }

    fn check_templates(&self, problems: &mut Problems) {
        let key = "appservice.username_template";
        match self.username_template.split_once("{id}") {
            None => problems.refuse(key, "it has to contain `{id}`, or all ghosts would be one"),
            Some((before, after)) => {
                problems.localpart(key, &format!("{before}0{after}"));
                if before.is_empty() {
                    problems.refuse(key, "something has to stand before `{id}`, such as `gitter_`, or the bridge would claim every user");
                } else if self.bot.username.starts_with(before)
                    && self.bot.username.ends_with(after)
                {
                    problems.refuse(
                        "appservice.bot.username",
                        "it looks like a ghost of `appservice.username_template`; choose another name for one of them",
                    );
                }
            }
        }
        if !["{name}", "{username}"]
            .iter()
            .any(|part| self.displayname_template.contains(part))
        {
            problems.refuse(
                "appservice.displayname_template",
                "it has to contain `{name}` or `{username}`",
            );
        }
    }
}
