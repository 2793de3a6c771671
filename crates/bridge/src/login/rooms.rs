//! Which rooms a user is invited to without asking, and what happens when the list of his rooms changes.
//!
//! One task for each connection does it, a room after the other, so that neither the homeserver nor the network
//! gets a burst, and so that no room is made twice. What it owes survives a restart as a mark in the store.
//!
//! To add something it does: a variant of [`Job`], and its function.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use remote::{Fault, Room, RoomId};
use store::{Login, Portal, PortalState};

use super::connections::Line;
use super::expiry::scope;
use super::{progress, welcome};
use crate::config::InvitePolicy;
use crate::lanes::Backoff;
use crate::management::words::rooms::Loss;
use crate::management::{room_of, say, words};
use crate::{Ctx, Error, portal};

/// Between two new rooms.
const PACE: Duration = Duration::from_millis(200);

/// After how many rooms a user who is to get more of them hears how it goes.
const REPORT_EVERY: usize = 25;

/// How often a room is tried.
const TRIES: u32 = 4;

/// Mark in the store: the user asked to be invited to all of his rooms.
const ALL_WANTED: &str = "invite all";

/// Something to do.
#[derive(Clone, Debug)]
pub(super) enum Job {
    /// Look which rooms there are, and do what is owed.
    Compare,
    /// The account is now in this room.
    Added(Box<Room>),
    /// The account is no longer in this room.
    Removed(RoomId),
}

/// How a round of invites came out.
#[derive(Debug, Default)]
struct Round {
    invited: usize,
    /// Address and reason of those that failed.
    failed: Vec<(String, String)>,
}

impl Round {
    fn add(&mut self, other: Self) {
        self.invited += other.invited;
        self.failed.extend(other.failed);
    }
}

/// Sees to it that the user is invited to all of his rooms, beside everything else; he is told when it is done.
/// Says how many there are.
pub(crate) async fn invite_all(world: &Ctx, login: &Login, rooms: &[Room]) -> Result<usize, Error> {
    let portals = world.store.portals_of(&login.mxid).await?;
    let due = missing(rooms, &portals, Wish::Asked).len();
    if due > 0 {
        world
            .store
            .mark(&scope(login.id), ALL_WANTED, world.now())
            .await?;
        world.connections.ask(login.id, Job::Compare);
    }
    Ok(due)
}

/// Looks again which rooms there are.
pub(crate) fn compare_again(world: &Ctx, login_id: i64) {
    world.connections.ask(login_id, Job::Compare);
}

/// The network says that the account is now in a room.
pub(crate) fn room_added(world: &Ctx, login_id: i64, room: Room) {
    world.connections.ask(login_id, Job::Added(Box::new(room)));
}

/// The network says that the account is no longer in a room.
pub(crate) fn room_removed(world: &Ctx, login_id: i64, room: &RoomId) {
    world.connections.ask(login_id, Job::Removed(room.clone()));
}

/// Forgets what a login that is gone wished for.
pub(super) async fn forget(world: &Ctx, login_id: i64) -> Result<(), Error> {
    world.store.unmark(&scope(login_id), ALL_WANTED).await?;
    progress::forget(world, login_id).await
}

/// Does the jobs of a connection until it ends.
pub(super) async fn look_after(world: Ctx, line: Arc<Line>, delay: Duration) {
    let work = async {
        tokio::time::sleep(delay).await;
        // Whoever has just logged in need not wait for his connection; for everybody else it comes with that.
        if matches!(welcome::is_owed(&world, line.login.id).await, Ok(true)) {
            attempt(&world, &line, &Job::Compare).await;
        }
        loop {
            let job = line.jobs.next().await;
            attempt(&world, &line, &job).await;
        }
    };
    tokio::select! {
        biased;
        () = line.stop.cancelled() => {}
        () = work => {}
    }
}

/// Does a job; tries again as long as the failure may pass by itself.
async fn attempt(world: &Ctx, line: &Line, job: &Job) {
    let mut backoff = Backoff::default();
    loop {
        let done = match job {
            Job::Compare => compare(world, line).await,
            Job::Added(room) => added(world, line, room).await,
            Job::Removed(room) => removed(world, line, room).await,
        };
        match done {
            Ok(()) => return,
            Err(error) if error.is_transient() => {
                let wait = backoff.next(world);
                tracing::debug!(login = line.login.id, %error, ?wait, "the list of rooms has to wait");
                tokio::time::sleep(wait).await;
            }
            Err(error) => {
                // A login that expired begins anew with its next connection.
                tracing::warn!(login = line.login.id, %error, "the list of rooms could not be followed");
                return;
            }
        }
    }
}

