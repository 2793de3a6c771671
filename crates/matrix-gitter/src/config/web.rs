//! Sections `web` and `metrics`.

use serde::{Deserialize, Serialize};

use super::problems::Problems;

/// The pages people open.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WebConfig {
    /// Base of the links that users open.
    pub(crate) public_address: String,
    /// Where to listen, if apart from the appservice listener.
    pub(crate) hostname: Option<String>,
    /// Where to listen, if apart from the appservice listener.
    pub(crate) port: Option<u16>,
}

/// Prometheus metrics.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MetricsConfig {
    /// Where to listen; nothing is served without it.
    pub(crate) hostname: Option<String>,
    /// Where to listen; nothing is served without it.
    pub(crate) port: Option<u16>,
}

impl WebConfig {
    /// Where to listen, if apart from the appservice listener.
    pub(crate) fn listener(&self) -> Option<(&str, u16)> {
        Some((self.hostname.as_deref()?, self.port?))
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        let key = "web.public_address";
        problems.required(
            key,
            &self.public_address,
            "where people's browsers reach the bridge",
        );
        problems.example(
            key,
            &self.public_address,
            &["https://bridge.example.org", "https://bridge.example.org/"],
        );
        problems.web_address(key, &self.public_address);
        both_or_none(problems, "web", self.hostname.as_ref(), self.port);
    }
}

impl MetricsConfig {
    /// Where to listen, if anywhere.
    pub(crate) fn listener(&self) -> Option<(&str, u16)> {
        Some((self.hostname.as_deref()?, self.port?))
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        both_or_none(problems, "metrics", self.hostname.as_ref(), self.port);
    }
}

fn both_or_none(
    problems: &mut Problems,
    section: &str,
    hostname: Option<&String>,
    port: Option<u16>,
) {
    match (hostname, port) {
        (Some(_), None) => {
            problems.refuse(
                &format!("{section}.port"),
                format!("set it too, or leave `{section}.hostname` out"),
            );
        }
        (None, Some(_)) => {
            problems.refuse(
                &format!("{section}.hostname"),
                format!("set it too, or leave `{section}.port` out"),
            );
        }
        (Some(hostname), Some(port)) => {
            problems.required(
                &format!("{section}.hostname"),
                hostname,
                "the address to listen on",
            );
            problems.port(&format!("{section}.port"), port);
        }
        (None, None) => {}
    }
}
