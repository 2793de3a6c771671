//! Keeps one account's requests within Gitter's rate limit.
//!
//! Gitter allows 100 requests in 60 s to each pair of account and OAuth client. The window does not slide: it starts with the
//! first request and ends 60 s later (Gitter 21.15, recorded cases `rate_first`, `rate_exceeded`). Every answer says how many
//! are left and when the window ends. The arithmetic is in `window`, the waiting here.
//!
//! Each request takes a [`Permit`] first. Whoever waits is served by [`Priority`], and within one in the order of coming. A
//! lower priority leaves some of the budget to those above it, so that what a person waits for passes at once even while
//! history is being read.
//!
//! To add a priority: a variant, its reserve in `Window::reserve`.

mod window;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use self::window::{Report, Window};

/// How urgent a request is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A person waits for it. May use all of the budget.
    Urgent,
    /// Leaves a tenth of the budget to urgent ones.
    #[default]
    Normal,
    /// Nobody waits for it. Leaves a fifth of the budget to the others.
    Background,
}

const PRIORITIES: usize = 3;

/// How a budget stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetState {
    /// Requests per window.
    pub limit: u32,
    /// Requests left in this window, as far as is known.
    pub left: u32,
    /// Requests on their way.
    pub in_flight: u32,
    /// Requests that wait for their turn.
    pub waiting: usize,
    /// In how long the window ends; `None` if none is open.
    pub resets_in: Option<Duration>,
    /// How often Gitter said 429 all the same: something else uses this account with the same OAuth client.
    pub refused: u64,
}

/// What one account may still ask for. Shared by all clones of its [`Client`](crate::Client).
#[derive(Debug)]
pub struct Budget {
    state: Mutex<State>,
    /// The window's end has changed: whoever waits for it has to look again.
    moved: Notify,
}

#[derive(Debug)]
struct State {
    window: Window,
    waiting: [VecDeque<Waiter>; PRIORITIES],
    refused: u64,
}

type Waiter = oneshot::Sender<Permit>;

/// Leave to send one request. Dropped before [`Permit::sent`], it costs nothing.
#[derive(Debug)]
pub(crate) struct Permit {
    budget: Arc<Budget>,
    sent: bool,
    settled: bool,
}

impl Budget {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                window: Window::default(),
                waiting: Default::default(),
                refused: 0,
            }),
            moved: Notify::new(),
        })
    }

    /// How it stands now.
    pub fn state(&self) -> BudgetState {
        let now = Instant::now();
        let state = self.lock();
        let ends = state.window.ends().filter(|end| *end > now);
        let over = ends.is_none() && state.window.ends().is_some();
        BudgetState {
            limit: state.window.limit,
            left: if over {
                state.window.limit
            } else {
                state.window.left
            },
            in_flight: state.window.in_flight,
            waiting: state
                .waiting
                .iter()
                .flatten()
                .filter(|waiter| !waiter.is_closed())
                .count(),
            resets_in: ends.map(|end| end.saturating_duration_since(now)),
            refused: state.refused,
        }
    }

    /// Waits for its turn.
    pub(crate) async fn permit(self: &Arc<Self>, priority: Priority) -> Permit {
        let (sender, mut turn) = oneshot::channel();
        self.lock().waiting[priority as usize].push_back(sender);
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            self.serve();
            // The window's end is what nobody else wakes us for. Everything else that makes room (an answer, a permit given
            // back) serves the queue itself.
            let end = self.lock().window.ends();
            let end = async {
                match end {
                    Some(end) => tokio::time::sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                permit = &mut turn => {
                    if let Ok(permit) = permit {
                        return permit;
                    }
                    // Cannot happen while the sender waits in the queue; start over rather than panic.
                    let (sender, again) = oneshot::channel();
                    turn = again;
                    self.lock().waiting[priority as usize].push_back(sender);
                }
                () = moved => {}
                () = end => {}
            }
        }
    }

    /// Gives permits to those whose turn it is.
    fn serve(self: &Arc<Self>) {
        let mut granted = Vec::new();
        {
            let mut state = self.lock();
            state.window.advance(Instant::now());
            let State {
                window, waiting, ..
            } = &mut *state;
            for priority in [Priority::Urgent, Priority::Normal, Priority::Background] {
                let queue = &mut waiting[priority as usize];
                while window.allows(priority) {
                    let Some(waiter) = queue.pop_front() else {
                        break;
                    };
                    if waiter.is_closed() {
                        continue;
                    }
                    window.in_flight += 1;
                    granted.push(waiter);
                }
                queue.retain(|waiter| !waiter.is_closed());
                if !queue.is_empty() {
                    // Nobody passes somebody more urgent.
                    break;
                }
            }
        }
        for waiter in granted {
            // Should the waiter be gone, the permit comes back and is given back by being dropped, outside the lock.
            let _ = waiter.send(Permit {
                budget: self.clone(),
                sent: false,
                settled: false,
            });
        }
    }

    /// Changes the window, and wakes those who wait for its end if that has changed.
    fn change(&self, change: impl FnOnce(&mut State, Instant)) {
        let moved = {
            let mut state = self.lock();
            let before = state.window.ends();
            change(&mut state, Instant::now());
            state.window.ends() != before
        };
        if moved {
            self.moved.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// The request is about to be sent: from now on Gitter may count it.
    pub(crate) fn sent(&mut self) {
        self.sent = true;
        self.budget.change(|state, now| state.window.sent(now));
    }

    /// An answer came. `now` is the handed-in clock's.
    pub(crate) fn answered(mut self, headers: &HeaderMap, now: Timestamp) {
        self.settled = true;
        let report = Report::read(headers, now);
        self.budget.change(|state, now| {
            state.window.in_flight = state.window.in_flight.saturating_sub(1);
            state.window.reported(report, now);
        });
        self.budget.serve();
    }

    /// Gitter said 429. Answers how long to wait; the budget lets nobody through until then.
    pub(crate) fn refused(mut self, headers: &HeaderMap, now: Timestamp) -> Duration {
        self.settled = true;
        let report = Report::read(headers, now);
        let mut wait = window::LENGTH;
        self.budget.change(|state, now| {
            state.window.in_flight = state.window.in_flight.saturating_sub(1);
            state.window.exhausted(report, now);
            state.refused += 1;
            if let Some(end) = state.window.ends() {
                wait = end.saturating_duration_since(now);
            }
        });
        tracing::warn!(
            wait_seconds = wait.as_secs(),
            "Gitter refused a request for being one too many; something else uses the same account"
        );
        wait
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let sent = self.sent;
        self.budget.change(|state, _| {
            state.window.in_flight = state.window.in_flight.saturating_sub(1);
            if sent {
                state.window.unanswered();
            }
        });
        self.budget.serve();
    }
}

#[cfg(test)]
mod tests;
