//! The configuration: one section a file, read from YAML, overridden by the environment, checked before anything is
//! done with it.
//!
//! To add a setting: its field in the section's file, its line in `example.yaml`, its place in README if an admin should know.
//! To add a section: a file here and a field of [`Config`].

pub(crate) mod appservice;
pub(crate) mod bridge;
pub(crate) mod database;
pub(crate) mod double_puppet;
mod environment;
mod example;
pub(crate) mod homeserver;
mod load;
pub(crate) mod logging;
mod nearest;
pub(crate) mod network;
mod problems;
mod secret;
pub(crate) mod web;

use serde::{Deserialize, Serialize};

pub(crate) use example::write_example;
pub(crate) use load::load;

/// Everything in `config.yaml`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The homeserver, as the bridge reaches it.
    #[serde(deserialize_with = "section")]
    pub(crate) homeserver: homeserver::HomeserverConfig,
    /// The bridge, as the homeserver reaches it.
    #[serde(deserialize_with = "section")]
    pub(crate) appservice: appservice::AppserviceConfig,
    /// The pages people open.
    #[serde(deserialize_with = "section")]
    pub(crate) web: web::WebConfig,
    /// Where everything is kept.
    #[serde(deserialize_with = "section")]
    pub(crate) database: database::DatabaseConfig,
    /// The remote network.
    #[serde(deserialize_with = "section")]
    pub(crate) network: network::NetworkConfig,
    /// How the bridge behaves.
    #[serde(deserialize_with = "section")]
    pub(crate) bridge: bridge::BridgeConfig,
    /// Speaking as the homeserver's own users.
    #[serde(deserialize_with = "section")]
    pub(crate) double_puppet: double_puppet::DoublePuppetConfig,
    /// Prometheus metrics.
    #[serde(deserialize_with = "section")]
    pub(crate) metrics: web::MetricsConfig,
    /// The log.
    #[serde(deserialize_with = "section")]
    pub(crate) logging: logging::LoggingConfig,
}

/// A section of which all lines are commented out is there with its defaults.
fn section<'de, S, D>(deserializer: D) -> Result<S, D::Error>
where
    S: Default + Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
