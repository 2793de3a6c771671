//! Whether a transaction is taken now, so that what the homeserver sends stays in order, and complete.
//!
//! Synapse (1.163, read and seen) has two gaps around the time in which we are away. When a transaction fails, it may
//! send the next one at once, before it takes us for down and keeps order: newer events overtake. And an event that
//! comes while it finishes its backlog may become a transaction that it forgets to send, until it next takes
//! us for down. So:
//!
//! - A bridge that has just started refuses transactions until its ping went through; the homeserver then begins with
//!   the oldest.
//! - For a while after that, or after events which came late, a transaction whose number is not the next one is refused
//!   once. If there was one before it, the homeserver now sends that first. Numbers are shared by all appservices of
//!   a homeserver, so mostly there was none; after a few refusals in vain we take what comes.
//! - After late events, or the first ones after a refusal, the bot says that it has read the last one. The homeserver
//!   tells us of that, and shows by the number whether it forgot something. If that number is not the next one, it is refused once,
//!   however often that was in vain, since only a refusal makes the homeserver look. What it finds then is late in turn.
//!
//! Every refusal is followed by a ping, since that ends the homeserver's patience.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use homeserver::Actor;
use remote::Millis;
use ruma::{OwnedEventId, OwnedRoomId};

use crate::Ctx;

/// For how long to refuse everything at most, where no ping goes through: not every homeserver knows them.
pub(crate) const LONGEST: Duration = Duration::from_secs(5);
/// Events older than this were held back by the homeserver.
const LATE: Millis = 1_500;
/// For how long numbers are looked at.
const WATCH: Millis = 10_000;
/// After so many refusals in vain, numbers say nothing.
const IN_VAIN: u32 = 3;
/// How long to let the homeserver get through its backlog.
const BACKLOG: Duration = Duration::from_secs(3);
/// How long the homeserver may take to notice that it was refused.
const NOTICES: Duration = Duration::from_millis(300);

/// What the homeserver sent, and whether it is taken.
#[derive(Debug, Default)]
pub struct Gate(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    open: bool,
    /// Number of the last transaction that was taken.
    last: Option<u64>,
    /// Numbers are looked at until then.
    watch_until: Millis,
    /// Numbers that were refused because others were missing before them.
    refused: Vec<u64>,
    in_vain: u32,
    /// Something was refused, so that the homeserver now has a backlog.
    held_back: bool,
    /// The next transaction is refused once unless its number is the next one, even where numbers say nothing: refusing is
    /// what makes the homeserver look for what it forgot.
    asked: bool,
    /// The last late event, while the bot has yet to say that it has read it.
    unread: Option<(OwnedRoomId, OwnedEventId)>,
}

impl Gate {
    /// Takes transactions from now on.
    pub fn open(&self, now: Millis) {
        let mut state = self.lock();
        if !state.open {
            state.open = true;
            state.watch_until = now + WATCH;
        }
    }

    /// Whether to take this transaction now.
    pub(super) fn takes(&self, id: &str, now: Millis) -> bool {
        let mut state = self.lock();
        if !state.open {
            state.held_back = true;
            return false;
        }
        let (Ok(number), Some(last)) = (id.parse::<u64>(), state.last) else {
            return true;
        };
        let asked = std::mem::take(&mut state.asked);
        if number <= last.saturating_add(1) {
            return true;
        }
        if state.refused.contains(&number) {
            state.in_vain += 1;
            return true;
        }
        let watched = now < state.watch_until && state.in_vain < IN_VAIN;
        if watched {
            state.held_back = true;
        } else if !asked {
            return true;
        }
        state.refused.push(number);
        false
    }

    /// What comes next is the answer to our question whether something was forgotten.
    fn ask(&self) {
        self.lock().asked = true;
    }

    /// A transaction could not be stored, so that the homeserver now has a backlog.
    pub(super) fn failed(&self) {
        self.lock().held_back = true;
    }

