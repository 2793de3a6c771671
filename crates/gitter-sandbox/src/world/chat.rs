//! Messages: sending, editing, deleting.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::push::room_channel;
use super::{Refusal, World};
use crate::ids::{MessageId, RoomId, UserId};
use crate::render::{self, Rendered};

/// Longest text, in UTF-16 units.
pub(crate) const LONGEST: usize = 4096;

/// So long after sending a message can be edited.
const EDITABLE: SignedDuration = SignedDuration::from_secs(600);

/// Somebody of another network for whom an approved client posts.
#[derive(Clone, Debug)]
pub(crate) struct VirtualUser {
    pub(crate) kind: String,
    pub(crate) external_id: String,
    pub(crate) display_name: String,
    pub(crate) avatar_url: Option<String>,
}

/// Someone named in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) screen_name: String,
    /// None if nobody has exactly this name.
    pub(crate) user: Option<UserId>,
    /// Everybody in the room (`@/all`).
    pub(crate) group: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    pub(crate) room: RoomId,
    pub(crate) from: UserId,
    pub(crate) virtual_user: Option<VirtualUser>,
    pub(crate) text: String,
    pub(crate) html: String,
    pub(crate) urls: Vec<String>,
    pub(crate) issues: Vec<render::Issue>,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) status: bool,
    pub(crate) sent: Timestamp,
    pub(crate) edited_at: Option<Timestamp>,
    pub(crate) parent: Option<MessageId>,
    /// None until the first reply.
    pub(crate) replies: Option<u32>,
    pub(crate) read_by: BTreeSet<UserId>,
    pub(crate) v: u32,
}

/// What somebody wants to say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(crate) text: String,
    pub(crate) status: bool,
    pub(crate) parent: Option<MessageId>,
    pub(crate) virtual_user: Option<VirtualUser>,
}

impl World {
    /// Posts a message. The rights of the sender are checked; for a hellbanned sender everything looks as usual and
    /// nothing is kept.
    pub(crate) fn send(
        &mut self,
        room: RoomId,
        from: UserId,
        draft: Draft,
    ) -> Result<Message, Refusal> {
        self.enterable(room, from)?;
        if draft.text.is_empty() || draft.text.encode_utf16().count() > LONGEST {
            return Err(Refusal::BadRequest);
        }
        if let Some(parent) = draft.parent {
            self.message_in(room, parent)
                .map_err(|_| Refusal::BadRequest)?;
        }
        let id = MessageId(self.new_id());
        let message = self.compose(id, room, from, draft)?;
        if self.is_spam(from, &message.text) {
            return Ok(message);
        }
        self.touch(room, from);
        self.keep(message.clone())?;
        Ok(message)
    }

    pub(crate) fn compose(
        &self,
        id: MessageId,
        room: RoomId,
        from: UserId,
        draft: Draft,
    ) -> Result<Message, Refusal> {
        let rendered = render::render(&draft.text);
        Ok(Message {
            id,
            room,
            from,
            virtual_user: draft.virtual_user,
            mentions: self.recognise(room, from, &rendered)?,
            html: rendered.html,
            urls: rendered.urls,
            issues: rendered.issues,
            text: draft.text,
            status: draft.status,
            sent: self.now(),
            edited_at: None,
            parent: draft.parent,
            replies: None,
            read_by: BTreeSet::new(),
            v: 1,
        })
    }

    /// Stores a message and announces it: a reply's parent first, then the message, then what became unread.
    pub(crate) fn keep(&mut self, message: Message) -> Result<(), Refusal> {
        let (id, room, parent) = (message.id, message.room, message.parent);
        self.room_mut(room)?.messages.insert(id);
        self.messages.insert(id, message);
        if let Some(parent) = parent
            && let Some(found) = self.messages.get_mut(&parent)
        {
            found.replies = Some(found.replies.unwrap_or(0) + 1);
            found.v += 1;
            self.announce_message(parent, "update")?;
        }
        self.announce_message(id, "create")?;
        self.mark_unread(id)
    }

