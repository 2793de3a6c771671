//! Putting things into lanes: what is accepted here is stored for good.

use std::collections::BTreeSet;

use super::{readable, sql};
use crate::db::{Arg, Batch, Row, args};
use crate::{Accepted, Backlog, Error, Item, Lane, NewItem, PortalId, Store, Told};

sql! {
    SEE = "INSERT INTO seen (key, seen_at) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
    // Where the login is gone by now, the item stays without one: it is not for us to drop it.
    ADD_ITEM = "INSERT INTO items (lane, login_id, key, payload, state, attempts, accepted_at, changed_at, about)
        VALUES ($1, (SELECT id FROM logins WHERE id = $2), $3, $4, 'waiting', 0, $5, $5, $6)
        ON CONFLICT (lane, key) DO NOTHING";
    ADD_UNSEEN = "INSERT INTO items (lane, login_id, key, payload, state, attempts, accepted_at, changed_at, about)
        SELECT $1, (SELECT id FROM logins WHERE id = $2), $3, $4, 'waiting', 0, $5, $5, $6
        WHERE NOT EXISTS (SELECT 1 FROM seen WHERE key = $3)
        ON CONFLICT (lane, key) DO NOTHING";
    ADD_UNKNOWN = "INSERT INTO items (lane, login_id, key, payload, state, attempts, accepted_at, changed_at, about)
        SELECT $1, (SELECT id FROM logins WHERE id = $2), $3, $4, 'waiting', 0, $5, $5, $6
        WHERE NOT EXISTS (SELECT 1 FROM messages WHERE portal_id = $7 AND remote_id = $8)
        ON CONFLICT (lane, key) DO NOTHING";
    IS_KNOWN = "SELECT by_us FROM messages WHERE portal_id = $1 AND remote_id = $2 LIMIT 1";
    MOVE_CURSOR = "UPDATE portals SET cursor = $2 WHERE id = $1";
    WAITING_LANES = "SELECT DISTINCT lane FROM items WHERE state <> 'failed' AND lane > $1 ORDER BY lane LIMIT $2";
    // Looks at one row of each lane, however many wait there.
    WAITING_LANES_OF = "SELECT lane FROM (SELECT 'remote/' || CAST(id AS TEXT) AS lane FROM portals WHERE mxid = $1
            UNION ALL SELECT 'matrix/' || CAST(id AS TEXT) FROM portals WHERE mxid = $1) AS lanes
        WHERE EXISTS (SELECT 1 FROM items WHERE items.lane = lanes.lane AND state <> 'failed') ORDER BY lane";
    // By kind of lane, out of the index alone. Ids grow, so the first item is the oldest. Without what only its user can set going.
    BACKLOGS = "SELECT way, number, accepted_at FROM (SELECT substr(lane, 1, 7) AS way, COUNT(*) AS number, MIN(id) AS first
        FROM items WHERE state <> 'failed' AND lane NOT IN (
            SELECT 'matrix/' || CAST(id AS TEXT) FROM portals WHERE state <> 'joined'
            UNION ALL SELECT 'matrix/' || CAST(portals.id AS TEXT) FROM portals
                JOIN logins ON logins.id = portals.login_id WHERE logins.state <> 'ok'
            UNION ALL SELECT 'remote/' || CAST(portals.id AS TEXT) FROM portals
                JOIN logins ON logins.id = portals.login_id WHERE logins.state <> 'ok')
        GROUP BY substr(lane, 1, 7)) AS waiting JOIN items ON items.id = first";
    DROP_LANE = "DELETE FROM items WHERE lane = $1";
    // Not the head: it may be on its way.
    WITHDRAW = "DELETE FROM items WHERE lane = $1 AND key = $2 AND state <> 'attempting'
        AND id > (SELECT MIN(id) FROM items WHERE lane = $1 AND state <> 'failed')";
    // Keys behind $3 that begin with a prefix whose last character has $4 as its successor.
    LATER = "SELECT COUNT(*) FROM items WHERE lane = $1 AND id > $2 AND key > $3 AND key < $4 AND state = 'waiting'";
    PRUNE = "DELETE FROM seen WHERE seen_at < $1 AND key NOT IN (SELECT key FROM items)";
}

impl Store {
    /// Accepts events of the homeserver in one commit, each once for ever (until [`Store::prune`]); gives the lanes which
    /// got something, and how much was left out. An event may put items into several lanes.
    pub async fn accept_events(&self, events: &[NewItem], now: i64) -> Result<Accepted, Error> {
        let lanes: Vec<_> = events.iter().map(|item| item.lane.to_string()).collect();
        let mut batch = Batch::in_turn();
        for (item, lane) in events.iter().zip(&lanes) {
            batch.add(ADD_UNSEEN, &new_item(item, lane, now));
        }
        // After all items: those of one event are all put in, or none.
        for item in events {
            batch.add(SEE, args![&item.key, now]);
        }
        let answers = self.db.commit(&batch).await?;
        let mut accepted = Accepted::default();
        let mut touched = BTreeSet::new();
        for (item, answer) in events.iter().zip(&answers) {
            if answer.touched > 0 {
                touched.insert(item.lane.clone());
            } else {
                accepted.repeated += 1;
            }
        }
        accepted.lanes = touched.into_iter().collect();
        Ok(accepted)
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
        let lanes: Vec<_> = items.iter().map(|item| item.lane.to_string()).collect();
        let mut batch = Batch::in_turn();
        for (item, lane) in items.iter().zip(&lanes) {
            batch.add(ADD_ITEM, &new_item(item, lane, now));
        }
        if let Some(cursor) = cursor {
            batch.add(MOVE_CURSOR, args![portal_id, cursor]);
        }
        let answers = self.db.commit(&batch).await?;
        Ok(answers.iter().take(items.len()).any(|it| it.touched > 0))
    }

