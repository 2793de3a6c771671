//! Section `homeserver`.

use serde::{Deserialize, Serialize};

use super::problems::Problems;

/// The homeserver, as the bridge reaches it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HomeserverConfig {
    /// Base of its client-server API.
    pub(crate) address: String,
    /// Its server name, the part of a user id behind the colon.
    pub(crate) domain: String,
}

impl Default for HomeserverConfig {
    fn default() -> Self {
        Self {
            address: "http://localhost:8008".to_owned(),
            domain: String::new(),
        }
    }
}

impl HomeserverConfig {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.web_address("homeserver.address", &self.address);
        problems.required(
            "homeserver.domain",
            &self.domain,
            "the part of your user id behind the colon",
        );
        problems.example(
            "homeserver.domain",
            &self.domain,
            &["example.org", "example.com"],
        );
        if self.domain.contains("://") || self.domain.contains('/') || self.domain.contains(' ') {
            problems.refuse(
                "homeserver.domain",
                format!(
                    "`{}` is not a server name; write only the part of a user id behind the colon",
                    self.domain
                ),
            );
        }
    }
}