    /// This transaction was taken; `oldest` is the time of its oldest event that is not ours.
    pub(super) fn taken(&self, id: &str, oldest: Option<Millis>, now: Millis) -> Arrival {
        let mut state = self.lock();
        let mut found = false;
        if let Ok(number) = id.parse::<u64>() {
            if state.refused.iter().any(|refused| number < *refused) {
                // It was right to refuse.
                state.in_vain = 0;
                found = true;
            }
            state.refused.retain(|refused| *refused > number);
            state.last = Some(number);
        }
        let Some(oldest) = oldest else {
            return Arrival::InTime;
        };
        // By the clock of the sender's homeserver, or because it was us who held it back.
        let late = now.saturating_sub(oldest) > LATE;
        if std::mem::take(&mut state.held_back) || late || found {
            state.watch_until = now + WATCH;
            return Arrival::Late;
        }
        Arrival::InTime
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How events came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// As they happened.
    InTime,
    /// After the homeserver had held them back.
    Late,
}

/// After a refusal: has the homeserver try again at once.
pub(super) fn ask_again(world: &Ctx) {
    let ctx = world.clone();
    world.spawn(async move {
        tokio::time::sleep(NOTICES).await;
        if let Err(error) = ctx.homeserver.ping(&format!("again-{}", ctx.now())).await {
            tracing::debug!(%error, "the homeserver tries again in its own time");
        }
    });
}

/// After late events: has the homeserver tell us something, by which it shows whether it forgot anything.
pub(super) fn probe(world: &Ctx, room: OwnedRoomId, event: OwnedEventId) {
    if world.gate.lock().unread.replace((room, event)).is_some() {
        return;
    }
    let ctx = world.clone();
    world.spawn(async move {
        tokio::time::sleep(BACKLOG).await;
        let Some((room, event)) = ctx.gate.lock().unread.take() else {
            return;
        };
        ctx.gate.ask();
        if let Err(error) = ctx
            .homeserver
            .read_receipt(&Actor::Bot, &room, &event)
            .await
        {
            tracing::debug!(%error, "no receipt");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        let gate = Gate::default();
        gate.open(0);
        gate.taken("37", None, 0);
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
    fn absurd_numbers_and_times_do_no_harm() {
        let gate = gate();
        for id in [u64::MAX.to_string(), "-1".to_owned(), "9".repeat(40)] {
            gate.takes(&id, 1);
            assert!(gate.takes(&id, 1), "{id}");
            for ts in [i64::MIN, 0, i64::MAX] {
                gate.taken(&id, Some(ts), i64::MAX / 2);
            }
            assert!(gate.takes(&id, 1), "{id}");
        }
    }

    #[test]
    fn what_was_forgotten_comes_first() {
        let gate = gate();
        assert!(!gate.takes("39", 1));
        for id in ["38", "39", "40"] {
            assert!(gate.takes(id, 2));
            gate.taken(id, None, 2);
        }
    }

    #[test]
    fn a_gap_that_stays_is_taken_at_the_second_time_and_soon_at_once() {
        let gate = gate();
        for (round, id) in ["40", "50", "60"].into_iter().enumerate() {
            assert!(!gate.takes(id, 1), "{round}");
            assert!(gate.takes(id, 2), "{round}");
            gate.taken(id, None, 2);
        }
        assert!(gate.takes("70", 3), "numbers say nothing here");
    }

    #[test]
    fn numbers_matter_for_a_while_only_and_again_after_late_events() {
        let gate = gate();
        assert!(gate.takes("39", WATCH));
        assert_eq!(gate.taken("39", Some(WATCH), WATCH), Arrival::InTime);
        assert_eq!(
            gate.taken("40", Some(WATCH - LATE - 1), WATCH),
            Arrival::Late
        );
        assert!(!gate.takes("42", WATCH + 1));
    }

    #[test]
    fn what_comes_after_a_refusal_is_late_however_young_it_is() {
        let gate = Gate::default();
        assert!(!gate.takes("7", 0));
        gate.open(1);
        assert_eq!(gate.taken("6", None, 2), Arrival::InTime, "nothing to read");
        assert_eq!(gate.taken("7", Some(0), 2), Arrival::Late);
        assert_eq!(gate.taken("8", Some(2), 3), Arrival::InTime);
        assert!(!gate.takes("10", 4));
        assert_eq!(gate.taken("9", Some(4), 5), Arrival::Late);
    }

    #[test]
    fn the_answer_to_our_question_is_refused_once_even_where_numbers_say_nothing() {
        let gate = gate();
        for id in ["40", "50", "60"] {
            assert!(!gate.takes(id, 1) && gate.takes(id, 2));
            gate.taken(id, Some(2), 2);
        }
        assert!(gate.takes("70", 3), "numbers say nothing here");
        gate.taken("70", Some(3), 3);
        gate.ask();
        assert!(!gate.takes("80", 4));
        assert!(gate.takes("75", 5), "it was forgotten");
        assert_eq!(gate.taken("75", Some(5), 5), Arrival::Late);
        assert!(gate.takes("80", 6));
        assert_eq!(gate.taken("80", None, 6), Arrival::InTime);
        gate.ask();
        assert!(gate.takes("81", 7), "nothing can be missing");
        gate.taken("81", Some(7), 7);
        assert!(gate.takes("90", WATCH + 8), "asked once");
    }

    #[test]
    fn a_question_in_vain_leads_to_no_other() {
        let gate = gate();
        gate.ask();
        let later = WATCH + 1;
        assert!(!gate.takes("50", later) && gate.takes("50", later));
        assert_eq!(gate.taken("50", Some(later), later), Arrival::InTime);
    }

    #[test]
    fn ids_that_are_no_numbers_and_numbers_that_begin_anew_are_fine() {
        let gate = gate();
        for id in ["q6xY", "1", "2", "", "-5"] {
            assert!(gate.takes(id, 1), "{id}");
            gate.taken(id, None, 1);
        }
    }
}
