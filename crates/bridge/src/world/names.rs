//! Who is ours on Matrix: the bot's id, and how ghosts' ids and the network's ids turn into each other.

use homeserver::{IncomingEvent, PUPPET_KEY};
use remote::{Person, PersonId};
use ruma::{OwnedServerName, OwnedUserId, UserId};

use crate::{Config, Error};

/// Bytes of a display name; Synapse (1.163) takes 256 characters.
const MAX_NAME: usize = 250;

/// Names of the bot and of ghosts.
#[derive(Clone, Debug)]
pub struct Names {
    bot: OwnedUserId,
    domain: OwnedServerName,
    prefix: String,
    suffix: String,
    display_name: String,
    source: String,
}

impl Names {
    /// Names by the configuration's templates.
    ///
    /// # Errors
    /// When the bot's name cannot be a Matrix id, or the ghosts' template lacks its `{id}`.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let bot = UserId::parse_with_server_name(config.bot.username.as_str(), &config.domain)
            .map_err(|_| {
                Error::Refused(format!(
                    "`{}` cannot be the bot's name",
                    config.bot.username
                ))
            })?;
        let (prefix, suffix) = config
            .ghosts
            .username_template
            .split_once("{id}")
            .ok_or_else(|| {
                Error::Refused("the template for ghosts' names lacks its {id}".to_owned())
            })?;
        Ok(Self {
            bot,
            domain: config.domain.clone(),
            prefix: prefix.to_owned(),
            suffix: suffix.to_owned(),
            display_name: config.ghosts.display_name_template.clone(),
            source: config.appservice_id.clone(),
        })
    }

    /// The bot.
    pub fn bot(&self) -> &UserId {
        &self.bot
    }

    /// Localpart of a person's ghost. Bytes that Matrix does not allow there are written as `=hh` (Matrix
    /// spec, appendices, "Mapping from other character sets").
    pub fn ghost_localpart(&self, person: &PersonId) -> String {
        let mut localpart = self.prefix.clone();
        for byte in person.as_str().bytes() {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/' => {
                    localpart.push(char::from(byte));
                }
                _ => {
                    localpart.push('=');
                    localpart.push_str(&hex::encode([byte]));
                }
            }
        }
        localpart.push_str(&self.suffix);
        localpart
    }

    /// Matrix id of a person's ghost.
    ///
    /// # Errors
    /// When the person's id is too long for one.
    pub fn ghost(&self, person: &PersonId) -> Result<OwnedUserId, Error> {
        UserId::parse_with_server_name(self.ghost_localpart(person), &self.domain)
            .map_err(|_| Error::Refused(format!("the id `{person}` is too long for Matrix")))
    }

    /// Whose ghost this is, if it is one.
    pub fn person(&self, user: &UserId) -> Option<PersonId> {
        if user.server_name() != &*self.domain || user == self.bot {
            return None;
        }
        let escaped = user
            .localpart()
            .strip_prefix(&self.prefix)?
            .strip_suffix(&self.suffix)?;
        let mut id = Vec::with_capacity(escaped.len());
        let mut bytes = escaped.bytes();
        while let Some(byte) = bytes.next() {
            if byte == b'=' {
                let digits = [bytes.next()?, bytes.next()?];
                id.extend(hex::decode(digits).ok()?);
            } else {
                id.push(byte);
            }
        }
        let id = String::from_utf8(id).ok().filter(|id| !id.is_empty())?;
        Some(PersonId::new(id))
    }

    /// Whether this is the bot or a ghost.
    pub fn is_ours(&self, user: &UserId) -> bool {
        user == self.bot || self.person(user).is_some()
    }

    /// Whether we sent this: as the bot, as a ghost, or as a user, which is marked.
    pub fn is_by_us(&self, event: &IncomingEvent) -> bool {
        let source = event.content.get(PUPPET_KEY);
        self.is_ours(&event.sender)
            || source.and_then(|source| source.as_str()) == Some(self.source.as_str())
    }

    /// What a person's ghost is called.
    pub fn display_name(&self, person: &Person) -> String {
        // In one pass, so that a name which contains `{username}` stays as it is.
        let mut name = String::new();
        let mut rest = self.display_name.as_str();
        while let Some(at) = rest.find('{') {
            name.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(behind) = rest.strip_prefix("{name}") {
                name.push_str(&person.display_name);
                rest = behind;
            } else if let Some(behind) = rest.strip_prefix("{username}") {
                name.push_str(&person.username);
                rest = behind;
            } else {
                name.push('{');
                rest = &rest[1..];
            }
        }
        name.push_str(rest);
        name.truncate(name.floor_char_boundary(MAX_NAME));
        name
    }

    /// A person's own display name, out of what his ghost is called; `None` if the template does not show it, or the
    /// ghost is called otherwise.
    pub fn without_template<'a>(&self, shown: &'a str, username: &str) -> Option<&'a str> {
        let (before, behind) = self.display_name.split_once("{name}")?;
        let before = before.replace("{username}", username);
        let behind = behind.replace("{username}", username);
        shown.strip_prefix(&before)?.strip_suffix(&behind)
    }
}

