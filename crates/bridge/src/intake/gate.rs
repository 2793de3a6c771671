//! Whether a transaction is taken now, so that what the homeserver sends stays in order.
//!
//! When a transaction fails, Synapse (1.163, read and seen) takes us for down and then sends the oldest first, but may
//! send the next one before it has noticed: newer events would overtake. So:
//!
//! - A bridge that has just started refuses transactions until its ping went through.
//! - While a transaction that was refused, or could not be stored, has not come again, newer ones are refused too.
//!
//! Nothing else is ever refused: at the end of each recovery Synapse may forget an event (see [`super::missed`]), and
//! everything waits for a recovery. Every refusal is followed by a ping, since that ends the homeserver's patience.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use remote::Millis;

use crate::{Ctx, lanes::Backoff};

/// For how long to refuse everything at most, where no ping goes through: not every homeserver knows them.
pub(crate) const LONGEST: Duration = Duration::from_secs(5);
/// For how long to wait at most for what was refused. Homeservers that were killed do not send it again.
const OWED: Millis = 10_000;
/// For how long after the last refusal, or the start, something may come that the homeserver forgot.
const UNSETTLED: Millis = 10_000;
/// How long the homeserver may take to notice that it was refused.
const NOTICES: Duration = Duration::from_millis(300);

/// What the homeserver sent, and whether it is taken.
#[derive(Debug, Default)]
pub struct Gate(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    open: bool,
    /// Somebody is about to ask the homeserver to try again.
    asking: bool,
    /// What was refused and has to come before anything newer.
    owed: Option<Owed>,
    unsettled_until: Millis,
}

/// A transaction that was not taken.
#[derive(Debug)]
struct Owed {
    id: String,
    until: Millis,
}

impl Gate {
    /// Takes transactions from now on.
    pub fn open(&self, now: Millis) {
        let mut state = self.lock();
        if !state.open {
            state.open = true;
            state.unsettled_until = now + UNSETTLED;
            if let Some(owed) = &mut state.owed {
                owed.until = now + OWED;
            }
        }
    }

    /// Whether to take this transaction now.
    pub(super) fn takes(&self, id: &str, now: Millis) -> bool {
        let mut state = self.lock();
        if !state.open {
            state.refuse(id, now);
            return false;
        }
        match &state.owed {
            Some(owed) if owed.id != id && !is_older(id, &owed.id) && now < owed.until => {
                state.unsettled_until = now + UNSETTLED;
                false
            }
            _ => true,
        }
    }

    /// This transaction was taken.
    pub(super) fn taken(&self, id: &str, now: Millis) {
        let mut state = self.lock();
        let met = |owed: &Owed| owed.id == id || owed.until <= now;
        if state.owed.as_ref().is_some_and(met) {
            state.owed = None;
        }
    }

    /// This transaction could not be stored.
    pub(super) fn failed(&self, id: &str, now: Millis) {
        self.lock().refuse(id, now);
    }

    /// An answer of ours got lost, which is no other thing for the homeserver than a refusal.
    pub(super) fn was_unheard(&self, now: Millis) {
        self.lock().unsettled_until = now + UNSETTLED;
    }

