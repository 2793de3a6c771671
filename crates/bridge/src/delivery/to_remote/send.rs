//! Sending the parts of a message, each once.
//!
//! A network need not know repeats. So each part is marked as *attempting*, with what is needed to recognise it, before it is
//! sent; after a crash or a lost answer the room is searched for it, and only if it is not there is it sent again.

use std::{collections::BTreeSet, sync::atomic::Ordering, time::Duration};

use remote::{Fault, Message, MessageId, Millis, Part, RemoteError};
use ruma::OwnedEventId;
use serde::{Deserialize, Serialize};
use store::{ItemState, MessageRow, Portal};

use super::{End, Job, Road};
use crate::{
    Error,
    delivery::{digest, txn},
    figures::Resolved,
    lanes::Outcome,
};

/// How far the network's clock may be off ours.
const CLOCKS_APART: Millis = 120_000;

/// How far off it may be once an answer told how far it is.
const CLOCKS_TOGETHER: Millis = 5_000;

/// How far off a clock that is wrong may be for us to see still that something may be what we sent.
const CLOCKS_WRONG: Millis = 24 * 3_600_000;

/// For how long a request that nobody answered may still be on its way to being carried out. We may have been killed a moment
/// after it was sent, or its connection was.
const UNDER_WAY: Millis = 10_000;

/// What is kept beside an item while something of it is being done. That a part was sent is kept as a row of the message map.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    /// The room's newest message that was known before the part was sent.
    after: Option<MessageId>,
    /// When that was, by our clock.
    since: Millis,
    /// The part, as it was then: what it answers may have gone since, and then it would be another one.
    #[serde(default)]
    part: Option<Part>,
    /// When anything of it was last tried.
    #[serde(default)]
    tried: Millis,
    /// The edit whose text is being sent in place of the event's own.
    #[serde(default)]
    pub(super) version: Option<OwnedEventId>,
    /// The network does not take it where it belongs: it is sent with a quotation instead.
    #[serde(default)]
    pub(super) apart: bool,
    /// The network no longer takes the change: it becomes a message of its own.
    #[serde(default)]
    pub(super) late: bool,
    /// It was given up, and its sender told that nobody knows whether the part stands there.
    #[serde(default)]
    pub(super) unknown: bool,
}

impl Progress {
    pub(super) fn read(note: Option<&str>) -> Self {
        note.and_then(|note| serde_json::from_str(note).ok())
            .unwrap_or_default()
    }

    fn written(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| Error::Unreadable(error.to_string()))
    }
}

/// What a search for something that was attempted found.
enum Found {
    /// It.
    It(Box<Message>),
    /// Something that may be it, or may be what the user wrote on the network himself.
    Perhaps,
    /// Nothing.
    Nothing,
}

