//! Working a lane, and what a user hears about it.

use super::{messages, sql};
use crate::db::{Batch, Row, args};
use crate::{Counts, Error, Item, ItemState, Lane, MessageRow, Queue, Store};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT items.id, lane, login_id, key, payload, items.state, attempts, not_before, accepted_at, note, why, about
                FROM items ",
            $rest
        )
    };
}

sql! {
    NEXT_ITEM = select!("WHERE lane = $1 AND state <> 'failed' ORDER BY id LIMIT 1");
    LAST_ITEMS = select!("WHERE lane = $1 AND state <> 'failed' ORDER BY id DESC LIMIT $2");
    ITEMS_BEHIND = select!("WHERE lane = $1 AND items.id > $2 AND state = 'waiting' ORDER BY items.id LIMIT $3");
    ATTEMPT = "UPDATE items SET state = 'attempting', attempts = attempts + 1, note = $2, changed_at = $3 WHERE id = $1";
    POSTPONE = "UPDATE items SET state = 'waiting', not_before = $2, why = $3 WHERE id = $1 AND state <> 'failed'";
    NOTE_ITEM = "UPDATE items SET note = $2 WHERE id = $1";
    HEAD = "SELECT MIN(id) FROM items WHERE lane = $1 AND state <> 'failed'";
    FAIL_ITEM = "UPDATE items SET state = 'failed', why = $2, changed_at = $3 WHERE id = $1";
    DONE_AT = "UPDATE seen SET seen_at = $2 WHERE key = (SELECT key FROM items WHERE id = $1)";
    DELETE_ITEM = "DELETE FROM items WHERE id = $1";
    FAILED_ITEMS = select!("JOIN logins ON logins.id = login_id WHERE mxid = $1 AND items.state = 'failed' ORDER BY items.id");
    FIRST_FAILED = select!("JOIN logins ON logins.id = login_id WHERE mxid = $1 AND items.state = 'failed' ORDER BY items.id LIMIT $2");
    RETRY_ITEM = "UPDATE items SET state = 'waiting', not_before = NULL, why = NULL WHERE id = $1 AND state = 'failed'";
    // Unless it was changed since it was read, it is done as it is to be now.
    RETRY_AS = "UPDATE items SET state = 'waiting', not_before = NULL, why = NULL,
        payload = CASE WHEN payload = $2 THEN $3 ELSE payload END WHERE id = $1 AND state = 'failed'";
    DISCARD_ITEM = "DELETE FROM items WHERE id = $1 AND state = 'failed'";
    COUNT_ITEMS = "SELECT COUNT(*) FILTER (WHERE items.state = 'waiting'),
            COUNT(*) FILTER (WHERE items.state = 'attempting'), COUNT(*) FILTER (WHERE items.state = 'failed'),
            MIN(accepted_at) FILTER (WHERE items.state <> 'failed')
        FROM items JOIN logins ON logins.id = login_id WHERE mxid = $1";
    QUEUES = "SELECT lane, COUNT(*), MIN(accepted_at) FROM items JOIN logins ON logins.id = login_id
        WHERE mxid = $1 AND items.state <> 'failed' GROUP BY lane ORDER BY MIN(accepted_at), lane";
    // Not with OR, for which SQLite would read all of the lane.
    ABOUT = select!("WHERE lane = $1 AND items.state = 'waiting' AND about IN (SELECT $2
        UNION ALL SELECT key FROM items WHERE lane = $1 AND about = $2 AND state = 'waiting') ORDER BY items.id");
    FAILED_ITEM = select!("WHERE lane = $1 AND key = $2 AND items.state = 'failed'");
    FAILED_ABOUT = select!("WHERE lane = $1 AND about = $2 AND items.state = 'failed' ORDER BY items.id");
    WAITS = "SELECT COUNT(*) FROM items WHERE lane = $1 AND key = $2 AND state <> 'failed'";
    BEING_CHANGED = "SELECT COUNT(*) FROM items WHERE lane = $1 AND about = $2 AND state = 'attempting'";
    WAITS_AHEAD = "SELECT COUNT(*) FROM items WHERE lane = $1 AND id < $2 AND key = $3 AND state <> 'failed'";
    REWRITE_ITEM = "UPDATE items SET payload = $2 WHERE id = $1";
    ABSORB_ITEM = "DELETE FROM items WHERE id = $1 AND state = 'waiting'";
    ATTEMPTING_IN = "SELECT COUNT(*) FROM items WHERE lane = $1 AND state = 'attempting'";
}

