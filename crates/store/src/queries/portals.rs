//! Portals: a room of the network and its Matrix room, for one user.

use super::{readable, sql};
use crate::db::{Batch, Row, args};
use crate::{Error, LoginId, NewPortal, Place, Portal, PortalId, PortalState, Shown, Store};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, login_id, mxid, remote_room, room_id, state, kind, other_person, address, name, topic,
                avatar_key, avatar_mxc, cursor, opened, in_space FROM portals ",
            $rest
        )
    };
}

sql! {
    PUT_PORTAL = "INSERT INTO portals (login_id, mxid, remote_room, state, kind, other_person, address, name, topic,
            opened, in_space)
        VALUES ($1, $2, $3, 'new', $4, $5, $6, $7, $8, FALSE, FALSE)
        ON CONFLICT (mxid, remote_room) DO UPDATE SET login_id = excluded.login_id
        RETURNING id, login_id, mxid, remote_room, room_id, state, kind, other_person, address, name, topic,
            avatar_key, avatar_mxc, cursor, opened, in_space";
    PORTAL = select!("WHERE id = $1");
    PORTAL_BY_ROOM = select!("WHERE room_id = $1");
    PLACE = "SELECT id, login_id, mxid FROM portals WHERE room_id = $1";
    PORTAL_OF = select!("WHERE mxid = $1 AND remote_room = $2");
    PORTALS_OF = select!("WHERE mxid = $1 ORDER BY id");
    COUNT_JOINED = "SELECT COUNT(*) FROM portals WHERE login_id IS NOT NULL AND state = 'joined'";
    JOINED_PORTALS = select!("WHERE login_id = $1 AND state = 'joined' ORDER BY id");
    SET_ROOM = "UPDATE portals SET room_id = $2, state = $3 WHERE id = $1";
    SET_STATE = "UPDATE portals SET state = $2 WHERE id = $1";
    SET_INVITED = "UPDATE portals SET state = 'invited' WHERE id = $1 AND state = 'new'";
    SET_SHOWN = "UPDATE portals SET address = $2, name = $3, topic = $4, avatar_key = $5, avatar_mxc = $6
        WHERE id = $1";
    SET_CURSOR = "UPDATE portals SET cursor = $2 WHERE id = $1";
    // Not anew if it is behind already: what lies between was perhaps read, but never compared. What we sent says nothing of what was
    // heard: that goes out before anything comes in.
    MARK_BEHIND = "UPDATE portals SET behind_since = (SELECT MAX(sent_at) FROM messages WHERE portal_id = portals.id AND NOT by_us)
        WHERE id = $1 AND behind_since IS NULL";
    BEHIND_SINCE = "SELECT behind_since FROM portals WHERE id = $1";
    UP_TO_DATE = "UPDATE portals SET behind_since = NULL WHERE id = $1 AND behind_since IS NOT NULL";
    SET_IN_SPACE = "UPDATE portals SET in_space = $2 WHERE id = $1";
    SET_OPENED = "UPDATE portals SET opened = $2 WHERE id = $1";
}

impl Store {
    /// Makes a portal, without a Matrix room yet. If the user has one for that room already, that one is given, now carried
    /// by this login and otherwise as it was.
    pub async fn put_portal(&self, new: &NewPortal) -> Result<Portal, Error> {
        let args = args![
            new.login_id,
            &new.mxid,
            &new.remote_room,
            &new.kind,
            &new.other_person,
            &new.address,
            &new.name,
            &new.topic,
        ];
        let row = self.db.row(PUT_PORTAL, args).await?;
        portal(&row.ok_or_else(|| Error::Bug("a new portal gave no row".to_owned()))?)
    }

    /// A portal.
    pub async fn portal(&self, id: PortalId) -> Result<Option<Portal>, Error> {
        let row = self.db.row(PORTAL, args![id]).await?;
        row.as_ref().map(portal).transpose()
    }

    /// The portal of a Matrix room.
    pub async fn portal_by_room(&self, room_id: &str) -> Result<Option<Portal>, Error> {
        let row = self.db.row(PORTAL_BY_ROOM, args![room_id]).await?;
        row.as_ref().map(portal).transpose()
    }

    /// Whose portal a Matrix room is, whatever else of its row cannot be read.
    pub async fn place(&self, room_id: &str) -> Result<Option<Place>, Error> {
        let row = self.db.row(PLACE, args![room_id]).await?;
        let place = |row: &Row| {
            Ok(Place {
                portal_id: row.get(0)?,
                login_id: row.get(1).unwrap_or_default(),
                mxid: row.get(2).unwrap_or_default(),
            })
        };
        row.as_ref().map(place).transpose()
    }

    /// A user's portal for a room of the network.
    pub async fn portal_of(&self, mxid: &str, remote_room: &str) -> Result<Option<Portal>, Error> {
        let row = self.db.row(PORTAL_OF, args![mxid, remote_room]).await?;
        row.as_ref().map(portal).transpose()
    }

