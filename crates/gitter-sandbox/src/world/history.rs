//! Reading a room's messages: newest, before, after, around, threads.

use super::{Message, Refusal, World};
use crate::ids::{MessageId, RoomId, UserId};

/// Most messages in one answer.
pub(crate) const MOST: usize = 100;

/// Which messages are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) before: Option<MessageId>,
    pub(crate) before_inclusive: Option<MessageId>,
    pub(crate) after: Option<MessageId>,
    pub(crate) around: Option<MessageId>,
    pub(crate) first_unread_of: Option<UserId>,
    pub(crate) skip: usize,
    pub(crate) limit: usize,
    /// Replies too; without it every message with a parent is left out.
    pub(crate) threads: bool,
}

impl World {
    /// The wanted messages, oldest first.
    pub(crate) fn history(&self, room: RoomId, wanted: &Wanted) -> Result<Vec<&Message>, Refusal> {
        let around = match wanted.first_unread_of {
            Some(reader) => self
                .room(room)?
                .seats
                .get(&reader)
                .and_then(|seat| seat.unread.first().copied()),
            None => wanted.around,
        };
        if let Some(around) = around.filter(|id| self.message_in(room, *id).is_ok()) {
            return self.around(room, around, wanted);
        }
        let mut all = self.sorted(room, wanted.threads)?;
        if let Some(before) = wanted.before {
            all.retain(|message| message.id < before);
        }
        if let Some(last) = wanted.before_inclusive {
            all.retain(|message| message.id <= last);
        }
        if let Some(after) = wanted.after {
            all.retain(|message| message.id > after);
            return Ok(all
                .into_iter()
                .skip(wanted.skip)
                .take(wanted.limit)
                .collect());
        }
        let end = all.len().saturating_sub(wanted.skip);
        let start = end.saturating_sub(wanted.limit);
        Ok(all.drain(start..end).collect())
    }

    fn sorted(&self, room: RoomId, threads: bool) -> Result<Vec<&Message>, Refusal> {
        let ids = &self.room(room)?.messages;
        let mut all: Vec<_> = ids.iter().filter_map(|id| self.messages.get(id)).collect();
        all.retain(|message| threads || message.parent.is_none());
        all.sort_by_key(|message| (message.sent, message.id));
        Ok(all)
    }

    /// Half of them up to and including the message, half after it. A reply's window lies around its parent, and the
    /// reply comes last.
    fn around(
        &self,
        room: RoomId,
        id: MessageId,
        wanted: &Wanted,
    ) -> Result<Vec<&Message>, Refusal> {
        let message = self.message_in(room, id)?;
        let centre = message.parent.filter(|_| !wanted.threads).unwrap_or(id);
        let all = self.sorted(room, wanted.threads)?;
        let upto = all.iter().take_while(|other| other.id <= centre).count();
        let half = wanted.limit.div_ceil(2);
        let start = upto.saturating_sub(half);
        let mut window: Vec<_> = all
            .into_iter()
            .skip(start)
            .take(upto - start + wanted.limit / 2)
            .collect();
        if centre != id {
            window.push(message);
        }
        Ok(window)
    }

    /// The replies to a message, oldest first; the newest `limit` of them.
    pub(crate) fn thread(
        &self,
        room: RoomId,
        parent: MessageId,
        wanted: &Wanted,
    ) -> Result<Vec<&Message>, Refusal> {
        let mut all = self.sorted(room, true)?;
        all.retain(|message| message.parent == Some(parent));
        if let Some(before) = wanted.before {
            all.retain(|message| message.id < before);
        }
        if let Some(after) = wanted.after {
            all.retain(|message| message.id > after);
            return Ok(all.into_iter().take(wanted.limit).collect());
        }
        let start = all.len().saturating_sub(wanted.limit);
        Ok(all.split_off(start))
    }
}
