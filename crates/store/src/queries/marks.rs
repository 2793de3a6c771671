//! Marks: small named facts about a room or user, for what must happen only once.

use super::sql;
use crate::db::args;
use crate::{Error, Store};

sql! {
    MARK = "INSERT INTO marks (scope, name, set_at) VALUES ($1, $2, $3) ON CONFLICT (scope, name) DO NOTHING";
    MARKED = "SELECT COUNT(*) FROM marks WHERE scope = $1 AND name = $2";
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

    /// Takes it away; `true` if it was set.
    pub async fn unmark(&self, scope: &str, name: &str) -> Result<bool, Error> {
        Ok(self.db.run(UNMARK, args![scope, name]).await? > 0)
    }
}
