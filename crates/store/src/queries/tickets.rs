//! Login links. Only SHA-256 hashes of their secrets come here.

use super::sql;
use crate::db::{Row, args};
use crate::{Error, Store, Ticket};

sql! {
    ADD_TICKET = "INSERT INTO tickets (hash, mxid, expires_at, used) VALUES ($1, $2, $3, FALSE)";
    TICKET = "SELECT hash, mxid, expires_at, browser, state FROM tickets WHERE hash = $1 AND NOT used";
    TICKET_BY_STATE = "SELECT hash, mxid, expires_at, browser, state FROM tickets WHERE state = $1 AND NOT used";
    BIND_TICKET = "UPDATE tickets SET browser = $2, state = $3
        WHERE hash = $1 AND NOT used AND (browser IS NULL OR browser = $2)";
    USE_UP_TICKET = "UPDATE tickets SET used = TRUE WHERE hash = $1 AND NOT used";
    TICKET_USED = "SELECT COUNT(*) FROM tickets WHERE hash = $1 AND used";
    DROP_TICKETS_OF = "DELETE FROM tickets WHERE mxid = $1 AND NOT used";
    DROP_EXPIRED_TICKETS = "DELETE FROM tickets WHERE expires_at <= $1";
}

impl Store {
    /// Remembers a link that is handed out.
    pub async fn add_ticket(&self, hash: &str, mxid: &str, expires_at: i64) -> Result<(), Error> {
        self.db
            .run(ADD_TICKET, args![hash, mxid, expires_at])
            .await
            .map(drop)
    }

    /// A ticket that is not used up. It may have expired.
    pub async fn ticket(&self, hash: &str) -> Result<Option<Ticket>, Error> {
        let row = self.db.row(TICKET, args![hash]).await?;
        row.as_ref().map(ticket).transpose()
    }

    /// The ticket whose browser was sent to the network with this `state`.
    pub async fn ticket_by_state(&self, state_hash: &str) -> Result<Option<Ticket>, Error> {
        let row = self.db.row(TICKET_BY_STATE, args![state_hash]).await?;
        row.as_ref().map(ticket).transpose()
    }

    /// Binds it to a browser for good. The same browser may begin again, with another `state`. `false` if it belongs to
    /// another browser, is used up, or never was.
    pub async fn bind_ticket(
        &self,
        hash: &str,
        browser_hash: &str,
        state_hash: &str,
    ) -> Result<bool, Error> {
        Ok(self
            .db
            .run(BIND_TICKET, args![hash, browser_hash, state_hash])
            .await?
            > 0)
    }

    /// Uses it up; `false` if it was already, or never was. So only one of two can succeed.
    pub async fn use_up_ticket(&self, hash: &str) -> Result<bool, Error> {
        Ok(self.db.run(USE_UP_TICKET, args![hash]).await? > 0)
    }

    /// Whether it was used up, as far as that is still known.
    pub async fn ticket_used(&self, hash: &str) -> Result<bool, Error> {
        let row = self.db.row(TICKET_USED, args![hash]).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.get(0))?;
        Ok(count > 0)
    }

    /// Makes a user's open links worthless.
    pub async fn drop_tickets_of(&self, mxid: &str) -> Result<(), Error> {
        self.db.run(DROP_TICKETS_OF, args![mxid]).await.map(drop)
    }

    /// Forgets those whose time has come, used up or not.
    pub async fn drop_expired_tickets(&self, now: i64) -> Result<(), Error> {
        self.db
            .run(DROP_EXPIRED_TICKETS, args![now])
            .await
            .map(drop)
    }
}

fn ticket(row: &Row) -> Result<Ticket, Error> {
    Ok(Ticket {
        hash: row.get(0)?,
        mxid: row.get(1)?,
        expires_at: row.get(2)?,
        browser: row.get(3)?,
        state: row.get(4)?,
    })
}
