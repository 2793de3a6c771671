//! The right to work a lane.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use store::Lane;
use tokio::sync::Notify;

/// Which lanes are leased, and what their tasks have been told.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases(Arc<Mutex<HashMap<Lane, Leased>>>);

#[derive(Debug, Default)]
struct Leased {
    nudge: Arc<Notify>,
    /// Something was put into the lane, or changed, since its task last looked.
    woken: bool,
}

impl Leases {
    /// The lane, unless somebody has it; he is told to look again then.
    pub(super) fn take(&self, lane: &Lane) -> Option<Lease> {
        let mut known = self.lock();
        if let Some(leased) = known.get_mut(lane) {
            leased.woken = true;
            return None;
        }
        let nudge = known.entry(lane.clone()).or_default().nudge.clone();
        drop(known);
        Some(Lease {
            lane: lane.clone(),
            leases: self.clone(),
            nudge,
            inherited: false,
            released: false,
        })
    }

    /// Ends the wait of whoever has the lane.
    pub(super) fn nudge(&self, lane: &Lane) {
        if let Some(leased) = self.lock().get(lane) {
            leased.nudge.notify_one();
        }
    }

    /// How many lanes are leased.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Lane, Leased>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to work a lane, held by its task and by nobody else at the same time. Ends with
/// [`Lease::release`], or when dropped.
#[derive(Debug)]
pub(super) struct Lease {
    lane: Lane,
    leases: Leases,
    nudge: Arc<Notify>,
    inherited: bool,
    released: bool,
}

impl Lease {
    /// The same, for a lane which another life may have been working when it ended.
    pub(super) fn inherited(mut self) -> Self {
        self.inherited = true;
        self
    }

    /// The lane.
    pub(super) fn lane(&self) -> &Lane {
        &self.lane
    }

    /// Whether another life may have been working it.
    pub(super) fn is_inherited(&self) -> bool {
        self.inherited
    }

    /// Comes back when somebody says that what the lane waits for has changed.
    pub(super) async fn nudged(&self) {
        self.nudge.notified().await;
    }

    /// Forgets that something was put in: to be called before looking for an item.
    pub(super) fn looking(&self) {
        if let Some(leased) = self.leases.lock().get_mut(&self.lane) {
            leased.woken = false;
        }
    }

    /// Gives the lane back, unless something was put in since [`Lease::looking`]; then it says `false` and
    /// the holder has to look again.
    pub(super) fn release(&mut self) -> bool {
        let mut leases = self.leases.lock();
        if leases.get(&self.lane).is_some_and(|leased| leased.woken) {
            return false;
        }
        leases.remove(&self.lane);
        self.released = true;
        true
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.released {
            self.leases.lock().remove(&self.lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_has_one_holder_at_a_time() {
        let leases = Leases::default();
        let lane = Lane::ToMatrix(1);
        let mut held = leases.take(&lane).unwrap();
        held.looking();
        assert!(leases.take(&lane).is_none());
        assert!(
            !held.release(),
            "somebody put something in after the holder looked"
        );
        held.looking();
        assert!(held.release());
        let next = leases.take(&lane).unwrap();
        drop(held);
        assert!(
            leases.take(&lane).is_none(),
            "a released lease says nothing about the next one"
        );
        drop(next);
        assert_eq!(leases.len(), 0);
    }
}
