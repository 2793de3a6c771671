//! Matrix → network: what the user says, changes and takes back, as himself.
//!
//! `say` is for what is new, `late` for what nobody expects any more, `edit` and `redact` for what becomes of it later, `place` knows where it belongs, `send` sees to it that
//! each part is sent once. To carry one more kind of deed: a variant of `Deed`, and a file here.

mod edit;
mod late;
mod place;
mod redact;
mod say;
mod send;

use std::{sync::Arc, time::Duration};

use remote::{Account, Certainty, Fault, Millis, RemoteError, RoomId};
use ruma::{EventId, OwnedEventId};
use serde_json::{Value, json};
use store::{Item, ItemState, MessageRow, Portal, WayToRemote};

use super::tell;
use crate::{
    Ctx, Error,
    figures::Resolved,
    intake::matrix::MatrixEvent,
    lanes::{self, LONGEST_PAUSE, Outcome},
    login,
    management::notice::{code, line},
    media,
    status::{self, Status},
    text::{changed, is_edit, relation},
};
pub(crate) use edit::current;
use send::Progress;

/// What the user did.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Deed {
    /// Said something.
    Says,
    /// Changed this event.
    Changes(OwnedEventId),
    /// Took back this event.
    TakesBack(OwnedEventId),
    /// Nothing that makes sense.
    Nothing,
}

impl Deed {
    fn of(event: &MatrixEvent) -> Self {
        if event.kind == "m.room.redaction" {
            let target = event.redacts.clone();
            return target.map_or(Self::Nothing, Self::TakesBack);
        }
        if is_edit(&event.content) {
            let target = relation(&event.event_id, &event.content).replaces;
            return target.map_or(Self::Nothing, Self::Changes);
        }
        Self::Says
    }

    /// In a sentence about what became of it.
    fn words(&self) -> &'static str {
        match self {
            Self::Says | Self::Nothing => "Your message",
            Self::Changes(_) => "Your change of a message",
            Self::TakesBack(_) => "Your deletion of a message",
        }
    }
}

/// How it came out.
enum End {
    /// The network has it; these rows are to be stored.
    Stands(Vec<MessageRow>),
    /// There was nothing to be done.
    Nothing,
    /// It cannot cross; the user was told.
    Unsupported,
    /// It may be there or not, and nobody can find out.
    Undecided,
    /// Not now, or never.
    Not(Outcome),
}

/// Something to be carried to the network.
struct Job<'a> {
    world: &'a Ctx,
    portal: &'a Portal,
    item: &'a Item,
    event: &'a MatrixEvent,
    deed: &'a Deed,
    progress: Progress,
    /// Something was sent before and never answered: it has to be looked for.
    unanswered: bool,
}

/// By which way.
struct Road {
    account: Arc<dyn Account>,
    room: RoomId,
}

impl Job<'_> {
    /// The way to the network, if it is open.
    async fn road(&self) -> Result<Result<Road, End>, Error> {
        let (world, portal) = (self.world, self.portal);
        if !world.config.permissions.may_still_use(&portal.mxid) {
            let outcome = forbidden(world, self.event, self.deed).await?;
            return Ok(Err(End::Not(outcome)));
        }
        let Some(login) = portal.login_id else {
            logged_out(world, portal, self.event, self.deed).await?;
            return Ok(Err(End::Nothing));
        };
        let Some(account) = world.connections.account(login) else {
            return Ok(Err(End::Not(Outcome::Paused)));
        };
        Ok(Ok(Road {
            account,
            room: RoomId::from(portal.remote_room.as_str()),
        }))
    }
}

