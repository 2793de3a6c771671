//! Who is being served: there are only so many places, and whoever is slow gives his to those who wait.
//!
//! Every link is known to whoever reads the room, so a few browsers that take a byte now and then could keep all places, and
//! with them everybody's files. Who is quick enough keeps his to the end.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// So many files are served at once; who comes then waits a little.
const PLACES: usize = 32;

/// How long somebody waits for his turn when many files are being served.
const TURN: Duration = Duration::from_secs(10);

/// How often he looks whether somebody is slow.
const LOOK: Duration = Duration::from_secs(1);

/// Over so long it is measured how quick somebody is.
const SPAN: Duration = Duration::from_secs(8);

/// Whoever takes less than so many bytes a second is slow.
const SLOW: u64 = 16 * 1024;

/// The places.
pub(super) struct Places {
    free: Arc<Semaphore>,
    next: AtomicU64,
    taken: Arc<Mutex<HashMap<u64, Arc<Progress>>>>,
}

/// How far somebody has come.
struct Progress {
    /// He has to go.
    end: CancellationToken,
    pace: Mutex<Pace>,
}

/// What was taken since when, and how quickly before that, in bytes a second.
struct Pace {
    since: Instant,
    bytes: u64,
    before: Option<u64>,
}

/// Somebody's place, free again when it is dropped.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    id: u64,
    progress: Arc<Progress>,
    taken: Arc<Mutex<HashMap<u64, Arc<Progress>>>>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            free: Arc::new(Semaphore::new(PLACES)),
            next: AtomicU64::new(0),
            taken: Arc::default(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pace {
    fn rate(&self, now: Instant) -> u64 {
        let millis = now.saturating_duration_since(self.since).as_millis().max(1);
        u64::try_from(u128::from(self.bytes) * 1000 / millis).unwrap_or(u64::MAX)
    }

    /// Bytes a second, once it can be told.
    fn latest(&self, now: Instant) -> Option<u64> {
        if now.saturating_duration_since(self.since) >= SPAN {
            Some(self.rate(now))
        } else {
            self.before
        }
    }
}

impl Places {
    /// Waits for a place; `None` if there is none for too long.
    pub(super) async fn take(&self) -> Option<Place> {
        let mut turn = pin!(Arc::clone(&self.free).acquire_owned());
        let until = Instant::now() + TURN;
        loop {
            let look = Instant::now() + LOOK;
            match tokio::time::timeout_at(look.min(until), &mut turn).await {
                Ok(permit) => return permit.ok().map(|permit| self.place(permit)),
                Err(_) if Instant::now() >= until => return None,
                Err(_) => self.make_room(),
            }
        }
    }

    fn place(&self, permit: OwnedSemaphorePermit) -> Place {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let progress = Arc::new(Progress {
            end: CancellationToken::new(),
            pace: Mutex::new(Pace {
                since: Instant::now(),
                bytes: 0,
                before: None,
            }),
        });
        lock(&self.taken).insert(id, Arc::clone(&progress));
        Place {
            _permit: permit,
            id,
            progress,
            taken: Arc::clone(&self.taken),
        }
    }

    /// Sends the slowest away, if he is slow.
    fn make_room(&self) {
        let now = Instant::now();
        let taken = lock(&self.taken);
        let slow = taken
            .values()
            .filter(|it| !it.end.is_cancelled())
            .filter_map(|it| Some((lock(&it.pace).latest(now)?, it)))
            .filter(|(rate, _)| *rate < SLOW)
            .min_by_key(|(rate, _)| *rate);
        if let Some((_, slow)) = slow {
            tracing::debug!("somebody takes a file too slowly, and others wait");
            slow.end.cancel();
        }
    }
}

impl Place {
    /// So many bytes were taken.
    pub(super) fn took(&self, bytes: usize) {
        let now = Instant::now();
        let mut pace = lock(&self.progress.pace);
        pace.bytes = pace.bytes.saturating_add(bytes as u64);
        if now.saturating_duration_since(pace.since) >= SPAN {
            *pace = Pace {
                since: now,
                bytes: 0,
                before: Some(pace.rate(now)),
            };
        }
    }

    /// Waits until it has to be given up.
    pub(super) async fn lost(&self) {
        self.progress.end.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.taken).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn full() -> (Places, Vec<Place>) {
        let places = Places::default();
        let mut taken = Vec::new();
        for _ in 0..PLACES {
            taken.push(places.take().await.unwrap());
        }
        (places, taken)
    }

    #[tokio::test(start_paused = true)]
    async fn the_slowest_makes_room() {
        let (places, taken) = full().await;
        // All take something, and two too little.
        for _ in 0..SPAN.as_secs() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            for (number, place) in taken.iter().enumerate() {
                place.took(if number < 2 { 1 + number } else { 100_000 });
            }
        }
        let mut taken = taken.into_iter();
        let slowest = taken.next().unwrap();
        let going = async {
            slowest.lost().await;
            drop(slowest);
        };
        let (place, ()) = tokio::join!(places.take(), going);
        assert!(place.is_some());
        assert!(taken.all(|it| !it.progress.end.is_cancelled()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_quick_or_new_keeps_his_place() {
        let (places, taken) = full().await;
        let quick = async {
            loop {
                tokio::time::sleep(Duration::from_millis(500)).await;
                for place in &taken {
                    place.took(50_000);
                }
            }
        };
        let come = async {
            for _ in 0..3 {
                assert!(places.take().await.is_none());
            }
        };
        tokio::select! {
            biased;
            () = come => {}
            () = quick => {}
        }
        assert!(taken.iter().all(|it| !it.progress.end.is_cancelled()));
    }
}
