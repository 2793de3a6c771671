//! `status`: login, connection, rooms, and what waits, since when and why.

use store::{ItemState, Lane, Login, LoginState, Portal, PortalState, Queue};

use super::{Call, Notice, words};
use crate::{Error, login};
use words::status::{State, Waits, Whither, Why};

/// So many rooms in which something waits are named.
const ROOMS: usize = 10;

pub(super) async fn run(call: &Call<'_>) -> Result<Notice, Error> {
    let world = call.world;
    let Some(login) = world.store.login_of(call.user.as_str()).await? else {
        return Ok(words::status::nobody(call.network()));
    };
    let portals = world.store.portals_of(&login.mxid).await?;
    let number = |state| {
        portals
            .iter()
            .filter(|portal| portal.state == state)
            .count()
    };
    let counts = world.store.count_items(&login.mxid).await?;
    let queues = world.store.queues(&login.mxid).await?;
    let mut waits = Vec::new();
    for queue in queues.iter().take(ROOMS) {
        waits.push(waiting(call, &login, &portals, queue).await?);
    }
    let state = State {
        network: call.network(),
        login: &login,
        connection: world.connections.status(login.id),
        rooms: (number(PortalState::Joined), number(PortalState::Invited)),
        counts,
        waits,
        more: queues.len().saturating_sub(ROOMS),
        now: world.now(),
    };
    Ok(words::status::state(&state))
}

/// What waits in one lane.
async fn waiting(
    call: &Call<'_>,
    login: &Login,
    portals: &[Portal],
    queue: &Queue,
) -> Result<Waits, Error> {
    let id = match queue.lane {
        Lane::ToRemote(id) | Lane::ToMatrix(id) => Some(id),
        Lane::Control(_) => None,
    };
    let portal = portals.iter().find(|portal| Some(portal.id) == id);
    let whither = match queue.lane {
        Lane::ToRemote(_) => Whither::Remote,
        Lane::ToMatrix(_) | Lane::Control(_) => Whither::Matrix,
    };
    Ok(Waits {
        room: portal.map(|portal| portal.shown.address.clone()),
        whither,
        number: usize::try_from(queue.items).unwrap_or(0),
        since: queue.since,
        why: why(call, login, portal, &queue.lane).await?,
    })
}

/// What keeps a lane from going on.
async fn why(
    call: &Call<'_>,
    login: &Login,
    portal: Option<&Portal>,
    lane: &Lane,
) -> Result<Why, Error> {
    let (world, now) = (call.world, call.world.now());
    let to_remote = matches!(lane, Lane::ToRemote(_));
    if !world.config.permissions.may_still_use(&login.mxid) {
        return Ok(Why::NotPermitted);
    }
    if login.state == LoginState::Expired {
        return Ok(Why::LoggedOut);
    }
    let is_there = portal.is_some_and(|portal| portal.state == PortalState::Joined);
    if !to_remote && !is_there {
        return Ok(Why::Away);
    }
    let head = world.store.next_item(lane).await?;
    let postponed = head.as_ref().and_then(|head| {
        let until = head.not_before.filter(|until| *until > now)?;
        Some((head.why.clone()?, until))
    });
    if let Some((why, until)) = postponed {
        return Ok(Why::Until { why, until });
    }
    let attempted = head.is_some_and(|head| head.state == ItemState::Attempting);
    if let Some(trouble) = world.lanes.trouble(lane) {
        return Ok(Why::Trouble {
            why: trouble.why,
            since: trouble.since,
            attempted,
        });
    }
    if to_remote
        && let Some((login::Status::Broken { why }, since)) = world.connections.status(login.id)
    {
        return Ok(Why::Trouble {
            why,
            since,
            attempted,
        });
    }
    Ok(Why::UnderWay)
}
