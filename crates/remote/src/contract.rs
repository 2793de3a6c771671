//! What the bridge relies on, as checks that any network can be run through in its own tests.
//!
//! A network's tests fulfil [`World`] (somebody else who talks, a connection that breaks) and run each of [`CHECKS`] in a
//! new world. To add a check: an `async fn` in one of the modules below, and its line in [`CHECKS`].
//!
//! Checks wait for what must come and never measure how long it took; [`PATIENCE`] only ends a wait that is in vain.

mod ears;
mod events;
mod failures;
mod login;
mod messages;
mod reading;
mod rooms;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use crate::{Account, Login, MessageId, Network, Person, RemoteError, RoomId};

/// How long a check waits for what must come before it says that it did not.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A promise that was not kept, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub String);

impl From<RemoteError> for Broken {
    fn from(error: RemoteError) -> Self {
        Self(format!(
            "an unexpected error: {error} ({:?}, {:?})",
            error.fault, error.certainty
        ))
    }
}

/// How a check came out.
pub type Verdict = Result<(), Broken>;

/// A network with people in it. A person called the tester has an account, logged in with the network's own login; somebody
/// else is in the same rooms.
#[async_trait]
pub trait World: Send + Sync {
    /// The network, set up.
    fn network(&self) -> Arc<dyn Network>;

    /// The address a login comes back to.
    fn callback(&self) -> Url;

    /// Does what the tester's browser does at `login_url`, up to the query with which it comes back.
    async fn browse(&self, login_url: &Url, agree: bool) -> Vec<(String, String)>;

    /// The other person.
    fn other(&self) -> Person;

    /// A room in which the tester and the other one are, and may write.
    fn room(&self) -> RoomId;

    /// Another such room, which the tester administers.
    fn second_room(&self) -> RoomId;

    /// The address of a room that the tester is not in and may join and leave.
    fn open_room(&self) -> String;

    /// A room which exists and which the tester may not read.
    fn closed_room(&self) -> RoomId;

    /// An id in the right form that belongs to no room.
    fn missing_room(&self) -> RoomId;

    /// An id in the right form that belongs to no message.
    fn missing_message(&self) -> MessageId;

    /// The other one says something, as an answer in a thread if one is given.
    async fn say(&self, room: &RoomId, text: &str, thread: Option<&MessageId>) -> MessageId;

    /// The other one changes what he said.
    async fn edit(&self, room: &RoomId, message: &MessageId, text: &str);

    /// The other one takes back what he said.
    async fn delete(&self, room: &RoomId, message: &MessageId);

    /// What the tester has not read in a room, in any order.
    async fn unread(&self, room: &RoomId) -> Vec<MessageId>;

    /// Breaks the tester's connection. With `lossy`, what happens until it stands again is never told.
    async fn cut(&self, lossy: bool);

    /// The next message is accepted by the network, but its answer never arrives.
    async fn lose_next_answer(&self);

    /// The tester's credentials are no longer good, and the connection ends.
    async fn revoke(&self);
}

/// A check under way.
pub type Looking<'a> = Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

/// One check.
pub struct Check {
    /// The promise, as one would say it.
    pub promise: &'static str,
    /// Looks whether it is kept, in a world that nothing else has used.
    pub run: for<'a> fn(&'a dyn World) -> Looking<'a>,
}

macro_rules! checks {
    ($($module:ident::$name:ident: $promise:literal,)*) => {
        /// All checks.
        pub const CHECKS: &[Check] = &[$(Check { promise: $promise, run: |world| Box::pin($module::$name(world)) }),*];
    };
}

checks! {
    login::info: "the network says what it is",
    login::succeeds: "a login brings back the account that agreed",
    login::refused: "a refused login is told apart",
    login::stale: "a used or invented code does not log in",
    login::setup: "a healthy set-up passes its own checks",
    rooms::listed: "rooms are listed and found by id and address",
    rooms::addresses: "an address is understood however a person types it",
    rooms::members: "members are listed up to the limit",
    rooms::join_and_leave: "joining and leaving work and are told",
    rooms::topic: "a topic is changed by those who may",
    rooms::avatars: "a picture is fetched, and no more of it than allowed",
    messages::composed: "composing is deterministic and its parts can be sent",
    messages::prefaced: "what a message goes back to is said in it, and its text is whole",
    messages::history: "history is in order, complete, and within its bounds",
    messages::single: "a single message is read, and a missing one told to be missing",
    messages::threads: "history holds what was said in threads",
    messages::edited: "an own message can be changed and taken back",
    messages::found: "an own message is found again, and no other one",
    messages::lost_answer: "a message whose answer was lost is found again",
    events::own: "an own message comes back as an event with the same id",
    events::others: "what others say, change and take back is told",
    events::watched: "only watched rooms are told",
    events::watched_later: "a room watched later is told from then on",
    events::cut: "what is said while the connection is broken gets known",
    events::lossy_cut: "what the network lost gets known",
    events::dropped: "a dropped connection can be taken up again",
    events::sink_closed: "the connection ends when nobody takes events",
    reading::marked: "what was read up to a message is no longer unread, and the rest still is",
    reading::threads: "reading in a thread leaves the rest unread",
    reading::told: "having read everything is told",
    failures::rooms: "a forbidden and a missing room are told apart from an outage",
    failures::messages: "a message that is missing or somebody else's cannot be changed",
    failures::logged_out: "credentials that are no longer good end everything",
}

/// Complains unless the condition holds.
fn ensure(holds: bool, complaint: impl FnOnce() -> String) -> Verdict {
    if holds {
        Ok(())
    } else {
        Err(Broken(complaint()))
    }
}

/// Logs the tester in by the front door.
async fn log_in(world: &dyn World) -> Result<Login, Broken> {
    let network = world.network();
    let callback = world.callback();
    let query = world
        .browse(&network.login_url(&callback, "state"), true)
        .await;
    network
        .finish_login(&callback, &query)
        .await
        .map_err(|error| Broken(format!("the login failed: {error}")))
}

/// The tester's account.
async fn tester(world: &dyn World) -> Result<Arc<dyn Account>, Broken> {
    let login = log_in(world).await?;
    Ok(world.network().account(&login.person, &login.credentials)?)
}
