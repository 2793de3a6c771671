//! Matrix users, the rooms they talk with the bot in, and the rooms the bot will not enter.

use super::sql;
use crate::db::{Batch, Row, args};
use crate::{Error, Store, User};

sql! {
    USER = "SELECT mxid, management_room, space FROM users WHERE mxid = $1";
    SET_MANAGEMENT_ROOM = "INSERT INTO users (mxid, management_room) VALUES ($1, $2)
        ON CONFLICT (mxid) DO UPDATE SET management_room = excluded.management_room";
    MANAGEMENT_ROOM_OWNER = "SELECT mxid FROM users WHERE management_room = $1";
    SET_SPACE = "INSERT INTO users (mxid, space) VALUES ($1, $2)
        ON CONFLICT (mxid) DO UPDATE SET space = excluded.space";
    NONE_IN_SPACE = "UPDATE portals SET in_space = FALSE WHERE mxid = $1";
    SPACE_OWNER = "SELECT mxid FROM users WHERE space = $1";
    REFUSE_ROOM = "INSERT INTO refused_rooms (room_id, why, refused_at) VALUES ($1, $2, $3)
        ON CONFLICT (room_id) DO NOTHING";
    ROOM_REFUSED = "SELECT COUNT(*) FROM refused_rooms WHERE room_id = $1";
}

impl Store {
    /// A user, if he has met the bot.
    pub async fn user(&self, mxid: &str) -> Result<Option<User>, Error> {
        let row = self.db.row(USER, args![mxid]).await?;
        row.as_ref().map(user).transpose()
    }

    /// Remembers the room in which he talks with the bot, or that there is none now. [`Error::Taken`] if it is the
    /// management room of another.
    pub async fn set_management_room(&self, mxid: &str, room: Option<&str>) -> Result<(), Error> {
        self.db
            .run(SET_MANAGEMENT_ROOM, args![mxid, room])
            .await
            .map(drop)
    }

    /// Whose management room it is.
    pub async fn management_room_owner(&self, room: &str) -> Result<Option<String>, Error> {
        let row = self.db.row(MANAGEMENT_ROOM_OWNER, args![room]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Remembers his personal space, which lists nothing yet, or that there is none now. [`Error::Taken`] if it is the
    /// space of another.
    pub async fn set_space(&self, mxid: &str, room: Option<&str>) -> Result<(), Error> {
        let mut batch = Batch::new();
        batch.add(SET_SPACE, args![mxid, room]);
        batch.add(NONE_IN_SPACE, args![mxid]);
        self.db.commit(&batch).await.map(drop)
    }

    /// Whose personal space it is.
    pub async fn space_owner(&self, room: &str) -> Result<Option<String>, Error> {
        let row = self.db.row(SPACE_OWNER, args![room]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Never to enter this room again.
    pub async fn refuse_room(&self, room: &str, why: &str, now: i64) -> Result<(), Error> {
        self.db
            .run(REFUSE_ROOM, args![room, why, now])
            .await
            .map(drop)
    }

    /// Whether it is a room never to be entered again.
    pub async fn room_refused(&self, room: &str) -> Result<bool, Error> {
        let row = self.db.row(ROOM_REFUSED, args![room]).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.get(0))?;
        Ok(count > 0)
    }
}

fn user(row: &Row) -> Result<User, Error> {
    Ok(User {
        mxid: row.get(0)?,
        management_room: row.get(1)?,
        space: row.get(2)?,
    })
}