impl Job<'_> {
    /// Notes that something is about to be done which may be done without our knowing.
    pub(super) async fn attempt(&mut self) -> Result<(), Error> {
        let world = self.world;
        // By now the room may have gone on a little; that only makes a search longer.
        self.progress.after = self.portal.cursor.as_deref().map(MessageId::from);
        self.progress.since = world.now();
        self.progress.unknown = false;
        self.note().await
    }

    async fn note(&mut self) -> Result<(), Error> {
        let (store, now) = (&self.world.store, self.world.now());
        self.progress.tried = now;
        let note = self.progress.written()?;
        Ok(store.attempt(self.item.id, Some(&note), now).await?)
    }

    /// Notes that nobody knows whether it was done: whoever finishes it in another way has to mind that.
    pub(super) async fn note_unknown(&mut self) -> Result<(), Error> {
        self.progress.unknown = true;
        let note = self.progress.written()?;
        Ok(self.world.store.note_item(self.item.id, &note).await?)
    }

    /// The same, of what can be repeated without harm. What is to be searched for stays what it was.
    pub(super) async fn attempt_again(&mut self) -> Result<(), Error> {
        if self.item.state != ItemState::Attempting {
            return self.attempt().await;
        }
        self.note().await
    }

    /// An error of what can be repeated: what was tried before may have been done all the same.
    pub(super) fn again(&self, error: RemoteError) -> RemoteError {
        let stays = error.is_transient() || error.fault == Fault::LoggedOut;
        if self.item.state == ItemState::Attempting && stays {
            error.perhaps_done()
        } else {
            error
        }
    }

    /// How much longer what was attempted may be on its way.
    pub(super) fn under_way(&self) -> Option<Outcome> {
        let left = self.progress.tried + UNDER_WAY - self.world.now();
        // A clock that was set back must not hold up anything.
        let left = u64::try_from(left.min(UNDER_WAY)).ok()?;
        (left > 0).then(|| Outcome::Later(Duration::from_millis(left)))
    }

    /// Sends what is not among `sent` yet of the parts of the event `of`; gives the rows that are not stored yet. With
    /// `only_find`, only what may have been sent is looked for.
    pub(super) async fn send(
        &mut self,
        road: &Road,
        of: &str,
        parts: &[Part],
        sent: &[MessageRow],
        only_find: bool,
    ) -> Result<Result<Vec<MessageRow>, End>, Error> {
        let world = self.world;
        let mut rows = Vec::new();
        let mut begun = !sent.is_empty();
        let mut stands = standing(parts, sent);
        let is_awaited = world.network.capabilities().echoes.is_some();
        let row_of = |job: &Self, index: usize, part: &Part, message: &Message| {
            let room = job.event.room.as_str();
            row(job.portal, room, of, index, message, digest::of_part(part))
        };
        let sought = std::mem::take(&mut self.unanswered)
            .then(|| attempted(self.progress.part.as_ref()?, parts, &stands))
            .flatten();
        if let Some(index) = sought {
            match self.find(road, &parts[index]).await? {
                Found::It(message) => {
                    world.meters.resolved(Resolved::Found);
                    // It is there, so no echo is awaited.
                    rows.push(row_of(self, index, &parts[index], &message));
                    stands.insert(index);
                    begun = true;
                }
                _ if let Some(later) = self.under_way() => return Ok(Err(End::Not(later))),
                Found::Perhaps => return Ok(Err(End::Undecided)),
                Found::Nothing => {}
            }
        }
        if only_find {
            return Ok(Ok(rows));
        }
        for (index, part) in parts.iter().enumerate() {
            if stands.contains(&index) {
                continue;
            }
            // Known before the next part goes out, since its echo may come at any time.
            if !rows.is_empty() {
                world.store.put_messages(&std::mem::take(&mut rows)).await?;
                world.echoes.expect();
            }
            // What of it stands there is not left without its end.
            if let Some(late) = self.give_up_late(road, begun).await? {
                return Ok(Err(End::Not(late)));
            }
            if sought == Some(index) {
                world.meters.resolved(Resolved::SentAgain);
            }
            let key = txn(&["remote", of, &index.to_string()]);
            let message = match self.post(road, part, &key).await {
                // What the thread of what stands began with may be gone by now.
                Err(Error::Remote(error))
                    if error.fault == Fault::Rejected && begun && part.thread.is_some() =>
                {
                    let apart = Part {
                        thread: None,
                        ..part.clone()
                    };
                    self.post(road, &apart, &key).await?
                }
                sent => sent?,
            };
            begun = true;
            rows.push(MessageRow {
                awaited_since: is_awaited.then(|| world.now()),
                ..row_of(self, index, part, &message)
            });
        }
        Ok(Ok(rows))
    }

    /// Sends a part.
    async fn post(&mut self, road: &Road, part: &Part, key: &str) -> Result<Message, Error> {
        self.progress.part = Some(part.clone());
        self.attempt().await?;
        let world = self.world;
        let asked_at = world.now();
        let sent = road.account.send(&road.room, part, key).await?;
        let now = world.now();
        // An answer that took long, perhaps since this machine slept, tells nothing of their clock.
        if now - asked_at < CLOCKS_TOGETHER {
            let ahead = sent.sent_at - now;
            world.network_ahead.store(ahead, Ordering::Relaxed);
        }
        Ok(sent)
    }

    /// Looks for a part that was attempted and never answered.
    async fn find(&self, road: &Road, part: &Part) -> Result<Found, Error> {
        /// So many messages are looked at that cannot be it.
        const AT_MOST: usize = 10;
        let progress = &self.progress;
        let part = progress.part.as_ref().unwrap_or(part);
        let ahead = self.world.network_ahead.load(Ordering::Relaxed);
        let likely_from = progress.since + ahead - CLOCKS_APART;
        // A clock may have been set since, or not have been compared yet. What has this text then may be it.
        let not_before = likely_from - CLOCKS_WRONG;
        let known = self
            .world
            .store
            .known_since(self.portal.id, not_before)
            .await?;
        let mut known: Vec<_> = known
            .into_iter()
            .map(|row| MessageId::new(row.remote_id))
            .collect();
        let mut otherwise = Found::Nothing;
        for _ in 0..AT_MOST {
            let found = road
                .account
                .find_sent(
                    &road.room,
                    part,
                    progress.after.as_ref(),
                    not_before,
                    &known,
                )
                .await;
            // As long as this is not answered, the part may stand there.
            match found.map_err(RemoteError::perhaps_done)? {
                None => break,
                Some(message) if message.edited_at.is_none() && self.is_of_then(&message) => {
                    return Ok(Found::It(Box::new(message)));
                }
                Some(other) => {
                    // What was changed long before says nothing.
                    if other.edited_at.is_none() || other.sent_at >= likely_from {
                        otherwise = Found::Perhaps;
                    }
                    known.push(other.id);
                }
            }
        }
        Ok(otherwise)
    }

    /// Whether a message was sent when the part was attempted. What is older or much younger was written by the user himself, unless
    /// clocks mislead us.
    fn is_of_then(&self, message: &Message) -> bool {
        let ahead = self.world.network_ahead.load(Ordering::Relaxed);
        let sent_at = message.sent_at - ahead;
        let from = self.progress.since - CLOCKS_TOGETHER;
        let to = self.progress.tried + CLOCKS_APART;
        (from..=to).contains(&sent_at)
    }
}

