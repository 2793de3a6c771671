//! Section `database`.

use serde::{Deserialize, Serialize};

use super::problems::Problems;
use super::secret::Secret;

/// Where everything is kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DatabaseConfig {
    /// `sqlite:<file>` or `postgres://user:password@host/name`. Hidden, since it may hold a password.
    pub(crate) uri: Secret,
    /// How many connections are opened at the most.
    pub(crate) max_connections: u32,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            uri: "sqlite:matrix-gitter.db".into(),
            max_connections: 5,
        }
    }
}

impl DatabaseConfig {
    pub(super) fn check(&self, problems: &mut Problems) {
        let uri = self.uri.expose();
        if !["sqlite:", "postgres:", "postgresql:"]
            .iter()
            .any(|scheme| uri.starts_with(scheme))
        {
            problems.refuse(
                "database.uri",
                "it has to begin with `sqlite:` or `postgres://`, such as sqlite:matrix-gitter.db or postgres://user:password@localhost/matrix_gitter",
            );
        } else if uri == "sqlite:"
            || uri.starts_with("sqlite::memory:")
            || uri.contains("mode=memory")
        {
            problems.refuse("database.uri", "name a file, such as sqlite:matrix-gitter.db; what is kept in memory is lost at the next start");
        }
        if self.max_connections == 0 {
            problems.refuse("database.max_connections", "it has to be at least 1");
        }
    }
}