    /// Accepts a message of the network as [`Store::accept_remote`] does, with itself as the cursor. If the message
    /// map knows it, only the cursor is moved.
    pub async fn accept_message(
        &self,
        portal_id: PortalId,
        remote_id: &str,
        item: &NewItem,
        now: i64,
    ) -> Result<Told, Error> {
        let lane = item.lane.to_string();
        let mut add = new_item(item, &lane, now).to_vec();
        add.extend(args![portal_id, remote_id]);
        let mut batch = Batch::in_turn();
        // First, since the map may come to know it between the two.
        batch.add(IS_KNOWN, args![portal_id, remote_id]);
        batch.add(ADD_UNKNOWN, &add);
        batch.add(MOVE_CURSOR, args![portal_id, remote_id]);
        let answers = self.db.commit(&batch).await?;
        let known = answers.first().and_then(|answer| answer.rows.first());
        let added = answers.get(1).is_some_and(|answer| answer.touched > 0);
        Ok(match known.map(|row| row.get(0)).transpose()? {
            Some(true) => Told::Own,
            Some(false) => Told::Shown,
            None if added => Told::New,
            None => Told::Waits,
        })
    }

    /// Puts in what the bridge gives itself to do, in one commit. An item whose key its lane holds already is left out.
    pub async fn enqueue(&self, items: &[NewItem], now: i64) -> Result<(), Error> {
        let lanes: Vec<_> = items.iter().map(|item| item.lane.to_string()).collect();
        let mut batch = Batch::in_turn();
        for (item, lane) in items.iter().zip(&lanes) {
            batch.add(ADD_ITEM, &new_item(item, lane, now));
        }
        self.db.commit(&batch).await.map(drop)
    }

    /// Lanes in which something is to be done, after the place where an earlier call ended, and the place where this one ends
    /// if there may be more. A lane whose name cannot be read is left out, and told of in the log.
    pub async fn waiting_lanes_after(
        &self,
        place: Option<&str>,
        at_most: u32,
    ) -> Result<(Vec<Lane>, Option<String>), Error> {
        let args = args![place.unwrap_or_default(), i64::from(at_most)];
        let rows = self.db.rows(WAITING_LANES, args).await?;
        let lanes = readable(&rows, "items", name)?;
        let last = rows
            .last()
            .filter(|_| i64::try_from(rows.len()) == Ok(i64::from(at_most)));
        // Where a name is no text, there is nothing to go on from.
        let next = last.and_then(|row| row.get(0).ok());
        Ok((lanes, next))
    }

    /// All of them, for whoever knows that there are few.
    pub async fn waiting_lanes(&self) -> Result<Vec<Lane>, Error> {
        Ok(self.waiting_lanes_after(None, u32::MAX).await?.0)
    }

    /// The lanes of a user's portals in which something is to be done.
    pub async fn waiting_lanes_of(&self, mxid: &str) -> Result<Vec<Lane>, Error> {
        let rows = self.db.rows(WAITING_LANES_OF, args![mxid]).await?;
        readable(&rows, "items", name)
    }

    /// What waits in all lanes to the network, and in all lanes to Matrix; without what rests until its user comes back into his
    /// room, or logs in again.
    pub async fn backlogs(&self) -> Result<(Backlog, Backlog), Error> {
        let (mut to_remote, mut to_matrix) = (Backlog::default(), Backlog::default());
        for row in self.db.rows(BACKLOGS, &[]).await? {
            let backlog = match row.get::<String>(0)?.as_str() {
                "remote/" => &mut to_remote,
                "matrix/" => &mut to_matrix,
                _ => continue,
            };
            backlog.items = u64::try_from(row.get::<i64>(1)?).unwrap_or(0);
            backlog.oldest = row.get(2)?;
        }
        Ok((to_remote, to_matrix))
    }

    /// Takes an item out of its lane again, unless it may be under way; `true` if it was there.
    pub async fn withdraw(&self, lane: &Lane, key: &str) -> Result<bool, Error> {
        let lane = lane.to_string();
        Ok(self.db.run(WITHDRAW, args![&lane, key]).await? > 0)
    }

    /// Whether behind an item another one waits whose key begins with `prefix` and a slash, as this one's does, and comes after
    /// this one's by its characters.
    pub async fn waits_behind(&self, item: &Item, prefix: &str) -> Result<bool, Error> {
        let (lane, to) = (item.lane.to_string(), format!("{prefix}0"));
        let args = args![&lane, item.id, &item.key, &to];
        let row = self.db.row(LATER, args).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.get(0))?;
        Ok(count > 0)
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

/// The values of a new item.
pub(super) fn new_item<'a>(item: &'a NewItem, lane: &'a str, now: i64) -> [Arg<'a>; 6] {
    *args![
        lane,
        item.login_id,
        &item.key,
        &item.payload,
        now,
        item.about.as_deref(),
    ]
}

fn name(row: &Row) -> Result<Lane, Error> {
    super::items::lane(&row.get::<String>(0)?)
}
