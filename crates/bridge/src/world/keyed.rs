//! Locks by key: work on the same thing is done one after the other, on different things side by side.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OwnedMutexGuard;

/// Locks by key. Holds an entry only for keys in use (and some that were, until the next clean-up).
pub(crate) struct Keyed<K>(Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>);

impl<K> Default for Keyed<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Keyed<K> {
    /// Waits until nobody else works on this.
    pub(crate) async fn lock(&self, key: K) -> OwnedMutexGuard<()> {
        const CLEAN_UP_ABOVE: usize = 64;
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if locks.len() > CLEAN_UP_ABOVE {
                // Whoever holds or awaits a lock has a second reference to it.
                locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            }
            locks.entry(key).or_default().clone()
        };
        lock.lock_owned().await
    }
}