/// Which parts stand. A row's number says which part it was when it was sent: where one before it was never kept by the network, a
/// change made it another one since, which its text tells.
fn standing(parts: &[Part], sent: &[MessageRow]) -> BTreeSet<usize> {
    let digests: Vec<_> = parts.iter().map(digest::of_part).collect();
    let reads = |row: &MessageRow, index: usize| row.digest == Some(digests[index]);
    let number = |row: &MessageRow| {
        let index = usize::try_from(row.part).ok();
        index.filter(|index| *index < digests.len())
    };
    let (in_place, mut others): (Vec<_>, Vec<_>) = sent
        .iter()
        .partition(|row| number(row).is_some_and(|index| reads(row, index)));
    let mut stands: BTreeSet<_> = in_place.into_iter().filter_map(number).collect();
    others.retain(|row| {
        let index = (0..digests.len()).find(|index| !stands.contains(index) && reads(row, *index));
        stands.extend(index);
        index.is_none()
    });
    // What was changed elsewhere, or answers what is gone by now, reads otherwise. What we took back ourselves reads nothing.
    others.retain(|row| !row.deleted || row.digest.is_some());
    stands.extend(others.into_iter().filter_map(number));
    stands
}

/// Which part was posted and never answered, unless it is known to stand. What can be repeated, such as a change in place, is not posted.
fn attempted(posted: &Part, parts: &[Part], stands: &BTreeSet<usize>) -> Option<usize> {
    let posted = digest::of_part(posted);
    let is_it = |index: &usize| parts.get(*index).map(digest::of_part) == Some(posted);
    let mut missing = (0..parts.len()).filter(|index| !stands.contains(index));
    match missing.clone().find(is_it) {
        None if stands.iter().any(is_it) => None,
        // It read otherwise then.
        None => missing.next(),
        found => found,
    }
}

