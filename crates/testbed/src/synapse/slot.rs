//! An appservice that Synapse knows already and one test uses.

use serde_json::{Value, json};
use url::Url;

use super::DOMAIN;
use crate::{http, ports};

/// Id, tokens, names and port of one appservice. The bridge's configuration must say the same.
#[derive(Debug, Clone)]
pub struct Slot {
    /// `appservice.id`
    pub id: String,
    /// Localpart of the bot.
    pub bot: String,
    /// What the localparts of its ghosts begin with.
    pub ghost_prefix: String,
    /// Where Synapse expects the bridge, on 127.0.0.1.
    pub port: u16,
    /// The bridge's token at the homeserver.
    pub as_token: String,
    /// The homeserver's token at the bridge.
    pub hs_token: String,
    /// The token with which a bridge can speak as any user; the slots of a homeserver share it.
    pub puppet_token: String,
}

impl Slot {
    pub(super) fn new(number: usize, puppet_token: &str) -> anyhow::Result<Self> {
        Ok(Self {
            id: format!("gitter{number:02}"),
            bot: format!("gitter{number:02}"),
            ghost_prefix: format!("gitter{number:02}_"),
            port: ports::reserve()?,
            as_token: http::random_hex(32),
            hs_token: http::random_hex(32),
            puppet_token: puppet_token.to_owned(),
        })
    }

    /// Matrix id of the bot.
    pub fn bot_id(&self) -> String {
        format!("@{}:{DOMAIN}", self.bot)
    }

    /// Matrix id of the ghost of the Gitter user with this id.
    pub fn ghost_id(&self, gitter_id: &str) -> String {
        format!("@{}{gitter_id}:{DOMAIN}", self.ghost_prefix)
    }

    /// Base URL of the bridge, without a slash at the end; it is its public address too.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `address`, as a URL.
    pub fn url(&self) -> anyhow::Result<Url> {
        Ok(Url::parse(&self.address())?)
    }

    /// What `matrix-gitter register` would write for double puppeting with this token.
    pub(super) fn puppet_registration(puppet_token: &str) -> Value {
        json!({
            "id": "double-puppet",
            "url": null,
            "as_token": puppet_token,
            "hs_token": http::random_hex(32),
            "sender_localpart": "double-puppet",
            "rate_limited": false,
            "namespaces": {
                "users": [{ "exclusive": false, "regex": format!("^@.*:{}$", DOMAIN.replace('.', r"\.")) }],
                "aliases": [],
                "rooms": [],
            },
        })
    }

    /// What the bridge itself would register (section "Application Services" of the Matrix spec).
    pub(super) fn registration(&self) -> Value {
        json!({
            "id": self.id,
            "url": self.address(),
            "as_token": self.as_token,
            "hs_token": self.hs_token,
            "sender_localpart": self.bot,
            "rate_limited": false,
            "receive_ephemeral": true,
            "de.sorunome.msc2409.push_ephemeral": true,
            "namespaces": {
                "users": [
                    { "exclusive": true, "regex": format!("@{}:{}", self.bot, DOMAIN.replace('.', r"\.")) },
                    { "exclusive": true, "regex": format!("@{}.*:{}", self.ghost_prefix, DOMAIN.replace('.', r"\.")) },
                ],
                "aliases": [],
                "rooms": [],
            },
        })
    }
}
