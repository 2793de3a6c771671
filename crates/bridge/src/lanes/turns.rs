//! Whose turn it is to carry something: only so many items are carried at once, and neither one room nor one user can have
//! all the places.
//!
//! Whoever has to wait stands in the queue of his login, and the logins are served one after the other: somebody whose
//! rooms are flooded waits for himself. Within a login the lanes come in the order in which they asked, an item each.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// For whom an item is carried: the id of a login, if it has one.
pub(super) type Owner = Option<i64>;

/// The places for what is carried at once.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    state: Arc<Mutex<State>>,
    /// Places in all.
    places: usize,
    /// Places that one owner can have.
    of_one: usize,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    /// Those who have a place, or wait for one.
    owners: HashMap<Owner, Share>,
    /// Those who wait, in the order in which they are served.
    ring: VecDeque<Owner>,
}

#[derive(Debug, Default)]
struct Share {
    taken: usize,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// A place; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    owner: Owner,
}

impl Turn {
    pub(super) fn owner(&self) -> Owner {
        self.owner
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        state.taken = state.taken.saturating_sub(1);
        if let Some(share) = state.owners.get_mut(&self.owner) {
            share.taken = share.taken.saturating_sub(1);
            if share.taken == 0 && share.waiting.is_empty() {
                state.owners.remove(&self.owner);
            }
        }
        drop(state);
        self.turns.serve();
    }
}

impl Turns {
    pub(super) fn new(places: usize, of_one: usize) -> Self {
        Self {
            state: Arc::default(),
            places,
            of_one,
        }
    }

    /// A place, if there is one right now.
    pub(super) fn try_take(&self, owner: Owner) -> Option<Turn> {
        let mut state = self.lock();
        if state.taken >= self.places {
            return None;
        }
        let share = state.owners.entry(owner).or_default();
        if share.taken >= self.of_one || !share.waiting.is_empty() {
            return None;
        }
        share.taken += 1;
        state.taken += 1;
        Some(self.turn(owner))
    }

    /// Waits for a place.
    pub(super) async fn take(&self, owner: Owner) -> Turn {
        loop {
            let (sender, turn) = oneshot::channel();
            {
                let mut state = self.lock();
                let share = state.owners.entry(owner).or_default();
                share.waiting.push_back(sender);
                if !state.ring.contains(&owner) {
                    state.ring.push_back(owner);
                }
            }
            self.serve();
            // The sender stays until somebody is served by it, so an error cannot happen; if it did, we wait again.
            if let Ok(turn) = turn.await {
                return turn;
            }
        }
    }

    /// Gives places to those whose turn it is.
    fn serve(&self) {
        let mut served = Vec::new();
        {
            let mut state = self.lock();
            let mut passed = 0;
            while state.taken < self.places && passed < state.ring.len() {
                let Some(owner) = state.ring.pop_front() else {
                    break;
                };
                let Some(share) = state.owners.get_mut(&owner) else {
                    continue;
                };
                // Those who gave up waiting.
                share.waiting.retain(|waiter| !waiter.is_closed());
                if share.waiting.is_empty() {
                    if share.taken == 0 {
                        state.owners.remove(&owner);
                    }
                    continue;
                }
                if share.taken >= self.of_one {
                    passed += 1;
                    state.ring.push_back(owner);
                    continue;
                }
                if let Some(waiter) = share.waiting.pop_front() {
                    share.taken += 1;
                    served.push((waiter, owner));
                }
                let waits = !share.waiting.is_empty();
                state.taken += 1;
                passed = 0;
                if waits {
                    state.ring.push_back(owner);
                }
            }
        }
        for (waiter, owner) in served {
            // Should he be gone, his place is free again as soon as it is dropped here, outside the lock.
            let _ = waiter.send(self.turn(owner));
        }
    }

    fn turn(&self, owner: Owner) -> Turn {
        Turn {
            turns: self.clone(),
            owner,
        }
    }

    /// How many owners have something to do with it now.
    #[cfg(test)]
    fn owners(&self) -> usize {
        self.lock().owners.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn one_owner_does_not_get_all_places() {
        let turns = Turns::new(4, 3);
        let mine: Vec<_> = (0..4).filter_map(|_| turns.try_take(Some(1))).collect();
        assert_eq!(mine.len(), 3);
        let other = turns.try_take(Some(2));
        assert!(other.is_some());
        assert!(turns.try_take(Some(3)).is_none(), "all are taken");
        drop((mine, other));
        assert_eq!(turns.owners(), 0, "nothing is kept of who is done");
    }

    #[test]
    fn owners_are_served_one_after_the_other() {
        let turns = Turns::new(1, 1);
        let first = turns.take(Some(1)).now_or_never().unwrap();
        let mut flood: Vec<_> = (0..1_000).map(|_| Box::pin(turns.take(Some(1)))).collect();
        for waiting in &mut flood {
            assert!(waiting.now_or_never().is_none());
        }
        let mut late = Box::pin(turns.take(Some(2)));
        assert!((&mut late).now_or_never().is_none());
        assert!(turns.try_take(Some(3)).is_none());
        drop(first);
        let next = (&mut flood[0]).now_or_never().unwrap();
        drop(next);
        let late = late
            .now_or_never()
            .expect("his turn comes after one of the flood's");
        assert!((&mut flood[1]).now_or_never().is_none());
        drop(late);
        assert!((&mut flood[1]).now_or_never().is_some());
    }

    #[test]
    fn who_gives_up_takes_no_place() {
        let turns = Turns::new(1, 1);
        let held = turns.try_take(None).unwrap();
        let mut gone = Box::pin(turns.take(Some(1)));
        assert!((&mut gone).now_or_never().is_none());
        drop(gone);
        let mut patient = Box::pin(turns.take(Some(1)));
        assert!((&mut patient).now_or_never().is_none());
        drop(held);
        // A place that was given to somebody who never looked comes back.
        drop(patient);
        assert!(turns.try_take(Some(2)).is_some());
        assert_eq!(turns.owners(), 0);
    }
}
