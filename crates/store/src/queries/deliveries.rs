//! What a delivery begins with: of several tables, in one trip.

use super::{ghosts, items, logins, messages, portals, sql};
use crate::db::{Batch, args};
use crate::{Error, Ghost, Lane, Login, MessageRow, Portal, PortalId, Store, WayToRemote};

sql! {
    LOGIN_OF_PORTAL = "SELECT logins.id, logins.mxid, person_id, username, display_name, logins.state, since
        FROM logins JOIN portals ON portals.login_id = logins.id WHERE portals.id = $1";
}

impl Store {
    /// A portal, the login that carries it, and the events of a message by part, if it is about one.
    pub async fn way_to_matrix(
        &self,
        id: PortalId,
        remote_id: Option<&str>,
    ) -> Result<Option<(Portal, Option<Login>, Vec<MessageRow>)>, Error> {
        let mut batch = Batch::new();
        batch.add(portals::PORTAL, args![id]);
        batch.add(LOGIN_OF_PORTAL, args![id]);
        batch.add(messages::MESSAGES, args![id, remote_id]);
        let [portal, login, known] = self.db.ask(&batch).await?;
        let Some(portal) = portal.rows.first() else {
            return Ok(None);
        };
        let login = login.rows.first().map(logins::login).transpose()?;
        let known: Result<_, _> = known.rows.iter().map(messages::message).collect();
        Ok(Some((portals::portal(portal)?, login, known?)))
    }

    /// A portal, what an event that is to be delivered there became so far, and what waits that is about it.
    pub async fn way_to_remote(
        &self,
        id: PortalId,
        event_id: &str,
    ) -> Result<Option<WayToRemote>, Error> {
        let lane = Lane::ToRemote(id).to_string();
        let mut batch = Batch::new();
        batch.add(portals::PORTAL, args![id]);
        batch.add(messages::BY_EVENT, args![event_id]);
        batch.add(items::ABOUT, args![&lane, event_id]);
        let [portal, sent, about] = self.db.ask(&batch).await?;
        let Some(portal) = portal.rows.first() else {
            return Ok(None);
        };
        let sent: Result<_, _> = sent.rows.iter().map(messages::message).collect();
        // One of them that cannot be read is set aside when its turn comes.
        let about = super::readable(&about.rows, "items", items::item)?;
        Ok(Some(WayToRemote {
            portal: portals::portal(portal)?,
            sent: sent?,
            about,
        }))
    }

    /// The ghost of a person, and whether it is in a Matrix room.
    pub async fn ghost_and_whether_in(
        &self,
        person_id: &str,
        room_id: &str,
    ) -> Result<(Option<Ghost>, bool), Error> {
        let mut batch = Batch::new();
        batch.add(ghosts::GHOST, args![person_id]);
        batch.add(ghosts::GHOST_IN, args![room_id, person_id]);
        let [ghost, count] = self.db.ask(&batch).await?;
        let ghost = ghost.rows.first().map(ghosts::ghost).transpose()?;
        let count: i64 = count.rows.first().map_or(Ok(0), |row| row.get(0))?;
        Ok((ghost, count > 0))
    }
}
