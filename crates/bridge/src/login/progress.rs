//! How far a long round of invites is: one notice in the talk with the bot, which is changed in place, since hundreds of rooms are
//! no reason for dozens of notices. A restart goes on with the same one.

use homeserver::{Actor, NewEvent};
use ruma::{OwnedEventId, RoomId};
use serde_json::{Value, json};

use super::connections::Line;
use super::expiry::scope;
use crate::delivery::txn;
use crate::management::{room_of, words};
use crate::{Ctx, Error};

/// Where the notice is remembered: a mark whose name is the room and the event.
fn place(login_id: i64) -> String {
    format!("{}/progress", scope(login_id))
}

/// Tells how many rooms are still to come.
pub(super) async fn tell(world: &Ctx, line: &Line, left: usize) -> Result<(), Error> {
    let id = line.login.id;
    let Some((_, room)) = room_of(world, &line.login.mxid).await? else {
        return Ok(());
    };
    let marks = world.store.marks(&place(id)).await?;
    let known = marks.iter().find_map(|(name, _)| {
        let (there, event) = name.split_once(' ')?;
        (there == room.as_str()).then(|| event.to_owned())
    });
    if let Some(original) = known {
        let cause = format!("{original} {left}");
        write(world, &room, &changed(left, &original), &cause).await?;
    } else {
        // Before it is remembered: should we die in between, the same words are the same event.
        let cause = format!("progress {id} {left}");
        let event = write(world, &room, &content(left), &cause).await?;
        let name = format!("{room} {event}");
        world.store.mark(&place(id), &name, world.now()).await?;
    }
    Ok(())
}

/// The round is over: the next one has a notice of its own.
pub(super) async fn over(world: &Ctx, line: &Line) -> Result<(), Error> {
    if !world.store.marks(&place(line.login.id)).await?.is_empty() {
        tell(world, line, 0).await?;
        forget(world, line.login.id).await?;
    }
    Ok(())
}

/// Forgets the notice of a login.
pub(super) async fn forget(world: &Ctx, login_id: i64) -> Result<(), Error> {
    Ok(world.store.unmark_all(&place(login_id)).await?)
}

fn content(left: usize) -> Value {
    let notice = words::rooms::inviting(left);
    notice.contents().into_iter().next().unwrap_or_default()
}

fn changed(left: usize, original: &str) -> Value {
    let new = content(left);
    let mut content = new.clone();
    for (field, star) in [("body", "* "), ("formatted_body", "* ")] {
        if let Some(text) = new.get(field).and_then(Value::as_str) {
            content[field] = json!(format!("{star}{text}"));
        }
    }
    content["m.new_content"] = new;
    content["m.relates_to"] = json!({"rel_type": "m.replace", "event_id": original});
    content
}

async fn write(
    world: &Ctx,
    room: &RoomId,
    content: &Value,
    cause: &str,
) -> Result<OwnedEventId, Error> {
    let txn = txn(&["progress", world.names.bot().as_str(), room.as_str(), cause]);
    let event = NewEvent {
        who: &Actor::Bot,
        room,
        kind: "m.room.message",
        content,
        txn: &txn,
        ts: None,
        in_doubt: homeserver::InDoubt::SendAgain,
    };
    Ok(world.homeserver.send(&event).await?)
}
