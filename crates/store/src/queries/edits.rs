//! Which Matrix events changed which, and what of it had to become a message of its own.

use super::messages;
use super::sql;
use crate::db::{Row, args};
use crate::{EditRow, Error, MessageRow, Store};

sql! {
    PUT_EDIT = "INSERT INTO edits (event_id, original, portal_id, written_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (event_id) DO NOTHING";
    EDIT = "SELECT portal_id, event_id, original, written_at FROM edits WHERE event_id = $1";
    EDITS_OF = "SELECT portal_id, event_id, original, written_at FROM edits WHERE original = $1 ORDER BY written_at, event_id";
}

impl Store {
    /// Remembers an event that changed another one. Fine too if it is known already.
    pub async fn put_edit(&self, edit: &EditRow) -> Result<(), Error> {
        let args = args![
            &edit.event_id,
            &edit.original,
            edit.portal_id,
            edit.written_at
        ];
        self.db.run(PUT_EDIT, args).await.map(drop)
    }

    /// What an event changed, if it changed anything.
    pub async fn edit(&self, event_id: &str) -> Result<Option<EditRow>, Error> {
        let row = self.db.row(EDIT, args![event_id]).await?;
        row.as_ref().map(edit).transpose()
    }

    /// What changed an event, oldest first.
    pub async fn edits_of(&self, original: &str) -> Result<Vec<EditRow>, Error> {
        let rows = self.db.rows(EDITS_OF, args![original]).await?;
        rows.iter().map(edit).collect()
    }

    /// The messages that changes of an event became, oldest first.
    pub async fn follow_ups(&self, original: &str) -> Result<Vec<MessageRow>, Error> {
        let rows = self.db.rows(messages::BY_EDIT, args![original]).await?;
        rows.iter().map(messages::message).collect()
    }
}

fn edit(row: &Row) -> Result<EditRow, Error> {
    Ok(EditRow {
        portal_id: row.get(0)?,
        event_id: row.get(1)?,
        original: row.get(2)?,
        written_at: row.get(3)?,
    })
}
