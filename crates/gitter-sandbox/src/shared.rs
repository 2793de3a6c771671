//! What all tasks of one sandbox share, and the work that is done a little later.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::inner::Inner;
use crate::server::line::Line;
use crate::world::Push;

pub(crate) struct Shared {
    inner: Mutex<Inner>,
    lines: Mutex<Lines>,
    /// Cancelled when the sandbox stops.
    pub(crate) stop: CancellationToken,
    myself: Weak<Shared>,
}

/// The open connections.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    open: BTreeMap<u64, Arc<Line>>,
    count: u64,
    /// New connections are dropped at once.
    unplugged: bool,
}

impl Shared {
    pub(crate) fn new(inner: Inner) -> Arc<Self> {
        Arc::new_cyclic(|myself| Self {
            inner: Mutex::new(inner),
            lines: Mutex::default(),
            stop: CancellationToken::new(),
            myself: myself.clone(),
        })
    }

    /// The state. Never kept across an await.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the state, and announces what came of it.
    pub(crate) fn act<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.lock();
        let result = act(&mut inner);
        let later = inner.flush();
        drop(inner);
        self.push_later(later);
        result
    }

    /// Runs a task until the sandbox stops.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = task => {}
                () = stop.cancelled() => {}
            }
        });
    }

    /// Sends notifications when their time has come.
    pub(crate) fn push_later(&self, later: Vec<Push>) {
        for push in later {
            let Some(shared) = self.myself.upgrade() else {
                return;
            };
            self.spawn(async move {
                tokio::time::sleep(push.after).await;
                shared.lock().hub.deliver(&push);
            });
        }
    }

    /// Answers a connect that is held on a socket when its time is over.
    pub(crate) fn release_later(&self, client: String, serial: u64, after: Duration) {
        let Some(shared) = self.myself.upgrade() else {
            return;
        };
        self.spawn(async move {
            tokio::time::sleep(after).await;
            shared.lock().hub.release(&client, serial);
        });
    }

    /// A new connection's line; None while the sandbox is unplugged.
    pub(crate) fn open_line(&self) -> Option<(u64, Arc<Line>)> {
        let mut lines = self.lines();
        if lines.unplugged {
            return None;
        }
        lines.count += 1;
        let (number, line) = (lines.count, Arc::new(Line::new(self.stop.child_token())));
        lines.open.insert(number, Arc::clone(&line));
        Some((number, line))
    }

    pub(crate) fn close_line(&self, number: u64) {
        self.lines().open.remove(&number);
    }

    pub(crate) fn cut(&self) {
        for line in std::mem::take(&mut self.lines().open).into_values() {
            line.cut.cancel();
        }
    }

    pub(crate) fn freeze(&self) {
        for line in self.lines().open.values() {
            line.freeze();
        }
    }

    pub(crate) fn set_unplugged(&self, unplugged: bool) {
        self.lines().unplugged = unplugged;
    }

    pub(crate) fn open_lines(&self) -> usize {
        self.lines().open.len()
    }
}
