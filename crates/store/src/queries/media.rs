//! Files: those of the network that were uploaded, and links to those on Matrix.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::sql;
use crate::db::args;
use crate::{Error, Link, Store, Uploaded};

sql! {
    UPLOADED = "SELECT mxc, info FROM uploads WHERE key = $1";
    PUT_UPLOADED = "INSERT INTO uploads (key, mxc, info, put_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (key) DO UPDATE SET mxc = excluded.mxc, info = excluded.info, put_at = excluded.put_at";
    DROP_UPLOADED = "DELETE FROM uploads WHERE put_at < $1";
    LINK = "SELECT event_id, mxc, name, info, made_at FROM links WHERE hash = $1";
    // One that is there stays as it is: a repeat must not bring back what was revoked.
    PUT_LINK = "INSERT INTO links (hash, room_id, event_id, mxc, name, info, made_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (hash) DO NOTHING";
    REVOKE_LINKS = "UPDATE links SET mxc = NULL WHERE event_id = $1 AND room_id = $2 AND mxc IS NOT NULL";
    DROP_LINKS = "DELETE FROM links WHERE made_at < $1 OR (made_at < $2 AND mxc IS NULL)";
}

/// Bytes of a link's secret: far too many to be guessed.
const SECRET: usize = 24;

impl Store {
    /// A file of the network that was uploaded to the homeserver. `address` is what tells it from others.
    pub async fn uploaded(&self, address: &str) -> Result<Option<Uploaded>, Error> {
        let row = self.db.row(UPLOADED, args![&digest(address)]).await?;
        row.map(|row| {
            Ok(Uploaded {
                mxc: row.get(0)?,
                info: row.get(1)?,
            })
        })
        .transpose()
    }

    /// Remembers where a file of the network was uploaded to.
    pub async fn put_uploaded(
        &self,
        address: &str,
        uploaded: &Uploaded,
        now: i64,
    ) -> Result<(), Error> {
        let key = digest(address);
        let args = args![&key, &uploaded.mxc, &uploaded.info, now];
        self.db.run(PUT_UPLOADED, args).await.map(drop)
    }

    /// Forgets the files that were uploaded before this time: should one be needed again, it is uploaded again.
    pub async fn drop_uploaded(&self, before: i64) -> Result<(), Error> {
        self.db.run(DROP_UPLOADED, args![before]).await.map(drop)
    }

    /// Makes a link to a file that came with an event, and gives its secret: 32 letters, digits, `-` and `_`, which cannot be guessed.
    /// `info` is what is known of the file, as JSON. The same event and file have the same secret each time; a link that was revoked stays so.
    pub async fn put_link(
        &self,
        room_id: &str,
        event_id: &str,
        mxc: &str,
        name: &str,
        info: &str,
        now: i64,
    ) -> Result<String, Error> {
        let derived = self.key.derive("media link", &[event_id, mxc]);
        let secret = URL_SAFE_NO_PAD.encode(&derived[..SECRET]);
        let hash = digest(&secret);
        let args = args![&hash, room_id, event_id, mxc, name, info, now];
        self.db.run(PUT_LINK, args).await?;
        Ok(secret)
    }

    /// The link with this secret.
    pub async fn link(&self, secret: &str) -> Result<Option<Link>, Error> {
        let row = self.db.row(LINK, args![&digest(secret)]).await?;
        row.map(|row| {
            Ok(Link {
                event_id: row.get(0)?,
                mxc: row.get(1)?,
                name: row.get(2)?,
                info: row.get(3)?,
                made_at: row.get(4)?,
            })
        })
        .transpose()
    }

    /// Makes the links to the files of an event lead nowhere, for ever; gives how many did.
    /// An event of another room has none.
    pub async fn revoke_links(&self, room_id: &str, event_id: &str) -> Result<u64, Error> {
        self.db.run(REVOKE_LINKS, args![event_id, room_id]).await
    }

    /// Forgets the links that were made before `made_before`, and those made before `revoked_before` which were revoked: they lead
    /// nowhere, as before. Not as long as what they were made for may be repeated, which would make them anew.
    pub async fn drop_links(&self, made_before: i64, revoked_before: i64) -> Result<(), Error> {
        self.db
            .run(DROP_LINKS, args![made_before, revoked_before])
            .await
            .map(drop)
    }
}

/// Addresses are too long for an index of PostgreSQL, and secrets are not to be read in the database.
fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}