    /// Whether something was refused lately, or we have just started, so that the homeserver may have forgotten an event.
    pub(super) fn is_unsettled(&self, now: Millis) -> bool {
        now < self.lock().unsettled_until
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn refuse(&mut self, id: &str, now: Millis) {
        self.unsettled_until = now + UNSETTLED;
        let waits_for_another = self
            .owed
            .as_ref()
            .is_some_and(|owed| owed.id != id && !is_older(id, &owed.id));
        if !waits_for_another {
            self.owed = Some(Owed {
                id: id.to_owned(),
                until: now + OWED,
            });
        }
    }
}

/// Whether a transaction was made before another, as far as the ids tell. Synapse counts them; others use hashes.
fn is_older(id: &str, than: &str) -> bool {
    match (id.parse::<u64>(), than.parse::<u64>()) {
        (Ok(id), Ok(than)) => id < than,
        _ => false,
    }
}

/// After a refusal: has the homeserver try again at once, or as soon as it can be reached. By itself it may wait for minutes.
pub(super) fn ask_again(world: &Ctx) {
    if std::mem::replace(&mut world.gate.lock().asking, true) {
        return;
    }
    let ctx = world.clone();
    world.spawn_until_stop(async move {
        let mut wait = Backoff::default();
        tokio::time::sleep(NOTICES).await;
        // From here on, a refusal is a reason to ask once more.
        ctx.gate.lock().asking = false;
        while let Err(error) = ctx.homeserver.ping(&format!("again-{}", ctx.now())).await {
            tracing::debug!(%error, "the homeserver is not asked to try again yet");
            // Some know no pings.
            if !error.is_transient() || ctx.gate.lock().asking {
                return;
            }
            tokio::time::sleep(wait.next(&ctx)).await;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        let gate = Gate::default();
        gate.open(0);
        gate
    }

    #[test]
    fn nothing_passes_before_it_is_open() {
        let gate = Gate::default();
        assert!(!gate.takes("1", 0));
        gate.open(0);
        assert!(gate.takes("1", 0));
    }

    #[test]
    fn gaps_in_the_numbers_mean_nothing() {
        let gate = gate();
        for id in [
            "40",
            "50",
            "49",
            "7",
            "q6xY",
            "",
            "-5",
            "99999999999999999999999",
        ] {
            assert!(gate.takes(id, 1), "{id}");
            gate.taken(id, 1);
        }
    }

    #[test]
    fn what_was_refused_comes_before_anything_newer() {
        let gate = Gate::default();
        assert!(!gate.takes("7", 0));
        assert!(!gate.takes("8", 0));
        gate.open(1);
        assert!(!gate.takes("8", 2), "it has overtaken");
        assert!(gate.takes("6", 3), "older, of an earlier time");
        gate.taken("6", 3);
        assert!(!gate.takes("8", 4));
        for id in ["7", "8", "10"] {
            assert!(gate.takes(id, 5), "{id}");
            gate.taken(id, 5);
        }
    }

    #[test]
    fn what_could_not_be_stored_comes_before_anything_newer() {
        let gate = gate();
        assert!(gate.takes("7", 0));
        gate.failed("7", 0);
        assert!(!gate.takes("8", 1));
        assert!(gate.takes("7", 2));
        gate.failed("7", 2);
        assert!(gate.takes("7", 3));
        gate.taken("7", 3);
        assert!(gate.takes("8", 4));
    }

    #[test]
    fn ids_without_order_work_too() {
        let gate = Gate::default();
        assert!(!gate.takes("b", 0));
        assert!(!gate.takes("a", 0));
        gate.open(1);
        assert!(!gate.takes("a", 2));
        assert!(gate.takes("b", 2));
        gate.taken("b", 2);
        assert!(gate.takes("a", 2));
    }

    #[test]
    fn what_never_comes_again_is_not_waited_for() {
        let gate = gate();
        gate.failed("7", 0);
        assert!(!gate.takes("1000", OWED - 1));
        assert!(gate.takes("1000", OWED));
        gate.taken("1000", OWED);
        assert!(gate.takes("1001", OWED));
    }

    #[test]
    fn it_is_unsettled_after_the_start_and_after_refusals() {
        let gate = gate();
        assert!(gate.is_unsettled(UNSETTLED - 1) && !gate.is_unsettled(UNSETTLED));
        gate.failed("7", 20_000);
        assert!(gate.is_unsettled(20_000 + UNSETTLED - 1));
        assert!(!gate.is_unsettled(20_000 + UNSETTLED));
    }

    #[test]
    fn absurd_times_do_no_harm() {
        let gate = gate();
        for now in [i64::MIN / 2, 0, i64::MAX / 2] {
            gate.failed("7", now);
            gate.takes("8", now);
            gate.taken("7", now);
        }
    }
}
