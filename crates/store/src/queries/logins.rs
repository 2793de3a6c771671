//! Accounts on the network.

use secrecy::{ExposeSecret, SecretString};

use super::{readable, sql};
use crate::db::{Batch, Row, args};
use crate::{Error, Login, LoginId, LoginState, NewLogin, Store};

sql! {
    PUT_LOGIN = "INSERT INTO logins (mxid, person_id, username, display_name, credentials, state, since)
        VALUES ($1, $2, $3, $4, $5, 'ok', $6)
        ON CONFLICT (mxid) DO UPDATE SET username = excluded.username, display_name = excluded.display_name,
            credentials = excluded.credentials, state = excluded.state, since = excluded.since
        WHERE logins.person_id = excluded.person_id
        RETURNING id, mxid, person_id, username, display_name, state, since";
    LOGIN_OF = "SELECT id, mxid, person_id, username, display_name, state, since FROM logins WHERE mxid = $1";
    LOGIN = "SELECT id, mxid, person_id, username, display_name, state, since FROM logins WHERE id = $1";
    LOGINS = "SELECT id, mxid, person_id, username, display_name, state, since FROM logins ORDER BY id";
    LOGIN_CREDENTIALS = "SELECT mxid, person_id, credentials FROM logins WHERE id = $1";
    EXPIRE_LOGIN = "UPDATE logins SET state = 'expired', since = $3 WHERE id = $1 AND state = 'ok' AND since = $2";
    SET_LOGIN_PROFILE = "UPDATE logins SET username = $2, display_name = $3 WHERE id = $1";
    COUNT_QUEUE = "SELECT COUNT(*) FROM items WHERE login_id = $1";
    DELETE_LOGIN = "DELETE FROM logins WHERE id = $1";
}

impl Store {
    /// Stores a login. The same person again keeps its id, and with it its portals and queue. [`Error::Taken`] if the user
    /// is logged in as somebody else: that login has to be deleted first, since its queue goes with it.
    pub async fn put_login(&self, new: &NewLogin) -> Result<Login, Error> {
        let row = row_name(&new.mxid, &new.person_id);
        let sealed = self.key.seal(&row, new.credentials.expose_secret())?;
        let args = args![
            &new.mxid,
            &new.person_id,
            &new.username,
            &new.display_name,
            &sealed,
            new.now
        ];
        let row = self.db.row(PUT_LOGIN, args).await?;
        login(&row.ok_or(Error::Taken)?)
    }

    /// The login of a Matrix user.
    pub async fn login_of(&self, mxid: &str) -> Result<Option<Login>, Error> {
        let row = self.db.row(LOGIN_OF, args![mxid]).await?;
        row.as_ref().map(login).transpose()
    }

    /// A login.
    pub async fn login(&self, id: LoginId) -> Result<Option<Login>, Error> {
        let row = self.db.row(LOGIN, args![id]).await?;
        row.as_ref().map(login).transpose()
    }

    /// All of them, oldest first. What cannot be read is left out.
    pub async fn logins(&self) -> Result<Vec<Login>, Error> {
        readable(&self.db.rows(LOGINS, &[]).await?, "logins", login)
    }

    /// What opens the account.
    ///
    /// Errors: after [`Error::Corrupt`] and [`Error::WrongKey`] only a new login helps.
    pub async fn login_credentials(&self, id: LoginId) -> Result<Option<SecretString>, Error> {
        let Some(row) = self.db.row(LOGIN_CREDENTIALS, args![id]).await? else {
            return Ok(None);
        };
        let name = row_name(&row.get::<String>(0)?, &row.get::<String>(1)?);
        self.key.open(&name, &row.get::<Vec<u8>>(2)?).map(Some)
    }

    /// Remembers that it no longer opens; `false` if it is not the one that was good since then, since somebody has logged
    /// in again.
    pub async fn expire_login(&self, id: LoginId, since: i64, now: i64) -> Result<bool, Error> {
        Ok(self.db.run(EXPIRE_LOGIN, args![id, since, now]).await? > 0)
    }

    /// Remembers the names the person has on the network.
    pub async fn set_login_profile(
        &self,
        id: LoginId,
        username: &str,
        display_name: &str,
    ) -> Result<(), Error> {
        self.db
            .run(SET_LOGIN_PROFILE, args![id, username, display_name])
            .await
            .map(drop)
    }

    /// Deletes a login with its credentials and everything queued for it; gives how many items that were. Its portals stay,
    /// without a login.
    pub async fn delete_login(&self, id: LoginId) -> Result<i64, Error> {
        let mut batch = Batch::new();
        batch.add(COUNT_QUEUE, args![id]);
        batch.add(DELETE_LOGIN, args![id]);
        let answers = self.db.commit(&batch).await?;
        let counted = answers.first().and_then(|answer| answer.rows.first());
        counted.map_or(Ok(0), |row| row.get(0))
    }
}

/// What the sealed credentials are bound to.
fn row_name(mxid: &str, person_id: &str) -> String {
    format!("login/{mxid}/{person_id}")
}

pub(super) fn login(row: &Row) -> Result<Login, Error> {
    Ok(Login {
        id: row.get(0)?,
        mxid: row.get(1)?,
        person_id: row.get(2)?,
        // Whoever logs in again mends it.
        username: row.get(3).unwrap_or_default(),
        display_name: row.get(4).unwrap_or_default(),
        state: LoginState::parse(&row.get::<String>(5).unwrap_or_default()),
        since: row.get(6)?,
    })
}

impl LoginState {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Expired => "expired",
        }
    }

    /// A word that we never wrote: logging in again mends it, too.
    fn parse(word: &str) -> Self {
        if word == Self::Ok.word() {
            Self::Ok
        } else {
            Self::Expired
        }
    }
}
