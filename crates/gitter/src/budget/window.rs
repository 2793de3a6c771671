//! The arithmetic of one window of the rate limit, without waiting.
//!
//! When the window ends is known in two ways. Exactly, from the moment of our own first request in it, if nobody else uses
//! the account. And from `X-RateLimit-Reset`, a time by Gitter's clock, which helps if the window was open already: at a start
//! shortly after the last stop, say. Since the clocks may differ, the second counts only where it is plausible, and where the
//! clock handed in and the answer's `Date` disagree the later end counts.

use std::time::Duration;

use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::Priority;

/// How long a window is.
pub(super) const LENGTH: Duration = Duration::from_mins(1);

/// What Gitter rounds away when it says when the window ends.
const MARGIN: Duration = Duration::from_secs(1);

/// What Gitter allows unless it says otherwise.
const USUAL_LIMIT: u32 = 100;

/// What an answer says about the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    limit: u32,
    remaining: u32,
    /// `X-RateLimit-Reset`, which differs by up to a second within one window.
    reset: Timestamp,
    /// How long until then, if that can be told.
    left: Option<Duration>,
}

impl Report {
    /// Reads `X-RateLimit-Limit`, `-Remaining` and `-Reset` (epoch milliseconds). 401 and 413 answers have none.
    pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> Option<Self> {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        let limit = number("x-ratelimit-limit")?;
        let remaining = number("x-ratelimit-remaining")?.max(0);
        let reset = Timestamp::from_millisecond(number("x-ratelimit-reset")?).ok()?;
        let date = headers
            .get(header::DATE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| jiff::fmt::rfc2822::parse(value).ok())
            .map(|date| date.timestamp());
        let left = [Some(now), date]
            .into_iter()
            .flatten()
            .filter_map(|now| plausible(reset.duration_since(now)))
            .max();
        Some(Self {
            limit: u32::try_from(limit).ok().filter(|limit| *limit > 0)?,
            remaining: u32::try_from(remaining).ok()?,
            reset,
            left,
        })
    }
}

fn plausible(left: SignedDuration) -> Option<Duration> {
    let left = Duration::try_from(left).ok()?;
    (left <= LENGTH + MARGIN).then_some(left)
}

/// A window of the rate limit.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) limit: u32,
    /// Left in this window, not counting those on their way.
    pub(super) left: u32,
    pub(super) in_flight: u32,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Nothing was asked yet: the window may be open since before we started, so one request goes ahead.
    Unknown,
    /// The last window is over, and none is open.
    Closed,
    /// Opened by a request that is on its way, or known from an answer.
    Open {
        ends: Instant,
        reset: Option<Timestamp>,
    },
}

impl Default for Window {
    fn default() -> Self {
        Self {
            limit: USUAL_LIMIT,
            left: USUAL_LIMIT,
            in_flight: 0,
            phase: Phase::Unknown,
        }
    }
}

impl Window {
    /// Notices that the window is over.
    pub(super) fn advance(&mut self, now: Instant) {
        if let Phase::Open { ends, .. } = self.phase
            && now >= ends
        {
            self.phase = Phase::Closed;
            self.left = self.limit;
        }
    }

    /// When it ends.
    pub(super) fn ends(&self) -> Option<Instant> {
        match self.phase {
            Phase::Open { ends, .. } => Some(ends),
            Phase::Unknown | Phase::Closed => None,
        }
    }

    /// Whether one more request may go.
    pub(super) fn allows(&self, priority: Priority) -> bool {
        if matches!(self.phase, Phase::Unknown) {
            return self.in_flight == 0;
        }
        self.left.saturating_sub(self.in_flight) > self.reserve(priority)
    }

    fn reserve(&self, priority: Priority) -> u32 {
        match priority {
            Priority::Urgent => 0,
            Priority::Normal => self.limit / 10,
            Priority::Background => self.limit / 5,
        }
    }

    /// A request goes out now.
    pub(super) fn sent(&mut self, now: Instant) {
        self.advance(now);
        if matches!(self.phase, Phase::Closed) {
            self.phase = Phase::Open {
                ends: now + LENGTH + MARGIN,
                reset: None,
            };
        }
    }

    /// No answer will come, so nobody knows whether Gitter counted the request; take it that it did.
    pub(super) fn unanswered(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    /// An answer came, with what it said about the budget, if anything.
    pub(super) fn reported(&mut self, report: Option<Report>, now: Instant) {
        self.advance(now);
        let Some(report) = report else {
            if matches!(self.phase, Phase::Unknown) {
                // A server that says nothing of a budget; count by ourselves.
                self.phase = Phase::Open {
                    ends: now + LENGTH + MARGIN,
                    reset: None,
                };
            }
            self.unanswered();
            return;
        };
        self.limit = report.limit;
        let known = match self.phase {
            Phase::Open { ends, reset } => Some((ends, reset)),
            Phase::Unknown | Phase::Closed => None,
        };
        // Times within one window differ by rounding only.
        let same = known.is_some_and(|(_, reset)| {
            reset.is_none_or(|reset| {
                report.reset.duration_since(reset).abs() <= SignedDuration::from_secs(2)
            })
        });
        let older = known.is_some_and(|(_, reset)| reset.is_some_and(|reset| report.reset < reset))
            && !same;
        if older {
            // An answer that was long on its way, from the window before this one.
            return;
        }
        let from_report = report.left.map(|left| now + left + MARGIN);
        match known {
            Some((ends, reset)) if same => {
                self.left = self.left.min(report.remaining);
                // The first answer of a window may move its end forward (it was open before we came), never back: our own
                // request cannot be before the window it is counted in.
                let ends = if reset.is_none() {
                    from_report.map_or(ends, |end| end.min(ends))
                } else {
                    ends
                };
                self.phase = Phase::Open {
                    ends,
                    reset: Some(report.reset),
                };
            }
            _ => {
                self.left = report.remaining.min(report.limit);
                let ends = from_report.unwrap_or(now + LENGTH + MARGIN);
                self.phase = Phase::Open {
                    ends,
                    reset: Some(report.reset),
                };
            }
        }
    }

    /// Gitter said 429.
    pub(super) fn exhausted(&mut self, report: Option<Report>, now: Instant) {
        self.reported(report, now);
        self.left = 0;
        let known = self.ends().filter(|end| *end > now);
        // Without a time, or with one that has passed, at least a while.
        let ends = known.unwrap_or(now + LENGTH + MARGIN);
        self.phase = Phase::Open {
            ends,
            reset: report.map(|report| report.reset),
        };
    }
}
