//! Rooms as JSON.
//!
//! Gitter serialises a room differently from call to call; [`RoomFields`] says which parts come along, as recorded. A new
//! call gets a constant of its own there.

use serde_json::{Map, Value, json};

use super::rooms::{Kind, Visibility};
use super::unread::{Mode, Seat};
use super::views::object;
use super::{Refusal, Room, World, iso};
use crate::ids::{RoomId, UserId};

/// A part of a room that not every answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Associated,
    Tags,
    Permissions,
    Group,
    Backend,
    /// What the database would add by default: `oneToOne: false` and `noindex`.
    Defaults,
    Extra,
}

/// Which parts of a room an answer has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoomFields(&'static [Part]);

impl RoomFields {
    /// `GET /rooms` (recorded case `rooms_list`).
    pub(crate) const LIST: Self = Self(&[Part::Defaults, Part::Tags, Part::Permissions]);
    /// Pushed to a person's rooms, and `GET /groups/:id/rooms` (`groups_rooms`).
    pub(crate) const PUSHED: Self = Self(&[Part::Defaults]);
    /// `GET /rooms/:id` (`rooms_show_member`).
    pub(crate) const SHOW: Self = Self(&[
        Part::Defaults,
        Part::Associated,
        Part::Tags,
        Part::Permissions,
        Part::Group,
        Part::Backend,
    ]);
    /// `POST /rooms` (`rooms_resolve_uri`).
    pub(crate) const RESOLVED: Self = Self(&[Part::Tags, Part::Group]);
    /// Joining (`join_room`), and realtime snapshots of a room.
    pub(crate) const JOINED: Self = Self(&[
        Part::Defaults,
        Part::Associated,
        Part::Permissions,
        Part::Group,
        Part::Backend,
    ]);
    /// `PUT /rooms/:id` (`room_update_topic`).
    pub(crate) const UPDATED: Self = Self(&[
        Part::Defaults,
        Part::Permissions,
        Part::Group,
        Part::Backend,
    ]);
    /// `PUT /user/:id/rooms/:id` (`room_favourite`).
    pub(crate) const SETTLED: Self = Self(&[Part::Defaults, Part::Tags, Part::Group]);
    /// `POST /groups/:id/rooms` (`group_room_create`).
    pub(crate) const CREATED: Self = Self(&[
        Part::Defaults,
        Part::Tags,
        Part::Group,
        Part::Backend,
        Part::Extra,
    ]);

    fn has(self, part: Part) -> bool {
        self.0.contains(&part)
    }
}

impl World {
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
            add_seat(&mut view, room, viewer);
        }
        if fields.has(Part::Associated) {
            view.insert("associatedRepo".into(), json!(false));
        }
        if fields.has(Part::Tags) {
            view.insert("tags".into(), json!(room.tags));
        }
        if fields.has(Part::Permissions)
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
        if fields.has(Part::Extra) {
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
                if fields.has(Part::Defaults) {
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
                    if fields.has(Part::Group) {
                        view.insert("group".into(), self.group_view(group));
                    }
                }
                if fields.has(Part::Backend) {
                    view.insert("backend".into(), backend);
                }
            }
        }
    }

    /// The rooms in a person's list: those he is in, and those where he was mentioned.
    pub(crate) fn rooms_of(&self, user: UserId) -> Vec<RoomId> {
        let listed = |room: &&Room| {
            let seat = room.seats.get(&user);
            let mentioned = seat.is_some_and(|seat| !seat.mentions.is_empty());
            let hidden = seat.is_some_and(|seat| seat.hidden);
            let partner = room.partner(user).and_then(|id| self.users.get(&id));
            let alone = room.is_one_to_one() && partner.is_none_or(|other| other.removed);
            (room.has(user) || (mentioned && room.admits(user))) && !hidden && !alone
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
}

fn add_seat(view: &mut Map<String, Value>, room: &Room, viewer: UserId) {
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
