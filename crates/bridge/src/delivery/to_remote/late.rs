//! What waited too long: it is not sent as if nothing had happened, but listed as failed, and its sender decides.
//!
//! Late is what came late, and what waits in a lane that stood still for so long. A long queue that goes out is not: those who wait in it see it
//! go on.
//!
//! Of a burst, all that are late are given up at once, when the way to the network is open again, and one notice tells of them. Changes and
//! deletions are carried out however late: what they concern stands there.

use std::{collections::HashSet, sync::atomic::Ordering, time::Duration};

use remote::Millis;
use ruma::OwnedEventId;
use store::{Item, Lane};

use super::{Deed, Job, Road, say};
use crate::{
    Error,
    delivery::tell,
    intake::matrix::MatrixEvent,
    lanes::Outcome,
    management::{
        notice::{code, line},
        words,
    },
    status::{self, Status},
    text::{Crossing, crossing},
};

/// Why it is listed as failed.
const WHY: &str = "it waited too long before it could be sent";

/// A homeserver that catches up sends one event after the other: so long nothing may have come into the lane until those that are late are
/// given up together, and so long they wait for that at most.
const GATHER: Millis = 5_000;
const GATHER_AT_MOST: Millis = 30_000;

/// How many rows are read at once.
const PAGE: u32 = 100;

/// When the user wrote it, or asked to try again.
fn written(event: &MatrixEvent) -> Millis {
    event.written_at.unwrap_or(event.ts)
}

/// How long a lane may stand still before what waits in it is late.
struct Patience {
    most: Millis,
    now: Millis,
    /// When the lane last carried a message, by our clock.
    moved: Option<Millis>,
}

impl Patience {
    /// Whether the lane carried anything lately.
    fn moves(&self) -> bool {
        self.moved
            .is_some_and(|moved| self.now.saturating_sub(moved) <= self.most)
    }

    /// Whether nobody would expect this message any more. One that came late is late. One that waits behind others is not, as long as
    /// those go out: a long queue takes its time.
    fn is_out(&self, event: &MatrixEvent, accepted_at: Millis) -> bool {
        let written = written(event);
        if accepted_at.saturating_sub(written) > self.most {
            return true;
        }
        let moved = self.moved.filter(|moved| *moved >= accepted_at);
        let since = moved.unwrap_or(written).max(written);
        self.now.saturating_sub(since) > self.most
    }
}

/// Something else that is late.
struct Other {
    item: i64,
    event: MatrixEvent,
}

