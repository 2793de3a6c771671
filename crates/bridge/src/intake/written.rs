//! When an event was written, by our clock: what waited too long is not sent as if nothing had happened.
//!
//! An event says itself when it was written, by the clock of its sender's homeserver. That is mostly right, and the only thing that
//! tells how long it waited while we, or the way to us, were down. But the clocks of other servers may be off by hours. So
//! what an event says is believed only within what is known otherwise:
//!
//! - nothing was written after it came;
//! - what is pushed to us was not written before the time when the homeserver had last told us everything, which shows by a
//!   transaction with nothing but fresh events in it. (What is read from a timeline may have been: it was left out.)
//! - a clock that is wrong stays wrong by the same, while a backlog catches up. Of a server whose events come late by the same
//!   for a minute, the clock is wrong.
//!
//! All this is in memory: after a start, clocks are believed until they are known.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use remote::Millis;
use ruma::{OwnedServerName, ServerName};

/// Events older than this are not fresh. Well above what synchronised clocks differ by.
const FRESH: Millis = 30_000;
/// For how long events have to be late by the same until the clock is known to be wrong.
const PATIENCE: Millis = 60_000;
/// What is the same.
const SAME: Millis = 15_000;

/// How an event came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The homeserver sent it.
    Pushed,
    /// It was read, since the homeserver may have left it out.
    Read,
}

/// What is known of clocks.
#[derive(Debug, Default)]
pub(crate) struct Clocks(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Then all that had been written before was known.
    up_to_date: Option<Millis>,
    late: HashMap<OwnedServerName, Late>,
}

/// A server whose events come late.
#[derive(Debug)]
struct Late {
    /// By how much, when that was first seen.
    by: Millis,
    since: Millis,
    /// Its clock is wrong by that.
    is_clock: bool,
}

impl State {
    fn behind(&self, server: &ServerName) -> Millis {
        let late = self.late.get(server).filter(|late| late.is_clock);
        late.map_or(0, |late| late.by)
    }
}

impl Clocks {
    /// When an event was written that says it was at `ts`.
    pub(super) fn written(&self, server: &ServerName, ts: Millis, how: How, now: Millis) -> Millis {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = ts.saturating_add(state.behind(server));
        let written = match (how, state.up_to_date) {
            (How::Pushed, Some(then)) => written.max(then),
            _ => written,
        };
        written.min(now)
    }

    /// A transaction with these events came: each one's server, and when it says it was written.
    pub(super) fn came<'a>(
        &self,
        events: impl Iterator<Item = (&'a ServerName, Millis)>,
        now: Millis,
    ) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut any, mut all_fresh) = (false, true);
        for (server, ts) in events {
            let by = now.saturating_sub(ts);
            any = true;
            all_fresh &= by.saturating_sub(state.behind(server)) <= FRESH;
            if by <= FRESH {
                state.late.remove(server);
                continue;
            }
            let late = state.late.entry(server.to_owned()).or_insert(Late {
                by,
                since: now,
                is_clock: false,
            });
            if (by - late.by).abs() > SAME {
                (late.by, late.since, late.is_clock) = (by, now, false);
            } else if now - late.since >= PATIENCE {
                late.is_clock = true;
            }
        }
        if any && all_fresh {
            state.up_to_date = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use ruma::server_name;

    use super::*;

    const HOUR: Millis = 3_600_000;
    const NOW: Millis = 1_700_000_000_000;

    fn came(clocks: &Clocks, server: &ServerName, ts: Millis, now: Millis) -> Millis {
        let written = clocks.written(server, ts, How::Pushed, now);
        clocks.came(std::iter::once((server, ts)), now);
        written
    }

    #[test]
    fn a_backlog_is_as_old_as_it_says() {
        let clocks = Clocks::default();
        let home = server_name!("example.org");
        let (long_ago, later) = (NOW - 2 * HOUR, NOW - HOUR);
        assert_eq!(came(&clocks, home, long_ago, NOW), long_ago);
        assert_eq!(came(&clocks, home, later, NOW + 10), later);
        assert_eq!(came(&clocks, home, later + 1, NOW + 20), later + 1);
        // Nor does it matter that all was well once.
        assert_eq!(came(&clocks, home, NOW, NOW + 30), NOW);
        assert_eq!(came(&clocks, home, NOW + HOUR, NOW + 4 * HOUR), NOW + HOUR);
    }

    #[test]
    fn what_comes_while_all_is_well_was_not_written_long_ago() {
        let clocks = Clocks::default();
        let (home, other) = (server_name!("example.org"), server_name!("other.example"));
        came(&clocks, home, NOW, NOW);
        let now = NOW + 60_000;
        assert_eq!(came(&clocks, other, now - 5 * HOUR, now), NOW);
        // But what was left out may have been.
        assert_eq!(
            clocks.written(home, now - 5 * HOUR, How::Read, now),
            now - 5 * HOUR
        );
    }

    #[test]
    fn a_wrong_clock_is_seen_through() {
        let clocks = Clocks::default();
        let home = server_name!("example.org");
        for (seconds, known) in [(0, false), (5, false), (59, false), (61, false), (62, true)] {
            let now = NOW + seconds * 1000;
            let written = came(&clocks, home, now - 3 * HOUR, now);
            assert_eq!(written == now, known, "after {seconds} s");
        }
        // It is set right.
        let now = NOW + 100_000;
        assert_eq!(came(&clocks, home, now, now), now);
        assert_eq!(came(&clocks, home, now, now + 2 * HOUR), now);
    }

    #[test]
    fn nothing_was_written_later_than_it_came() {
        let clocks = Clocks::default();
        let home = server_name!("example.org");
        assert_eq!(came(&clocks, home, NOW + 5 * HOUR, NOW), NOW);
        for absurd in [i64::MIN, i64::MAX] {
            assert!(came(&clocks, home, absurd, NOW) <= NOW);
        }
    }
}
