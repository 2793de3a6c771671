//! Communities and rooms: making, finding, changing, deleting them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::push::user_channel;
use super::unread::Seat;
use super::{Refusal, World};
use crate::ids::{EventId, GroupId, MessageId, RoomId, UserId};

/// A community. Its rooms' addresses begin with its own.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: GroupId,
    pub(crate) uri: String,
    pub(crate) name: String,
    pub(crate) admins: BTreeSet<UserId>,
}

/// Who can see a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Everyone.
    Public,
    /// Members.
    Private,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Group(Visibility),
    OneToOne,
}

#[derive(Clone, Debug)]
pub(crate) struct Ban {
    pub(crate) user: UserId,
    pub(crate) by: UserId,
    pub(crate) at: Timestamp,
}

/// An entry of the activity feed.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) id: EventId,
    pub(crate) text: String,
    pub(crate) html: String,
    pub(crate) sent: Timestamp,
    pub(crate) meta: Value,
    pub(crate) payload: Option<Value>,
}

#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) id: RoomId,
    /// One-to-one rooms have none.
    pub(crate) uri: Option<String>,
    /// Addresses it had before.
    pub(crate) old_uris: Vec<String>,
    pub(crate) group: Option<GroupId>,
    pub(crate) kind: Kind,
    /// The community's admins are the room's.
    pub(crate) governed_by_group: bool,
    pub(crate) admins: BTreeSet<UserId>,
    pub(crate) topic: String,
    pub(crate) tags: Vec<String>,
    pub(crate) noindex: bool,
    pub(crate) providers: Vec<String>,
    pub(crate) welcome: String,
    pub(crate) v: u32,
    /// In the order in which they joined.
    pub(crate) members: Vec<UserId>,
    pub(crate) seats: BTreeMap<UserId, Seat>,
    pub(crate) bans: Vec<Ban>,
    pub(crate) activity: Vec<Activity>,
    pub(crate) messages: BTreeSet<MessageId>,
}

impl Room {
    pub(crate) fn has(&self, user: UserId) -> bool {
        self.members.contains(&user)
    }

    pub(crate) fn bans(&self, user: UserId) -> bool {
        self.bans.iter().any(|ban| ban.user == user)
    }

    /// Public rooms are open to everyone who is not banned, for reading and writing alike.
    pub(crate) fn admits(&self, user: UserId) -> bool {
        !self.bans(user) && (self.is_public() || self.has(user))
    }

    pub(crate) fn is_public(&self) -> bool {
        matches!(self.kind, Kind::Group(Visibility::Public))
    }

    pub(crate) fn is_one_to_one(&self) -> bool {
        matches!(self.kind, Kind::OneToOne)
    }

    /// The other person of a one-to-one room.
    pub(crate) fn partner(&self, of: UserId) -> Option<UserId> {
        self.members
            .iter()
            .copied()
            .find(|member| self.is_one_to_one() && *member != of)
    }

    /// What the room means to one person.
    pub(crate) fn seat(&mut self, user: UserId) -> &mut Seat {
        self.seats.entry(user).or_default()
    }
}

/// What a URI stands for.
pub(crate) enum Place {
    Room(RoomId),
    OneToOne(UserId),
}

impl World {
    pub(crate) fn add_group(&mut self, uri: &str, name: &str, admin: UserId) -> GroupId {
        let id = GroupId(self.new_id());
        self.add_group_as(id, uri, name, admin)
    }

    pub(crate) fn add_group_as(
        &mut self,
        id: GroupId,
        uri: &str,
        name: &str,
        admin: UserId,
    ) -> GroupId {
        let (uri, name) = (uri.to_owned(), name.to_owned());
        self.groups.insert(
            id,
            Group {
                id,
                uri,
                name,
                admins: BTreeSet::from([admin]),
            },
        );
        id
    }

    pub(crate) fn group_at(&self, uri: &str) -> Option<&Group> {
        self.groups
            .values()
            .find(|group| group.uri.eq_ignore_ascii_case(uri))
    }

    pub(crate) fn room_at(&self, uri: &str) -> Option<&Room> {
        let is = |at: &String| at.eq_ignore_ascii_case(uri);
        self.rooms
            .values()
            .find(|room| room.uri.as_ref().is_some_and(is))
    }

    /// Makes a room; its community is made too if there is none. The maker becomes a member and, directly or through the
    /// community, an admin.
    pub(crate) fn add_room(
        &mut self,
        uri: &str,
        visibility: Visibility,
        maker: UserId,
    ) -> Result<RoomId, Refusal> {
        let id = RoomId(self.new_id());
        self.add_room_as(id, uri, visibility, maker)
    }

    pub(crate) fn add_room_as(
        &mut self,
        id: RoomId,
        uri: &str,
        visibility: Visibility,
        maker: UserId,
    ) -> Result<RoomId, Refusal> {
        self.user(maker)?;
        if self.room_at(uri).is_some() || self.user_at(uri).is_some() {
            return Err(Refusal::Conflict);
        }
        let home = uri.split('/').next().unwrap_or(uri);
        let group = match self.group_at(home) {
            Some(group) => group.id,
            None => self.add_group(home, home, maker),
        };
        let governs = self
            .groups
            .get(&group)
            .is_some_and(|group| group.admins.contains(&maker));
        let public = visibility == Visibility::Public;
        let mut room = Self::blank_room(id, Kind::Group(visibility));
        room.uri = Some(uri.to_owned());
        room.group = Some(group);
        room.governed_by_group = public;
        if !(public && governs) {
            room.admins.insert(maker);
        }
        room.members.push(maker);
        room.seat(maker).last_access = Some(self.now());
        self.rooms.insert(id, room);
        self.announce_room_to(id, maker)?;
        Ok(id)
    }

