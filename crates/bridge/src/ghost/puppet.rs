//! Double puppeting: where the admin allows it, the user's own account does on Matrix what he did on the network.
//!
//! Whatever is sent so is marked ([`homeserver::PUPPET_KEY`]), and intake passes it over. A homeserver that does not let us
//! is asked again after a while; until then his ghost speaks. To let his account do one more thing: a function here that
//! begins with [`of`] and ends with [`gives_up`].

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use homeserver::Actor;
use remote::Millis;
use ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};

use crate::{Ctx, Error, config::DoublePuppet};

/// For how long we do not try to speak as somebody after we were refused.
const REST: Millis = 600_000;

/// Rooms of which we remember how far we have moved their users' markers, and users of whom that we were refused.
const AT_MOST: usize = 10_000;

/// What is known of those we speak as. All of it can be lost.
#[derive(Default)]
pub(crate) struct Puppets(Mutex<State>);

#[derive(Default)]
struct State {
    refused: HashMap<OwnedUserId, Millis>,
    read: HashMap<OwnedRoomId, OwnedEventId>,
}

impl State {
    /// Notes that the homeserver does not let us speak as somebody; whether that is news.
    fn refuse(&mut self, user: &UserId, now: Millis) -> bool {
        if self.refused.len() >= AT_MOST && !self.refused.contains_key(user) {
            self.refused.retain(|_, at| now.saturating_sub(*at) < REST);
            if self.refused.len() >= AT_MOST {
                self.refused.clear();
            }
        }
        self.refused.insert(user.to_owned(), now).is_none()
    }
}

impl Puppets {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was us who moved a user's marker to this event.
    pub(crate) fn has_read(&self, room: &RoomId, event: &EventId) -> bool {
        self.lock().read.get(room).is_some_and(|it| it == event)
    }
}

/// A user as somebody we speak as, if we may: he is one of our homeserver's, and it did not refuse us lately.
pub(crate) fn of(world: &Ctx, user: &UserId) -> Option<Actor> {
    if world.config.double_puppet == DoublePuppet::Off || user.server_name() != world.config.domain
    {
        return None;
    }
    let refused = world.ghosts.puppets.lock().refused.get(user).copied();
    let rests = refused.is_some_and(|at| world.now().saturating_sub(at) < REST);
    (!rests).then(|| Actor::User(user.to_owned()))
}

/// Whether the homeserver does not let us speak as somebody; notes it if so.
pub(crate) fn gives_up(world: &Ctx, who: &Actor, error: &homeserver::Error) -> bool {
    let Actor::User(user) = who else {
        return false;
    };
    if !error.is_forbidden() && !error.is_unknown_token() {
        return false;
    }
    let now = world.now();
    let is_news = world.ghosts.puppets.lock().refuse(user, now);
    if is_news {
        tracing::warn!(%user, %error, "double puppeting does not work for somebody; `doctor` says why");
    }
    true
}

/// Accepts an invite for a user, if we may. What he is not let into he can still enter himself.
///
/// # Errors
/// When the homeserver does not answer.
pub(crate) async fn join(world: &Ctx, user: &UserId, room: &RoomId) -> Result<(), Error> {
    let Some(who) = of(world, user) else {
        return Ok(());
    };
    match world.homeserver.join(&who, room).await {
        Err(error) if gives_up(world, &who, &error) => Ok(()),
        Err(error) if !error.is_transient() => {
            tracing::warn!(%user, %error, "an invite could not be accepted for somebody");
            Ok(())
        }
        joined => Ok(joined?),
    }
}

/// Moves a user's marker of what he has read, if we may. Best effort: the next time makes up for it.
pub(crate) async fn mark_read_as(world: &Ctx, user: &UserId, room: &RoomId, event: &EventId) {
    if world.ghosts.puppets.has_read(room, event) {
        return;
    }
    let Some(who) = of(world, user) else {
        return;
    };
    {
        // Before it is done, since the homeserver may tell us of it before it answers.
        let mut state = world.ghosts.puppets.lock();
        if state.read.len() >= AT_MOST {
            state.read.clear();
        }
        state.read.insert(room.to_owned(), event.to_owned());
    }
    if let Err(error) = world.homeserver.read_receipt(&who, room, event).await {
        world.ghosts.puppets.lock().read.remove(room);
        if !gives_up(world, &who, &error) {
            tracing::debug!(%user, %error, "a read marker was not moved");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_once_and_forgotten_when_there_are_many() {
        let mut state = State::default();
        let user = |number: usize| UserId::parse(format!("@u{number}:example.org")).unwrap();
        assert!(state.refuse(&user(0), 0));
        assert!(!state.refuse(&user(0), REST), "it is known");
        for number in 1..3 * AT_MOST {
            assert!(state.refuse(&user(number), REST));
            assert!(state.refused.len() <= AT_MOST);
        }
    }
}