    /// All portals of a user, in whatever state, oldest first. What cannot be read is left out.
    pub async fn portals_of(&self, mxid: &str) -> Result<Vec<Portal>, Error> {
        let rows = self.db.rows(PORTALS_OF, args![mxid]).await?;
        readable(&rows, "portals", portal)
    }

    /// Notes that these portals may lack changes of their messages, from their newest known one on, unless they did before.
    pub async fn mark_behind(&self, ids: &[PortalId]) -> Result<(), Error> {
        let mut batch = Batch::new();
        for id in ids {
            batch.add(MARK_BEHIND, args![*id]);
        }
        self.db.commit(&batch).await.map(drop)
    }

    /// When the newest message was sent before which a portal lacks no change, in the network's milliseconds; `None` if it lacks none at all.
    pub async fn behind_since(&self, id: PortalId) -> Result<Option<i64>, Error> {
        let row = self.db.row(BEHIND_SINCE, args![id]).await?;
        row.map_or(Ok(None), |row| row.get(0))
    }

    /// Notes that a portal lacks no change any more.
    pub async fn up_to_date(&self, id: PortalId) -> Result<(), Error> {
        self.db.run(UP_TO_DATE, args![id]).await.map(drop)
    }

    /// The portals through which a login's traffic flows, oldest first. What cannot be read is left out.
    pub async fn joined_portals(&self, login_id: LoginId) -> Result<Vec<Portal>, Error> {
        let rows = self.db.rows(JOINED_PORTALS, args![login_id]).await?;
        readable(&rows, "portals", portal)
    }

    /// How many there are of all logins.
    pub async fn count_joined_portals(&self) -> Result<u64, Error> {
        let row = self.db.row(COUNT_JOINED, &[]).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Gives it a Matrix room, or takes it away. [`Error::Taken`] if the room is another portal's.
    pub async fn set_portal_room(
        &self,
        id: PortalId,
        room: Option<&str>,
        state: PortalState,
    ) -> Result<(), Error> {
        self.db
            .run(SET_ROOM, args![id, room, state.word()])
            .await
            .map(drop)
    }

    /// Remembers how far it is.
    pub async fn set_portal_state(&self, id: PortalId, state: PortalState) -> Result<(), Error> {
        self.db
            .run(SET_STATE, args![id, state.word()])
            .await
            .map(drop)
    }

    /// Remembers that its user is invited now, unless he has answered already: it has to be [`PortalState::New`].
    pub async fn set_portal_invited(&self, id: PortalId) -> Result<(), Error> {
        self.db.run(SET_INVITED, args![id]).await.map(drop)
    }

    /// Remembers what the Matrix room shows now.
    pub async fn set_portal_shown(&self, id: PortalId, shown: &Shown) -> Result<(), Error> {
        let Shown {
            address,
            name,
            topic,
            avatar_key,
            avatar_mxc,
        } = shown;
        let args = args![id, address, name, topic, avatar_key, avatar_mxc];
        self.db.run(SET_SHOWN, args).await.map(drop)
    }

    /// Remembers up to where the network's messages are accepted. See also [`Store::accept_remote`].
    pub async fn set_portal_cursor(&self, id: PortalId, cursor: &str) -> Result<(), Error> {
        self.db.run(SET_CURSOR, args![id, cursor]).await.map(drop)
    }

    /// Remembers whether the user's space lists it.
    pub async fn set_portal_in_space(&self, id: PortalId, in_space: bool) -> Result<(), Error> {
        self.db
            .run(SET_IN_SPACE, args![id, in_space])
            .await
            .map(drop)
    }

    /// Remembers whether history and members are in.
    pub async fn set_portal_opened(&self, id: PortalId, opened: bool) -> Result<(), Error> {
        self.db.run(SET_OPENED, args![id, opened]).await.map(drop)
    }
}

pub(super) fn portal(row: &Row) -> Result<Portal, Error> {
    Ok(Portal {
        id: row.get(0)?,
        login_id: row.get(1)?,
        mxid: row.get(2)?,
        remote_room: row.get(3)?,
        room_id: row.get(4)?,
        state: PortalState::parse(&row.get::<String>(5)?)?,
        kind: row.get(6)?,
        other_person: row.get(7)?,
        shown: Shown {
            address: row.get(8)?,
            name: row.get(9)?,
            topic: row.get(10)?,
            avatar_key: row.get(11)?,
            avatar_mxc: row.get(12)?,
        },
        cursor: row.get(13)?,
        opened: row.get(14)?,
        in_space: row.get(15)?,
    })
}

impl PortalState {
    const ALL: [Self; 6] = [
        Self::New,
        Self::Invited,
        Self::Joined,
        Self::Declined,
        Self::Left,
        Self::Gone,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Invited => "invited",
            Self::Joined => "joined",
            Self::Declined => "declined",
            Self::Left => "left",
            Self::Gone => "gone",
        }
    }

    fn parse(word: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|state| state.word() == word)
            .ok_or_else(|| Error::Corrupt("the state of a portal".to_owned()))
    }
}
