//! Logins that wait for their confirmation, in memory only: a credential that nobody has confirmed is never stored.
//! A restart forgets them; the person then begins anew with his link.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use remote::{Login, Millis};

/// One of them.
pub(super) struct Held {
    pub(super) mxid: String,
    pub(super) login: Login,
    pub(super) state_hash: String,
    pub(super) browser_hash: String,
    pub(super) confirm: String,
    pub(super) expires_at: Millis,
}

/// All of them, by the hash of their ticket.
#[derive(Default)]
pub(super) struct Waiting {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    held: HashMap<String, Held>,
    /// Tickets that were used up, each with the time after which nobody needs to know.
    used: HashMap<String, Millis>,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one, in place of an earlier one with the same ticket.
    pub(super) fn put(&self, ticket_hash: String, held: Held, now: Millis) {
        let mut inner = self.lock();
        inner.held.retain(|_, held| held.expires_at > now);
        inner.used.retain(|_, until| *until > now);
        inner.held.insert(ticket_hash, held);
    }

    /// Reads the one with this ticket.
    pub(super) fn read<T>(&self, ticket_hash: &str, look: impl FnOnce(&Held) -> T) -> Option<T> {
        self.lock().held.get(ticket_hash).map(look)
    }

    /// Takes out the one that this confirmation belongs to, with its ticket, if `accept` agrees.
    pub(super) fn take<E>(
        &self,
        confirm: &str,
        accept: impl FnOnce(&Held) -> Result<(), E>,
    ) -> Option<Result<(String, Held), E>> {
        let mut inner = self.lock();
        let ticket_hash = inner.held.iter().find(|(_, held)| held.confirm == confirm)?.0.clone();
        if let Some(Err(error)) = inner.held.get(&ticket_hash).map(accept) {
            return Some(Err(error));
        }
        inner.held.remove_entry(&ticket_hash).map(Ok)
    }

    /// Drops the one with this ticket.
    pub(super) fn forget(&self, ticket_hash: &str) {
        self.lock().held.remove(ticket_hash);
    }

    /// Remembers until the given time that this ticket was used.
    pub(super) fn note_used(&self, ticket_hash: &str, until: Millis) {
        let mut inner = self.lock();
        inner.held.remove(ticket_hash);
        inner.used.insert(ticket_hash.to_owned(), until);
    }

    /// Whether this ticket was used not long ago.
    pub(super) fn was_used(&self, ticket_hash: &str) -> bool {
        self.lock().used.contains_key(ticket_hash)
    }
}
