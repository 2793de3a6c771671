//! What really happened on the roads, so that what the bridge says of it can be held against it.
//!
//! The bridge may give up a message only for a reason that is a fact, and its words do not count. To add one: note it where it
//! happens, and ask for it in `check`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use remote::{MessageId, Millis};

use crate::people::Said;

/// For so long an answer that the bridge got may not be in its database yet. No time goes by between the two.
const NOT_STORED: Millis = 100;

/// Which part of which message of a user.
type PartOf = (u64, u64);

/// Everything that is known.
#[derive(Default)]
pub(crate) struct Facts(Mutex<Known>);

#[derive(Default)]
struct Known {
    attempts: Vec<Attempt>,
    doubts: Vec<Doubt>,
    /// When the bridge died, or its database failed it.
    shaken: Vec<Millis>,
    /// When its database failed it.
    failed: Vec<Millis>,
    /// What it was about to post when it died.
    interrupted: BTreeSet<String>,
    /// Messages of which the network acknowledged a part that it never stored.
    dropped: BTreeSet<u64>,
    /// Messages whose parts are to be dropped.
    doomed: BTreeSet<u64>,
    /// What a user wrote on the network himself that reads like a message of his: its id, that message, and when.
    himself: BTreeMap<String, (u64, Millis)>,
    /// When the bridge heard that a room shows a message of the network.
    shown: BTreeMap<(String, String), Millis>,
}

/// A part that was posted.
struct Attempt {
    what: PartOf,
    at: Millis,
    /// The network took it.
    taken: bool,
    /// When the bridge was told how it came out.
    answered: Option<Millis>,
}

/// The network was asked for a part that it may have, and gave another message of its sender that could be it.
#[derive(Clone, Debug)]
struct Doubt {
    what: PartOf,
    candidate: String,
    at: Millis,
}

impl Facts {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bridge died.
    pub(crate) fn died(&self, now: Millis) {
        self.lock().shaken.push(now);
    }

    /// When it died, this event was marked as about to be posted.
    pub(crate) fn interrupted(&self, event: &str) {
        self.lock().interrupted.insert(event.to_owned());
    }

    /// A statement failed, or seemed to.
    pub(crate) fn failed(&self, now: Millis) {
        let mut known = self.lock();
        known.shaken.push(now);
        known.failed.push(now);
    }

    /// A part is posted. Gives what [`Facts::taken`] and [`Facts::answered`] want.
    pub(crate) fn attempted(&self, what: PartOf, at: Millis) -> usize {
        let mut known = self.lock();
        known.attempts.push(Attempt {
            what,
            at,
            taken: false,
            answered: None,
        });
        known.attempts.len() - 1
    }

    /// The network took it.
    pub(crate) fn taken(&self, attempt: usize) {
        if let Some(attempt) = self.lock().attempts.get_mut(attempt) {
            attempt.taken = true;
        }
    }

    /// The bridge was told how it came out.
    pub(crate) fn answered(&self, attempt: usize, now: Millis) {
        if let Some(attempt) = self.lock().attempts.get_mut(attempt) {
            attempt.answered = Some(now);
        }
    }

    /// The network was asked for a part and gave this message, which reads like that of this number.
    pub(crate) fn found(&self, what: PartOf, candidate: &str, reads: Option<u64>, at: Millis) {
        let mut known = self.lock();
        if reads == Some(what.0) && !known.himself.contains_key(candidate) {
            return;
        }
        let candidate = candidate.to_owned();
        known.doubts.push(Doubt {
            what,
            candidate,
            at,
        });
    }

    /// A user writes on the network himself what he wrote on Matrix.
    pub(crate) fn says_himself(&self, id: &str, message: u64, at: Millis) {
        self.lock().himself.insert(id.to_owned(), (message, at));
    }

    /// Whether this is what a user wrote on the network himself.
    pub(crate) fn is_himself(&self, id: &MessageId) -> bool {
        self.lock().himself.contains_key(id.as_str())
    }

    /// How often a user wrote the text of this message on the network himself.
    pub(crate) fn said_himself(&self, message: u64) -> usize {
        let known = self.lock();
        let himself = known.himself.values();
        himself.filter(|(said, _)| *said == message).count()
    }

    /// Whether a message was posted without an answer in the very moment in which its user wrote the same on the network himself: nobody can
    /// tell one from the other.
    pub(crate) fn coincides(&self, message: u64) -> bool {
        /// For so long before and after the post.
        const BEFORE: Millis = 5_000;
        const AFTER: Millis = 120_000;
        let known = self.lock();
        known.himself.values().any(|(said, when)| {
            *said == message
                && known.attempts.iter().any(|it| {
                    it.what.0 == message
                        && (it.at - BEFORE..=it.at + AFTER).contains(when)
                        && it.answered.is_none_or(|at| known.was_shaken(at))
                })
        })
    }

