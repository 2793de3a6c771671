//! Listens to an account while a check goes on.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::{Account, Event, EventSink, History, MessageId, RoomId, SinkClosed};

use super::{Broken, PATIENCE, Verdict, ensure};

/// What has been heard so far.
#[derive(Clone, Default)]
pub(super) struct Ears {
    heard: Arc<Mutex<Vec<Event>>>,
    news: Arc<Notify>,
}

#[async_trait]
impl EventSink for Ears {
    async fn accept(&mut self, event: Event) -> Result<(), SinkClosed> {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event);
        self.news.notify_waiters();
        Ok(())
    }
}

impl Ears {
    /// Everything heard, from the `from`th on.
    pub(super) fn heard(&self, from: usize) -> Vec<Event> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.get(from..).unwrap_or_default().to_vec()
    }

    /// How many events there were.
    pub(super) fn count(&self) -> usize {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Waits until one of the events from the `from`th on is what is wanted; gives what was made of it.
    pub(super) async fn until<T>(
        &self,
        what: &str,
        from: usize,
        wanted: impl Fn(&Event) -> Option<T>,
    ) -> Result<T, Broken> {
        let wait = async {
            loop {
                let news = self.news.notified();
                tokio::pin!(news);
                // From here on no news is missed, even before it is awaited.
                news.as_mut().enable();
                if let Some(found) = self.heard(from).iter().find_map(&wanted) {
                    return found;
                }
                news.await;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(found) => Ok(found),
            Err(_) => Err(Broken(format!(
                "never told: {what}; heard {}",
                names(&self.heard(from))
            ))),
        }
    }

    /// Waits until the connection stands.
    pub(super) async fn connected(&self, from: usize) -> Result<bool, Broken> {
        self.until("Connected", from, |event| match event {
            Event::Connected { missed } => Some(*missed),
            _ => None,
        })
        .await
    }

    /// Waits until this message is known: told, or found in the history after something said that it may be there.
    pub(super) async fn learns(
        &self,
        account: &dyn Account,
        room: &RoomId,
        cursor: &MessageId,
        message: &MessageId,
        mut from: usize,
    ) -> Verdict {
        loop {
            let place = format!("message {message}, or that something may have been missed");
            let told = self
                .until(&place, from, |event| match event {
                    Event::Message(told) if told.id == *message => Some(true),
                    Event::Connected { missed: true } => Some(false),
                    Event::Gap { rooms } if rooms.is_empty() || rooms.contains(room) => Some(false),
                    _ => None,
                })
                .await?;
            if told {
                return Ok(());
            }
            from = self.count();
            let after = account
                .history(room, &History::After(cursor.clone()), 100)
                .await?;
            if after.iter().any(|one| one.id == *message) {
                return Ok(());
            }
        }
    }
}

/// Keeps the account connected while `check` goes on.
pub(super) async fn listening(
    account: &dyn Account,
    ears: &Ears,
    check: impl Future<Output = Verdict> + Send,
) -> Verdict {
    let mut sink = ears.clone();
    tokio::select! {
        ended = account.run(&mut sink) => Err(Broken(format!("the connection ended by itself: {ended:?}"))),
        verdict = check => verdict,
    }
}

/// Waits for the end of a connection that has to end.
pub(super) async fn ending<T>(what: &str, end: impl Future<Output = T>) -> Result<T, Broken> {
    tokio::time::timeout(PATIENCE, end)
        .await
        .map_err(|_| Broken(format!("the connection did not end: {what}")))
}

/// The events were never told of this message.
pub(super) fn never_told(ears: &Ears, message: &MessageId) -> Verdict {
    let told = |event: &Event| matches!(event, Event::Message(told) if told.id == *message);
    ensure(!ears.heard(0).iter().any(told), || {
        format!("message {message} was told, but nobody watches its room")
    })
}

fn names(events: &[Event]) -> String {
    let names: Vec<_> = events
        .iter()
        .map(|event| {
            let text = format!("{event:?}");
            text.split([' ', '(', '{'])
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