/// Works one item. `Err` is only what may pass by itself.
pub(crate) async fn work(world: &Ctx, portal: i64, item: &Item) -> Result<Outcome, Error> {
    let mut event: MatrixEvent = match serde_json::from_str(&item.payload) {
        Ok(event) => event,
        Err(error) => {
            tracing::error!(lane = %item.lane, kind = ?error.classify(), "a stored message cannot be read");
            return Err(Error::Unreadable(format!("{:?} error", error.classify())));
        }
    };
    let way = world.store.way_to_remote(portal, event.event_id.as_str());
    let Some(WayToRemote {
        portal,
        sent,
        about,
    }) = way.await?
    else {
        return Ok(Outcome::Failed("its room is no longer bridged".to_owned()));
    };
    let deed = Deed::of(&event);
    if event.sender.as_str() != portal.mxid {
        return match &deed {
            Deed::Says => stranger(world, &portal, &event).await,
            // A moderator's deletion counts as the homeserver lets it count.
            Deed::TakesBack(target) => moderated(world, &portal, item, &event, &deed, target).await,
            // What others change is not the user's.
            Deed::Changes(_) | Deed::Nothing => Ok(Outcome::done()),
        };
    }
    if deed == Deed::Says && !as_it_is_now(world, item, &mut event).await? {
        return Ok(Outcome::done());
    }
    let mut job = Job {
        world,
        portal: &portal,
        item,
        event: &event,
        deed: &deed,
        progress: Progress::read(item.note.as_deref()),
        unanswered: item.state == ItemState::Attempting,
    };
    let end = match &deed {
        Deed::Says => say::work(&mut job, &sent, &about).await,
        Deed::Changes(target) => edit::work(&mut job, target, &sent, &about).await,
        Deed::TakesBack(target) => {
            // It was done when the event was accepted, but the message may have been delivered since.
            media::link::revoke(world, &event.room, target).await?;
            redact::work(&mut job, target).await
        }
        Deed::Nothing => Ok(End::Nothing),
    };
    concluded(&mut job, end).await
}

/// Has what is tried again at the user's order say what it says now: it may have been changed in the moment in which it was given up. `false`
/// if it was taken back.
async fn as_it_is_now(world: &Ctx, item: &Item, event: &mut MatrixEvent) -> Result<bool, Error> {
    if !event.again || item.state == ItemState::Attempting {
        return Ok(true);
    }
    let (user, room, id) = (event.sender.as_str(), &event.room, &event.event_id);
    let now = match current(world, user, room, id).await {
        Err(error) if error.is_transient() => return Err(error),
        now => now.ok().flatten(),
    };
    match now {
        Some((_, _, content)) if content.as_object().is_none_or(serde_json::Map::is_empty) => {
            Ok(false)
        }
        Some((Some(_), _, now)) => {
            let now = changed(&event.content, &json!({ "m.new_content": now }));
            if let Some(content) = now.filter(|now| *now != event.content) {
                event.content = content;
                let payload = serde_json::to_string(event)
                    .map_err(|error| Error::Unreadable(error.to_string()))?;
                world.store.rewrite_item(item.id, &payload).await?;
            }
            Ok(true)
        }
        _ => Ok(true),
    }
}

/// Tells the sender what became of it.
async fn concluded(job: &mut Job<'_>, end: Result<End, Error>) -> Result<Outcome, Error> {
    let (world, event) = (job.world, job.event);
    let tell = |status| status::tell(world, &event.room, &event.event_id, status);
    match end {
        Ok(End::Stands(rows)) => {
            tell(Status::Arrived);
            Ok(Outcome::Done(rows))
        }
        Ok(End::Nothing) => Ok(Outcome::done()),
        Ok(End::Unsupported) => {
            tell(Status::Unsupported);
            Ok(Outcome::done())
        }
        Ok(End::Undecided) => {
            let network = world.network.info().name;
            let why = format!(
                "a message there may be this one, or one that you wrote on {network} yourself"
            );
            let certain = false;
            tell(Status::Failed { why: &why, certain });
            give_up(job, why, certain).await
        }
        Ok(End::Not(outcome)) => {
            if let Outcome::Failed(why) = &outcome {
                tell(Status::Failed { why, certain: true });
            }
            Ok(outcome)
        }
        Err(Error::Remote(error)) => {
            let certain = error.certainty == Certainty::NotDone;
            let outcome = refused(job, error).await?;
            if let Outcome::Failed(why) = &outcome {
                tell(Status::Failed { why, certain });
            }
            Ok(outcome)
        }
        Err(error) => Err(error),
    }
}