    /// The bridge heard that a Matrix room shows this message.
    pub(crate) fn shown(&self, room: &str, message: &str, now: Millis) {
        let mut known = self.lock();
        let shown = (room.to_owned(), message.to_owned());
        known.shown.entry(shown).or_insert(now);
    }

    /// Whether nobody can tell if a message of a user arrived: an answer to its post got lost, or what was kept of it did, and when the
    /// bridge looked for it, there was a message that could be it and that the bridge did not know. `portal` is where it shows that.
    pub(crate) fn undecidable(&self, said: &Said, portal: &str) -> bool {
        let known = self.lock();
        known.doubts.iter().any(|doubt| {
            let shown = (portal.to_owned(), doubt.candidate.clone());
            let was_known = known
                .shown
                .get(&shown)
                .is_some_and(|at| at + NOT_STORED < doubt.at && !known.was_shaken(*at));
            doubt.what.0 == said.reads && !was_known && known.was_unsure(said, doubt)
        })
    }

    /// Whether nothing of a message was posted before so long had passed.
    pub(crate) fn was_late(&self, said: &Said, most: Millis) -> bool {
        let known = self.lock();
        let mut attempts = known.attempts.iter().filter(|it| it.what.0 == said.reads);
        attempts.all(|it| !it.taken || it.at < said.at || it.at > said.at + most)
    }

    /// Whatever is posted of this message is to be dropped.
    pub(crate) fn doom(&self, message: u64) {
        self.lock().doomed.insert(message);
    }

    /// Whether this one is to be dropped, once.
    pub(crate) fn is_doomed(&self, message: u64) -> bool {
        self.lock().doomed.remove(&message)
    }

    /// The network acknowledged a part of this message and never stored it.
    pub(crate) fn drops(&self, message: u64) {
        self.lock().dropped.insert(message);
    }

    pub(crate) fn was_dropped(&self, message: u64) -> bool {
        self.lock().dropped.contains(&message)
    }
}

impl Known {
    /// Whether the bridge could not know if that part of a message was posted.
    fn was_unsure(&self, said: &Said, doubt: &Doubt) -> bool {
        let unanswered = self.attempts.iter().any(|it| {
            it.what == doubt.what
                && it.at <= doubt.at
                && it.answered.is_none_or(|at| self.was_shaken(at))
        });
        // What it notes before it posts may be all that it came to.
        unanswered
            || self.interrupted.iter().any(|event| said.is_of(event))
            || self
                .failed
                .iter()
                .any(|at| (said.at..=doubt.at).contains(at))
    }

    /// Whether what the bridge heard then may not have been stored.
    fn was_shaken(&self, heard: Millis) -> bool {
        let soon = heard..=heard + NOT_STORED;
        self.shaken.iter().any(|at| soon.contains(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(number: u64) -> Said {
        Said {
            number,
            reads: number,
            shared: false,
            user: "u0".to_owned(),
            room: "r0".to_owned(),
            event: format!("$event{number}").try_into().expect("an id"),
            version: 0,
            edits: Vec::new(),
            parts: 1,
            lasting: 1,
            redacted: false,
            thread: None,
            at: 0,
        }
    }

    #[test]
    fn only_what_was_not_answered_and_could_be_another_is_undecidable() {
        let facts = Facts::default();
        let first = facts.attempted((1, 0), 10);
        assert!(!facts.undecidable(&said(1), "!room"), "nothing was found");
        facts.found((1, 0), "itself", Some(1), 1_000);
        assert!(!facts.undecidable(&said(1), "!room"), "it was found");
        facts.found((1, 0), "other", Some(2), 1_000);
        assert!(facts.undecidable(&said(1), "!room"));
        assert!(!facts.undecidable(&said(2), "!room"), "another message");
        facts.answered(first, 20);
        assert!(!facts.undecidable(&said(1), "!room"), "it was answered");
        facts.died(30);
        assert!(facts.undecidable(&said(1), "!room"), "and forgotten");
        facts.shown("!other", "other", 500);
        assert!(facts.undecidable(&said(1), "!room"), "another room");
        facts.shown("!room", "other", 500);
        assert!(!facts.undecidable(&said(1), "!room"), "the bridge knew");
    }

    #[test]
    fn what_it_was_about_to_post_when_it_died_may_be_there() {
        let facts = Facts::default();
        facts.found((1, 0), "other", Some(2), 1_000);
        assert!(!facts.undecidable(&said(1), "!room"), "it had no reason");
        facts.interrupted("$event1");
        assert!(facts.undecidable(&said(1), "!room"));
    }
}
