//! The message map: which Matrix event is which message of the network.

use super::{awaited, sql};
use crate::db::{Batch, Row, args};
use crate::{Error, MessageRow, PortalId, Store};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT portal_id, remote_id, part, event_id, room_id, sender, by_us, sent_at, edited_at, thread, deleted, as_user, digest
                FROM messages ",
            $rest
        )
    };
}

sql! {
    MESSAGES = select!("WHERE portal_id = $1 AND remote_id = $2 ORDER BY part");
    BY_EVENT = select!("WHERE event_id = $1 ORDER BY part, sent_at, remote_id");
    BY_EDIT = select!("WHERE event_id IN (SELECT event_id FROM edits WHERE original = $1) ORDER BY sent_at, remote_id, part");
    // What others of our users said there by the same account is not to be taken for this one's.
    KNOWN_SINCE = select!("WHERE (portal_id = $1 OR by_us) AND sent_at >= $2 AND portal_id IN (
        SELECT id FROM portals WHERE remote_room = (SELECT remote_room FROM portals WHERE id = $1))
        ORDER BY sent_at, remote_id, part");
    SENT_LAST = "SELECT sent_at FROM messages WHERE portal_id = $1 AND by_us ORDER BY sent_at DESC LIMIT 1";
    LATEST = select!("WHERE portal_id = $1 ORDER BY sent_at DESC, remote_id DESC, part LIMIT $2");
    PUT_MESSAGE = "INSERT INTO messages
            (portal_id, remote_id, part, event_id, room_id, sender, by_us, sent_at, edited_at, thread, deleted, as_user, digest)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (portal_id, remote_id, part) DO UPDATE SET event_id = excluded.event_id,
            room_id = excluded.room_id, sender = excluded.sender, by_us = excluded.by_us,
            sent_at = excluded.sent_at, edited_at = excluded.edited_at,
            thread = excluded.thread, deleted = excluded.deleted, as_user = excluded.as_user, digest = excluded.digest";
    LAST_IN_THREAD = select!("WHERE portal_id = $1 AND thread = $2 AND NOT deleted
        ORDER BY sent_at DESC, remote_id DESC, part DESC LIMIT 1");
    FIRST_IN_THREAD = select!("WHERE portal_id = $1 AND thread = $2 AND room_id = $3 AND NOT by_us
        ORDER BY sent_at, remote_id, part LIMIT 1");
    UNSURE = "UPDATE messages SET digest = NULL WHERE portal_id = $1 AND remote_id = $2 AND part = $3";
    DROP_PART = "DELETE FROM messages WHERE portal_id = $1 AND remote_id = $2 AND part = $3";
}

impl Store {
    /// The events of a message, by part.
    pub async fn messages(
        &self,
        portal_id: PortalId,
        remote_id: &str,
    ) -> Result<Vec<MessageRow>, Error> {
        self.db
            .rows(MESSAGES, args![portal_id, remote_id])
            .await?
            .iter()
            .map(message)
            .collect()
    }

    /// The message of an event; the first, if the event became several.
    pub async fn message_by_event(&self, event_id: &str) -> Result<Option<MessageRow>, Error> {
        Ok(self.messages_by_event(event_id).await?.into_iter().next())
    }

    /// The messages of an event, in order: a long one may have become several.
    pub async fn messages_by_event(&self, event_id: &str) -> Result<Vec<MessageRow>, Error> {
        self.db
            .rows(BY_EVENT, args![event_id])
            .await?
            .iter()
            .map(message)
            .collect()
    }

    /// What is known of a room from this time on, oldest first; with what other users sent there, who may share an account.
    pub async fn known_since(
        &self,
        portal_id: PortalId,
        sent_at: i64,
    ) -> Result<Vec<MessageRow>, Error> {
        self.db
            .rows(KNOWN_SINCE, args![portal_id, sent_at])
            .await?
            .iter()
            .map(message)
            .collect()
    }

    /// When the newest message was sent that we sent into a room, in the network's milliseconds.
    pub async fn sent_last(&self, portal_id: PortalId) -> Result<Option<i64>, Error> {
        let row = self.db.row(SENT_LAST, args![portal_id]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// The newest `limit` rows of a room, newest first.
    pub async fn latest(&self, portal_id: PortalId, limit: u32) -> Result<Vec<MessageRow>, Error> {
        let rows = self
            .db
            .rows(LATEST, args![portal_id, i64::from(limit)])
            .await?;
        rows.iter().map(message).collect()
    }

    /// The last event of a thread, as far as it is known and stands.
    pub async fn last_in_thread(
        &self,
        portal_id: PortalId,
        thread: &str,
    ) -> Result<Option<MessageRow>, Error> {
        let row = self
            .db
            .row(LAST_IN_THREAD, args![portal_id, thread])
            .await?;
        row.as_ref().map(message).transpose()
    }

    /// The first event of a thread that is known in a Matrix room and came from the network.
    pub async fn first_in_thread(
        &self,
        portal_id: PortalId,
        thread: &str,
        room_id: &str,
    ) -> Result<Option<MessageRow>, Error> {
        let args = args![portal_id, thread, room_id];
        let row = self.db.row(FIRST_IN_THREAD, args).await?;
        row.as_ref().map(message).transpose()
    }

    /// Forgets a part of a message: it does not have it any more.
    pub async fn drop_part(
        &self,
        portal_id: PortalId,
        remote_id: &str,
        part: i64,
    ) -> Result<(), Error> {
        self.db
            .run(DROP_PART, args![portal_id, remote_id, part])
            .await
            .map(drop)
    }

    /// Nobody knows for now what this part reads. It may be gone by now, and is not put back.
    pub async fn unsure(&self, row: &MessageRow) -> Result<(), Error> {
        let args = args![row.portal_id, &row.remote_id, row.part];
        self.db.run(UNSURE, args).await.map(drop)
    }

    /// Stores rows, new or changed, in one commit.
    pub async fn put_messages(&self, rows: &[MessageRow]) -> Result<(), Error> {
        let mut batch = Batch::new();
        put(&mut batch, rows);
        self.db.commit(&batch).await.map(drop)
    }
}

pub(super) fn put<'a>(batch: &mut Batch<'a>, rows: &'a [MessageRow]) {
    for row in rows {
        if let Some(since) = row.awaited_since {
            // Before the row is there, which tells whether it is new.
            awaited::add(batch, row.portal_id, &row.remote_id, since);
        }
        let args = args![
            row.portal_id,
            &row.remote_id,
            row.part,
            &row.event_id,
            &row.room_id,
            &row.sender,
            row.by_us,
            row.sent_at,
            row.edited_at,
            row.thread.as_deref(),
            row.deleted,
            row.as_user,
            row.digest,
        ];
        batch.add(PUT_MESSAGE, args);
    }
}

pub(super) fn message(row: &Row) -> Result<MessageRow, Error> {
    Ok(MessageRow {
        portal_id: row.get(0)?,
        remote_id: row.get(1)?,
        part: row.get(2)?,
        event_id: row.get(3)?,
        room_id: row.get(4)?,
        sender: row.get(5)?,
        by_us: row.get(6)?,
        sent_at: row.get(7)?,
        edited_at: row.get(8)?,
        thread: row.get(9)?,
        deleted: row.get(10)?,
        as_user: row.get(11)?,
        digest: row.get(12)?,
        awaited_since: None,
    })
}