impl Store {
    /// The oldest item of a lane that was not given up.
    pub async fn next_item(&self, lane: &Lane) -> Result<Option<Item>, Error> {
        let row = self.db.row(NEXT_ITEM, args![&lane.to_string()]).await?;
        row.as_ref().map(item).transpose()
    }

    /// The newest items of a lane that were not given up, newest first, at most so many.
    pub async fn last_items(&self, lane: &Lane, limit: u32) -> Result<Vec<Item>, Error> {
        let lane = lane.to_string();
        let args = args![&lane, i64::from(limit)];
        let rows = self.db.rows(LAST_ITEMS, args).await?;
        rows.iter().map(item).collect()
    }

    /// The oldest items that wait in a lane behind the one with this id, oldest first, at most so many.
    pub async fn items_behind(&self, lane: &Lane, id: i64, limit: u32) -> Result<Vec<Item>, Error> {
        let lane = lane.to_string();
        let args = args![&lane, id, i64::from(limit)];
        let rows = self.db.rows(ITEMS_BEHIND, args).await?;
        rows.iter().map(item).collect()
    }

    /// Says that it is about to be carried out, with what is needed to find out afterwards whether it was.
    pub async fn attempt(&self, id: i64, note: Option<&str>, now: i64) -> Result<(), Error> {
        self.db.run(ATTEMPT, args![id, note, now]).await.map(drop)
    }

    /// Says that it surely was not carried out, and is not to be tried before that time. The note stays.
    pub async fn postpone(&self, id: i64, not_before: i64, why: &str) -> Result<(), Error> {
        self.db
            .run(POSTPONE, args![id, not_before, why])
            .await
            .map(drop)
    }

    /// Keeps something else beside it.
    pub async fn note_item(&self, id: i64, note: &str) -> Result<(), Error> {
        self.db.run(NOTE_ITEM, args![id, note]).await.map(drop)
    }

    /// Gives it up: the lane goes on without it, and the user can try it again.
    pub async fn fail_item(&self, id: i64, why: &str, now: i64) -> Result<(), Error> {
        self.db.run(FAIL_ITEM, args![id, why, now]).await.map(drop)
    }

    /// The same for several, in one commit.
    pub async fn fail_items(&self, ids: &[i64], why: &str, now: i64) -> Result<(), Error> {
        let mut batch = Batch::new();
        for id in ids {
            batch.add(FAIL_ITEM, args![*id, why, now]);
        }
        self.db.commit(&batch).await.map(drop)
    }

    /// The id of what [`Store::next_item`] gives, even if nothing else of it can be read.
    pub async fn head(&self, lane: &Lane) -> Result<Option<i64>, Error> {
        let row = self.db.row(HEAD, args![&lane.to_string()]).await?;
        row.map_or(Ok(None), |row| row.get(0))
    }

    /// It is done: what it became is stored and the item deleted, in one commit. Its key counts as seen from now on. Gives
    /// the lane's next item, as [`Store::next_item`] does.
    pub async fn finish(
        &self,
        done: &Item,
        rows: &[MessageRow],
        now: i64,
    ) -> Result<Option<Item>, Error> {
        let lane = done.lane.to_string();
        let mut batch = Batch::new();
        messages::put(&mut batch, rows);
        batch.add(DONE_AT, args![done.id, now]);
        batch.add(DELETE_ITEM, args![done.id]);
        batch.add(NEXT_ITEM, args![&lane]);
        let answers = self.db.commit(&batch).await?;
        let next = answers.last().and_then(|answer| answer.rows.first());
        next.map(item).transpose()
    }

