//! What may go wrong, and whether it does now.
//!
//! A kind of fault is drawn for a seed or not, and happens while [`Faults::reign`] lasts. To add one: a variant of [`Kind`], its
//! name in [`Kind::ALL`], and the place that asks [`Faults::strikes`].

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bridge::Clock;

use crate::{dice::Dice, facts::Facts, life::Trace};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The bridge is killed at any step.
    Kills,
    /// The bridge is stopped in order, and started again.
    Stops,
    /// A statement fails before it is carried out, or after.
    Database,
    /// The homeserver cannot be reached for a while.
    HomeserverAway,
    /// The homeserver is killed: it forgets transaction ids, and never pushes some of what it has not pushed yet.
    HomeserverKilled,
    /// The homeserver refuses with 5xx or 429.
    HomeserverErrors,
    /// The homeserver carries a request out, but the answer is lost.
    HomeserverAnswersLost,
    /// The homeserver takes its time.
    HomeserverSlow,
    /// Events come in several transactions, old ones again after newer ones, and strange ones among them.
    HomeserverRepeats,
    /// What failed is overtaken by what is newer.
    HomeserverOvertakes,
    /// The network refuses with 5xx or 429.
    NetworkErrors,
    /// The network carries a request out, but the answer is lost; or it does not, and there is no answer either.
    NetworkAnswersLost,
    /// The network takes its time.
    NetworkSlow,
    /// Pushes are lost, which is noticed when the next one comes.
    PushesLost,
    /// Pushes come twice, or late.
    PushesDoubled,
    /// The connection for pushes is cut, or goes silent for a while before that is noticed.
    PushesCut,
    /// A login is revoked; the user logs in again later.
    Revoked,
    /// The network acknowledges what was posted, and never stores it.
    Dropped,
    /// Users write the same again, and the same on the network themselves.
    EqualTexts,
    /// What waited for some minutes is not sent unasked.
    Age,
    /// Changes make texts longer and shorter.
    Lengths,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 21] = [
        Self::Kills,
        Self::Stops,
        Self::Database,
        Self::HomeserverAway,
        Self::HomeserverKilled,
        Self::HomeserverErrors,
        Self::HomeserverAnswersLost,
        Self::HomeserverSlow,
        Self::HomeserverRepeats,
        Self::HomeserverOvertakes,
        Self::NetworkErrors,
        Self::NetworkAnswersLost,
        Self::NetworkSlow,
        Self::PushesLost,
        Self::PushesDoubled,
        Self::PushesCut,
        Self::Revoked,
        Self::Dropped,
        Self::EqualTexts,
        Self::Age,
        Self::Lengths,
    ];

    /// Those that the bridge does not stand yet, and why. They are left out unless they are asked for.
    pub const OFF: [(Self, &'static str); 0] = [];
}

/// What goes wrong in one run.
pub(crate) struct Faults {
    kinds: BTreeSet<Kind>,
    reign: AtomicBool,
    /// How often what can happen does, in a thousand.
    chance: u64,
    pub(crate) dice: Dice,
    /// What really happened.
    pub(crate) facts: Facts,
    clock: Arc<dyn Clock>,
    trace: Trace,
}

impl Faults {
    pub(crate) fn new(
        kinds: BTreeSet<Kind>,
        chance: u64,
        dice: Dice,
        clock: Arc<dyn Clock>,
        trace: Trace,
    ) -> Arc<Self> {
        Arc::new(Self {
            kinds,
            reign: AtomicBool::new(false),
            chance,
            dice,
            facts: Facts::default(),
            clock,
            trace,
        })
    }

    /// From now on things go wrong, or no longer.
    pub(crate) fn reign(&self, reign: bool) {
        self.note(&format_args!("faults: {reign}"));
        self.reign.store(reign, Ordering::Relaxed);
    }

    /// Whether this kind of fault can happen now.
    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.reign.load(Ordering::Relaxed) && self.kinds.contains(&kind)
    }

    /// Whether it was drawn for this run.
    pub(crate) fn drawn(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Whether this kind of fault happens right here.
    pub(crate) fn strikes(&self, kind: Kind) -> bool {
        let strikes = self.has(kind) && self.dice.permille(self.chance);
        if strikes {
            self.note(&format_args!("{kind:?}"));
        }
        strikes
    }

    /// How a statement comes out.
    pub(crate) fn database(&self) -> Result<(), store::Error> {
        // There are many of them.
        if self.has(Kind::Database) && self.dice.permille(10) && self.strikes(Kind::Database) {
            self.facts.failed(self.clock.now());
            return Err(store::Error::Unavailable("by torture".to_owned()));
        }
        Ok(())
    }

    /// How long something takes on its way, one way.
    pub(crate) fn takes(&self, slow: Kind) -> Duration {
        if self.strikes(slow) {
            return self.dice.time(Duration::from_secs(8));
        }
        self.dice.time(Duration::from_millis(12))
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    pub(crate) fn note(&self, what: &fmt::Arguments<'_>) {
        self.trace.note(self.clock.now(), what);
    }

    pub(crate) fn sum(&self) -> u64 {
        self.trace.sum()
    }

    /// The steps so far, if they were kept.
    pub(crate) fn steps(&self) -> Vec<String> {
        self.trace.take()
    }
}
