//! The configuration: one section a file, read from YAML, overridden by the environment, checked before anything is
//! done with it.
//!
//! To add a setting: its field in the section's file, its line in `example.yaml`, its place in README if an admin should know.
//! To add a section: a file here and a field of [`Config`].

pub(crate) mod appservice;
pub(crate) mod bridge;
pub(crate) mod database;
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

pub(crate) use example::{example, write_example};
pub(crate) use load::load;
pub(crate) use secret::Secret;

/// Everything in `config.yaml`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The homeserver, as the bridge reaches it.
    pub(crate) homeserver: homeserver::HomeserverConfig,
    /// The bridge, as the homeserver reaches it.
    pub(crate) appservice: appservice::AppserviceConfig,
    /// The pages people open.
    pub(crate) web: web::WebConfig,
    /// Where everything is kept.
    pub(crate) database: database::DatabaseConfig,
    /// The remote network.
    pub(crate) network: network::NetworkConfig,
    /// How the bridge behaves.
    pub(crate) bridge: bridge::BridgeConfig,
    /// Prometheus metrics.
    pub(crate) metrics: web::MetricsConfig,
    /// The log.
    pub(crate) logging: logging::LoggingConfig,
}
