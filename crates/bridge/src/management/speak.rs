//! How the bot speaks.

use homeserver::{Actor, NewEvent};
use ruma::RoomId;

use serde_json::Value;

use super::notice::Notice;
use crate::delivery::txn;
use crate::{Error, World};

/// Says something in a room. `cause` is what it is said for: the same words for the same cause are said once.
pub(crate) async fn say(
    world: &World,
    room: &RoomId,
    notice: &Notice,
    cause: &str,
) -> Result<(), Error> {
    say_contents(world, room, &notice.contents(), cause).await
}

/// The same, page by page.
pub(super) async fn say_contents(
    world: &World,
    room: &RoomId,
    pages: &[Value],
    cause: &str,
) -> Result<(), Error> {
    for (page, content) in pages.iter().enumerate() {
        let txn = txn(&[
            "word",
            world.names.bot().as_str(),
            room.as_str(),
            cause,
            &page.to_string(),
        ]);
        let event = NewEvent {
            who: &Actor::Bot,
            room,
            kind: "m.room.message",
            content,
            txn: &txn,
            ts: None,
            in_doubt: homeserver::InDoubt::SendAgain,
        };
        world.homeserver.send(&event).await?;
    }
    Ok(())
}