    fn blank_room(id: RoomId, kind: Kind) -> Room {
        Room {
            id,
            uri: None,
            old_uris: Vec::new(),
            group: None,
            kind,
            governed_by_group: false,
            admins: BTreeSet::new(),
            topic: String::new(),
            tags: Vec::new(),
            noindex: false,
            providers: Vec::new(),
            welcome: String::new(),
            v: 0,
            members: Vec::new(),
            seats: BTreeMap::new(),
            bans: Vec::new(),
            activity: Vec::new(),
            messages: BTreeSet::new(),
        }
    }

    /// The one-to-one room of two people, made if there is none. The other one gets it pushed into his list.
    pub(crate) fn one_to_one(&mut self, asker: UserId, other: UserId) -> Result<RoomId, Refusal> {
        let found = self
            .rooms
            .values()
            .find(|room| room.has(asker) && room.partner(asker) == Some(other));
        if let Some(room) = found {
            return Ok(room.id);
        }
        let id = RoomId(self.new_id());
        self.one_to_one_as(id, asker, other)
    }

    pub(crate) fn one_to_one_as(
        &mut self,
        id: RoomId,
        asker: UserId,
        other: UserId,
    ) -> Result<RoomId, Refusal> {
        if asker == other || self.user(other)?.removed {
            return Err(Refusal::NotFound);
        }
        self.user(asker)?;
        let now = self.now();
        let mut room = Self::blank_room(id, Kind::OneToOne);
        room.members = vec![asker, other];
        room.seat(asker).last_access = Some(now);
        room.seat(other).last_access = Some(now);
        self.rooms.insert(id, room);
        self.announce_room_to(id, other)?;
        self.announce_room_to(id, asker)?;
        Ok(id)
    }

    /// Finds what a URI names: a room, or a person to talk to. Does not join.
    pub(crate) fn resolve(&mut self, uri: &str, asker: UserId) -> Result<Place, Refusal> {
        if let Some(room) = self.room_at(uri) {
            return if room.admits(asker) {
                Ok(Place::Room(room.id))
            } else {
                Err(Refusal::NotFound)
            };
        }
        let was = |old: &String| old.eq_ignore_ascii_case(uri);
        let moved = self
            .rooms
            .values()
            .find(|room| room.old_uris.iter().any(was));
        if let Some(room) = moved {
            return Err(if room.admits(asker) {
                Refusal::Moved
            } else {
                Refusal::NotFound
            });
        }
        match self.user_at(uri) {
            Some(user) if user.id != asker => Ok(Place::OneToOne(user.id)),
            _ => Err(Refusal::NotFound),
        }
    }

    /// Changes something about the room that counts as a new version of it: lists do, texts do not (recorded cases
    /// `room_update_topic`, `room_update_tags`).
    pub(crate) fn change_room(
        &mut self,
        id: RoomId,
        change: impl FnOnce(&mut Room),
    ) -> Result<(), Refusal> {
        let room = self.room_mut(id)?;
        change(room);
        room.v += 1;
        Ok(())
    }

    pub(crate) fn set_topic(&mut self, id: RoomId, topic: &str) -> Result<(), Refusal> {
        topic.clone_into(&mut self.room_mut(id)?.topic);
        let model = json!({ "id": id.to_string(), "topic": topic });
        self.push_room(id, "", "patch", &model);
        for member in self.room(id)?.members.clone() {
            self.patch_my_room(member, &model);
        }
        Ok(())
    }

    /// Gives the room another address, as staff can; members hear of it by `update`.
    pub(crate) fn rename_room(&mut self, id: RoomId, uri: &str) -> Result<(), Refusal> {
        if self.room_at(uri).is_some() {
            return Err(Refusal::Conflict);
        }
        self.change_room(id, |room| {
            room.old_uris.extend(room.uri.replace(uri.to_owned()));
        })?;
        let model = self.room_view(id, None, super::room_view::RoomFields::PUSHED)?;
        self.push_room(id, "", "update", &model);
        for member in self.room(id)?.members.clone() {
            self.push_operation(user_channel(member, "/rooms"), "update", &model);
        }
        Ok(())
    }

    pub(crate) fn delete_room(&mut self, id: RoomId) -> Result<(), Refusal> {
        let members = self.room(id)?.members.clone();
        for member in &members {
            self.read_all(id, *member, false)?;
        }
        let model = json!({ "id": id.to_string() });
        self.push_room(id, "", "remove", &model);
        for member in members {
            self.push_operation(user_channel(member, "/rooms"), "remove", &model);
        }
        self.rooms.remove(&id);
        self.messages.retain(|_, message| message.room != id);
        Ok(())
    }

    /// Adds to the activity feed, as integrations do.
    pub(crate) fn add_activity(
        &mut self,
        room: RoomId,
        text: &str,
        meta: Value,
        payload: Option<Value>,
    ) -> Result<EventId, Refusal> {
        let (id, sent) = (EventId(self.new_id()), self.now());
        let html = crate::render::render(text).html;
        let entry = Activity {
            id,
            text: text.to_owned(),
            html,
            sent,
            meta,
            payload,
        };
        let model = super::views::activity_view(&entry);
        self.room_mut(room)?.activity.push(entry);
        self.push_room(room, "/events", "create", &model);
        Ok(id)
    }
}
