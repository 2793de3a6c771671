//! A room in which a lot is written at once leaves room for the others: what somebody waits for there is not to stand behind a
//! queue that takes minutes to go out.
//!
//! Lanes send one message after the other, so the rooms of an account take turns by themselves. But together they would use up
//! what Gitter allows in a minute, and whoever then writes elsewhere would wait for the next.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gitter::{Client, Priority};
use remote::RoomId;
use tokio::time::Instant;

/// Over so long it is counted what is written in a room.
const SPAN: Duration = Duration::from_mins(1);

/// Nobody writes more by hand in that time; what does is a queue.
const BY_HAND: u32 = 20;

/// How much was written lately, by room. Holds the rooms of the last minute only, and that is not more than there are requests.
#[derive(Default)]
pub(super) struct Pace(Mutex<HashMap<RoomId, Written>>);

struct Written {
    since: Instant,
    count: u32,
}

impl Pace {
    /// The client to write with in a room.
    pub(super) fn writer(&self, client: &Client, room: &RoomId) -> Client {
        client.with_priority(self.priority(room, Instant::now()))
    }

    fn priority(&self, room: &RoomId, now: Instant) -> Priority {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.retain(|_, written| now.saturating_duration_since(written.since) < SPAN);
        let written = rooms.entry(room.clone()).or_insert(Written {
            since: now,
            count: 0,
        });
        written.count = written.count.saturating_add(1);
        if written.count > BY_HAND {
            Priority::Normal
        } else {
            Priority::Urgent
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_the_room_with_a_queue_stands_back() {
        let pace = Pace::default();
        let (flooded, quiet) = (RoomId::from("a"), RoomId::from("b"));
        let start = Instant::now();
        let of = |room, after| pace.priority(room, start + Duration::from_secs(after));
        for _ in 0..BY_HAND {
            assert_eq!(of(&flooded, 0), Priority::Urgent);
        }
        assert_eq!(of(&flooded, 1), Priority::Normal);
        assert_eq!(of(&quiet, 1), Priority::Urgent);
        assert_eq!(of(&flooded, 60), Priority::Urgent, "a minute later");
        of(&quiet, 1_000);
        assert_eq!(pace.0.lock().unwrap().len(), 1, "what is over is forgotten");
    }
}
