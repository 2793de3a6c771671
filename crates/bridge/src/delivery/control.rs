//! Works an item of a control lane: membership of portals here, everything else in `management`.

use ruma::OwnedUserId;
use store::Item;

use crate::{Ctx, Error, intake::ControlEvent, lanes::Outcome, management, portal, space};

/// Works one item. `Err` is only what may pass by itself.
pub(crate) async fn work(world: &Ctx, item: &Item) -> Result<Outcome, Error> {
    let event: ControlEvent = match serde_json::from_str(&item.payload) {
        Ok(event) => event,
        Err(error) => {
            tracing::error!(lane = %item.lane, kind = ?error.classify(), "a stored control item cannot be read; passed over");
            return Ok(Outcome::done());
        }
    };
    match handle(world, item, &event).await {
        Ok(()) => Ok(Outcome::done()),
        Err(error) if error.is_transient() => Err(error),
        Err(error) => {
            // Whoever asked for something has been answered by then; there is nothing here that the user
            // could try again.
            tracing::warn!(room = %event.room(), %error, "a control item came to nothing");
            Ok(Outcome::done())
        }
    }
}

async fn handle(world: &Ctx, item: &Item, event: &ControlEvent) -> Result<(), Error> {
    if let ControlEvent::Member { room, .. } = event {
        if let Some(portal) = world.store.portal_by_room(room.as_str()).await? {
            return portal::membership(world, &portal, event).await;
        }
        if world.store.space_owner(room.as_str()).await?.is_some() {
            // Who leaves his space has no use for it; it stays as it is, and `sync` offers it again.
            return Ok(());
        }
    }
    if let ControlEvent::Upgraded {
        room, replacement, ..
    } = event
        && let Some(owner) = world.store.space_owner(room.as_str()).await?
        && let Ok(owner) = OwnedUserId::try_from(owner)
    {
        return space::upgraded(world, &owner, room, replacement).await;
    }
    match event {
        ControlEvent::Changed { .. } => portal::changed(world, event).await,
        ControlEvent::Upgraded { room, .. }
            if world.store.portal_by_room(room.as_str()).await?.is_some() =>
        {
            portal::upgraded(world, event).await
        }
        _ => management::handle(world, item, event).await,
    }
}
