//! The file that makes the homeserver know us (Matrix spec, application service API, "Registration").
//!
//! One more promise to the homeserver is one more field of [`Registration`], and a line in [`Registration::differences`].

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A registration, as the homeserver reads it.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Registration {
    /// Tells appservices of a homeserver apart. Never changes.
    pub id: String,
    /// Where the homeserver reaches us; without it, it sends nothing.
    pub url: Option<String>,
    /// What we show to the homeserver.
    pub as_token: String,
    /// What the homeserver shows to us.
    pub hs_token: String,
    /// The bot.
    pub sender_localpart: String,
    /// Whether our users are held to the homeserver's rate limits.
    #[serde(default = "yes")]
    pub rate_limited: bool,
    /// We want typing, receipts and presence.
    #[serde(default)]
    pub receive_ephemeral: bool,
    /// The same, as Synapse called it before the spec did.
    #[serde(default, rename = "de.sorunome.msc2409.push_ephemeral")]
    pub push_ephemeral: bool,
    /// What is ours.
    pub namespaces: Namespaces,
}

/// What is ours on the homeserver.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Namespaces {
    /// User ids.
    #[serde(default)]
    pub users: Vec<Namespace>,
    /// Room aliases; none.
    #[serde(default)]
    pub aliases: Vec<Namespace>,
    /// Rooms; none.
    #[serde(default)]
    pub rooms: Vec<Namespace>,
}

/// A set of ids.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Namespace {
    /// Nobody else may have such an id.
    pub exclusive: bool,
    /// Which ids, as a regular expression.
    pub regex: String,
}

/// What a registration is made from.
#[derive(Clone, Debug)]
pub struct Identity<'a> {
    /// `appservice.id`.
    pub id: &'a str,
    /// Where the homeserver reaches us, without a slash at the end.
    pub url: &'a str,
    /// What we show to the homeserver.
    pub as_token: &'a SecretString,
    /// What the homeserver shows to us.
    pub hs_token: &'a SecretString,
    /// Localpart of the bot.
    pub bot: &'a str,
    /// Localpart of a ghost, with `{id}` where the id of the person stands.
    pub ghosts: &'a str,
    /// The homeserver's name.
    pub domain: &'a str,
}

/// The file is no registration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no registration: {0}")]
pub struct Unreadable(String);

fn yes() -> bool {
    true
}

impl Registration {
    /// The registration of a bridge.
    pub fn new(of: &Identity<'_>) -> Self {
        let user = |localpart: &str| Namespace {
            exclusive: true,
            regex: format!("^@{localpart}:{}$", escape(of.domain)),
        };
        let ghosts: Vec<String> = of.ghosts.split("{id}").map(escape).collect();
        Self {
            id: of.id.to_owned(),
            url: Some(of.url.trim_end_matches('/').to_owned()),
            as_token: of.as_token.expose_secret().to_owned(),
            hs_token: of.hs_token.expose_secret().to_owned(),
            sender_localpart: of.bot.to_owned(),
            rate_limited: false,
            receive_ephemeral: true,
            push_ephemeral: true,
            namespaces: Namespaces {
                users: vec![user(&escape(of.bot)), user(&ghosts.join(".*"))],
                ..Namespaces::default()
            },
        }
    }

    /// The registration of double puppeting: it lets whoever has `as_token` speak as any user of `domain`, takes nobody's
    /// names away, and has the homeserver send nothing (mautrix, "Double puppeting"). `id` is the bridge's; what else is
    /// needed is made from `as_token`, so that the file is the same each time.
    pub fn double_puppet(id: &str, as_token: &SecretString, domain: &str) -> Self {
        let made = |what: &str| {
            let mut hash = Sha256::new();
            hash.update(what.as_bytes());
            hash.update(as_token.expose_secret().as_bytes());
            hex::encode(hash.finalize())
        };
        let name = made("sender_localpart");
        Self {
            id: format!("{id}-double-puppet"),
            url: None,
            as_token: as_token.expose_secret().to_owned(),
            // Never used, since nothing is sent; nobody may guess it all the same.
            hs_token: made("hs_token"),
            sender_localpart: format!("double-puppet-{}", name.get(..12).unwrap_or_default()),
            rate_limited: false,
            receive_ephemeral: false,
            push_ephemeral: false,
            namespaces: Namespaces {
                users: vec![Namespace {
                    exclusive: false,
                    regex: format!("^@.*:{}$", escape(domain)),
                }],
                ..Namespaces::default()
            },
        }
    }

    /// The file's text. It holds both tokens.
    pub fn to_yaml(&self) -> String {
        // Writing plain texts, truth values and lists into a `String` cannot fail.
        serde_saphyr::to_string(self).unwrap_or_default()
    }

    /// Reads a file. Keys we do not know are left alone.
    pub fn from_yaml(text: &str) -> Result<Self, Unreadable> {
        // The library would quote the line in question, which may hold a token.
        serde_saphyr::from_str(text).map_err(|error| {
            let place = error
                .location()
                .map_or(String::new(), |at| format!(" (line {})", at.line()));
            Unreadable(format!(
                "it is no YAML, or a key is missing or of the wrong type{place}"
            ))
        })
    }

