//! For how long a transaction waits for what came before it in its rooms.
//!
//! What the homeserver keeps back comes late if a transaction does not wait, and out of its order. But a room that cannot be read at all
//! must not hold up all others for long, whenever something is said there.

use std::{collections::BTreeMap, time::Duration};

use remote::Millis;

/// At most so long: homeservers wait for our answer for half a minute (Conduit, Dendrite) or a whole one (Synapse).
pub(super) const MOST: Duration = Duration::from_secs(25);
/// So long where it was in vain lately.
pub(super) const AGAIN: Duration = Duration::from_secs(2);
/// How long ago that is.
const LATELY: Millis = 600_000;

/// The rooms that were lately waited for in vain.
#[derive(Debug, Default)]
pub(super) struct InVain(BTreeMap<String, Millis>);

impl InVain {
    /// Notes that these rooms were waited for, and not read.
    pub(super) fn note(&mut self, rooms: impl Iterator<Item = String>, now: Millis) {
        self.0.retain(|_, at| now.saturating_sub(*at) < LATELY);
        self.0.extend(rooms.map(|room| (room, now)));
    }

    /// Whether this is one of them.
    pub(super) fn lately(&self, room: &str, now: Millis) -> bool {
        let at = self.0.get(room);
        at.is_some_and(|at| now.saturating_sub(*at) < LATELY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_in_vain_is_not_waited_for_again_and_that_not_for_ever() {
        let mut in_vain = InVain::default();
        in_vain.note(["!bad".to_owned()].into_iter(), 1_000);
        assert!(in_vain.lately("!bad", 2_000));
        assert!(!in_vain.lately("!good", 2_000));
        assert!(!in_vain.lately("!bad", 1_000 + LATELY));
        in_vain.note(["!other".to_owned()].into_iter(), 1_000 + LATELY);
        assert_eq!(in_vain.0.len(), 1, "what is long ago is forgotten");
    }
}
