//! From the configuration to the parts of a bridge. Nothing here talks to anybody but the database.

mod listen;
mod serve;

use std::sync::Arc;

use ::bridge::config as settings;
use ::bridge::{Parts, Random};
use homeserver::registration::Identity;
use homeserver::{Client, Registration, Settings};
use rand::RngCore as _;
use remote::Network;
use ruma::{OwnedServerName, OwnedUserId};
use store::{Claim, SecretKey, Store};
use url::Url;

use crate::config::Config;
use crate::config::bridge::InvitePolicy;
use crate::config::network::NetworkKind;
use crate::exit::{Failure, Status};
use crate::system::{self, SystemClock};

pub(crate) use listen::{Listener, listen};
pub(crate) use serve::Server;

/// Milliseconds.
const DAY: i64 = 24 * 3_600_000;
const MINUTE: i64 = 60_000;

/// The registration that belongs to this configuration.
pub(crate) fn registration(config: &Config) -> Registration {
    let appservice = &config.appservice;
    Registration::new(&Identity {
        id: &appservice.id,
        url: &appservice.address,
        as_token: &appservice.as_token.to_secret_string(),
        hs_token: &appservice.hs_token.to_secret_string(),
        bot: &appservice.bot.username,
        ghosts: &appservice.username_template,
        domain: &config.homeserver.domain,
    })
}

/// The registration of double puppeting, if it is set up.
pub(crate) fn double_puppet(config: &Config) -> Option<Registration> {
    let token = config.double_puppet.as_token.as_ref()?.to_secret_string();
    let (id, domain) = (&config.appservice.id, &config.homeserver.domain);
    Some(Registration::double_puppet(id, &token, domain))
}

/// The bot's full id.
pub(crate) fn bot(config: &Config) -> Result<OwnedUserId, Failure> {
    let id = format!(
        "@{}:{}",
        config.appservice.bot.username, config.homeserver.domain
    );
    id.parse()
        .map_err(|_| unusable("homeserver.domain", &format!("`{id}` is not a user id")))
}

/// The homeserver, as bot and ghosts speak to it.
pub(crate) fn homeserver(config: &Config) -> Result<Client, Failure> {
    let settings = Settings {
        address: url("homeserver.address", &config.homeserver.address)?,
        as_token: config.appservice.as_token.to_secret_string(),
        bot: bot(config)?,
        appservice_id: config.appservice.id.clone(),
    };
    let client = Client::new(system::homeserver_http()?, settings);
    Ok(match &config.double_puppet.as_token {
        Some(token) => client.with_puppets(token.to_secret_string()),
        None => client,
    })
}

/// The remote network.
pub(crate) fn network(config: &Config) -> Result<Arc<dyn Network>, Failure> {
    match config.network.kind {
        NetworkKind::Gitter => {
            let settings = gitter_network::Config {
                web_url: url("network.web_url", &config.network.web_url)?,
                api_url: url("network.api_url", &config.network.api_url)?,
                realtime_url: url("network.realtime_url", &config.network.realtime_url)?,
                files_url: config
                    .network
                    .files_url
                    .as_deref()
                    .map(|address| url("network.files_url", address))
                    .transpose()?,
                client_id: config.network.client_id.clone(),
                client_secret: config.network.client_secret.to_secret_string(),
            };
            let http = system::network_http(&settings)?;
            let network = gitter_network::GitterNetwork::new(
                settings,
                http,
                Arc::new(system::now_millis),
                system::random().next_u64(),
            );
            Ok(Arc::new(network))
        }
    }
}

/// Which database, and what it is sealed with.
pub(crate) fn database(config: &Config) -> Result<(store::Options, SecretKey), Failure> {
    let key = SecretKey::from_base64(config.bridge.secret_key.expose())
        .map_err(|error| unusable("bridge.secret_key", &error.to_string()))?;
    let options = store::Options {
        uri: config.database.uri.to_secret_string(),
        max_connections: config.database.max_connections,
    };
    Ok((options, key))
}

/// Opens the database for this process alone, and brings it up to date.
pub(crate) async fn store(config: &Config) -> Result<(Store, Claim), Failure> {
    let (options, key) = database(config)?;
    Store::open_alone(&options, &key).await.map_err(|error| {
        Failure::new(
            Status::Database,
            format!("the database cannot be used: {error}"),
        )
    })
}

/// Everything a bridge is built from.
pub(crate) fn parts(config: &Config, store: Store) -> Result<Parts, Failure> {
    let mut seed = [0; 32];
    system::random().fill_bytes(&mut seed);
    Ok(Parts {
        config: bridge_settings(config)?,
        store,
        homeserver: Arc::new(homeserver(config)?),
        network: network(config)?,
        clock: Arc::new(SystemClock),
        random: Random::from_seed(seed),
    })
}

fn bridge_settings(config: &Config) -> Result<::bridge::Config, Failure> {
    let appservice = &config.appservice;
    let domain: OwnedServerName = config
        .homeserver
        .domain
        .parse()
        .map_err(|_| unusable("homeserver.domain", "it is not a server name"))?;
    Ok(::bridge::Config {
        version: crate::commands::version_line(),
        domain,
        appservice_id: appservice.id.clone(),
        double_puppet: match config.double_puppet.as_token {
            Some(_) => settings::DoublePuppet::On,
            None => settings::DoublePuppet::Off,
        },
        bot: settings::Bot {
            username: appservice.bot.username.clone(),
            display_name: appservice.bot.displayname.clone(),
            avatar: appservice.bot.avatar.as_deref().map(Into::into),
        },
        ghosts: settings::Ghosts {
            username_template: appservice.username_template.clone(),
            display_name_template: appservice.displayname_template.clone(),
        },
        public_address: url("web.public_address", &config.web.public_address)?,
        command_prefix: config.bridge.command_prefix.clone(),
        permissions: ::bridge::permissions::Permissions::new(config.bridge.permissions.clone()),
        invites: settings::Invites {
            policy: match config.bridge.invites.policy {
                InvitePolicy::All => settings::InvitePolicy::All,
                InvitePolicy::None => settings::InvitePolicy::None,
            },
            max: config.bridge.invites.max,
        },
        members_initial: config.bridge.members.initial,
        backfill: settings::Backfill {
            initial: config.bridge.backfill.initial,
            missed: config.bridge.backfill.missed,
        },
        media: settings::Media {
            max_size: u64::from(config.bridge.media.max_size) << 20,
            link_lifetime: config
                .bridge
                .media
                .link_lifetime
                .map(|days| i64::from(days) * DAY),
        },
        delivery: settings::Delivery {
            max_age: config
                .bridge
                .delivery
                .max_age
                .filter(|minutes| *minutes > 0)
                .map(|minutes| i64::from(minutes) * MINUTE),
        },
        status: settings::Status {
            events: config.bridge.message_status_events,
            receipts: config.bridge.delivery_receipts,
        },
        space: config.bridge.space,
        federate: config.bridge.federate,
        relay_notices: config.bridge.relay_notices,
    })
}

/// Addresses were checked when the configuration was read, so this complains about what that check let through.
pub(crate) fn url(key: &str, address: &str) -> Result<Url, Failure> {
    Url::parse(address)
        .map_err(|error| unusable(key, &format!("`{address}` is not an address ({error})")))
}

fn unusable(key: &str, why: &str) -> Failure {
    Failure::new(
        Status::Configuration,
        format!("the configuration cannot be used: `{key}`: {why}"),
    )
}
