//! Section `double_puppet`.

use serde::{Deserialize, Serialize};

use super::appservice::AppserviceConfig;
use super::problems::Problems;
use super::secret::Secret;

/// Speaking as the homeserver's own users.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DoublePuppetConfig {
    /// What we show to the homeserver then; `None`: we never do.
    pub(crate) as_token: Option<Secret>,
}

impl DoublePuppetConfig {
    pub(super) fn check(&self, appservice: &AppserviceConfig, problems: &mut Problems) {
        let key = "double_puppet.as_token";
        let Some(token) = &self.as_token else {
            return;
        };
        problems.secret(key, token);
        if !token.expose().is_empty()
            && [&appservice.as_token, &appservice.hs_token].contains(&token)
        {
            problems.refuse(
                key,
                "it is the same as a token of `appservice`; it has to be its own secret",
            );
        }
    }
}
