//! What keeps lanes from going on, for whoever asks.
//!
//! In memory only: after a start each lane tries at once, and stumbles anew. Only lanes with a task have one, so there are
//! never more than those.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use remote::Millis;
use store::Lane;

/// What a lane stumbles over, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// One sentence for the user, without a full stop.
    pub(crate) why: String,
    pub(crate) since: Millis,
}

/// The troubles of all lanes.
#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<HashMap<Lane, Trouble>>);

impl Troubles {
    /// A lane stumbles, perhaps as before.
    pub(super) fn note(&self, lane: &Lane, why: String, now: Millis) {
        let mut troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = troubles.get(lane).map_or(now, |before| before.since);
        troubles.insert(lane.clone(), Trouble { why, since });
    }

    /// It goes on.
    pub(super) fn over(&self, lane: &Lane) {
        let mut troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.remove(lane);
    }

    /// How many lanes stumble.
    pub(super) fn len(&self) -> usize {
        let troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.len()
    }

    pub(super) fn of(&self, lane: &Lane) -> Option<Trouble> {
        let troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.get(lane).cloned()
    }
}
