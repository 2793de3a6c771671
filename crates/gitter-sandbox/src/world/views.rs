//! People, rooms and communities as JSON. A field that is not set is left out rather than null.
//!
//! Gitter serialises a room differently from call to call; [`RoomFields`] says which parts come along, as recorded. A new
//! call gets a constant of its own there.

use serde_json::{Map, Value, json};

use super::people::Provider;
use super::rooms::{Activity, Kind, Visibility};
use super::unread::{Mode, Seat};
use super::{Group, Refusal, Room, User, World, iso};
use crate::ids::{RoomId, UserId};

/// The parts of a room that not every answer has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RoomFields {
    associated: bool,
    tags: bool,
    permissions: bool,
    group: bool,
    backend: bool,
    /// As stored, without what the database would add by default: `oneToOne: false` and `noindex` are missing.
    bare: bool,
    extra: bool,
}

impl RoomFields {
    const NONE: Self = Self {
        associated: false,
        tags: false,
        permissions: false,
        group: false,
        backend: false,
        bare: false,
        extra: false,
    };
    /// `GET /rooms` (recorded case `rooms_list`).
    pub(crate) const LIST: Self = Self {
        tags: true,
        permissions: true,
        ..Self::NONE
    };
    /// Pushed to a person's rooms, and `GET /groups/:id/rooms` (`groups_rooms`).
    pub(crate) const PUSHED: Self = Self::NONE;
    /// `GET /rooms/:id` (`rooms_show_member`).
    pub(crate) const SHOW: Self = Self {
        associated: true,
        tags: true,
        permissions: true,
        group: true,
        backend: true,
        ..Self::NONE
    };
    /// `POST /rooms` (`rooms_resolve_uri`).
    pub(crate) const RESOLVED: Self = Self {
        tags: true,
        group: true,
        bare: true,
        ..Self::NONE
    };
    /// Joining (`join_room`), and realtime snapshots of a room.
    pub(crate) const JOINED: Self = Self {
        associated: true,
        permissions: true,
        group: true,
        backend: true,
        ..Self::NONE
    };
    /// `PUT /rooms/:id` (`room_update_topic`).
    pub(crate) const UPDATED: Self = Self {
        permissions: true,
        group: true,
        backend: true,
        ..Self::NONE
    };
    /// `PUT /user/:id/rooms/:id` (`room_favourite`).
    pub(crate) const SETTLED: Self = Self {
        tags: true,
        group: true,
        ..Self::NONE
    };
    /// `POST /groups/:id/rooms` (`group_room_create`).
    pub(crate) const CREATED: Self = Self {
        tags: true,
        group: true,
        backend: true,
        extra: true,
        ..Self::NONE
    };
}

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

    fn avatar(&self, user: &User) -> String {
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

    /// A room as `viewer` sees it; without a viewer, what is true for everybody.
    pub(crate) fn room_view(
        &self,
        id: RoomId,
        viewer: Option<UserId>,
        fields: RoomFields,
    ) -> Result<Value, Refusal> {
        let room = self.room(id)?;
        let mut view = object(json!({
            "id": id.to_string(),
            "topic": room.topic,
            "userCount": room.members.len(),
            "public": room.is_public(),
        }));
        self.add_names(&mut view, room, viewer, fields);
        if let Some(viewer) = viewer {
            self.add_seat(&mut view, room, viewer);
        }
        if fields.associated {
            view.insert("associatedRepo".into(), json!(false));
        }
        if fields.tags {
            view.insert("tags".into(), json!(room.tags));
        }
        if fields.permissions
            && let Some(viewer) = viewer
        {
            view.insert(
                "permissions".into(),
                json!({ "admin": self.is_admin(room, viewer) }),
            );
        }
        if !room.providers.is_empty() {
            view.insert("providers".into(), json!(room.providers));
        }
        if fields.extra {
            view.insert("extra".into(), json!({}));
        }
        if room.v > 0 {
            view.insert("v".into(), json!(room.v));
        }
        Ok(Value::Object(view))
    }

    fn add_names(
        &self,
        view: &mut Map<String, Value>,
        room: &Room,
        viewer: Option<UserId>,
        fields: RoomFields,
    ) {
        let group = room.group.and_then(|group| self.groups.get(&group));
        view.insert(
            "groupId".into(),
            json!(room.group.map(|group| group.to_string())),
        );
        match &room.kind {
            Kind::OneToOne => {
                let partner = viewer
                    .and_then(|viewer| room.partner(viewer))
                    .and_then(|id| self.users.get(&id));
                view.insert("oneToOne".into(), json!(true));
                view.insert("noindex".into(), json!(room.noindex));
                view.insert("githubType".into(), json!("ONETOONE"));
                if let Some(partner) = partner {
                    view.insert("name".into(), json!(partner.display_name));
                    view.insert("url".into(), json!(format!("/{}", partner.username)));
                    view.insert("avatarUrl".into(), json!(self.avatar(partner)));
                    view.insert("user".into(), self.user_view(partner.id));
                }
            }
            Kind::Group(visibility) => {
                let uri = room.uri.clone().unwrap_or_default();
                let label = group.map_or("", |group| &group.name);
                let name = match uri.split_once('/') {
                    Some((_, rest)) => format!("{label}/{rest}"),
                    None => label.to_owned(),
                };
                let (security, backend) = match visibility {
                    Visibility::Public => ("PUBLIC", json!({ "type": "GROUP" })),
                    Visibility::Private => ("PRIVATE", json!({ "type": null })),
                };
                if !fields.bare {
                    view.insert("oneToOne".into(), json!(false));
                    view.insert("noindex".into(), json!(room.noindex));
                }
                view.insert("name".into(), json!(name));
                view.insert("url".into(), json!(format!("/{uri}")));
                let kind = if uri.contains('/') {
                    "REPO_CHANNEL"
                } else {
                    "ORG"
                };
                view.insert("githubType".into(), json!(kind));
                view.insert("uri".into(), json!(uri));
                view.insert("security".into(), json!(security));
                if let Some(group) = group {
                    let avatar =
                        format!("{}/api/private/avatars/group/i/{}", self.web_url, group.id);
                    view.insert("avatarUrl".into(), json!(avatar));
                    if fields.group {
                        view.insert("group".into(), self.group_view(group));
                    }
                }
                if fields.backend {
                    view.insert("backend".into(), backend);
                }
            }
        }
    }

    fn add_seat(&self, view: &mut Map<String, Value>, room: &Room, viewer: UserId) {
        let blank = Seat::default();
        let seat = room.seats.get(&viewer).unwrap_or(&blank);
        let muted = seat.mode == Mode::Mute;
        view.insert("unreadItems".into(), json!(seat.unread.len()));
        view.insert("mentions".into(), json!(seat.mentions.len()));
        view.insert("roomMember".into(), json!(room.has(viewer)));
        view.insert("lurk".into(), json!(muted));
        if muted {
            view.insert("activity".into(), json!(seat.activity));
        }
        if let Some(time) = seat.last_access {
            view.insert("lastAccessTime".into(), json!(iso(time)));
        }
        if let Some(favourite) = seat.favourite {
            view.insert("favourite".into(), json!(favourite));
        }
    }

    /// The rooms in a person's list: those he is in, and those where he was mentioned.
    pub(crate) fn rooms_of(&self, user: UserId) -> Vec<RoomId> {
        let listed = |room: &&Room| {
            let seat = room.seats.get(&user);
            let mentioned = seat.is_some_and(|seat| !seat.mentions.is_empty());
            let hidden = seat.is_some_and(|seat| seat.hidden);
            let alone = room.is_one_to_one()
                && !room
                    .partner(user)
                    .and_then(|id| self.users.get(&id))
                    .is_some_and(|other| !other.removed);
            (room.has(user) || (mentioned && self.may_enter(room, user))) && !hidden && !alone
        };
        self.rooms
            .values()
            .filter(listed)
            .map(|room| room.id)
            .collect()
    }

    pub(crate) fn room_views(&self, user: UserId) -> Value {
        let rooms = self.rooms_of(user);
        Value::Array(
            rooms
                .into_iter()
                .filter_map(|id| self.room_view(id, Some(user), RoomFields::LIST).ok())
                .collect(),
        )
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
