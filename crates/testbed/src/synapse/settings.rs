//! Synapse's configuration: everything off that costs time or leads outside.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};

use super::{DOMAIN, RateLimits, write_json};
use crate::http::random_hex;

/// Writes `homeserver.yaml`, the log's configuration and the signing key into `home`.
pub(super) fn write(
    home: &Path,
    port: u16,
    rate_limits: RateLimits,
    registrations: &[PathBuf],
) -> anyhow::Result<()> {
    let key = STANDARD_NO_PAD.encode(hex::decode(random_hex(32)).context("our own digits")?);
    std::fs::write(home.join("signing.key"), format!("ed25519 a_test {key}\n"))
        .context("cannot write Synapse's signing key")?;
    write_json(&home.join("log.yaml"), &log())?;
    let mut settings = json!({
        "server_name": DOMAIN,
        "public_baseurl": format!("http://127.0.0.1:{port}/"),
        "listeners": [{
            "port": port,
            "type": "http",
            "bind_addresses": ["127.0.0.1"],
            "resources": [{ "names": ["client"] }],
        }],
        "database": { "name": "sqlite3", "args": { "database": home.join("homeserver.db") } },
        "media_store_path": home.join("media"),
        "signing_key_path": home.join("signing.key"),
        "log_config": home.join("log.yaml"),
        "app_service_config_files": registrations,
        // Nobody but this machine reaches it, and tests need accounts quickly.
        "enable_registration": true,
        "enable_registration_without_verification": true,
        "registration_shared_secret": random_hex(16),
        "macaroon_secret_key": random_hex(16),
        "bcrypt_rounds": 4,
        "report_stats": false,
        "trusted_key_servers": [],
        "suppress_key_server_warning": true,
        "federation_domain_whitelist": [],
        "ip_range_blacklist": [],
        "presence": { "enabled": false },
        "user_directory": { "enabled": false },
        "stats": { "enabled": false },
        "url_preview_enabled": false,
        "rc_registration": much(),
    });
    if rate_limits == RateLimits::Off {
        lift_limits(&mut settings);
    }
    write_json(&home.join("homeserver.yaml"), &settings)
}

fn log() -> Value {
    json!({
        "version": 1,
        "formatters": { "plain": { "format": "%(asctime)s %(levelname)s %(name)s %(message)s" } },
        "handlers": { "out": { "class": "logging.StreamHandler", "formatter": "plain" } },
        "root": { "level": "INFO", "handlers": ["out"] },
        "loggers": {
            "synapse.storage.SQL": { "level": "WARNING" },
            // What is sent to us, and when.
            "synapse.appservice": { "level": "DEBUG" },
        },
        "disable_existing_loggers": false,
    })
}

fn much() -> Value {
    json!({ "per_second": 10_000, "burst_count": 10_000 })
}

fn lift_limits(settings: &mut Value) {
    for simple in [
        "rc_message",
        "rc_admin_redaction",
        "rc_joins_per_room",
        "rc_third_party_invite",
        "rc_media_create",
        "rc_room_creation",
        "rc_reports",
        "rc_user_directory",
    ] {
        settings[simple] = much();
    }
    settings["rc_login"] =
        json!({ "address": much(), "account": much(), "failed_attempts": much() });
    settings["rc_joins"] = json!({ "local": much(), "remote": much() });
    settings["rc_invites"] =
        json!({ "per_room": much(), "per_user": much(), "per_issuer": much() });
}