#[cfg(test)]
impl Names {
    /// Names for tests of other modules.
    pub(crate) fn of(bot: &str, username_template: &str, display_name_template: &str) -> Self {
        let bot = OwnedUserId::try_from(bot).unwrap();
        let (prefix, suffix) = username_template.split_once("{id}").unwrap();
        Self {
            domain: bot.server_name().to_owned(),
            bot,
            prefix: prefix.to_owned(),
            suffix: suffix.to_owned(),
            display_name: display_name_template.to_owned(),
            source: "gitter".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::of("@gitter:example.org", "gitter_{id}", "{name} (Gitter)")
    }

    #[test]
    fn a_ghost_knows_its_person() {
        let names = names();
        for id in [
            "57b8e4f0c2f0db084a2292be",
            "@someone:example.com",
            "Ünïcode=x",
            "a.b-c_d/e",
        ] {
            let ghost = names.ghost(&PersonId::from(id)).unwrap();
            assert_eq!(names.person(&ghost), Some(PersonId::from(id)), "{ghost}");
            assert!(names.is_ours(&ghost));
        }
        assert_eq!(
            names.ghost(&PersonId::from("Ab:c")).unwrap(),
            "@gitter_=41b=3ac:example.org"
        );
    }

    #[test]
    fn strangers_are_not_ours() {
        let names = names();
        for stranger in [
            "@alice:example.org",
            "@gitter_x:elsewhere.org",
            "@gitter_:example.org",
            "@gitter_=4:example.org",
        ] {
            assert!(
                !names.is_ours(&OwnedUserId::try_from(stranger).unwrap()),
                "{stranger}"
            );
        }
        assert!(names.is_ours(names.bot()));
        assert_eq!(names.person(names.bot()), None);
    }

    #[test]
    fn display_names_follow_the_template_once() {
        let mut names = names();
        names.display_name = "{name} [{username}] {other}".to_owned();
        let person = Person {
            id: PersonId::from("1"),
            username: "bob".to_owned(),
            display_name: "{username}".to_owned(),
            avatar: None,
        };
        let shown = names.display_name(&person);
        assert_eq!(shown, "{username} [bob] {other}");
        assert_eq!(names.without_template(&shown, "bob"), Some("{username}"));
        names.display_name = "{name} [{username}]".to_owned();
        let shown = names.display_name(&person);
        assert_eq!(names.without_template(&shown, "bob"), Some("{username}"));
        assert_eq!(names.without_template(&shown, "carol"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_id_comes_back(id in "\\PC{1,40}") {
            let names = names();
            if let Ok(ghost) = names.ghost(&PersonId::from(id.as_str())) {
                proptest::prop_assert_eq!(names.person(&ghost), Some(PersonId::from(id)));
            }
        }

        #[test]
        fn any_localpart_is_read_without_panic(localpart in "gitter_\\PC{0,20}") {
            if let Ok(user) = OwnedUserId::try_from(format!("@{localpart}:example.org")) {
                let _ = names().person(&user);
            }
        }
    }
}