fn row(
    portal: &Portal,
    room: &str,
    of: &str,
    index: usize,
    message: &Message,
    digest: i64,
) -> MessageRow {
    MessageRow {
        portal_id: portal.id,
        remote_id: message.id.to_string(),
        part: part_number(index),
        event_id: of.to_owned(),
        room_id: room.to_owned(),
        sender: message
            .sender
            .as_ref()
            .map(|sender| sender.id.to_string())
            .unwrap_or_default(),
        by_us: true,
        as_user: false,
        sent_at: message.sent_at,
        edited_at: message.edited_at,
        thread: message.thread.as_ref().map(ToString::to_string),
        deleted: false,
        digest: Some(digest),
        awaited_since: None,
    }
}

pub(super) fn part_number(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use remote::MessageKind;

    use super::*;

    fn part(text: &str) -> Part {
        Part {
            text: text.to_owned(),
            kind: MessageKind::Text,
            thread: None,
            reply_to: None,
        }
    }

    fn parts<const N: usize>(texts: [&str; N]) -> Vec<Part> {
        texts.map(part).into()
    }

    fn row(number: i64, text: Option<&str>, deleted: bool) -> MessageRow {
        MessageRow {
            portal_id: 1,
            remote_id: format!("m{number}"),
            part: number,
            event_id: "$a".to_owned(),
            room_id: "!r".to_owned(),
            sender: "alice".to_owned(),
            by_us: true,
            as_user: false,
            sent_at: 0,
            edited_at: None,
            thread: None,
            deleted,
            digest: text.map(|text| digest::of_part(&part(text))),
            awaited_since: None,
        }
    }

    #[test]
    fn a_part_stands_where_it_reads_so_or_else_where_it_was_sent() {
        let abc = parts(["a", "b", "c"]);
        let stands = |rows: &[MessageRow]| Vec::from_iter(standing(&abc, rows));
        let (as_sent, moved) = (row(0, Some("a"), false), row(2, Some("b"), false));
        assert_eq!(stands(std::slice::from_ref(&as_sent)), [0]);
        assert_eq!(stands(&[as_sent.clone(), moved]), [0, 1]);
        let (changed, quoting) = (row(1, None, false), row(2, Some("[a] c"), false));
        assert_eq!(stands(&[as_sent, changed, quoting]), [0, 1, 2]);
        assert_eq!(stands(&[row(7, Some("x"), false)]), [0_usize; 0]);
    }

    #[test]
    fn what_its_user_deleted_there_counts_and_what_we_took_back_does_not() {
        let ab = parts(["a", "b"]);
        assert!(standing(&ab, &[row(1, Some("b"), true)]).contains(&1));
        assert!(standing(&ab, &[row(1, None, true)]).is_empty());
    }

    #[test]
    fn equal_parts_stand_as_often_as_they_were_sent() {
        let aa = parts(["a", "a"]);
        assert_eq!(standing(&aa, &[row(1, Some("a"), false)]), [1].into());
        let moved = [row(2, Some("a"), false)];
        assert_eq!(standing(&aa, &moved), [0].into());
    }

    #[test]
    fn only_a_part_that_may_be_missing_was_attempted() {
        let abc = parts(["a", "b", "c"]);
        let attempted = |text, stands: &[usize]| {
            attempted(&part(text), &abc, &stands.iter().copied().collect())
        };
        assert_eq!(attempted("b", &[0]), Some(1));
        assert_eq!(attempted("c", &[0]), Some(2), "one before it is gone");
        assert_eq!(attempted("a", &[0]), None, "it is known");
        assert_eq!(attempted("[x] b", &[0]), Some(1), "it read otherwise");
        assert_eq!(attempted("c", &[0, 1, 2]), None);
    }
}
