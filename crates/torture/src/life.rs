//! One life of a bridge, from its start to its kill.
//!
//! Whatever a bridge does that anybody could notice afterwards is a statement to its database or a request to one of its
//! neighbours. Before and after each of them is a step; the life ends at the step that was drawn for it, and whoever is
//! at a step by then, or comes to one later, never gets beyond it. So what the bridge would have done next is not
//! done, as if its process had been killed right there.

use std::{
    fmt,
    future::pending,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::future::BoxFuture;
use store::Steps;
use tokio_util::sync::CancellationToken;

use crate::faults::Faults;

/// What becomes of the steps of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    /// They make up [`Report::trace`](crate::Report::trace), and are forgotten.
    #[default]
    Sum,
    /// They are printed, too.
    Print,
    /// They are kept, too, in [`Report::steps`](crate::Report::steps).
    Keep,
}

/// What happened, as one number: two runs that give the same took the same steps at the same times.
#[derive(Default)]
pub(crate) struct Trace {
    hash: Mutex<DefaultHasher>,
    watch: Watch,
    kept: Mutex<Vec<String>>,
}

impl Trace {
    pub(crate) fn new(watch: Watch) -> Self {
        Self {
            watch,
            ..Self::default()
        }
    }

    pub(crate) fn note(&self, at: i64, what: &fmt::Arguments<'_>) {
        let line = what.to_string();
        let step = || format!("{:>9} {line}", at - stage::START);
        match self.watch {
            Watch::Sum => {}
            Watch::Print => crate::say(&step()),
            Watch::Keep => self.kept().push(step()),
        }
        let mut hash = self.hash.lock().unwrap_or_else(PoisonError::into_inner);
        at.hash(&mut *hash);
        line.hash(&mut *hash);
    }

    pub(crate) fn sum(&self) -> u64 {
        self.hash
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .finish()
    }

    /// Gives the steps that were kept.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.kept())
    }

    fn kept(&self) -> MutexGuard<'_, Vec<String>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One life.
pub(crate) struct Life {
    faults: Arc<Faults>,
    /// How many steps were taken, and at which it ends.
    steps: AtomicU64,
    fuse: AtomicU64,
    over: CancellationToken,
}

impl Life {
    /// One that ends at this step.
    pub(crate) fn new(faults: Arc<Faults>, fuse: u64) -> Arc<Self> {
        Arc::new(Self {
            faults,
            steps: AtomicU64::new(0),
            fuse: AtomicU64::new(fuse),
            over: CancellationToken::new(),
        })
    }

    /// Comes back when it has ended.
    pub(crate) async fn over(&self) {
        self.over.cancelled().await;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// Ends it now.
    pub(crate) fn end(&self) {
        if !self.is_over() {
            self.faults.facts.died(self.faults.now());
        }
        self.over.cancel();
    }

    /// It goes on for as long as nobody ends it.
    pub(crate) fn spare(&self) {
        self.fuse.store(u64::MAX, Ordering::Relaxed);
    }

    /// One step. Does not come back from the last one.
    pub(crate) async fn step(&self, what: &str) {
        if !self.is_over() {
            let step = self.steps.fetch_add(1, Ordering::Relaxed) + 1;
            self.faults.note(&format_args!("{what}"));
            if step >= self.fuse.load(Ordering::Relaxed) {
                self.faults.note(&format_args!("killed at step {step}"));
                self.end();
            }
        }
        if self.is_over() {
            pending::<()>().await;
        }
        for _ in 0..self.faults.dice.below(3) {
            tokio::task::yield_now().await;
        }
        if self.is_over() {
            pending::<()>().await;
        }
    }
}

impl fmt::Debug for Life {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Life").finish_non_exhaustive()
    }
}

impl Steps for Life {
    fn before(&self) -> BoxFuture<'_, Result<(), store::Error>> {
        Box::pin(async {
            self.step("statement").await;
            self.faults.database()
        })
    }

    fn after(&self) -> BoxFuture<'_, Result<(), store::Error>> {
        Box::pin(async {
            self.step("stated").await;
            self.faults.database()
        })
    }
}

/// For looking on: nothing ever happens.
#[derive(Debug)]
pub(crate) struct Onlooker;

impl Steps for Onlooker {
    fn before(&self) -> BoxFuture<'_, Result<(), store::Error>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn after(&self) -> BoxFuture<'_, Result<(), store::Error>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