    /// What waits in a lane that is about an item, or about such an item, in order.
    pub async fn items_about(&self, lane: &Lane, key: &str) -> Result<Vec<Item>, Error> {
        let rows = self.db.rows(ABOUT, args![&lane.to_string(), key]).await?;
        rows.iter().map(item).collect()
    }

    /// The item with this key, if the lane gave it up.
    pub async fn failed_item(&self, lane: &Lane, key: &str) -> Result<Option<Item>, Error> {
        let row = self
            .db
            .row(FAILED_ITEM, args![&lane.to_string(), key])
            .await?;
        row.as_ref().map(item).transpose()
    }

    /// What was given up in a lane of what is about an event, oldest first.
    pub async fn failed_about(&self, lane: &Lane, event: &str) -> Result<Vec<Item>, Error> {
        let rows = self
            .db
            .rows(FAILED_ABOUT, args![&lane.to_string(), event])
            .await?;
        rows.iter().map(item).collect()
    }

    /// Whether the item with this key is in the lane and not given up.
    pub async fn waits(&self, lane: &Lane, key: &str) -> Result<bool, Error> {
        let row = self.db.row(WAITS, args![&lane.to_string(), key]).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.get(0))?;
        Ok(count > 0)
    }

    /// Whether something is being done about an event.
    pub async fn is_being_changed(&self, lane: &Lane, event: &str) -> Result<bool, Error> {
        let lane = lane.to_string();
        let row = self.db.row(BEING_CHANGED, args![&lane, event]).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.get(0))?;
        Ok(count > 0)
    }

    /// Whether the item with this key is in an item's lane, before it, and not given up: somebody tries it again.
    pub async fn waits_ahead(&self, of: &Item, key: &str) -> Result<bool, Error> {
        let lane = of.lane.to_string();
        let args = args![&lane, of.id, key];
        let row = self.db.row(WAITS_AHEAD, args).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.get(0))?;
        Ok(count > 0)
    }

    /// Gives an item something else to do.
    pub async fn rewrite_item(&self, id: i64, payload: &str) -> Result<(), Error> {
        self.db
            .run(REWRITE_ITEM, args![id, payload])
            .await
            .map(drop)
    }

    /// Takes items that wait out of their lane, since another one did what they are for. Their keys count as seen from now on.
    pub async fn absorb(&self, ids: &[i64], now: i64) -> Result<(), Error> {
        let mut batch = Batch::in_turn();
        for id in ids {
            batch.add(DONE_AT, args![*id, now]);
            batch.add(ABSORB_ITEM, args![*id]);
        }
        self.db.commit(&batch).await.map(drop)
    }

    /// What a logged-in user's lanes gave up, oldest first; that order never changes. What cannot be read of one is empty.
    pub async fn failed_items(&self, mxid: &str) -> Result<Vec<Item>, Error> {
        let rows = self.db.rows(FAILED_ITEMS, args![mxid]).await?;
        let readable = |row| item(row).or_else(|_| remains(row));
        rows.iter().map(readable).collect()
    }

    /// The first of what [`Store::failed_items`] gives, at most so many.
    pub async fn first_failed(&self, mxid: &str, limit: u32) -> Result<Vec<Item>, Error> {
        let args = args![mxid, i64::from(limit)];
        let rows = self.db.rows(FIRST_FAILED, args).await?;
        let readable = |row| item(row).or_else(|_| remains(row));
        rows.iter().map(readable).collect()
    }

    /// Puts a failed item back into its lane, at the place it had; `false` if there is no such item.
    pub async fn retry_item(&self, id: i64) -> Result<bool, Error> {
        Ok(self.db.run(RETRY_ITEM, args![id]).await? > 0)
    }

    /// Deletes a failed item; `false` if there is no such item.
    pub async fn discard_item(&self, id: i64) -> Result<bool, Error> {
        Ok(self.db.run(DISCARD_ITEM, args![id]).await? > 0)
    }

    /// Puts failed items back into their lanes, each with the payload beside it unless it has another one by now, and notes that
    /// at the item that asked for it: in one commit, so that it happens once.
    pub async fn retry_items(
        &self,
        items: &[(Item, String)],
        by: i64,
        note: &str,
    ) -> Result<(), Error> {
        let mut batch = Batch::new();
        for (item, payload) in items {
            batch.add(RETRY_AS, args![item.id, &item.payload, payload]);
        }
        batch.add(NOTE_ITEM, args![by, note]);
        self.db.commit(&batch).await.map(drop)
    }

    /// Deletes failed items, and notes that as [`Store::retry_items`] does.
    pub async fn discard_items(&self, ids: &[i64], by: i64, note: &str) -> Result<(), Error> {
        let mut batch = Batch::new();
        for id in ids {
            batch.add(DISCARD_ITEM, args![*id]);
        }
        batch.add(NOTE_ITEM, args![by, note]);
        self.db.commit(&batch).await.map(drop)
    }

    /// How many items a logged-in user has.
    pub async fn count_items(&self, mxid: &str) -> Result<Counts, Error> {
        let Some(row) = self.db.row(COUNT_ITEMS, args![mxid]).await? else {
            return Ok(Counts::default());
        };
        Ok(Counts {
            waiting: row.get(0)?,
            attempting: row.get(1)?,
            failed: row.get(2)?,
            oldest: row.get(3)?,
        })
    }

    /// In which lanes a logged-in user's items wait or are being carried out; that with the oldest one first.
    pub async fn queues(&self, mxid: &str) -> Result<Vec<Queue>, Error> {
        let rows = self.db.rows(QUEUES, args![mxid]).await?;
        let queues = rows.iter().map(|row| {
            Ok(Queue {
                lane: lane(&row.get::<String>(0)?)?,
                items: row.get(1)?,
                since: row.get(2)?,
            })
        });
        queues.collect()
    }

    /// Whether something in a lane is being carried out, or may have been.
    pub async fn attempting_in(&self, lane: &Lane) -> Result<bool, Error> {
        let row = self.db.row(ATTEMPTING_IN, args![&lane.to_string()]).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.get(0))?;
        Ok(count > 0)
    }
}

