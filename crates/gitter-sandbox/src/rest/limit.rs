//! The budget of requests: so many per minute for each pair of person and OAuth client.

use std::collections::BTreeMap;

use http::HeaderName;
use jiff::Timestamp;

use crate::answer::Answer;
use crate::ids::UserId;

/// A window starts with the first request and ends so many milliseconds later.
const WINDOW: i64 = 60_000;

/// Counts requests.
#[derive(Debug)]
pub(crate) struct Limiter {
    pub(crate) limit: u32,
    windows: BTreeMap<(UserId, String), Window>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    start: i64,
    count: u32,
}

/// What is left of a budget.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    limit: u32,
    remaining: u32,
    reset: i64,
    pub(crate) exceeded: bool,
}

impl Limiter {
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit,
            windows: BTreeMap::new(),
        }
    }

    /// Counts a request, also one that is refused.
    pub(crate) fn count(&mut self, now: Timestamp, user: UserId, client: &str) -> Allowance {
        let now = now.as_millisecond();
        let window = self
            .windows
            .entry((user, client.to_owned()))
            .or_insert(Window {
                start: now,
                count: 0,
            });
        if now >= window.start + WINDOW || now < window.start {
            *window = Window {
                start: now,
                count: 0,
            };
        }
        window.count = window.count.saturating_add(1);
        Allowance {
            limit: self.limit,
            remaining: self.limit.saturating_sub(window.count),
            reset: window.start + WINDOW,
            exceeded: window.count > self.limit,
        }
    }
}

impl Allowance {
    pub(crate) fn tell(self, answer: Answer) -> Answer {
        answer
            .with(
                HeaderName::from_static("x-ratelimit-limit"),
                &self.limit.to_string(),
            )
            .with(
                HeaderName::from_static("x-ratelimit-remaining"),
                &self.remaining.to_string(),
            )
            .with(
                HeaderName::from_static("x-ratelimit-reset"),
                &self.reset.to_string(),
            )
    }
}
