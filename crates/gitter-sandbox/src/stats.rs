//! What was asked of the sandbox, counted.

use std::collections::BTreeMap;

/// One kind of request: who asked, how, and for what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestKind {
    /// Username behind the token; None if there was no valid one.
    pub account: Option<String>,
    /// The verb, in capitals.
    pub method: String,
    /// The route with its placeholders, such as `/v1/rooms/:room/chatMessages`; other paths as they are.
    pub route: String,
}

/// Counts since the start, or since they were last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests of each kind, faults and refusals included.
    pub requests: BTreeMap<RequestKind, u64>,
    /// Answers with status 429.
    pub too_many: u64,
    /// How many times a WebSocket was opened.
    pub sockets: u64,
    /// Notifications that were sent to, or queued for, realtime clients.
    pub pushes: u64,
}

impl Stats {
    /// All requests.
    pub fn total(&self) -> u64 {
        self.requests.values().sum()
    }

    /// Requests below `/v1` with this account's token.
    pub fn of_account(&self, username: &str) -> u64 {
        self.sum(|kind| kind.account.as_deref() == Some(username) && kind.route.starts_with("/v1"))
    }

    /// Requests with this verb to this route, whoever asked.
    pub fn of_route(&self, method: &str, route: &str) -> u64 {
        self.sum(|kind| kind.method == method && kind.route == route)
    }

    fn sum(&self, wanted: impl Fn(&RequestKind) -> bool) -> u64 {
        self.requests
            .iter()
            .filter(|(kind, _)| wanted(kind))
            .map(|(_, count)| count)
            .sum()
    }
}
