//! Pictures of people and rooms: each is fetched from the network and stored on the homeserver once.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use remote::{Account, Avatar, Millis};
use ruma::OwnedMxcUri;
use tokio::sync::Semaphore;

use crate::{Ctx, Error};

/// Larger ones are not worth carrying; the largest that networks make themselves are far smaller.
const MAX_BYTES: usize = 4 << 20;

/// So many are fetched at once; each may take memory, and half a minute.
const FETCHES: usize = 4;

/// What is known of pictures. All of it can be lost.
pub(super) struct Pictures {
    fetches: Semaphore,
    /// Pictures that could not be fetched, and when: they are not asked for again with each message.
    failed: Mutex<HashMap<String, Millis>>,
    /// Until when nobody waits for a picture, since one before took too long.
    slow_until: AtomicI64,
}

impl Default for Pictures {
    fn default() -> Self {
        Self {
            fetches: Semaphore::new(FETCHES),
            failed: Mutex::default(),
            slow_until: AtomicI64::default(),
        }
    }
}

impl Pictures {
    const PAUSE: Millis = 3_600_000;

    /// How long to wait for a picture: whoever speaks is not to wait for his.
    fn patience(&self, now: Millis) -> Duration {
        const PATIENCE: Duration = Duration::from_secs(5);
        if now < self.slow_until.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        PATIENCE
    }

    /// It takes too long. Until it comes, or fails, nobody asks for it again.
    fn slow(&self, key: &str, now: Millis) {
        const NO_WAITING: Millis = 60_000;
        self.slow_until.store(now + NO_WAITING, Ordering::Relaxed);
        self.add(key, now);
    }

    /// It came after all.
    fn came(&self, key: &str) {
        self.failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }

    /// Whether fetching it failed not long ago.
    pub(super) fn failed(&self, key: &str, now: Millis) -> bool {
        self.failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .is_some_and(|at| now - at < Self::PAUSE)
    }

    fn add(&self, key: &str, now: Millis) {
        const CLEAN_UP_ABOVE: usize = 256;
        let mut failures = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() > CLEAN_UP_ABOVE {
            failures.retain(|_, at| now - *at < Self::PAUSE);
        }
        failures.insert(key.to_owned(), now);
    }
}

/// The picture's address on the homeserver; `None` if it cannot be had now, which is no reason to hold up
/// anything.
pub(crate) async fn upload(
    world: &Ctx,
    login: i64,
    avatar: &Avatar,
) -> Result<Option<OwnedMxcUri>, Error> {
    if let Some(mxc) = world.store.avatar(&avatar.key).await? {
        return Ok(Some(OwnedMxcUri::from(mxc)));
    }
    if world.ghosts.pictures.failed(&avatar.key, world.now()) {
        return Ok(None);
    }
    let Some(account) = world.connections.account(login) else {
        return Ok(None);
    };
    let pictures = &world.ghosts.pictures;
    let patience = pictures.patience(world.now());
    // In a crowd they would all be under way at once. His is asked for when he next speaks.
    if patience.is_zero() && pictures.fetches.available_permits() == 0 {
        return Ok(None);
    }
    let (ctx, wanted) = (world.clone(), avatar.clone());
    // It goes on by itself when nobody waits for it any more.
    let fetched = world.see_through(async move { fetch(&ctx, &*account, &wanted).await });
    match tokio::time::timeout(patience, fetched).await {
        Ok(Some(fetched)) => fetched,
        // The bridge ends.
        Ok(None) => Ok(None),
        Err(_) => {
            pictures.slow(&avatar.key, world.now());
            Ok(None)
        }
    }
}

async fn fetch(
    world: &Ctx,
    account: &dyn Account,
    avatar: &Avatar,
) -> Result<Option<OwnedMxcUri>, Error> {
    let _permit = world.ghosts.pictures.fetches.acquire().await.ok();
    let mxc = match account.avatar(avatar, MAX_BYTES).await {
        Ok(image) => world
            .homeserver
            .upload(image.bytes, &image.mime, None)
            .await
            .map_err(Error::from),
        Err(error) => Err(error.into()),
    };
    match mxc {
        Ok(mxc) => {
            world.store.put_avatar(&avatar.key, mxc.as_str()).await?;
            world.ghosts.pictures.came(&avatar.key);
            Ok(Some(mxc))
        }
        Err(error) => {
            tracing::debug!(%error, "a picture cannot be had");
            world.ghosts.pictures.add(&avatar.key, world.now());
            Ok(None)
        }
    }
}