    /// The mentions that count: any name, and `@/all` from an admin.
    fn recognise(
        &self,
        room: RoomId,
        from: UserId,
        rendered: &Rendered,
    ) -> Result<Vec<Mention>, Refusal> {
        let admin = self.is_admin(self.room(room)?, from);
        let mut mentions = Vec::new();
        for found in &rendered.mentions {
            let screen_name = found.name.clone();
            if !found.group {
                let user = self.user_named(&screen_name).map(|user| user.id);
                mentions.push(Mention {
                    screen_name,
                    user,
                    group: false,
                });
            } else if admin && screen_name == "all" {
                mentions.push(Mention {
                    screen_name,
                    user: None,
                    group: true,
                });
            }
        }
        Ok(mentions)
    }

    /// Edits one's own message, while it is young.
    pub(crate) fn edit(
        &mut self,
        room: RoomId,
        id: MessageId,
        by: UserId,
        text: &str,
    ) -> Result<(), Refusal> {
        let message = self.message_in(room, id)?;
        if message.from != by {
            return Err(Refusal::Forbidden);
        }
        let age = self.now().duration_since(message.sent);
        if age > EDITABLE || text.encode_utf16().count() > LONGEST {
            return Err(Refusal::BadRequest);
        }
        self.rewrite(room, id, text)
    }

    /// Changes a message's text, whoever asks.
    pub(crate) fn rewrite(
        &mut self,
        room: RoomId,
        id: MessageId,
        text: &str,
    ) -> Result<(), Refusal> {
        let rendered = render::render(text);
        let now = self.now();
        let from = self.message_in(room, id)?.from;
        let mentions = self.recognise(room, from, &rendered)?;
        let message = self.messages.get_mut(&id).ok_or(Refusal::NotFound)?;
        let before = std::mem::replace(&mut message.mentions, mentions);
        text.clone_into(&mut message.text);
        message.html = rendered.html;
        message.urls = rendered.urls;
        message.issues = rendered.issues;
        message.edited_at = Some(now);
        message.v += 1;
        self.announce_message(id, "update")?;
        self.mentions_changed(id, &before)
    }

    /// Deletes a message: the author's and the admins' right, at any time.
    pub(crate) fn delete(
        &mut self,
        room: RoomId,
        id: MessageId,
        by: UserId,
    ) -> Result<(), Refusal> {
        let message = self.message_in(room, id)?;
        if message.from != by && !self.is_admin(self.room(room)?, by) {
            return Err(Refusal::Forbidden);
        }
        self.erase(room, id)
    }

    /// Takes a message away, whoever asks. One with replies stays, blank.
    pub(crate) fn erase(&mut self, room: RoomId, id: MessageId) -> Result<(), Refusal> {
        self.message_in(room, id)?;
        self.forget_unread(room, id)?;
        let message = self.messages.get_mut(&id).ok_or(Refusal::NotFound)?;
        if message.replies.is_some_and(|replies| replies > 0) {
            message.text.clear();
            message.html.clear();
            message.urls.clear();
            message.mentions.clear();
            message.issues.clear();
            message.v += 1;
            return self.announce_message(id, "update");
        }
        let parent = message.parent;
        self.messages.remove(&id);
        self.room_mut(room)?.messages.remove(&id);
        self.push(
            room_channel(room, "/chatMessages"),
            json!({ "operation": "remove", "model": { "id": id.to_string() } }),
        );
        if let Some(parent) = parent
            && let Some(found) = self.messages.get_mut(&parent)
        {
            found.replies = found.replies.map(|replies| replies.saturating_sub(1));
            found.v += 1;
            self.announce_message(parent, "update")?;
        }
        Ok(())
    }

    /// Whether Gitter throws this away silently. An account younger than two weeks which says the same thing too often
    /// within twelve hours is flagged for good.
    fn is_spam(&mut self, from: UserId, text: &str) -> bool {
        if self.users.get(&from).is_some_and(|user| user.hellbanned) {
            return true;
        }
        if let Some(left) = self.to_drop.checked_sub(1) {
            self.to_drop = left;
            return true;
        }
        if !self.spam_filter {
            return false;
        }
        let allowed = match text.chars().count() {
            0..10 => 100,
            10..20 => 20,
            _ => 10,
        };
        let since = self.now() - SignedDuration::from_hours(12);
        let same = |message: &&Message| {
            message.from == from && message.text == text && message.sent > since
        };
        let spam = self.messages.values().filter(same).count() >= allowed;
        if spam && let Some(user) = self.users.get_mut(&from) {
            user.hellbanned = true;
        }
        spam
    }
}
