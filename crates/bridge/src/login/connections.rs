//! The connections of all logins: started, stopped, asked how they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use remote::{Account, Millis, Person, PersonId};
use store::{Login, LoginState};
use tokio_util::sync::CancellationToken;

use super::jobs::Jobs;
use super::pending::Waiting;
use super::rooms::{self, Job};
use super::{connection, expiry};
use crate::{Clock, Ctx, Error, lanes, world::Keyed};

/// Between the starts of two connections when the bridge starts, so that many logins do not become a storm.
const RAMP: Duration = Duration::from_millis(100);

/// How a connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// On its way.
    Connecting,
    /// It stands.
    Connected,
    /// Broken, and being made anew.
    Broken {
        /// One sentence for the user, without a full stop.
        why: String,
    },
}

/// The connections of all logins, and the logins that wait for their confirmation.
#[derive(Default)]
pub struct Connections {
    lines: Mutex<HashMap<i64, Arc<Line>>>,
    pub(super) waiting: Waiting,
    /// One at a time per ticket, so that nothing is exchanged twice.
    pub(super) exchanging: Keyed<String>,
}

/// One connection.
pub(super) struct Line {
    pub(super) login: Login,
    pub(super) account: Arc<dyn Account>,
    pub(super) stop: CancellationToken,
    pub(super) jobs: Jobs,
    clock: Arc<dyn Clock>,
    status: Mutex<(Status, Millis)>,
}

impl Line {
    /// How it is, and since when.
    pub(super) fn status(&self) -> (Status, Millis) {
        self.status
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn set_status(&self, status: Status) {
        let now = self.clock.now();
        let mut current = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 != status {
            *current = (status, now);
        }
    }

    /// Asks the task that looks after rooms.
    pub(super) fn ask(&self, job: Job) {
        self.jobs.ask(job);
    }
}

impl Connections {
    fn lines(&self) -> MutexGuard<'_, HashMap<i64, Arc<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the connections of all logins, one after the other. Their accounts can be used at once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn start_all(&self, world: &Ctx) -> Result<(), Error> {
        let mut delay = Duration::ZERO;
        for login in world.store.logins().await? {
            if !world.config.permissions.may_still_use(&login.mxid) {
                tracing::warn!(
                    login = login.id,
                    mxid = login.mxid,
                    "may not use the bridge any more, so this login rests; an admin can end it with `logout`"
                );
                continue;
            }
            if login.state == LoginState::Expired {
                expiry::remind(world, &login);
                continue;
            }
            match self.start_after(world, &login, delay).await {
                Ok(()) => delay += RAMP,
                Err(error) if error.is_transient() => return Err(error),
                Err(Error::Store(error)) => {
                    tracing::error!(login = login.id, %error, "its credentials cannot be read, so its user is asked to log in again");
                    expiry::unreadable(world, &login).await?;
                }
                Err(error) => tracing::error!(login = login.id, %error, "a login cannot be used"),
            }
        }
        Ok(())
    }

    /// Starts the connection of a login, in place of one that it may have.
    ///
    /// # Errors
    /// When the database does not answer, or there are no credentials the network can use.
    pub async fn start(&self, world: &Ctx, login: &Login) -> Result<(), Error> {
        self.start_after(world, login, Duration::ZERO).await?;
        lanes::wake_login(world, login.id).await
    }

    async fn start_after(&self, world: &Ctx, login: &Login, delay: Duration) -> Result<(), Error> {
        let credentials = world
            .store
            .login_credentials(login.id)
            .await?
            .ok_or(Error::NotLoggedIn)?;
        let person = Person {
            id: PersonId::new(login.person_id.as_str()),
            username: login.username.clone(),
            display_name: login.display_name.clone(),
            avatar: None,
        };
        let account = world.network.account(&person, &credentials)?;
        for portal in world.store.joined_portals(login.id).await? {
            account.watch(&portal.remote_room.into());
        }
        let line = Arc::new(Line {
            login: login.clone(),
            account,
            stop: world.stop.child_token(),
            jobs: Jobs::default(),
            clock: world.clock.clone(),
            status: Mutex::new((Status::Connecting, world.now())),
        });
        let former = self.lines().insert(login.id, line.clone());
        if let Some(former) = former {
            former.stop.cancel();
        }
        world.spawn(rooms::look_after(world.clone(), line.clone(), delay));
        world.spawn(connection::keep(world.clone(), line, delay));
        Ok(())
    }

    /// Ends the connection of a login, if it has one.
    pub fn stop(&self, login_id: i64) {
        let line = self.lines().remove(&login_id);
        if let Some(line) = line {
            line.stop.cancel();
        }
    }

    /// Ends the connection of a login, unless it has been made with newer credentials than those that were good since then.
    pub(super) fn stop_since(&self, login_id: i64, since: Millis) {
        let mut lines = self.lines();
        let is_former = |line: &Arc<Line>| line.login.since <= since;
        if lines.get(&login_id).is_some_and(is_former)
            && let Some(line) = lines.remove(&login_id)
        {
            line.stop.cancel();
        }
    }

    /// The account of a login, unless it has to log in again.
    pub fn account(&self, login_id: i64) -> Option<Arc<dyn Account>> {
        self.lines().get(&login_id).map(|line| line.account.clone())
    }

    /// The same, and since when it has the credentials that it has.
    pub(crate) fn account_since(&self, login_id: i64) -> Option<(Arc<dyn Account>, Millis)> {
        let line = self.line(login_id)?;
        Some((line.account.clone(), line.login.since))
    }

    /// How the connection of a login is, and since when. `None` when it has to log in again.
    pub fn status(&self, login_id: i64) -> Option<(Status, Millis)> {
        self.line(login_id).map(|line| line.status())
    }

    /// How they all are.
    pub(crate) fn statuses(&self) -> Vec<Status> {
        let lines = self.lines();
        lines.values().map(|line| line.status().0).collect()
    }

    /// The network said that a connection stands. Rooms may have come and gone meanwhile.
    pub(crate) fn connected(&self, login_id: i64) {
        if let Some(line) = self.line(login_id) {
            line.set_status(Status::Connected);
            line.ask(Job::Compare);
        }
    }

    /// The network said that a connection is broken.
    pub(crate) fn disconnected(&self, login_id: i64, why: &str) {
        if let Some(line) = self.line(login_id) {
            line.set_status(Status::Broken {
                why: why.to_owned(),
            });
        }
    }

    fn line(&self, login_id: i64) -> Option<Arc<Line>> {
        self.lines().get(&login_id).cloned()
    }

    pub(super) fn ask(&self, login_id: i64, job: Job) {
        if let Some(line) = self.line(login_id) {
            line.ask(job);
        }
    }
}
