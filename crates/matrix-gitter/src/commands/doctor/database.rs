//! Whether the database can be used. Looks only: `run` is what makes and migrates it.

use store::{Probe, Store};

use super::Finding;
use crate::config::Config;
use crate::exit::Status;
use crate::wiring;

const WHAT: &str = "database";

pub(super) async fn check(config: &Config) -> Finding {
    let (options, key) = match wiring::database(config) {
        Ok(parts) => parts,
        Err(failure) => {
            return Finding::failed(WHAT, &failure.message, "change it", failure.status);
        }
    };
    match Store::probe(&options, &key).await {
        Ok(Probe::Current) => Finding::ok(WHAT, "it opens, and the secret key fits"),
        Ok(Probe::Absent) => Finding::ok(WHAT, "there is none yet; the first start makes it"),
        Ok(Probe::Older) => Finding::ok(
            WHAT,
            "it is of an older version; the next start brings it up to date",
        ),
        Err(error) => Finding::failed(
            WHAT,
            &error.to_string(),
            "see `database.uri` and `bridge.secret_key`",
            Status::Database,
        ),
    }
}
