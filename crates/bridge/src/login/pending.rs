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
pub(super) struct Waiting(Mutex<HashMap<String, Held>>);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one, in place of an earlier one with the same ticket.
    pub(super) fn put(&self, ticket_hash: String, held: Held, now: Millis) {
        let mut all = self.lock();
        all.retain(|_, held| held.expires_at > now);
        all.insert(ticket_hash, held);
    }

    /// Reads the one with this ticket.
    pub(super) fn read<T>(&self, ticket_hash: &str, look: impl FnOnce(&Held) -> T) -> Option<T> {
        self.lock().get(ticket_hash).map(look)
    }

    /// Takes out the one that this confirmation belongs to, with its ticket, if `accept` agrees.
    pub(super) fn take<E>(
        &self,
        confirm: &str,
        accept: impl FnOnce(&Held) -> Result<(), E>,
    ) -> Option<Result<(String, Held), E>> {
        let mut all = self.lock();
        let ticket_hash = all
            .iter()
            .find(|(_, held)| held.confirm == confirm)?
            .0
            .clone();
        if let Some(Err(error)) = all.get(&ticket_hash).map(accept) {
            return Some(Err(error));
        }
        all.remove_entry(&ticket_hash).map(Ok)
    }

    /// Drops the one with this ticket.
    pub(super) fn forget(&self, ticket_hash: &str) {
        self.lock().remove(ticket_hash);
    }
}
