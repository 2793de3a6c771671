//! What a room is to one person: unread messages, mentions, favourite, mode, last visit.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::chat::Mention;
use super::push::{room_channel, user_channel};
use super::{Announcement, Push, Refusal, World};
use crate::ids::{MessageId, RoomId, UserId};

/// Gitter tracks so many unread messages per room and person.
const TRACKED: usize = 100;

/// Receipts are gathered so long before they are announced.
const RECEIPTS_AFTER: Duration = Duration::from_millis(1400);

/// One person's view of one room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seat {
    pub(crate) last_access: Option<Timestamp>,
    pub(crate) favourite: Option<i64>,
    pub(crate) mode: Mode,
    /// There was something to read while the room was muted.
    pub(crate) activity: bool,
    pub(crate) hidden: bool,
    pub(crate) unread: BTreeSet<MessageId>,
    pub(crate) mentions: BTreeSet<MessageId>,
}

/// Which messages count as news.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    All,
    Announcement,
    Mute,
}

impl Mode {
    pub(crate) fn read(text: &str) -> Option<Self> {
        match text {
            "all" | "default" => Some(Self::All),
            "announcement" | "mention" => Some(Self::Announcement),
            "mute" => Some(Self::Mute),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Announcement => "announcement",
            Self::Mute => "mute",
        }
    }
}

impl World {
    /// Tells every member but the sender, and whoever is mentioned, that there is something to read.
    pub(crate) fn mark_unread(&mut self, id: MessageId) -> Result<(), Refusal> {
        let message = self.messages.get(&id).ok_or(Refusal::NotFound)?.clone();
        let room = self.room(message.room)?;
        let everybody = message.mentions.iter().any(|mention| mention.group);
        let named: BTreeSet<UserId> = message
            .mentions
            .iter()
            .filter_map(|mention| mention.user)
            .collect();
        let mut readers = room.members.clone();
        if room.is_public() {
            readers.extend(named.iter().copied().filter(|user| !room.has(*user)));
        }
        for reader in readers.into_iter().filter(|reader| *reader != message.from) {
            let mentioned = everybody || named.contains(&reader);
            self.mark_unread_for(&message, reader, mentioned)?;
        }
        Ok(())
    }

    fn mark_unread_for(
        &mut self,
        message: &super::Message,
        reader: UserId,
        mentioned: bool,
    ) -> Result<(), Refusal> {
        let (room, id) = (message.room, message.id);
        let found = self.room_mut(room)?;
        let member = found.has(reader);
        let seat = found.seat(reader);
        if seat.mode == Mode::Mute && !mentioned {
            seat.activity = true;
            self.push(
                user_channel(reader, ""),
                json!({ "notification": "activity", "troupeId": room.to_string() }),
            );
            return Ok(());
        }
        seat.unread.insert(id);
        if seat.unread.len() > TRACKED {
            seat.unread.pop_first();
        }
        if mentioned {
            seat.mentions.insert(id);
        }
        let items = if mentioned {
            json!({ "chat": [id.to_string()], "mention": [id.to_string()] })
        } else {
            json!({ "chat": [id.to_string()] })
        };
        self.push_items(room, reader, "unread_items", &items);
        self.push_counts(room, reader, mentioned)?;
        if !self.looking.contains(&(reader, room)) {
            self.push_alert(message, reader)?;
        }
        if !member {
            self.announce_room_to(room, reader)?;
        }
        Ok(())
    }

    fn push_items(&mut self, room: RoomId, reader: UserId, notification: &str, items: &Value) {
        self.push(
            user_channel(reader, &format!("/rooms/{room}/unreadItems")),
            json!({ "notification": notification, "items": items }),
        );
    }

    /// The counts after a change, on the channels where old and new clients look for them.
    fn push_counts(
        &mut self,
        room: RoomId,
        reader: UserId,
        mentions_too: bool,
    ) -> Result<(), Refusal> {
        let seat = self.room_mut(room)?.seat(reader);
        let (unread, mentions) = (seat.unread.len(), seat.mentions.len());
        let troupe = room.to_string();
        self.push(
            user_channel(reader, ""),
            json!({ "notification": "troupe_unread", "troupeId": troupe, "totalUnreadItems": unread, "DEPRECATED": true }),
        );
        let mut model = json!({ "id": troupe, "unreadItems": unread });
        if mentions_too {
            self.push(
                user_channel(reader, ""),
                json!({ "notification": "troupe_mention", "troupeId": troupe, "mentions": mentions, "DEPRECATED": true }),
            );
            model["mentions"] = json!(mentions);
        }
        self.patch_my_room(reader, &model);
        Ok(())
    }

