//! What the bridge asks of its homeserver.
//!
//! A trait, so that a homeserver in memory can stand in for the real one. One more request is one more method, carried out
//! in `client/`.

use std::time::Duration;

use async_trait::async_trait;
use ruma::{EventId, MxcUri, OwnedEventId, OwnedMxcUri, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::Value;

use crate::{
    Actor, ByteRange, Counters, Direction, Download, Error, IncomingEvent, NewEvent, NewRoom,
    NewState, Profile, RoomMember, TimelinePage, Upload,
};

/// The homeserver, as an appservice sees it (Matrix spec, client-server API and application service API).
///
/// Every method may give [`Error::Unreachable`] and the other errors; what a method says about success is the whole of it.
#[async_trait]
pub trait Homeserver: Send + Sync {
    /// How often it was asked for what, if that is counted.
    fn counters(&self) -> Option<&Counters> {
        None
    }

    /// Whom the homeserver takes us for: the bot, if the registration is installed. It need not be registered yet.
    async fn whoami(&self) -> Result<OwnedUserId, Error>;

    /// Versions of the Matrix spec it knows, such as `v1.12`.
    async fn versions(&self) -> Result<Vec<String>, Error>;

    /// Has the homeserver call us, and gives the time it took (Matrix spec, application services, "Pinging"). The error's
    /// message tells what it saw. Synapse also sends us at once what has piled up.
    async fn ping(&self, txn: &str) -> Result<Duration, Error>;

    /// Makes a ghost's account, or the bot's. One that exists already is fine.
    async fn register(&self, localpart: &str) -> Result<(), Error>;

    /// Sets the display name, everywhere. The homeserver writes it into each room the user is in.
    async fn set_display_name(&self, who: &Actor, name: &str) -> Result<(), Error>;

    /// Sets or clears the picture, everywhere.
    async fn set_avatar(&self, who: &Actor, avatar: Option<&MxcUri>) -> Result<(), Error>;

    /// How anybody shows himself; empty for somebody who never said.
    async fn profile(&self, user: &UserId) -> Result<Profile, Error>;

    /// Stores a file, as the bot. After a failure it may be stored all the same, which harms nobody.
    async fn upload(
        &self,
        bytes: Vec<u8>,
        mime: &str,
        name: Option<&str>,
    ) -> Result<OwnedMxcUri, Error>;

    /// Stores a file that comes piece by piece, as the bot. Tried once only, since what has passed cannot be sent again; after
    /// a failure it may be stored all the same, which harms nobody.
    async fn upload_stream(&self, upload: Upload<'_>) -> Result<OwnedMxcUri, Error>;

    /// Begins to fetch a file, as the bot: all of it or, where the homeserver can do that, the range. What
    /// [`Download::range`] says is what comes.
    async fn download(&self, file: &MxcUri, range: Option<ByteRange>) -> Result<Download, Error>;

    /// Makes a room, as the bot. Never repeated where it may have been made: see [`Error::perhaps_done`].
    async fn create_room(&self, room: &NewRoom) -> Result<OwnedRoomId, Error>;

    /// The rooms which the bot is in.
    async fn joined_rooms(&self) -> Result<Vec<OwnedRoomId>, Error>;

    /// Invites somebody. Fine too if he is in the room, or invited, already.
    async fn invite(
        &self,
        who: &Actor,
        room: &RoomId,
        user: &UserId,
        reason: Option<&str>,
    ) -> Result<(), Error>;

    /// Enters a room. Fine too if he is in it already.
    async fn join(&self, who: &Actor, room: &RoomId) -> Result<(), Error>;

    /// Leaves a room, or refuses an invite. Fine too if he is not in it.
    async fn leave(&self, who: &Actor, room: &RoomId, reason: Option<&str>) -> Result<(), Error>;

    /// Forgets a room that was left. Fine too if he does not know it.
    async fn forget(&self, who: &Actor, room: &RoomId) -> Result<(), Error>;

    /// Takes somebody out of a room, or his invite back, as the bot. Fine too if he is not in it.
    async fn kick(&self, room: &RoomId, user: &UserId, reason: Option<&str>) -> Result<(), Error>;

    /// Sends a message event. The same transaction id again gives the same event, until the homeserver restarts.
    async fn send(&self, event: &NewEvent<'_>) -> Result<OwnedEventId, Error>;

    /// Sets state.
    async fn set_state(&self, state: &NewState<'_>) -> Result<OwnedEventId, Error>;

    /// A piece of state as the bot sees it; `None` if the room has none of it.
    async fn state(&self, room: &RoomId, kind: &str, key: &str) -> Result<Option<Value>, Error>;

    /// Who is in a room or invited, as the bot sees it.
    async fn members(&self, room: &RoomId) -> Result<Vec<RoomMember>, Error>;

    /// Takes back an event. The transaction id works as in [`Self::send`].
    async fn redact(
        &self,
        who: &Actor,
        room: &RoomId,
        event: &EventId,
        reason: Option<&str>,
        txn: &str,
    ) -> Result<OwnedEventId, Error>;

    /// Says that somebody has read up to an event.
    async fn read_receipt(&self, who: &Actor, room: &RoomId, event: &EventId) -> Result<(), Error>;

    /// One event of a room as the bot sees it; `None` if there is none, or it is hidden from him.
    async fn event(&self, room: &RoomId, event: &EventId) -> Result<Option<IncomingEvent>, Error>;

    /// Reads a room's timeline as the bot: from its end (backward) or start (forward), or from where a page says.
    /// Only what these people sent, if any are named. `limit` is a wish; homeservers give at most 1,000 or fewer.
    async fn timeline(
        &self,
        room: &RoomId,
        from: Option<&str>,
        direction: Direction,
        senders: &[&UserId],
        limit: u16,
    ) -> Result<TimelinePage, Error>;
}
