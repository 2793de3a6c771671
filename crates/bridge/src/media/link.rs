//! Links to files on Matrix, for people of the network.

use ruma::{EventId, RoomId};
use store::Link;
use url::Url;

use super::name;
use crate::{Ctx, Error, text::FileContent};

/// The link to a file that came with an event: the same one each time. For an edit, `event` is the event that was edited, so that
/// taking that one back takes all its files back.
pub(crate) async fn link(
    world: &Ctx,
    room: &RoomId,
    event: &EventId,
    file: &FileContent,
) -> Result<Url, Error> {
    let about = file.about.to_string();
    let (room, event) = (room.as_str(), event.as_str());
    let secret = world
        .store
        .put_link(room, event, &file.mxc, &file.name, &about, world.now())
        .await?;
    let mut url = world.config.public_address.clone();
    let name = name::in_link(&file.name);
    // Only an address that cannot be the base of anything has no segments, and the configuration lets none through.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments
            .pop_if_empty()
            .extend(["media", &secret, name.as_str()]);
    }
    Ok(url)
}

/// The file that a link of ours leads to, if it still does.
pub(crate) async fn file(world: &Ctx, url: &str) -> Result<Option<Link>, Error> {
    let mut base = world.config.public_address.clone();
    if let Ok(mut segments) = base.path_segments_mut() {
        segments.pop_if_empty().extend(["media", ""]);
    }
    let Some(rest) = url.strip_prefix(base.as_str()) else {
        return Ok(None);
    };
    let secret = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let link = world.store.link(secret).await?;
    Ok(link.filter(|link| link.mxc.is_some() && !is_old(world, link)))
}

/// Whether a link is older than the admin lets links become.
pub(super) fn is_old(world: &Ctx, link: &Link) -> bool {
    let lifetime = world.config.media.link_lifetime;
    lifetime.is_some_and(|lifetime| world.now() - link.made_at >= lifetime)
}

/// The event was taken back: its files are not to be had any more. May be called for any event, and more than once.
pub(crate) async fn revoke(world: &Ctx, room: &RoomId, event: &EventId) -> Result<(), Error> {
    let links = world
        .store
        .revoke_links(room.as_str(), event.as_str())
        .await?;
    if links > 0 {
        tracing::debug!(%room, %event, links, "links to files were revoked");
    }
    Ok(())
}
