//! Gitter's people, rooms and messages as the contract's.

use std::sync::Arc;

use gitter::Endpoints;
use gitter_markup::{Forge, ForgeKind, Incoming, KnownMention, to_rich};
use remote::{
    Avatar, Member, Message, MessageId, MessageKind, Person, PersonId, Room, RoomId, RoomKind,
    Standing,
};

use crate::avatar;
use crate::files::Files;

/// The repository that belongs to a room, for issues that name none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    kind: ForgeKind,
    name: String,
}

/// Converts, knowing where this Gitter is.
#[derive(Clone, Debug)]
pub(crate) struct Converter {
    endpoints: Arc<Endpoints>,
    site: String,
    files: Option<Files>,
}

impl Converter {
    pub(crate) fn new(endpoints: Arc<Endpoints>, files: Option<Files>) -> Self {
        let site = endpoints.web_url.as_str().trim_end_matches('/').to_owned();
        Self {
            endpoints,
            site,
            files,
        }
    }

    pub(crate) fn person(&self, user: &gitter::User) -> Person {
        let picture = user
            .avatar_url
            .as_deref()
            .or(user.avatar_url_medium.as_deref());
        Person {
            id: PersonId::from(user.id.as_str()),
            username: shown(&user.username),
            display_name: shown(user.name()),
            avatar: picture.and_then(|url| self.avatar(url)),
        }
    }

    pub(crate) fn member(&self, user: &gitter::User) -> Member {
        Member {
            person: self.person(user),
            admin: user.is_admin(),
        }
    }

    /// A picture. Gitter and others spread them over numbered hosts and sizes, so path and version tell one from another, and of those
    /// that are elsewhere the host without its number: two sites may have the same path.
    fn avatar(&self, url: &str) -> Option<Avatar> {
        // Databases index what tells pictures apart, and PostgreSQL no more than 2,700 bytes of it.
        const LONGEST: usize = 2_000;
        let url = self.endpoints.absolute(url)?;
        if url.as_str().len() > LONGEST {
            return None;
        }
        let mut key = String::new();
        if !avatar::is_own(&url, &self.endpoints) {
            let host = url.host_str().unwrap_or_default();
            key.extend(host.chars().filter(|c| !c.is_ascii_digit()));
        }
        key.push_str(url.path());
        for (name, value) in url
            .query_pairs()
            .filter(|(name, _)| !matches!(name.as_ref(), "s" | "size"))
        {
            key.extend(["&", &name, "=", &value]);
        }
        Some(Avatar {
            key: shown(&key),
            url: url.into(),
        })
    }

    pub(crate) fn room(&self, room: &gitter::Room) -> Room {
        let other = room
            .user
            .as_ref()
            .filter(|_| room.one_to_one)
            .map(|user| self.person(user));
        let path = room
            .url
            .as_deref()
            .unwrap_or_default()
            .trim_start_matches('/');
        let uri = room.uri.as_deref().map(shown);
        let address = match (&other, &uri) {
            (Some(other), _) => format!("@{}", other.username),
            (None, Some(uri)) => uri.clone(),
            // A one-to-one whose other one is gone.
            (None, None) if path.is_empty() => format!("@{}", room.id),
            (None, None) => format!("@{}", shown(path)),
        };
        let name = match (&other, &uri) {
            (Some(other), _) => other.display_name.clone(),
            (None, Some(uri)) => uri.clone(),
            (None, None) => room.name.as_deref().map_or_else(|| address.clone(), shown),
        };
        let avatar = match &other {
            Some(other) => other.avatar.clone(),
            None => room.avatar_url.as_deref().and_then(|url| self.avatar(url)),
        };
        Room {
            id: RoomId::from(room.id.as_str()),
            name,
            topic: Some(shown(&room.topic)).filter(|topic| !topic.trim().is_empty()),
            avatar,
            kind: match room.is_public() {
                _ if room.one_to_one => RoomKind::OneToOne,
                true => RoomKind::Public,
                false => RoomKind::Private,
            },
            other,
            standing: match (room.room_member, room.is_admin()) {
                (Some(false), _) => Standing::Outside,
                (_, Some(true)) => Standing::Admin,
                _ => Standing::Member,
            },
            member_count: room.user_count,
            active_at: room.last_access_time.map(jiff::Timestamp::as_millisecond),
            link: (!path.is_empty()).then(|| format!("{}/{path}", self.site)),
            address,
        }
    }

