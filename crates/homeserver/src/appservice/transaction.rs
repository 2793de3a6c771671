//! A transaction: events the homeserver pushes to us.

use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::problem::Problem;
use crate::IncomingEvent;

/// What one transaction brought (Matrix spec, application services, "Pushing events"). Synapse puts at most 100 events
/// into one, and has only one in flight.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transaction {
    /// In the order of the homeserver.
    pub events: Vec<IncomingEvent>,
    /// Typing, receipts, presence. Lost if we fail: the homeserver does not repeat them.
    pub ephemeral: Vec<Value>,
    /// How many entries were no events we could read. They are left out for good.
    pub malformed: usize,
    /// Where the connection came from, if the server says so (`into_make_service_with_connect_info`). A homeserver that
    /// was restarted comes from elsewhere.
    pub peer: Option<SocketAddr>,
}

/// Bytes of typing and receipts that are read; Synapse sends a few kilobytes. They are read into much more memory than
/// that.
const MAX_EPHEMERAL: usize = 1024 * 1024;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    events: Option<&'a RawValue>,
    #[serde(borrow, default)]
    ephemeral: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "de.sorunome.msc2409.ephemeral")]
    unstable_ephemeral: Option<&'a RawValue>,
}

impl Transaction {
    /// Reads a body. One bad event never spoils the others, since a refused transaction would come again for ever.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Problem> {
        // First whether it is JSON at all; this neither builds anything nor recurses.
        let whole: &RawValue = serde_json::from_slice(body).map_err(|_| Problem::not_json())?;
        let no_object = || Problem::bad_json("a transaction is an object");
        // Serde would take a list for an object whose fields come without names.
        if !whole.get().starts_with('{') {
            return Err(no_object());
        }
        let body: Body<'_> = serde_json::from_str(whole.get()).map_err(|_| no_object())?;
        let raw: Vec<&RawValue> = match body.events {
            None => Vec::new(),
            Some(list) => serde_json::from_str(list.get())
                .map_err(|_| Problem::bad_json("`events` is a list"))?,
        };
        let mut transaction = Self::default();
        let mut reason = None;
        for json in raw {
            match IncomingEvent::parse(json.get(), None) {
                Ok(event) => transaction.events.push(event),
                Err(why) => {
                    transaction.malformed += 1;
                    reason.get_or_insert(why);
                }
            }
        }
        if let Some(why) = reason {
            // One line, however many there are.
            let count = transaction.malformed;
            tracing::warn!(count, %why, "left out malformed events");
        }
        // Of no lasting worth, so whatever does not fit is left out.
        transaction.ephemeral = body
            .ephemeral
            .or(body.unstable_ephemeral)
            .filter(|list| list.get().len() <= MAX_EPHEMERAL)
            .and_then(|list| serde_json::from_str(list.get()).ok())
            .unwrap_or_default();
        Ok(transaction)
    }
}
