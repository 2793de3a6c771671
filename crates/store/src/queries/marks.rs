//! Marks: small named facts about a room or user, for what must happen only once.

use super::sql;
use crate::db::args;
use crate::{Error, Store};

sql! {
    MARK = "INSERT INTO marks (scope, name, set_at) VALUES ($1, $2, $3) ON CONFLICT (scope, name) DO NOTHING";
    MARKED = "SELECT COUNT(*) FROM marks WHERE scope = $1 AND name = $2";
    MARKS = "SELECT name, set_at FROM marks WHERE scope = $1 ORDER BY set_at, name";
    UNMARK_ALL = "DELETE FROM marks WHERE scope = $1";
    UNMARK = "DELETE FROM marks WHERE scope = $1 AND name = $2";
}

impl Store {
    /// Sets a mark; `true` if it was not set before.
    pub async fn mark(&self, scope: &str, name: &str, now: i64) -> Result<bool, Error> {
        Ok(self.db.run(MARK, args![scope, name, now]).await? > 0)
    }

    /// Whether it is set.
    pub async fn marked(&self, scope: &str, name: &str) -> Result<bool, Error> {
        let row = self.db.row(MARKED, args![scope, name]).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.get(0))?;
        Ok(count > 0)
    }

    /// All marks of something, and since when they are set; the oldest first.
    pub async fn marks(&self, scope: &str) -> Result<Vec<(String, i64)>, Error> {
        let rows = self.db.rows(MARKS, args![scope]).await?;
        rows.iter()
            .map(|row| Ok((row.get(0)?, row.get(1)?)))
            .collect()
    }

    /// Takes all marks of something away.
    pub async fn unmark_all(&self, scope: &str) -> Result<(), Error> {
        self.db.run(UNMARK_ALL, args![scope]).await.map(drop)
    }

    /// Takes it away; `true` if it was set.
    pub async fn unmark(&self, scope: &str, name: &str) -> Result<bool, Error> {
        Ok(self.db.run(UNMARK, args![scope, name]).await? > 0)
    }
}
