//! Ghosts, the rooms they are in, and pictures that were uploaded.

use super::sql;
use crate::db::{Row, args};
use crate::{Error, Ghost, Store};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT person_id, localpart, registered, username, display_name, avatar_key, avatar_mxc FROM ghosts ",
            $rest
        )
    };
}

sql! {
    GHOST = select!("WHERE person_id = $1");
    // A name that was given up may be another's now: then one of them, but always the same.
    GHOST_BY_USERNAME = select!("WHERE lower(username) = lower($1) ORDER BY person_id DESC LIMIT 1");
    PUT_GHOST = "INSERT INTO ghosts (person_id, localpart, registered, username, display_name, avatar_key, avatar_mxc)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (person_id) DO UPDATE SET localpart = excluded.localpart, registered = excluded.registered,
            username = excluded.username, display_name = excluded.display_name, avatar_key = excluded.avatar_key,
            avatar_mxc = excluded.avatar_mxc";
    GHOSTS_OF = select!("WHERE person_id IN (SELECT person_id FROM ghost_rooms WHERE room_id = $1) ORDER BY person_id");
    GHOSTS_IN = "SELECT person_id FROM ghost_rooms WHERE room_id = $1 ORDER BY person_id";
    GHOST_IN = "SELECT COUNT(*) FROM ghost_rooms WHERE room_id = $1 AND person_id = $2";
    ENTER = "INSERT INTO ghost_rooms (room_id, person_id) VALUES ($1, $2) ON CONFLICT (room_id, person_id) DO NOTHING";
    LEAVE = "DELETE FROM ghost_rooms WHERE room_id = $1 AND person_id = $2";
    CLEAR_ROOM = "DELETE FROM ghost_rooms WHERE room_id = $1";
    AVATAR = "SELECT mxc FROM avatars WHERE key = $1";
    PUT_AVATAR = "INSERT INTO avatars (key, mxc) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET mxc = excluded.mxc";
}

impl Store {
    /// The ghost of a person.
    pub async fn ghost(&self, person_id: &str) -> Result<Option<Ghost>, Error> {
        let row = self.db.row(GHOST, args![person_id]).await?;
        row.as_ref().map(ghost).transpose()
    }

    /// The ghost of the person with this username, in whatever case.
    pub async fn ghost_by_username(&self, username: &str) -> Result<Option<Ghost>, Error> {
        let row = self.db.row(GHOST_BY_USERNAME, args![username]).await?;
        row.as_ref().map(ghost).transpose()
    }

    /// Stores a ghost, new or changed. [`Error::Taken`] if another person has that localpart.
    pub async fn put_ghost(&self, ghost: &Ghost) -> Result<(), Error> {
        let args = args![
            &ghost.person_id,
            &ghost.localpart,
            ghost.registered,
            &ghost.username,
            &ghost.display_name,
            &ghost.avatar_key,
            &ghost.avatar_mxc,
        ];
        self.db.run(PUT_GHOST, args).await.map(drop)
    }

    /// Whose ghosts are in a Matrix room, by id of the person.
    pub async fn ghosts_in(&self, room_id: &str) -> Result<Vec<String>, Error> {
        self.db
            .rows(GHOSTS_IN, args![room_id])
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect()
    }

    /// The ghosts in a Matrix room, by id of the person.
    pub async fn ghosts_of(&self, room_id: &str) -> Result<Vec<Ghost>, Error> {
        let rows = self.db.rows(GHOSTS_OF, args![room_id]).await?;
        rows.iter().map(ghost).collect()
    }

    /// Whether a person's ghost is in a Matrix room.
    pub async fn ghost_in(&self, person_id: &str, room_id: &str) -> Result<bool, Error> {
        let row = self.db.row(GHOST_IN, args![room_id, person_id]).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.get(0))?;
        Ok(count > 0)
    }

    /// Remembers that a person's ghost is in a Matrix room, or is not.
    pub async fn set_ghost_in(
        &self,
        person_id: &str,
        room_id: &str,
        is_in: bool,
    ) -> Result<(), Error> {
        let sql = if is_in { ENTER } else { LEAVE };
        self.db.run(sql, args![room_id, person_id]).await.map(drop)
    }

    /// Remembers that no ghost is in a Matrix room.
    pub async fn clear_room(&self, room_id: &str) -> Result<(), Error> {
        self.db.run(CLEAR_ROOM, args![room_id]).await.map(drop)
    }

    /// Where a picture was uploaded to.
    pub async fn avatar(&self, key: &str) -> Result<Option<String>, Error> {
        let row = self.db.row(AVATAR, args![key]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Remembers where a picture was uploaded to.
    pub async fn put_avatar(&self, key: &str, mxc: &str) -> Result<(), Error> {
        self.db.run(PUT_AVATAR, args![key, mxc]).await.map(drop)
    }
}

pub(super) fn ghost(row: &Row) -> Result<Ghost, Error> {
    Ok(Ghost {
        person_id: row.get(0)?,
        localpart: row.get(1)?,
        registered: row.get(2)?,
        username: row.get(3)?,
        display_name: row.get(4)?,
        avatar_key: row.get(5)?,
        avatar_mxc: row.get(6)?,
    })
}