impl Job<'_> {
    /// Before a message is sent: gives up all that is late in this lane, and tells so once. With `begun` the item itself is not among them.
    /// Gives what becomes of the item, unless it is to be sent now. `Err` as long as the way is not open, since more will be late by
    /// then.
    pub(super) async fn give_up_late(
        &self,
        road: &Road,
        begun: bool,
    ) -> Result<Option<Outcome>, Error> {
        let (world, event) = (self.world, self.event);
        let Some(patience) = self.patience().await? else {
            return Ok(None);
        };
        let stays = begun || *self.deed != Deed::Says;
        if !stays && !patience.is_out(event, self.item.accepted_at) {
            return Ok(None);
        }
        // What it leaves behind counts as movement from now on.
        if stays && (patience.moves() || self.others(&patience).await?.is_empty()) {
            return Ok(None);
        }
        if let Some(more) = self.more_may_come().await? {
            return Ok(Some(more));
        }
        // The cheapest way to know that.
        road.account.me().await?;
        let others = self.others(&patience).await?;
        let mut late: Vec<_> = others.iter().map(|other| written(&other.event)).collect();
        late.extend((!stays).then(|| written(event)));
        // First, since they are not looked at again.
        let oldest = late.iter().copied().min().unwrap_or_default();
        self.tell_of(late.len(), oldest).await?;
        let ids: Vec<_> = others.iter().map(|other| other.item).collect();
        world.store.fail_items(&ids, WHY, world.now()).await?;
        for other in &others {
            let status = Status::Failed {
                why: WHY,
                certain: true,
            };
            status::tell(world, &other.event.room, &other.event.event_id, status);
        }
        Ok((!stays).then(|| Outcome::Failed(WHY.to_owned())))
    }

    /// By which lateness is judged, unless the item is so new that nothing behind it can be late.
    async fn patience(&self) -> Result<Option<Patience>, Error> {
        let (world, now) = (self.world, self.world.now());
        let most = world.config.delivery.max_age;
        let Some(most) = most.filter(|most| now.saturating_sub(written(self.event)) > *most) else {
            return Ok(None);
        };
        let sent = world.store.sent_last(self.portal.id).await?;
        let ahead = world.network_ahead.load(Ordering::Relaxed);
        Ok(Some(Patience {
            most,
            now,
            moved: sent.map(|sent| sent - ahead),
        }))
    }

    /// Not yet, while more comes in that may be late.
    async fn more_may_come(&self) -> Result<Option<Outcome>, Error> {
        let (world, lane) = (self.world, Lane::ToRemote(self.portal.id));
        let newest = world.store.last_items(&lane, 1).await?;
        let came = newest.first().map_or(0, |item| item.accepted_at);
        let until = (came + GATHER).min(self.item.accepted_at + GATHER_AT_MOST);
        // A clock that was set back must not hold up anything.
        let left = (until - world.now()).min(GATHER);
        let left = u64::try_from(left).unwrap_or(0);
        Ok((left > 0).then(|| Outcome::Later(Duration::from_millis(left))))
    }

    /// What waits behind it and is late, too.
    async fn others(&self, patience: &Patience) -> Result<Vec<Other>, Error> {
        let (world, lane) = (self.world, Lane::ToRemote(self.portal.id));
        let (mut others, mut redacted) = (Vec::new(), HashSet::new());
        let mut after = self.item.id;
        loop {
            let page = world.store.items_behind(&lane, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for item in &page {
                others.extend(self.other(item, patience, &mut redacted));
            }
        }
        others.retain(|other| !redacted.contains(&other.event.event_id));
        Ok(others)
    }

    fn other(
        &self,
        item: &Item,
        patience: &Patience,
        redacted: &mut HashSet<OwnedEventId>,
    ) -> Option<Other> {
        let world = self.world;
        // What cannot be read is complained about when its turn comes.
        let event: MatrixEvent = serde_json::from_str(&item.payload).ok()?;
        if event.sender.as_str() != self.portal.mxid {
            return None;
        }
        let deed = Deed::of(&event);
        if let Deed::TakesBack(target) = deed {
            redacted.insert(target);
            return None;
        }
        let crossing = crossing(&event.kind, &event.content);
        let crosses =
            matches!(crossing, Crossing::Message(_)) && !say::is_not_wanted(world, &crossing);
        let is_late = deed == Deed::Says && patience.is_out(&event, item.accepted_at);
        (crosses && is_late).then_some(Other {
            item: item.id,
            event,
        })
    }

    async fn tell_of(&self, number: usize, oldest: Millis) -> Result<(), Error> {
        let (world, event) = (self.world, self.event);
        let network = world.network.info().name;
        let prefix = &world.config.command_prefix;
        let waited = words::ago(oldest, world.now());
        let (news, them) = match number {
            1 => (format!("Your message waited for {waited}"), "it"),
            _ => (
                format!("{number} of your messages waited, the oldest for {waited},"),
                "them",
            ),
        };
        let order = if number == 1 { "" } else { ", in their order" };
        let words = line![
            format!(
                "{news} before I could send {them} to {network}. Nobody there may expect {them} any more, so I have not. "
            ),
            code(format!("{prefix} retry all")),
            format!(" sends {them} now{order}, "),
            code(format!("{prefix} discard all")),
            format!(" gives {them} up, "),
            code(format!("{prefix} failed")),
            " lists what was not delivered.",
        ];
        let about = format!("late {}", written(event));
        let said = tell::Answer {
            room: &event.room,
            event: &event.event_id,
            about: &about,
        };
        tell::author(world, self.portal, &said, words).await
    }
}
