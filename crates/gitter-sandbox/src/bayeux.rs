//! Realtime: Bayeux as Faye 1.1 speaks it, over WebSocket and long-polling.
//!
//! `hub` keeps the clients and delivers to them, `message` answers one Bayeux message, `channels` knows who may subscribe to
//! what and what a snapshot of it is, `socket` and `poll` carry messages over the two transports.

pub(crate) mod channels;
pub(crate) mod hub;
pub(crate) mod message;
pub(crate) mod poll;
pub(crate) mod socket;

use std::time::Duration;

use serde_json::{Value, json};

/// A connect is held this long (recorded session `ws_ping_idle`).
pub(crate) const TIMEOUT: Duration = Duration::from_mins(2);
/// The same at the legacy address `/faye` (recorded session `legacy_endpoint`).
pub(crate) const LEGACY_TIMEOUT: Duration = Duration::from_mins(5);

fn advice(timeout: Duration) -> Value {
    let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
    json!({ "reconnect": "retry", "interval": 500, "timeout": millis })
}

/// What a client is told whose id is not known any more.
fn start_anew() -> Value {
    json!({ "reconnect": "handshake", "interval": 2000 })
}
