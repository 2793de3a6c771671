//! Waiting for something to be seen.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;

use super::seen::{Event, Seen};
use super::{User, path};

/// Generous, since the machine may be busy with other tests; nothing waits this long unless it fails.
const DEADLINE: Duration = Duration::from_mins(1);

/// Long enough for a room's whole history to come in one answer.
const FILTER: &str = r#"{"room":{"timeline":{"limit":1000}},"presence":{"not_types":["*"]}}"#;

impl User {
    /// The first event, among all seen or to come, for which `wanted` holds.
    ///
    /// # Errors
    /// After 60 s; the message says `what` was awaited and what was seen instead.
    pub async fn wait_for(
        &self,
        what: &str,
        wanted: impl Fn(&Event) -> bool,
    ) -> anyhow::Result<Event> {
        self.wait_from(0, what, wanted).await
    }

    /// How many events were seen so far: a place in time for [`wait_from`](Self::wait_from).
    pub async fn mark(&self) -> anyhow::Result<usize> {
        let mut seen = self.seen.lock().await;
        self.sync(&mut seen, Duration::ZERO).await?;
        Ok(seen.events.len())
    }

    /// As [`wait_for`](Self::wait_for), but only what was seen after `mark`.
    pub async fn wait_from(
        &self,
        mark: usize,
        what: &str,
        wanted: impl Fn(&Event) -> bool,
    ) -> anyhow::Result<Event> {
        let mut seen = self.seen.lock().await;
        let deadline = Instant::now() + DEADLINE;
        let mut looked_at = mark;
        loop {
            let fresh = seen.events.get(looked_at..).unwrap_or_default();
            if let Some(found) = fresh.iter().find(|event| wanted(event)) {
                return Ok(found.clone());
            }
            looked_at = seen.events.len().max(mark);
            if Instant::now() >= deadline {
                let seen = seen.summary();
                anyhow::bail!("{} waited in vain for {what}; it saw:\n{seen}", self.id);
            }
            self.sync(&mut seen, Duration::from_secs(5)).await?;
        }
    }

    /// Everything seen until now, after one look at the homeserver.
    pub async fn seen(&self) -> anyhow::Result<Vec<Event>> {
        let mut seen = self.seen.lock().await;
        self.sync(&mut seen, Duration::ZERO).await?;
        Ok(seen.events.clone())
    }

    /// The rooms in which this user's membership is `join`, `invite` or `leave`, after one look at the homeserver.
    pub async fn rooms_by_membership(&self, membership: &str) -> anyhow::Result<Vec<String>> {
        let mut seen = self.seen.lock().await;
        self.sync(&mut seen, Duration::ZERO).await?;
        let rooms = seen.rooms.iter().filter(|(_, now)| *now == membership);
        Ok(rooms.map(|(room, _)| room.clone()).collect())
    }

    /// The event up to which somebody has read a room, as this user's client was told, after one look at the homeserver.
    pub async fn read_by(&self, room: &str, reader: &str) -> anyhow::Result<Option<String>> {
        let mut seen = self.seen.lock().await;
        self.sync(&mut seen, Duration::ZERO).await?;
        let key = (room.to_owned(), reader.to_owned());
        Ok(seen.receipts.get(&key).cloned())
    }

    async fn sync(&self, seen: &mut Seen, wait: Duration) -> anyhow::Result<()> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("filter", FILTER);
        // The first answer comes at once, whatever is asked.
        query.append_pair("timeout", &wait.as_millis().to_string());
        if let Some(since) = &seen.since {
            query.append_pair("since", since);
        }
        let path = format!("{}?{}", path(&["v3", "sync"]), query.finish());
        let answer = self.get(&path).await.context("cannot sync")?;
        seen.take_in(&answer);
        Ok(())
    }
}
