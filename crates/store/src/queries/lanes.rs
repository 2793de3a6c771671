//! Putting things into lanes: what is accepted here is stored for good.

use std::collections::{BTreeSet, HashSet};

use super::sql;
use crate::db::{Tx, args};
use crate::{Error, Lane, NewItem, PortalId, Store};

sql! {
    SEE = "INSERT INTO seen (key, seen_at) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
    // Where the login is gone by now, the item stays without one: it is not for us to drop it.
    ADD_ITEM = "INSERT INTO items (lane, login_id, key, payload, state, attempts, accepted_at, changed_at)
        VALUES ($1, (SELECT id FROM logins WHERE id = $2), $3, $4, 'waiting', 0, $5, $5)
        ON CONFLICT (lane, key) DO NOTHING";
    MOVE_CURSOR = "UPDATE portals SET cursor = $2 WHERE id = $1";
    WAITING_LANES = "SELECT DISTINCT lane FROM items WHERE state <> 'failed' ORDER BY lane";
    DROP_LANE = "DELETE FROM items WHERE lane = $1";
    PRUNE = "DELETE FROM seen WHERE seen_at < $1 AND key NOT IN (SELECT key FROM items)";
}

impl Store {
    /// Accepts events of the homeserver in one commit, each once for ever (until [`Store::prune`]); gives the lanes which
    /// got something. An event may put items into several lanes.
    pub async fn accept_events(&self, events: &[NewItem], now: i64) -> Result<Vec<Lane>, Error> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.db.begin().await?;
        tx.take_turns().await?;
        let mut fresh = HashSet::new();
        let mut touched = BTreeSet::new();
        for item in events {
            let key = item.key.as_str();
            if !fresh.contains(key) && tx.run(SEE, args![key, now]).await? == 0 {
                continue;
            }
            fresh.insert(key);
            if add(&mut tx, item, now).await? {
                touched.insert(item.lane.clone());
            }
        }
        tx.commit().await?;
        Ok(touched.into_iter().collect())
    }

    /// Accepts what came from the network together with how far the portal has now been read, in one commit. An item whose
    /// key its lane holds already is left out. `true` if anything was added.
    pub async fn accept_remote(
        &self,
        portal_id: PortalId,
        items: &[NewItem],
        cursor: Option<&str>,
        now: i64,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        tx.take_turns().await?;
        let mut added = false;
        for item in items {
            added |= add(&mut tx, item, now).await?;
        }
        if let Some(cursor) = cursor {
            tx.run(MOVE_CURSOR, args![portal_id, cursor]).await?;
        }
        tx.commit().await?;
        Ok(added)
    }

    /// Puts in what the bridge gives itself to do, in one commit. An item whose key its lane holds already is left out.
    pub async fn enqueue(&self, items: &[NewItem], now: i64) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        tx.take_turns().await?;
        for item in items {
            add(&mut tx, item, now).await?;
        }
        tx.commit().await
    }

    /// Lanes in which something is to be done.
    pub async fn waiting_lanes(&self) -> Result<Vec<Lane>, Error> {
        self.db
            .rows(WAITING_LANES, &[])
            .await?
            .iter()
            .map(|row| super::items::lane(&row.get::<String>(0)?))
            .collect()
    }

    /// Forgets all that a lane holds, failed items too.
    pub async fn drop_lane(&self, lane: &Lane) -> Result<(), Error> {
        self.db
            .run(DROP_LANE, args![&lane.to_string()])
            .await
            .map(drop)
    }

    /// Forgets the ids of events that were accepted, or done with, before this time. Those that still wait are kept.
    pub async fn prune(&self, seen_before: i64) -> Result<(), Error> {
        self.db.run(PRUNE, args![seen_before]).await.map(drop)
    }
}

async fn add(tx: &mut Tx, item: &NewItem, now: i64) -> Result<bool, Error> {
    let lane = item.lane.to_string();
    let args = args![&lane, item.login_id, &item.key, &item.payload, now];
    Ok(tx.run(ADD_ITEM, args).await? > 0)
}
