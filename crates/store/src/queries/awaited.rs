//! What the network acknowledged and has not shown since: it may never have kept it.

use super::{lanes, sql};
use crate::db::{Batch, args};
use crate::{Awaited, Error, NewItem, PortalId, Store};

sql! {
    // A row of the map is put again whenever the message is changed.
    AWAIT = "INSERT INTO awaited (portal_id, remote_id, since) SELECT $1, $2, $3
        WHERE NOT EXISTS (SELECT 1 FROM messages WHERE portal_id = $1 AND remote_id = $2)
        ON CONFLICT (portal_id, remote_id) DO NOTHING";
    AWAITED = "SELECT portal_id, remote_id, since FROM awaited ORDER BY since, portal_id, remote_id";
    FORGET = "DELETE FROM awaited WHERE portal_id = $1 AND remote_id = $2";
    DROP_MESSAGE = "DELETE FROM messages WHERE portal_id = $1 AND remote_id = $2";
    ADD_FAILED = "INSERT INTO items (lane, login_id, key, payload, state, attempts, accepted_at, changed_at, about, why)
        VALUES ($1, (SELECT id FROM logins WHERE id = $2), $3, $4, 'failed', 0, $5, $5, $6, $7)
        ON CONFLICT (lane, key) DO NOTHING";
}

impl Store {
    /// All messages whose echo is awaited, the oldest first.
    pub async fn awaited(&self) -> Result<Vec<Awaited>, Error> {
        let rows = self.db.rows(AWAITED, &[]).await?;
        let awaited = rows.iter().map(|row| {
            Ok(Awaited {
                portal_id: row.get(0)?,
                remote_id: row.get(1)?,
                since: row.get(2)?,
            })
        });
        awaited.collect()
    }

    /// The echoes of these are not awaited any more.
    pub async fn forget_awaited(&self, seen: &[Awaited]) -> Result<(), Error> {
        let mut batch = Batch::new();
        for it in seen {
            batch.add(FORGET, args![it.portal_id, &it.remote_id]);
        }
        self.db.commit(&batch).await.map(drop)
    }

    /// These messages are not on the network after all: they leave the map, and what they were made of is given up for this
    /// reason, so that it can be tried again. One commit.
    pub async fn give_back(
        &self,
        missing: &[Awaited],
        items: &[NewItem],
        why: &str,
        now: i64,
    ) -> Result<(), Error> {
        let names: Vec<_> = items.iter().map(|item| item.lane.to_string()).collect();
        let mut batch = Batch::in_turn();
        for it in missing {
            batch.add(FORGET, args![it.portal_id, &it.remote_id]);
            batch.add(DROP_MESSAGE, args![it.portal_id, &it.remote_id]);
        }
        for (item, lane) in items.iter().zip(&names) {
            let mut values = lanes::new_item(item, lane, now).to_vec();
            values.extend(args![why]);
            batch.add(ADD_FAILED, &values);
        }
        self.db.commit(&batch).await.map(drop)
    }
}

/// From now on its echo is awaited, if the map does not know it.
pub(super) fn add<'a>(batch: &mut Batch<'a>, portal_id: PortalId, remote_id: &'a str, since: i64) {
    batch.add(AWAIT, args![portal_id, remote_id, since]);
}