/// The network did not take it, or did not say so.
async fn refused(job: &mut Job<'_>, error: RemoteError) -> Result<Outcome, Error> {
    let (world, portal, item) = (job.world, job.portal, job.item);
    let perhaps_done = error.certainty == Certainty::Unknown;
    let at_most = world.now() + LONGEST_PAUSE;
    if let (Fault::LoggedOut, Some(login)) = (&error.fault, portal.login_id) {
        let expired = login::expire(world, login).await?;
        if !perhaps_done {
            world
                .store
                .postpone(item.id, world.now(), &error.sentence)
                .await?;
        }
        if !expired {
            // The answer was older than the credentials, or nobody can say now.
            return Ok(Outcome::Later(Duration::from_secs(10)));
        }
        return Ok(Outcome::Paused);
    }
    if error.is_transient() {
        if is_hopeless(job, &error).await {
            return give_up(job, error.sentence, !perhaps_done).await;
        }
        let why = error.sentence.clone();
        world.lanes.stumbles(&item.lane, why, world.now());
        waiting(job, &error).await?;
        if perhaps_done || matches!(error.fault, Fault::RateLimited(_)) {
            // Otherwise the lane counts it.
            world.meters.retry(&item.lane);
        }
        if perhaps_done {
            // It stays marked as attempting, so that the next try looks for it first. Not at once: what was
            // not answered may still be under way.
            let seconds = 3 << item.attempts.clamp(0, 4);
            let limited = match error.fault {
                Fault::RateLimited(until) => {
                    u64::try_from(until.min(at_most) - world.now()).unwrap_or(0)
                }
                _ => 0,
            };
            let wait = Duration::from_secs(seconds).max(Duration::from_millis(limited));
            return Ok(Outcome::Later(wait));
        }
        if let Fault::RateLimited(until) = error.fault {
            world
                .store
                .postpone(item.id, until.min(at_most), &error.sentence)
                .await?;
            return Ok(Outcome::Later(Duration::ZERO));
        }
        world
            .store
            .postpone(item.id, world.now(), &error.sentence)
            .await?;
        return Err(error.into());
    }
    give_up(job, error.sentence, !perhaps_done).await
}

/// Tells the user that it was not delivered, or that nobody knows, unless `certain`. `why` is one sentence without a full stop.
async fn give_up(job: &mut Job<'_>, why: String, certain: bool) -> Result<Outcome, Error> {
    let (world, item, event) = (job.world, job.item, job.event);
    let network = world.network.info().name;
    let prefix = &world.config.command_prefix;
    let what = job.deed.words();
    if !certain {
        job.note_unknown().await?;
        world.meters.resolved(Resolved::Told);
    }
    let news = if certain {
        format!("{what} was not delivered to {network}: {why}. ")
    } else {
        format!(
            "{what} may or may not have reached {network}: {why}. Have a look there before you try again: "
        )
    };
    let words = line![
        news,
        code(format!("{prefix} retry all")),
        " tries again, ",
        code(format!("{prefix} failed")),
        " lists what was not delivered.",
    ];
    let about = format!("failed {}", item.attempts);
    let said = tell::Answer {
        room: &event.room,
        event: &event.event_id,
        about: &about,
    };
    tell::author(world, job.portal, &said, words).await?;
    Ok(Outcome::Failed(why))
}

/// Whether the network fails over this again and again, though it does not over others: it must not hold up all behind it for ever.
async fn is_hopeless(job: &Job<'_>, error: &RemoteError) -> bool {
    let (item, world) = (job.item, job.world);
    let tried = item.attempts >= lanes::TRIES
        && world.now().saturating_sub(item.accepted_at) >= lanes::PATIENCE;
    if !tried || matches!(error.fault, Fault::RateLimited(_)) {
        return false;
    }
    let login = job.portal.login_id;
    match login.and_then(|login| world.connections.account(login)) {
        Some(account) => account.me().await.is_ok(),
        None => false,
    }
}