    /// The repository of a room, where Gitter told it.
    pub(crate) fn repository(room: &gitter::Room) -> Option<Repository> {
        let backend = room.backend.as_ref();
        let kind = backend
            .and_then(|backend| backend.kind.as_deref())
            .unwrap_or_default();
        let linked = backend.and_then(|backend| backend.link_path.as_ref());
        let linked = linked.filter(|_| matches!(kind, "GH_REPO" | "GL_PROJECT"));
        let name = room
            .associated_repo
            .as_ref()
            .or(linked)
            .filter(|name| !name.is_empty())?;
        let kind = if kind.starts_with("GL") {
            ForgeKind::GitLab
        } else {
            ForgeKind::GitHub
        };
        Some(Repository {
            kind,
            name: name.clone(),
        })
    }

    pub(crate) fn message(
        &self,
        room: &RoomId,
        repository: Option<&Repository>,
        message: &gitter::Message,
    ) -> Message {
        let mentions: Vec<_> = message
            .mentions
            .iter()
            .map(|mention| KnownMention {
                screen_name: &mention.screen_name,
                user_id: mention.user_id.as_ref().map(gitter::UserId::as_str),
                announcement: mention.announcement,
            })
            .collect();
        let incoming = Incoming {
            html: &message.html,
            text: &message.text,
            mentions: &mentions,
            status: message.status,
            sender: message
                .from_user
                .as_ref()
                .map(|user| user.username.as_str()),
            site: &self.site,
            forge: repository.map(|it| Forge {
                kind: it.kind,
                repository: &it.name,
            }),
        };
        let text = to_rich(&incoming);
        Message {
            id: MessageId::from(message.id.as_str()),
            room: room.clone(),
            sender: message.from_user.as_ref().map(|user| self.person(user)),
            sent_at: message.sent.as_millisecond(),
            kind: if message.status {
                MessageKind::Emote
            } else {
                MessageKind::Text
            },
            attachments: self
                .files
                .as_ref()
                .map_or_else(Vec::new, |files| files.of(&text)),
            text,
            edited_at: message.edited_at.map(jiff::Timestamp::as_millisecond),
            thread: message
                .parent_id
                .as_ref()
                .map(|id| MessageId::from(id.as_str())),
            reply_to: None,
            blanked: message.is_blanked(),
        }
    }
}

/// Text that stands where only text can: names, topics. Other people choose them, and a control character in one would
/// keep databases from storing it (PostgreSQL takes no NUL), and with it all that its owner says.
fn shown(text: &str) -> String {
    // They would turn around what stands behind the name, too.
    let turns = |c: &char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .filter(|c| !turns(c))
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn converter() -> Converter {
        let endpoints = Endpoints {
            web_url: "https://gitter.im".parse().unwrap(),
            api_url: "https://api.gitter.im/v1".parse().unwrap(),
            realtime_url: "wss://ws.gitter.im/bayeux".parse().unwrap(),
        };
        Converter::new(Arc::new(endpoints), None)
    }

    #[test]
    fn pictures_have_keys_that_databases_take() {
        let avatar = converter().avatar("https://gitter.im/a?v=%00&s=128&b=%0d");
        assert_eq!(avatar.unwrap().key, "/a&v= &b= ");
        let long = format!("https://gitter.im/a?v={}", "x".repeat(3_000));
        assert!(converter().avatar(&long).is_none());
    }

    #[test]
    fn pictures_of_two_sites_are_two() {
        let key = |url: &str| converter().avatar(url).unwrap().key;
        let own = key("https://avatars-01.gitter.im/u/7?v=2&s=60");
        assert_eq!(own, key("https://avatars-05.gitter.im/u/7?v=2&s=128"));
        assert_eq!(own, key("https://gitter.im/u/7?v=2"));
        let forge = key("https://avatars1.githubusercontent.com/u/7?v=2&s=60");
        assert_eq!(forge, key("https://avatars2.githubusercontent.com/u/7?v=2"));
        let other = key("https://evil.googleusercontent.com/u/7?v=2");
        assert!(own != forge && forge != other && own != other);
    }

    #[test]
    fn no_name_or_topic_holds_control_characters() {
        let user = json!({"id": "u", "username": "a\0b", "displayName": "A\0\u{202e}\u{1b}[31mB"});
        let person = converter().person(&serde_json::from_value(user).unwrap());
        assert_eq!(person.username, "a b");
        assert_eq!(person.display_name, "A  [31mB");
        let room = json!({
            "id": "r", "uri": "org/\0room", "name": "n\0", "topic": "a\0\nb", "url": "/org/room", "oneToOne": false,
        });
        let room = converter().room(&serde_json::from_value(room).unwrap());
        assert_eq!(
            (room.address.as_str(), room.name.as_str()),
            ("org/ room", "org/ room")
        );
        assert_eq!(room.topic.as_deref(), Some("a \nb"));
    }
}