pub(super) fn lane(text: &str) -> Result<Lane, Error> {
    text.parse()
        .map_err(|_| Error::Corrupt("the name of a lane".to_owned()))
}

pub(super) fn item(row: &Row) -> Result<Item, Error> {
    Ok(Item {
        id: row.get(0)?,
        lane: lane(&row.get::<String>(1)?)?,
        login_id: row.get(2)?,
        key: row.get(3)?,
        payload: row.get(4)?,
        state: state(&row.get::<String>(5)?)?,
        attempts: row.get(6)?,
        not_before: row.get(7)?,
        accepted_at: row.get(8)?,
        note: row.get(9)?,
        why: row.get(10)?,
        about: row.get(11)?,
    })
}

/// What can be read of an item that was given up since it is corrupt.
fn remains(row: &Row) -> Result<Item, Error> {
    let text = |column| row.get::<String>(column).unwrap_or_default();
    Ok(Item {
        id: row.get(0)?,
        lane: lane(&row.get::<String>(1)?)?,
        login_id: row.get(2)?,
        key: text(3),
        payload: text(4),
        state: ItemState::Failed,
        attempts: row.get(6).unwrap_or_default(),
        not_before: None,
        accepted_at: row.get(8).unwrap_or_default(),
        note: None,
        why: row.get(10).unwrap_or_default(),
        about: None,
    })
}

fn state(word: &str) -> Result<ItemState, Error> {
    match word {
        "waiting" => Ok(ItemState::Waiting),
        "attempting" => Ok(ItemState::Attempting),
        "failed" => Ok(ItemState::Failed),
        _ => Err(Error::Corrupt("the state of an item".to_owned())),
    }
}
