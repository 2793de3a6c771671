//! Joining, adding, leaving, removing, banning.

use serde_json::json;

use super::push::user_channel;
use super::rooms::Ban;
use super::{Announcement, Refusal, World};
use crate::ids::{RoomId, UserId};

/// Above this many members Gitter stops announcing who joins.
const ANNOUNCED_UP_TO: usize = 100;

impl World {
    /// The person joins by himself.
    pub(crate) fn join(&mut self, room: RoomId, user: UserId) -> Result<(), Refusal> {
        self.enterable(room, user)?;
        self.put_in(room, user)?;
        let now = self.now();
        self.room_mut(room)?.seat(user).last_access = Some(now);
        Ok(())
    }

    /// Puts a person into the room without asking whether he may.
    pub(crate) fn put_in(&mut self, room: RoomId, user: UserId) -> Result<(), Refusal> {
        self.user(user)?;
        let now = self.now();
        let found = self.room_mut(room)?;
        if found.has(user) {
            return Ok(());
        }
        found.members.push(user);
        let seat = found.seat(user);
        seat.last_access.get_or_insert(now);
        let announced = found.members.len() <= ANNOUNCED_UP_TO;
        self.announce_room_to(room, user)?;
        if announced {
            let model = self.user_view(user);
            self.push_room(room, "/users", "create", &model);
        }
        Ok(())
    }

    /// Takes a person out of the room; leaving and being removed look the same.
    pub(crate) fn take_out(&mut self, room: RoomId, user: UserId) -> Result<(), Refusal> {
        let found = self.room_mut(room)?;
        if !found.has(user) {
            return Err(Refusal::NotFound);
        }
        if found.is_one_to_one() {
            return Err(Refusal::BadRequest);
        }
        found.members.retain(|member| *member != user);
        let seat = found.seat(user);
        seat.favourite = None;
        let had_unread = !seat.unread.is_empty();
        seat.unread.clear();
        seat.mentions.clear();
        self.push_room(room, "/users", "remove", &json!({ "id": user.to_string() }));
        self.push_operation(
            user_channel(user, "/rooms"),
            "remove",
            &json!({ "id": room.to_string() }),
        );
        if had_unread {
            let model = json!({ "id": room.to_string(), "unreadItems": 0, "mentions": 0 });
            self.patch_my_room(user, &model);
        }
        self.outbox.push(Announcement::Hush { user, room });
        Ok(())
    }

    /// Bans a person; from a private room he is only removed. Says whether a ban was made.
    pub(crate) fn ban(
        &mut self,
        room: RoomId,
        user: UserId,
        by: UserId,
        remove_messages: bool,
    ) -> Result<bool, Refusal> {
        let (banned, judge) = (
            self.user(user)?.username.clone(),
            self.user(by)?.username.clone(),
        );
        let found = self.room(room)?;
        if !found.is_public() {
            self.take_out(room, user)?;
            return Ok(false);
        }
        let (member, known) = (found.has(user), found.bans(user));
        if !known {
            let at = self.now();
            self.change_room(room, |room| room.bans.push(Ban { user, by, at }))?;
        }
        let meta = ban_meta("banned", &banned, &judge);
        self.add_activity(room, &format!("@{judge} banned @{banned}"), meta, None)?;
        if member {
            self.take_out(room, user)?;
        }
        if remove_messages {
            let theirs: Vec<_> = self
                .messages
                .values()
                .filter(|message| message.room == room && message.from == user)
                .map(|message| message.id)
                .collect();
            for message in theirs {
                self.erase(room, message)?;
            }
        }
        Ok(true)
    }

    pub(crate) fn unban(&mut self, room: RoomId, user: UserId, by: UserId) -> Result<(), Refusal> {
        let (banned, judge) = (
            self.user(user)?.username.clone(),
            self.user(by)?.username.clone(),
        );
        let found = self.room_mut(room)?;
        let before = found.bans.len();
        found.bans.retain(|ban| ban.user != user);
        if found.bans.len() == before {
            return Err(Refusal::NotFound);
        }
        let meta = ban_meta("unbanned", &banned, &judge);
        self.add_activity(
            room,
            &format!("User @{judge} unbanned @{banned}"),
            meta,
            None,
        )?;
        Ok(())
    }
}

fn ban_meta(event: &str, banned: &str, judge: &str) -> serde_json::Value {
    json!({
        "service": "bans",
        "event": event,
        "bannedUser": banned,
        "prerendered": true,
        "performingUser": judge,
    })
}
