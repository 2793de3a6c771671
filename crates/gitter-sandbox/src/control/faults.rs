//! Letting things go wrong.

use crate::faults::{Fault, Fired};
use crate::shared::Shared;

/// What can go wrong on purpose.
#[derive(Clone, Copy)]
pub struct Faults<'a> {
    shared: &'a Shared,
}

impl<'a> Faults<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Self {
        Self { shared }
    }

    /// Adds a fault of requests. If several fit a request, the one that was added first strikes.
    pub fn add(&self, fault: Fault) -> Fired {
        self.shared.lock().faults.add(fault)
    }

    /// Takes away all faults of requests and pushes, and lets connections in again.
    pub fn clear(&self) {
        let mut inner = self.shared.lock();
        inner.faults.clear();
        inner.hub.to_lose = 0;
        inner.hub.to_double = 0;
        inner.world.to_drop = 0;
        drop(inner);
        self.plug_in();
    }

    /// Drops every open connection, WebSocket or not, without a word.
    pub fn cut_connections(&self) {
        self.shared.cut();
    }

    /// Makes every open connection half-open: no byte comes or goes on it any more, and it is not closed either. New ones
    /// work.
    pub fn freeze_connections(&self) {
        self.shared.freeze();
    }

    /// Drops every connection, and every new one at once, until [`Faults::plug_in`].
    pub fn unplug(&self) {
        self.shared.set_unplugged(true);
        self.shared.cut();
    }

    /// Lets connections in again.
    pub fn plug_in(&self) {
        self.shared.set_unplugged(false);
    }

    /// Loses the next `count` notifications that somebody would have got; their numbers (`ext.c`) are used up.
    pub fn lose_pushes(&self, count: u32) {
        self.shared.lock().hub.to_lose = count;
    }

    /// Delivers the next `count` notifications twice, each time with a number of its own.
    pub fn double_pushes(&self, count: u32) {
        self.shared.lock().hub.to_double = count;
    }

    /// Acknowledges the next `count` messages that somebody sends, and keeps nothing of them, as Gitter does with what a flagged
    /// account says. (For one account, for good: [`Control::hellban`](crate::Control::hellban).)
    pub fn drop_messages(&self, count: u32) {
        self.shared.lock().world.to_drop = count;
    }

    /// Makes the server forget all realtime clients, as when it restarts: their next message gets `Unknown client`.
    pub fn forget_clients(&self) {
        self.shared.act(|inner| {
            inner.hub.clients.clear();
            inner.note_presence();
        });
    }
}

impl std::fmt::Debug for Faults<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Faults")
    }
}
