//! What waited too long: it is not sent as if nothing had happened, but listed as failed, and its sender decides.
//!
//! Of a burst, all that are late are given up at once, when the way to the network is open again, and one notice tells of them. Changes and
//! deletions are carried out however late: what they concern stands there.

use std::{collections::HashSet, time::Duration};

use remote::Millis;
use ruma::OwnedEventId;
use store::{Item, Lane};

use super::{Deed, Job, Road, say};
use crate::{
    Ctx, Error,
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

/// Whether it is a message which nobody would expect any more.
fn is_late(world: &Ctx, event: &MatrixEvent, deed: &Deed) -> bool {
    let waited = world.now().saturating_sub(written(event));
    *deed == Deed::Says
        && world
            .config
            .delivery
            .max_age
            .is_some_and(|most| waited > most)
}

/// Something else that is late.
struct Other {
    item: i64,
    event: MatrixEvent,
}

impl Job<'_> {
    /// Whether it waited too long.
    pub(super) fn is_late(&self) -> bool {
        is_late(self.world, self.event, self.deed)
    }

    /// Gives up all that is late in this lane, and tells so once. The item itself is left to whoever works it. `Err` as long as the way is
    /// not open, since more will be late by then.
    pub(super) async fn give_up_late(&self, road: &Road) -> Result<Outcome, Error> {
        let (world, event) = (self.world, self.event);
        if let Some(more) = self.more_may_come().await? {
            return Ok(more);
        }
        // The cheapest way to know that.
        road.account.me().await?;
        let others = self.others().await?;
        let oldest = others.iter().map(|other| written(&other.event)).min();
        let oldest = oldest.unwrap_or(Millis::MAX).min(written(event));
        // First, since they are not looked at again.
        self.tell_of(1 + others.len(), oldest).await?;
        let ids: Vec<_> = others.iter().map(|other| other.item).collect();
        world.store.fail_items(&ids, WHY, world.now()).await?;
        for other in &others {
            let status = Status::Failed {
                why: WHY,
                certain: true,
            };
            status::tell(world, &other.event.room, &other.event.event_id, status);
        }
        Ok(Outcome::Failed(WHY.to_owned()))
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
    async fn others(&self) -> Result<Vec<Other>, Error> {
        let (world, lane) = (self.world, Lane::ToRemote(self.portal.id));
        let (mut others, mut redacted) = (Vec::new(), HashSet::new());
        let mut after = self.item.id;
        loop {
            let page = world.store.items_behind(&lane, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for item in &page {
                others.extend(self.other(item, &mut redacted));
            }
        }
        others.retain(|other| !redacted.contains(&other.event.event_id));
        Ok(others)
    }

    fn other(&self, item: &Item, redacted: &mut HashSet<OwnedEventId>) -> Option<Other> {
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
        (crosses && is_late(world, &event, &deed)).then_some(Other {
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