/// After some tries, says once that the message waits.
async fn waiting(job: &Job<'_>, error: &RemoteError) -> Result<(), Error> {
    const PATIENCE: Millis = 20_000;
    const PAUSE: Millis = 3_600_000;
    let (world, event, portal) = (job.world, job.event, job.portal.id);
    let (now, told) = (world.now(), &world.portals.told);
    if now - job.item.accepted_at >= PATIENCE && told.is_due(portal, "waiting", now, PAUSE) {
        let what = job.deed.words();
        let words = line![format!(
            "{what} waits: {}. It will be delivered as soon as possible.",
            error.sentence
        )];
        tell::answer(world, &event.room, &event.event_id, "waiting", words).await?;
        told.said(portal, "waiting", now);
    }
    Ok(())
}

/// Done after a logout, in a room out of which he could not be taken yet. Nothing is kept for whoever may log in next.
async fn logged_out(
    world: &Ctx,
    portal: &Portal,
    event: &MatrixEvent,
    deed: &Deed,
) -> Result<(), Error> {
    const PAUSE: Millis = 60_000;
    let (now, told) = (world.now(), &world.portals.told);
    if !told.is_due(portal.id, "logged out", now, PAUSE) {
        return Ok(());
    }
    let network = world.network.info().name;
    let what = deed.words();
    let words = line![
        format!("{what} was not delivered to {network}: you are logged out. Write "),
        code(format!("{} login", world.config.command_prefix)),
        " to log in; what you write before that is not kept."
    ];
    let said = tell::Answer {
        room: &event.room,
        event: &event.event_id,
        about: "logged out",
    };
    tell::author(world, portal, &said, words).await?;
    told.said(portal.id, "logged out", now);
    Ok(())
}

/// Done by somebody who had the admin's permission once.
async fn forbidden(world: &Ctx, event: &MatrixEvent, deed: &Deed) -> Result<Outcome, Error> {
    let network = world.network.info().name;
    let what = deed.words();
    let words = line![format!(
        "{what} was not delivered to {network}: you are not permitted to use this bridge any more; ask its admin."
    )];
    tell::answer(world, &event.room, &event.event_id, "forbidden", words).await?;
    Ok(Outcome::Failed(
        "you are not permitted to use this bridge any more".to_owned(),
    ))
}

/// Taken back by somebody else than the portal's user, a moderator of the room: what the user's account said is taken back on the
/// network, too. Whether he may is the homeserver's to say, and it has said so if the event is empty.
async fn moderated(
    world: &Ctx,
    portal: &Portal,
    item: &Item,
    event: &MatrixEvent,
    deed: &Deed,
    target: &EventId,
) -> Result<Outcome, Error> {
    let gone = world.homeserver.event(&event.room, target).await?;
    let is_empty = |content: &Value| content.as_object().is_none_or(serde_json::Map::is_empty);
    if !gone.is_some_and(|gone| is_empty(&gone.content)) {
        return Ok(Outcome::done());
    }
    media::link::revoke(world, &event.room, target).await?;
    let mut job = Job {
        world,
        portal,
        item,
        event,
        deed,
        progress: Progress::read(item.note.as_deref()),
        unanswered: item.state == ItemState::Attempting,
    };
    let end = redact::moderated(&mut job, target).await;
    concluded(&mut job, end).await
}

/// Said by somebody else than the portal's user.
async fn stranger(world: &Ctx, portal: &Portal, event: &MatrixEvent) -> Result<Outcome, Error> {
    let mark = format!("stranger {}", event.sender);
    if !world.store.marked(event.room.as_str(), &mark).await? {
        let network = world.network.info().name;
        let words = line![format!(
            "What {} writes here does not reach {network}: this room belongs to {}.",
            event.sender, portal.mxid
        )];
        tell::answer(world, &event.room, &event.event_id, "stranger", words).await?;
        world
            .store
            .mark(event.room.as_str(), &mark, world.now())
            .await?;
    }
    Ok(Outcome::done())
}