async fn compare(world: &Ctx, line: &Line) -> Result<(), Error> {
    let id = line.login.id;
    let rooms = line.account.rooms().await?;
    let portals = world.store.portals_of(&line.login.mxid).await?;
    let policy = world.config.invites.policy;
    if welcome::is_owed(world, id).await? {
        let due = match policy {
            InvitePolicy::All => newest_first(missing(&rooms, &portals, Wish::Unasked)),
            InvitePolicy::None => Vec::new(),
        };
        let now = due.len().min(world.config.invites.max);
        let (due, later) = due.split_at(now);
        welcome::say_it(world, line, rooms.len(), now).await?;
        // As if he had declined: `list` and `invite` are there for them. Without a row, they would look new next time.
        for room in later {
            let portal = portal::record(world, &line.login, room).await?;
            world
                .store
                .set_portal_state(portal.id, PortalState::Declined)
                .await?;
        }
        let round = invite_many(world, line, due).await?;
        if !round.failed.is_empty() {
            report(world, line, &round, "welcome").await?;
        }
        welcome::done(world, id).await?;
    } else if policy == InvitePolicy::All {
        // One that is known and new was left half-way.
        let unknown = |room: &&Room| {
            portals
                .iter()
                .find(|portal| portal.remote_room == room.id.as_str())
                .is_none_or(|portal| portal.state == PortalState::New)
        };
        let new: Vec<_> = rooms.iter().filter(unknown).cloned().collect();
        invite_many(world, line, &newest_first(new)).await?;
    }
    for portal in portals.iter().filter(|portal| is_live(portal)) {
        match rooms
            .iter()
            .find(|room| room.id.as_str() == portal.remote_room)
        {
            Some(room) => {
                portal::note_member(world, portal, room).await?;
                // What changed while nobody listened.
                if !portal::is_shown(portal, room) {
                    portal::follow(world, portal, id, room).await?;
                }
            }
            None => verify(world, line, portal).await?,
        }
    }
    if world.store.marked(&scope(id), ALL_WANTED).await? {
        let portals = world.store.portals_of(&line.login.mxid).await?;
        let due = newest_first(missing(&rooms, &portals, Wish::Asked));
        let round = invite_many(world, line, &due).await?;
        report(world, line, &round, "all").await?;
        world.store.unmark(&scope(id), ALL_WANTED).await?;
    }
    Ok(())
}

async fn added(world: &Ctx, line: &Line, room: &Room) -> Result<(), Error> {
    if world.config.invites.policy == InvitePolicy::None {
        return Ok(());
    }
    let known = world
        .store
        .portal_of(&line.login.mxid, room.id.as_str())
        .await?;
    let known: Vec<_> = known.into_iter().collect();
    for room in missing(std::slice::from_ref(room), &known, Wish::Unasked) {
        portal::create_and_invite(world, &line.login, &room).await?;
    }
    Ok(())
}

async fn removed(world: &Ctx, line: &Line, room: &RoomId) -> Result<(), Error> {
    if let Some(portal) = world
        .store
        .portal_of(&line.login.mxid, room.as_str())
        .await?
        .filter(is_live)
    {
        let loss = loss(line, &portal).await?.unwrap_or(Loss::Left);
        end(world, line, &portal, loss).await?;
    }
    Ok(())
}

/// A bridged room is not in the account's list: he may have lost it, or only ever have read it.
async fn verify(world: &Ctx, line: &Line, portal: &Portal) -> Result<(), Error> {
    let was_member = portal::was_member(world, portal).await?;
    let loss = match loss(line, portal).await? {
        None if was_member => Some(Loss::Left),
        loss => loss,
    };
    match loss {
        Some(loss) => end(world, line, portal, loss).await,
        None => Ok(()),
    }
}

/// How the account has lost a room that it is no longer in; `None` if it can still read it.
async fn loss(line: &Line, portal: &Portal) -> Result<Option<Loss>, Error> {
    let room = RoomId::new(portal.remote_room.as_str());
    match line
        .account
        .room(&room)
        .await
        .map_err(|error| (error.fault.clone(), error))
    {
        Ok(_) => Ok(None),
        Err((Fault::NotFound, _)) => Ok(Some(Loss::Deleted)),
        Err((Fault::Forbidden, _)) if portal.kind == portal::PUBLIC => Ok(Some(Loss::Banned)),
        Err((Fault::Forbidden, _)) => Ok(Some(Loss::Removed)),
        Err((_, error)) => Err(error.into()),
    }
}

