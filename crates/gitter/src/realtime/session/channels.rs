//! Which channels are wanted, and which stand.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::super::{Channel, Notification, Refusal};
use super::ANSWER;

/// How many channels go into one frame. The next batch waits until this one is answered, to spare Gitter: each costs it
/// a look into the database.
const BATCH: usize = 25;
/// How often a channel is tried that Gitter fails to subscribe or to answer for.
const TRIES: u8 = 3;
/// How long to wait before trying a channel again that Gitter failed to subscribe.
const AGAIN: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
enum State {
    /// To be subscribed, from then on.
    Wanted { from: Option<Instant> },
    /// Asked for, under this message id, until then.
    Asked { id: u32, until: Instant },
    /// It stands.
    Stands,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    state: State,
    failures: u8,
}

#[derive(Debug, Default)]
pub(super) struct Channels(BTreeMap<Channel, Entry>);

impl Channels {
    pub(super) fn want(&mut self, channel: Channel) {
        self.0.entry(channel).or_insert(Entry {
            state: State::Wanted { from: None },
            failures: 0,
        });
    }

    /// Whether Gitter has to hear of it.
    pub(super) fn unwant(&mut self, channel: &Channel) -> bool {
        matches!(
            self.0.remove(channel),
            Some(Entry {
                state: State::Asked { .. } | State::Stands,
                ..
            })
        )
    }

    pub(super) fn wants(&self, channel: &Channel) -> bool {
        self.0.contains_key(channel)
    }

    /// All that are about one room.
    pub(super) fn of_room(&self, room: &crate::RoomId) -> Vec<Channel> {
        self.0
            .keys()
            .filter(|channel| channel.room() == Some(room))
            .cloned()
            .collect()
    }

    /// The connection is gone. Those that stand do so still if the client id is kept.
    pub(super) fn lost(&mut self, client_kept: bool) {
        for entry in self.0.values_mut() {
            if !(client_kept && matches!(entry.state, State::Stands)) {
                entry.state = State::Wanted { from: None };
            }
        }
    }

    /// Whether every channel has been answered for. One that waits to be tried again counts as answered.
    pub(super) fn settled(&self) -> bool {
        self.0
            .values()
            .all(|entry| matches!(entry.state, State::Stands | State::Wanted { from: Some(_) }))
    }

    /// The channels to ask for now, with their message ids.
    pub(super) fn batch(&mut self, next_id: &mut u32, now: Instant) -> Vec<(Channel, u32)> {
        if self
            .0
            .values()
            .any(|entry| matches!(entry.state, State::Asked { .. }))
        {
            return Vec::new();
        }
        self.0
            .iter_mut()
            .filter(|(_, entry)| matches!(entry.state, State::Wanted { from: None }))
            .take(BATCH)
            .map(|(channel, entry)| {
                *next_id = next_id.wrapping_add(1);
                entry.state = State::Asked {
                    id: *next_id,
                    until: now + ANSWER,
                };
                (channel.clone(), *next_id)
            })
            .collect()
    }

    /// The channel that was asked for under this message id, if it is still wanted.
    pub(super) fn asked(&self, id: &str) -> Option<Channel> {
        let id: u32 = id.parse().ok()?;
        self.0
            .iter()
            .find(|(_, entry)| matches!(entry.state, State::Asked { id: asked, .. } if asked == id))
            .map(|(channel, _)| channel.clone())
    }

    pub(super) fn stands(&mut self, channel: Channel) -> Notification {
        self.0.insert(
            channel.clone(),
            Entry {
                state: State::Stands,
                failures: 0,
            },
        );
        Notification::Subscribed(channel)
    }

    pub(super) fn refused(&mut self, channel: Channel, why: Refusal) -> Notification {
        self.0.remove(&channel);
        Notification::SubscribeRefused { channel, why }
    }

    /// Gitter failed to subscribe it; it is tried again some times.
    pub(super) fn failed(
        &mut self,
        channel: Channel,
        why: Refusal,
        now: Instant,
    ) -> Option<Notification> {
        let entry = self.0.get_mut(&channel)?;
        entry.failures += 1;
        if entry.failures >= TRIES {
            return Some(self.refused(channel, why));
        }
        entry.state = State::Wanted {
            from: Some(now + AGAIN),
        };
        None
    }

    /// When [`Channels::tick`] is due, or a channel is to be tried again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0
            .values()
            .filter_map(|entry| match entry.state {
                State::Asked { until, .. } => Some(until),
                State::Wanted { from } => from,
                State::Stands => None,
            })
            .min()
    }

    /// Whether some were not answered in time, which calls for another connection, and those given up.
    pub(super) fn tick(&mut self, now: Instant) -> (bool, Vec<Notification>) {
        for entry in self.0.values_mut() {
            if matches!(entry.state, State::Wanted { from: Some(from) } if now >= from) {
                entry.state = State::Wanted { from: None };
            }
        }
        let late: Vec<Channel> = self
            .0
            .iter()
            .filter(|(_, entry)| matches!(entry.state, State::Asked { until, .. } if now >= until))
            .map(|(channel, _)| channel.clone())
            .collect();
        let unanswered = !late.is_empty();
        let given_up = late
            .into_iter()
            .filter_map(|channel| self.failed(channel, Refusal::NoAnswer, now))
            .collect();
        (unanswered, given_up)
    }
}
