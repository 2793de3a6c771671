//! The activity feed of a room: what integrations report.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

use super::lenient;
use crate::EventId;

/// An entry of a room's activity feed (Gitter 21.15, recorded sessions `ws_events`, `ws_webhook_event`). Its `Debug` form
/// leaves the text out.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Stable id.
    pub id: EventId,
    /// Markdown.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// The same, rendered.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub html: String,
    /// When.
    pub sent: Timestamp,
    /// Who reports it and what.
    #[serde(default, deserialize_with = "lenient::or_default")]
    meta: Meta,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct Meta {
    #[serde(default, deserialize_with = "lenient::or_default")]
    service: Option<String>,
}

impl Event {
    /// Whether Gitter itself reports that somebody was banned, or no longer is (recorded session `ws_events`).
    pub fn is_about_bans(&self) -> bool {
        self.meta.service.as_deref() == Some("bans")
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Event")
            .field("id", &self.id)
            .field("sent", &self.sent)
            .field("meta", &self.meta)
            .finish_non_exhaustive()
    }
}
