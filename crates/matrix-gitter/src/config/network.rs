//! Section `network`.

use serde::{Deserialize, Serialize};

use super::problems::Problems;
use super::secret::Secret;

/// The remote network.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NetworkConfig {
    /// Which kind it is.
    #[serde(rename = "type")]
    pub(crate) kind: NetworkKind,
    /// Its web site; OAuth lives below it.
    pub(crate) web_url: String,
    /// Its REST API.
    pub(crate) api_url: String,
    /// Its realtime API.
    pub(crate) realtime_url: String,
    /// Where uploaded files are; the host `files` below the web site's without it.
    pub(crate) files_url: Option<String>,
    /// OAuth key of the app registered there.
    pub(crate) client_id: String,
    /// OAuth secret of the app registered there.
    pub(crate) client_secret: Secret,
}

/// Kinds of networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NetworkKind {
    /// A Gitter server.
    #[default]
    Gitter,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            kind: NetworkKind::Gitter,
            web_url: "https://gitter.im".to_owned(),
            api_url: "https://api.gitter.im/v1".to_owned(),
            realtime_url: "wss://ws.gitter.im/bayeux".to_owned(),
            files_url: None,
            client_id: String::new(),
            client_secret: Secret::default(),
        }
    }
}

impl NetworkConfig {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.web_address("network.web_url", &self.web_url);
        problems.web_address("network.api_url", &self.api_url);
        problems.address(
            "network.realtime_url",
            &self.realtime_url,
            &["ws", "wss", "http", "https"],
        );
        if let Some(files_url) = &self.files_url {
            problems.web_address("network.files_url", files_url);
        }
        problems.required(
            "network.client_id",
            &self.client_id,
            "the OAuth key of the app that you registered at Gitter",
        );
        problems.example("network.client_id", &self.client_id, &["..."]);
        problems.required(
            "network.client_secret",
            self.client_secret.expose(),
            "the OAuth secret of the app that you registered at Gitter",
        );
        problems.example(
            "network.client_secret",
            self.client_secret.expose(),
            &["..."],
        );
    }
}
