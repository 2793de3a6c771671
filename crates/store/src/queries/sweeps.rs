//! Which rooms the homeserver may have withheld something of, and when they were last looked through.

use super::sql;
use crate::db::args;
use crate::{Error, Store, Written};

sql! {
    SWEPT_AT = "SELECT began_at FROM sweeps";
    SET_SWEPT_AT = "INSERT INTO sweeps (id, began_at) VALUES (1, $1)
        ON CONFLICT (id) DO UPDATE SET began_at = excluded.began_at";
    MANAGEMENT_ROOMS = "SELECT management_room, mxid FROM users WHERE management_room IS NOT NULL ORDER BY 1";
    PORTAL_ROOMS = "SELECT room_id, mxid FROM portals WHERE room_id IS NOT NULL AND state IN ('joined', 'invited')
        ORDER BY COALESCE((SELECT MAX(sent_at) FROM messages WHERE portal_id = portals.id), 0) DESC, id";
    WRITER = "SELECT mxid FROM portals WHERE room_id = $1
        UNION SELECT mxid FROM users WHERE management_room = $1";
    SEEN = "SELECT COUNT(*) FROM seen WHERE key = $1";
}

impl Store {
    /// When the last sweep began that came to its end, in milliseconds since 1970.
    pub async fn swept_at(&self) -> Result<Option<i64>, Error> {
        let row = self.db.row(SWEPT_AT, &[]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// A sweep that began then has come to its end.
    pub async fn set_swept_at(&self, began_at: i64) -> Result<(), Error> {
        self.db.run(SET_SWEPT_AT, args![began_at]).await.map(drop)
    }

    /// Rooms in which what a user writes concerns us: management rooms, then portals, those first in which something was
    /// said last.
    pub async fn written(&self) -> Result<Vec<Written>, Error> {
        let mut rooms = self.db.rows(MANAGEMENT_ROOMS, &[]).await?;
        rooms.append(&mut self.db.rows(PORTAL_ROOMS, &[]).await?);
        let written = rooms.iter().map(|row| {
            Ok(Written {
                room_id: row.get(0)?,
                mxid: row.get(1)?,
            })
        });
        written.collect()
    }

    /// Whose writing in a room concerns us.
    pub async fn writer(&self, room_id: &str) -> Result<Option<String>, Error> {
        let row = self.db.row(WRITER, args![room_id]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Whether the event with this key was accepted by [`Store::accept_events`].
    pub async fn is_seen(&self, key: &str) -> Result<bool, Error> {
        let row = self.db.row(SEEN, args![key]).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.get(0))?;
        Ok(count > 0)
    }
}