/// Ends a portal whose room the account has lost.
async fn end(world: &Ctx, line: &Line, portal: &Portal, loss: Loss) -> Result<(), Error> {
    let network = world.network.info().name;
    let address = &portal.shown.address;
    portal::forget_member(world, portal).await?;
    if loss == Loss::Deleted {
        let words = words::rooms::archived(network, address);
        if portal::archive(world, portal, words).await? {
            return Ok(());
        }
    }
    let reason = words::rooms::no_longer_in(network, address, loss);
    if !portal::take_out(world, portal, &reason).await? {
        return Ok(());
    }
    if let Some((_, room)) = room_of(world, &line.login.mxid).await? {
        let notice = words::rooms::ended(network, address, loss);
        say(
            world,
            &room,
            &notice,
            &format!("ended {} {}", portal.id, world.now()),
        )
        .await?;
    }
    Ok(())
}

/// The same for rooms that may be many: tells now and then how far it is.
async fn invite_many(world: &Ctx, line: &Line, rooms: &[Room]) -> Result<Round, Error> {
    let mut round = Round::default();
    let mut left = rooms.len();
    for some in rooms.chunks(REPORT_EVERY) {
        if rooms.len() > REPORT_EVERY {
            progress::tell(world, line, left).await?;
        }
        round.add(invite(world, line, some).await?);
        left -= some.len();
    }
    progress::over(world, line).await?;
    Ok(round)
}

/// Makes rooms and invites, one after the other. A room that cannot be made is left out.
async fn invite(world: &Ctx, line: &Line, rooms: &[Room]) -> Result<Round, Error> {
    let mut round = Round::default();
    for (number, room) in rooms.iter().enumerate() {
        if number > 0 {
            tokio::time::sleep(PACE).await;
        }
        match persist(world, line, room).await {
            Ok(()) => round.invited += 1,
            Err(error) if error.needs_login() => return Err(error),
            Err(error) => {
                tracing::warn!(login = line.login.id, room = %room.id, %error, "a room could not be made");
                round.failed.push((room.address.clone(), error.sentence()));
            }
        }
        between(world, line).await?;
    }
    Ok(round)
}

/// What happens to a single room does not wait until hundreds of others are made.
async fn between(world: &Ctx, line: &Line) -> Result<(), Error> {
    while let Some(job) = line.jobs.of_room() {
        let done = match &job {
            Job::Compare => Ok(()),
            Job::Added(room) => added(world, line, room).await,
            Job::Removed(room) => removed(world, line, room).await,
        };
        match done {
            Ok(()) => {}
            Err(error) if error.is_transient() => {
                line.ask(job);
                return Ok(());
            }
            Err(error) if error.needs_login() => return Err(error),
            Err(error) => {
                tracing::warn!(login = line.login.id, %error, "a room could not be followed");
            }
        }
    }
    Ok(())
}

async fn persist(world: &Ctx, line: &Line, room: &Room) -> Result<(), Error> {
    let mut backoff = Backoff::default();
    let mut tries = 1;
    loop {
        match portal::create_and_invite(world, &line.login, room).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_transient() && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(backoff.next(world)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Tells how a round came out.
async fn report(world: &Ctx, line: &Line, round: &Round, which: &str) -> Result<(), Error> {
    if let Some((_, room)) = room_of(world, &line.login.mxid).await? {
        let notice = words::rooms::invited(round.invited, &round.failed);
        say(
            world,
            &room,
            &notice,
            &format!("{which} {} {}", line.login.id, world.now()),
        )
        .await?;
    }
    Ok(())
}

/// Who wants the invites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// The configuration. What the user declined or left stays as he wants it.
    Unasked,
    /// The user himself.
    Asked,
}

/// The rooms that the user is neither in nor invited to on Matrix, as far as the wish goes.
fn missing(rooms: &[Room], portals: &[Portal], wish: Wish) -> Vec<Room> {
    let states: HashMap<&str, PortalState> = portals
        .iter()
        .map(|portal| (portal.remote_room.as_str(), portal.state))
        .collect();
    let wanted = |room: &&Room| match states.get(room.id.as_str()) {
        None | Some(PortalState::New | PortalState::Gone) => true,
        Some(PortalState::Invited | PortalState::Joined) => false,
        Some(PortalState::Left | PortalState::Declined) => wish == Wish::Asked,
    };
    rooms.iter().filter(wanted).cloned().collect()
}

/// Most recently active first.
fn newest_first(mut rooms: Vec<Room>) -> Vec<Room> {
    rooms.sort_by_key(|room| (Reverse(room.active_at), room.address.to_lowercase()));
    rooms
}

/// Whether the user is in it, or may come in at any moment.
fn is_live(portal: &Portal) -> bool {
    matches!(portal.state, PortalState::Invited | PortalState::Joined)
}