    /// What a desktop client shows in a corner.
    fn push_alert(&mut self, message: &super::Message, reader: UserId) -> Result<(), Refusal> {
        let room = self.room(message.room)?;
        let sender = self.user(message.from)?;
        let (title, link) = match &room.uri {
            Some(uri) => (
                format!("{} 💬 {uri}", sender.display_name),
                format!("/{uri}"),
            ),
            None => (sender.display_name.clone(), format!("/{}", sender.username)),
        };
        let data = json!({
            "notification": "user_notification",
            "title": title,
            "text": message.text,
            "link": link,
            "icon": self.picture(sender, 128),
            "troupeId": message.room.to_string(),
            "chatId": message.id.to_string(),
        });
        self.push(user_channel(reader, ""), data);
        Ok(())
    }

    /// Notes that a person has read these messages.
    pub(crate) fn read(
        &mut self,
        room: RoomId,
        reader: UserId,
        read: &[MessageId],
    ) -> Result<(), Refusal> {
        let seat = self.room_mut(room)?.seat(reader);
        let mut gone = Vec::new();
        let mut mentions = false;
        for id in read {
            mentions |= seat.mentions.remove(id);
            if seat.unread.remove(id) {
                gone.push(id.to_string());
            }
        }
        if !gone.is_empty() {
            self.push_items(
                room,
                reader,
                "unread_items_removed",
                &json!({ "chat": gone }),
            );
            self.push_counts(room, reader, mentions)?;
        }
        for id in read {
            self.add_receipt(room, reader, *id);
        }
        Ok(())
    }

    fn add_receipt(&mut self, room: RoomId, reader: UserId, id: MessageId) {
        let Some(message) = self
            .messages
            .get_mut(&id)
            .filter(|message| message.room == room)
        else {
            return;
        };
        let first = message.read_by.is_empty();
        if message.from == reader || !message.read_by.insert(reader) || !first {
            return;
        }
        let model =
            json!({ "id": id.to_string(), "readBy": message.read_by.len(), "v": message.v });
        self.outbox.push(Announcement::Push(Push {
            channel: room_channel(room, "/chatMessages"),
            data: json!({ "operation": "patch", "model": model }),
            after: RECEIPTS_AFTER,
        }));
    }

    /// Clears all that is unread; `told` if the person asked for it.
    pub(crate) fn read_all(
        &mut self,
        room: RoomId,
        reader: UserId,
        told: bool,
    ) -> Result<(), Refusal> {
        let seat = self.room_mut(room)?.seat(reader);
        let any = !seat.unread.is_empty() || !seat.mentions.is_empty();
        seat.unread.clear();
        seat.mentions.clear();
        if told {
            self.push(
                user_channel(reader, &format!("/rooms/{room}/unreadItems")),
                json!({ "notification": "mark_all_read" }),
            );
        }
        if told || any {
            self.push_counts(room, reader, true)
        } else {
            Ok(())
        }
    }

    /// A message goes away: nobody has to read it any more.
    pub(crate) fn forget_unread(&mut self, room: RoomId, id: MessageId) -> Result<(), Refusal> {
        let from = self.message_in(room, id)?.from;
        let found = self.room(room)?;
        let waiting = |user: &UserId| {
            found
                .seats
                .get(user)
                .is_some_and(|seat| seat.unread.contains(&id))
        };
        let mut readers: BTreeSet<UserId> = found.members.iter().copied().collect();
        readers.extend(found.seats.keys().copied().filter(|user| waiting(user)));
        readers.remove(&from);
        for reader in readers {
            let seat = self.room_mut(room)?.seat(reader);
            let (unread, mention) = (seat.unread.remove(&id), seat.mentions.remove(&id));
            self.push_items(
                room,
                reader,
                "unread_items_removed",
                &json!({ "chat": [id.to_string()] }),
            );
            if unread || mention {
                self.push_counts(room, reader, mention)?;
            }
        }
        Ok(())
    }

    /// An edit changed who is mentioned.
    pub(crate) fn mentions_changed(
        &mut self,
        id: MessageId,
        before: &[Mention],
    ) -> Result<(), Refusal> {
        let message = self.messages.get(&id).ok_or(Refusal::NotFound)?.clone();
        let room = message.room;
        let users = |mentions: &[Mention]| -> BTreeSet<UserId> {
            mentions.iter().filter_map(|mention| mention.user).collect()
        };
        let (old, new) = (users(before), users(&message.mentions));
        for user in old.difference(&new) {
            let seat = self.room_mut(room)?.seat(*user);
            if !seat.mentions.remove(&id) {
                continue;
            }
            let unread = seat.unread.remove(&id);
            self.push_items(
                room,
                *user,
                "unread_items_removed",
                &json!({ "mention": [id.to_string()] }),
            );
            self.push_counts(room, *user, true)?;
            if unread {
                self.room_mut(room)?.seat(*user).unread.insert(id);
                self.push_items(
                    room,
                    *user,
                    "unread_items",
                    &json!({ "chat": [id.to_string()] }),
                );
                self.push_counts(room, *user, false)?;
            }
        }
        for user in new.difference(&old).filter(|user| **user != message.from) {
            self.mark_unread_for(&message, *user, true)?;
        }
        Ok(())
    }
}
