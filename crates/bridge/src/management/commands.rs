//! Commands: understood here, carried out in a file each.
//!
//! A command comes again when its answer was not taken or we were killed. So what changed something is carried out once: its answer
//! becomes the note of its item, where that matters in the same commit.
//!
//! To add one: a variant of [`Command`] with its line in [`TABLE`], a file with its `run`, its arm in [`run`], and what it
//! says in `words`.

mod failed;
mod gjoin;
mod gpart;
mod help;
mod invite;
mod list;
mod login;
mod logout;
mod parse;
mod status;
mod sync;
mod table;
mod unbridge;
mod users;

use ruma::{EventId, RoomId, UserId};
use serde_json::Value;
use store::{Item, Portal, PortalId, PortalState};

use super::call::Call;
use super::notice::Notice;
use super::speak::say_contents;
use super::{invites, owner_of, room_of, say, words};
use crate::permissions::Level;
use crate::{Ctx, Error};
use parse::Parsed;

pub(super) use table::{Command, Group, TABLE, Told};

/// Something that may be a command.
pub(super) struct Said<'a> {
    pub(super) item: &'a Item,
    pub(super) event: &'a EventId,
    pub(super) room: &'a RoomId,
    pub(super) sender: &'a UserId,
    pub(super) text: &'a str,
    pub(super) prefixed: bool,
}

/// Somebody said something that may be a command.
pub(super) async fn said(world: &Ctx, said: &Said<'_>) -> Result<(), Error> {
    let &Said {
        item,
        event,
        room,
        sender,
        text,
        prefixed,
    } = said;
    let portal = world.store.portal_by_room(room.as_str()).await?;
    if !may_command(world, event, room, sender, portal.as_ref(), prefixed).await? {
        return Ok(());
    }
    let answer = match item.note.as_deref().and_then(read_note) {
        Some(answer) => answer,
        None => answer(world, item.id, sender, text, portal.as_ref()).await?,
    };
    let Some(portal) = portal else {
        return say_contents(world, room, &answer, event.as_str()).await;
    };
    let taken_out = is_out(world, portal.id).await?;
    if taken_out && let Some((_, management)) = room_of(world, sender.as_str()).await? {
        // Where he still reads.
        say_contents(world, &management, &answer, event.as_str()).await?;
    }
    match say_contents(world, room, &answer, event.as_str()).await {
        // So is the bot, perhaps.
        Err(error) if taken_out && !error.is_transient() => Ok(()),
        said => said,
    }
}

/// Whether a portal's user is no longer in it, as after `gpart` and `logout`.
async fn is_out(world: &Ctx, portal: PortalId) -> Result<bool, Error> {
    let portal = world.store.portal(portal).await?;
    Ok(portal.is_none_or(|portal| {
        portal.login_id.is_none()
            || !matches!(
                portal.state,
                PortalState::New | PortalState::Invited | PortalState::Joined
            )
    }))
}

/// Whether what he says in this room is for the bot.
async fn may_command(
    world: &Ctx,
    event: &EventId,
    room: &RoomId,
    sender: &UserId,
    portal: Option<&Portal>,
    prefixed: bool,
) -> Result<bool, Error> {
    if let Some(portal) = portal {
        return Ok(prefixed && portal.mxid == sender.as_str());
    }
    if let Some(owner) = owner_of(world, room).await? {
        return Ok(owner == sender);
    }
    if let Some(owner) = world.store.space_owner(room.as_str()).await? {
        return Ok(prefixed && owner == sender.as_str());
    }
    if !world.config.permissions.may_use(sender) {
        return Ok(false);
    }
    // The bot is in a room it knows nothing of, as after the loss of its database: as if it had just been invited.
    invites::settle(world, event, room, sender).await?;
    Ok(false)
}

/// The answer of a command that was carried out, as it is kept.
fn note(answer: &Notice) -> String {
    Value::Array(answer.contents()).to_string()
}

fn read_note(note: &str) -> Option<Vec<Value>> {
    serde_json::from_str(note).ok()
}

/// Carries a command out. `Err` is only what may pass by itself.
async fn answer(
    world: &Ctx,
    item: i64,
    user: &UserId,
    text: &str,
    portal: Option<&Portal>,
) -> Result<Vec<Value>, Error> {
    let network = world.network.info().name;
    let level = world.config.permissions.level(user);
    let (command, args) = match parse::parse(text, level) {
        Parsed::Command(command, args) => (command, args),
        Parsed::Unknown { word, nearest } => {
            return Ok(words::help::unknown(&word, nearest).contents());
        }
    };
    if level < Level::User && command != Command::Logout {
        return Ok(words::greeting::no_longer_permitted(network).contents());
    }
    let call = Call {
        world,
        item,
        user,
        admin: level >= Level::Admin,
        args,
        portal,
    };
    let answer = match run(command, &call).await {
        Ok(notice) => {
            if is_done_once(command) {
                world.store.note_item(item, &note(&notice)).await?;
            }
            notice
        }
        Err(error @ (Error::Store(_) | Error::Homeserver(_))) if error.is_transient() => {
            return Err(error);
        }
        Err(error) if error.needs_login() => {
            let expired = world.store.login_of(user.as_str()).await?.is_some();
            words::login::needed(network, expired)
        }
        Err(error) => {
            // A refusal repeats what was typed, which is nobody else's business.
            match &error {
                Error::Refused(_) => {
                    tracing::info!(command = command.name(), "a command was refused");
                }
                error => tracing::info!(command = command.name(), %error, "a command failed"),
            }
            words::help::failed(&error.sentence())
        }
    };
    Ok(answer.contents())
}

/// Whether carrying it out again would do or say something else. Never one whose answer is a secret.
fn is_done_once(command: Command) -> bool {
    match command {
        Command::Logout
        | Command::Invite
        | Command::Gjoin
        | Command::Gpart
        | Command::Retry
        | Command::Discard
        | Command::Unbridge => true,
        Command::Help
        | Command::Login
        | Command::List
        | Command::Status
        | Command::Failed
        | Command::Sync
        | Command::Version
        | Command::Users => false,
    }
}

async fn run(command: Command, call: &Call<'_>) -> Result<Notice, Error> {
    match command {
        Command::Help => Ok(help::run(call)),
        Command::Login => login::run(call).await,
        Command::Logout => logout::run(call).await,
        Command::List => list::run(call).await,
        Command::Invite => invite::run(call).await,
        Command::Gjoin => gjoin::run(call).await,
        Command::Gpart => gpart::run(call).await,
        Command::Status => status::run(call).await,
        Command::Failed => failed::show(call).await,
        Command::Retry => failed::retry(call).await,
        Command::Discard => failed::discard(call).await,
        Command::Sync => sync::run(call).await,
        Command::Version => Ok(words::status::version(&call.world.config.version)),
        Command::Users => users::run(call).await,
        Command::Unbridge => unbridge::run(call).await,
    }
}