    /// Where this file, found at the homeserver, is not what the configuration asks for: one sentence each, without tokens.
    pub fn differences(&self, wanted: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut text = |key: &str, is: &str, should: &str| {
            if is != should {
                found.push(format!(
                    "`{key}` is `{is}`, but the configuration asks for `{should}`"
                ));
            }
        };
        text("id", &self.id, &wanted.id);
        let url = |of: &Self| of.url.clone().unwrap_or_else(|| "null".to_owned());
        text("url", url(self).trim_end_matches('/'), &url(wanted));
        text(
            "sender_localpart",
            &self.sender_localpart,
            &wanted.sender_localpart,
        );
        for (key, is, should) in [
            ("rate_limited", self.rate_limited, wanted.rate_limited),
            (
                "receive_ephemeral",
                self.receive_ephemeral,
                wanted.receive_ephemeral,
            ),
            (
                "de.sorunome.msc2409.push_ephemeral",
                self.push_ephemeral,
                wanted.push_ephemeral,
            ),
        ] {
            text(key, &is.to_string(), &should.to_string());
        }
        for (key, same) in [
            ("as_token", self.as_token == wanted.as_token),
            ("hs_token", self.hs_token == wanted.hs_token),
        ] {
            if !same {
                found.push(format!("`{key}` is not the one of the configuration"));
            }
        }
        for (key, is, should) in [
            ("users", &self.namespaces.users, &wanted.namespaces.users),
            (
                "aliases",
                &self.namespaces.aliases,
                &wanted.namespaces.aliases,
            ),
            ("rooms", &self.namespaces.rooms, &wanted.namespaces.rooms),
        ] {
            for namespace in should.iter().filter(|namespace| !is.contains(namespace)) {
                found.push(format!(
                    "namespace `{key}` lacks the exclusive `{}`",
                    namespace.regex
                ));
            }
            for namespace in is.iter().filter(|namespace| !should.contains(namespace)) {
                let kind = if namespace.exclusive {
                    "exclusive"
                } else {
                    "shared"
                };
                found.push(format!(
                    "namespace `{key}` has a needless {kind} `{}`",
                    namespace.regex
                ));
            }
        }
        found
    }
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registration")
            .field("id", &self.id)
            .field("url", &self.url)
            .field("sender_localpart", &self.sender_localpart)
            .field("namespaces", &self.namespaces)
            .finish_non_exhaustive()
    }
}

/// Escapes what has a meaning in the regular expressions of every homeserver (Python, Go, Rust), and nothing else, since
/// some of them refuse a backslash before an ordinary character.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if r"\.+*?()|[]{}^$".contains(char) {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(url: &str, ghosts: &str) -> Registration {
        Registration::new(&Identity {
            id: "gitter",
            url,
            as_token: &"our-token".into(),
            hs_token: &"their-token".into(),
            bot: "gitter",
            ghosts,
            domain: "example.org",
        })
    }

    #[test]
    fn the_file() {
        insta::assert_snapshot!(example("http://localhost:8445/", "gitter_{id}").to_yaml(), @r"
        id: gitter
        url: http://localhost:8445
        as_token: our-token
        hs_token: their-token
        sender_localpart: gitter
        rate_limited: false
        receive_ephemeral: true
        de.sorunome.msc2409.push_ephemeral: true
        namespaces:
          users:
          - exclusive: true
            regex: ^@gitter:example\.org$
          - exclusive: true
            regex: ^@gitter_.*:example\.org$
          aliases: []
          rooms: []
        ");
    }

    #[test]
    fn the_file_of_double_puppeting() {
        let made = || Registration::double_puppet("gitter", &"puppets".into(), "example.org");
        insta::assert_snapshot!(made().to_yaml());
        assert_eq!(Registration::from_yaml(&made().to_yaml()).unwrap(), made());
        let other = Registration::double_puppet("gitter", &"others".into(), "example.org");
        assert_ne!(other.hs_token, made().hs_token);
        assert_ne!(other.sender_localpart, made().sender_localpart);
    }

    #[test]
    fn reads_what_it_wrote() {
        let mut registration = example("http://localhost:8445", "gitter_{id}");
        // Tokens which YAML would take for something else.
        registration.as_token = "1234567890".to_owned();
        registration.hs_token = "12e4".to_owned();
        let again = Registration::from_yaml(&registration.to_yaml()).unwrap();
        assert_eq!(again, registration);
        assert!(again.differences(&registration).is_empty());
    }

    #[test]
    fn escapes_what_has_a_meaning() {
        let registration = example("http://localhost", "g.i+t_{id}_x");
        assert_eq!(
            registration.namespaces.users[1].regex,
            r"^@g\.i\+t_.*_x:example\.org$"
        );
    }

    #[test]
    fn says_what_differs_without_tokens() {
        let wanted = example("http://localhost:8445", "gitter_{id}");
        let mut found = example("http://elsewhere:8445", "ghost_{id}");
        found.as_token = "a-stale-token".to_owned();
        found.rate_limited = true;
        let words = found.differences(&wanted).join("\n");
        assert!(!words.contains("stale") && !words.contains("our-token"));
        insta::assert_snapshot!(words, @r"
        `url` is `http://elsewhere:8445`, but the configuration asks for `http://localhost:8445`
        `rate_limited` is `true`, but the configuration asks for `false`
        `as_token` is not the one of the configuration
        namespace `users` lacks the exclusive `^@gitter_.*:example\.org$`
        namespace `users` has a needless exclusive `^@ghost_.*:example\.org$`
        ");
    }

    #[test]
    fn what_is_no_registration_is_refused_without_quoting_it() {
        for text in ["", "[", "as_token: secret", "id: [1]\nas_token: secret"] {
            let error = Registration::from_yaml(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
