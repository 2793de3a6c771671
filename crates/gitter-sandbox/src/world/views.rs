//! People, communities and activity as JSON. A field that is not set is left out rather than null.

use serde_json::{Map, Value, json};

use super::people::Provider;
use super::rooms::Activity;
use super::{Group, Room, User, World, iso};
use crate::ids::UserId;

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

impl World {
    /// Where a person's picture is. Gitter names GitHub's pictures in full and others relative to the web pages; here
    /// all of them are the sandbox's own.
    pub(crate) fn picture(&self, user: &User, size: u32) -> String {
        match user.provider() {
            Provider::GitHub => format!(
                "{}/api/private/avatars/gh/uv/{}/{}?s={size}",
                self.web_url, user.avatar_version, user.username
            ),
            _ => format!("/api/private/user-avatar/{}?s={size}", user.username),
        }
    }

    pub(super) fn avatar(&self, user: &User) -> String {
        match user.provider() {
            Provider::GitHub => {
                format!(
                    "{}/api/private/avatars/gh/uv/{}/{}",
                    self.web_url, user.avatar_version, user.username
                )
            }
            _ => format!("{}/api/private/avatars/g/u/{}", self.web_url, user.username),
        }
    }

    /// A person in full; `null` if the account's row is gone.
    pub(crate) fn user_view(&self, id: UserId) -> Value {
        let Some(user) = self.users.get(&id) else {
            return Value::Null;
        };
        let mut view = object(json!({
            "id": id.to_string(),
            "username": user.username,
            "displayName": user.display_name,
            "url": format!("/{}", user.username),
            "avatarUrl": self.avatar(user),
            "avatarUrlSmall": self.picture(user, 60),
            "avatarUrlMedium": self.picture(user, 128),
            "v": user.v,
        }));
        if user.provider() == Provider::GitHub {
            view.insert("gv".into(), json!(user.avatar_version.to_string()));
        }
        if user.removed {
            view.insert("removed".into(), json!(true));
        }
        Value::Object(view)
    }

    /// A person as he sees himself.
    pub(crate) fn own_view(&self, id: UserId) -> Value {
        let mut view = self.user_view(id);
        if let Some(user) = self.users.get(&id) {
            view["providers"] = json!([user.provider().name()]);
        }
        view
    }

    /// A person as the realtime handshake tells him who he is: with what he lets Gitter do at GitHub.
    pub(crate) fn handshake_view(&self, id: UserId) -> Value {
        let mut view = self.own_view(id);
        if self
            .users
            .get(&id)
            .is_some_and(|user| user.provider() == Provider::GitHub)
        {
            view["scopes"] = json!({ "public_repo": false, "private_repo": false });
        }
        view
    }

    /// A person with what `lean` leaves.
    pub(crate) fn slim_user_view(&self, id: UserId) -> Value {
        let Some(user) = self.users.get(&id) else {
            return Value::Null;
        };
        let mut view =
            object(json!({ "id": id.to_string(), "username": user.username, "v": user.v }));
        if user.provider() == Provider::GitHub {
            view.insert("gv".into(), json!(user.avatar_version.to_string()));
        } else {
            view.insert("gravatarImageUrl".into(), json!(self.avatar(user)));
        }
        if user.removed {
            view.insert("removed".into(), json!(true));
        }
        Value::Object(view)
    }

    /// A person on his public page.
    pub(crate) fn profile_view(&self, user: &User) -> Value {
        let mut view = object(json!({
            "id": user.id.to_string(),
            "username": user.username,
            "displayName": user.display_name,
            "has_gitter_login": true,
        }));
        if user.provider() == Provider::GitHub {
            view.insert("company".into(), Value::Null);
            view.insert("location".into(), Value::Null);
            view.insert("email".into(), Value::Null);
            view.insert(
                "profile".into(),
                json!(format!("https://github.com/{}", user.username)),
            );
            view.insert(
                "github".into(),
                json!({ "followers": 0, "public_repos": 0, "following": 0 }),
            );
            view.insert("gv".into(), json!(user.avatar_version.to_string()));
        } else {
            view.insert("gravatarImageUrl".into(), json!(self.avatar(user)));
        }
        Value::Object(view)
    }

    /// A member of a room, with his role and whether he is there.
    pub(crate) fn member_view(&self, room: &Room, id: UserId, lean: bool, online: bool) -> Value {
        let mut view = if lean {
            self.slim_user_view(id)
        } else {
            self.user_view(id)
        };
        if self.is_admin(room, id) {
            view["role"] = json!("admin");
        }
        if online {
            view["online"] = json!(true);
        }
        view
    }

    pub(crate) fn group_view(&self, group: &Group) -> Value {
        json!({
            "id": group.id.to_string(),
            "name": group.name,
            "uri": group.uri,
            "homeUri": group.uri,
            "backedBy": { "type": null },
            "avatarUrl": format!("{}/api/private/avatars/group/i/{}", self.web_url, group.id),
        })
    }

    /// The communities a person governs or has a room in.
    pub(crate) fn groups_of(&self, user: UserId) -> Vec<&Group> {
        let has_room = |group: &Group| {
            self.rooms
                .values()
                .any(|room| room.group == Some(group.id) && room.has(user))
        };
        self.groups
            .values()
            .filter(|group| group.admins.contains(&user) || has_room(group))
            .collect()
    }
}

/// An entry of the activity feed.
pub(crate) fn activity_view(entry: &Activity) -> Value {
    let mut view = json!({
        "id": entry.id.to_string(),
        "text": entry.text,
        "html": entry.html,
        "sent": iso(entry.sent),
        "editedAt": null,
        "meta": entry.meta,
        "v": 1,
    });
    if let Some(payload) = &entry.payload {
        view["payload"] = payload.clone();
    }
    view
}
