//! The two traits a remote network implements.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use secrecy::SecretString;
use url::Url;

use crate::{
    Attachment, Avatar, Capabilities, Download, EventSink, Image, Member, Message, MessageId,
    Millis, Outgoing, Part, Person, RemoteError, Room, RoomId,
};

/// What a network is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkInfo {
    /// For machines: lower case, such as `gitter`. Goes into `m.bridge`.
    pub id: &'static str,
    /// For people, such as `Gitter`.
    pub name: &'static str,
    /// Its web site.
    pub url: Url,
    /// Key under which each bridged event names its remote message, such as `im.gitter.message`.
    pub event_key: &'static str,
}

/// What lets the bridge act as the user: a token, or whatever the network needs, as one string.
/// Only the network reads it; the store seals it.
pub type Credentials = SecretString;

/// A login that succeeded.
#[derive(Debug)]
pub struct Login {
    /// Who logged in.
    pub person: Person,
    /// What to keep.
    pub credentials: Credentials,
}

/// A login that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// The person said no on the network's page.
    #[error("access was refused on the network's page")]
    Refused,
    /// What the browser brought back is not usable (any more); start over.
    #[error("what the browser brought back can no longer be used")]
    Stale,
    /// The network does not accept the bridge's own credentials or address: the admin has to mend it.
    #[error("the bridge is not set up correctly: {0}")]
    Misconfigured(String),
    /// The network failed.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}

/// What was asked of a network since the start, for the metrics. A network that counts none of it says so by zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests, repetitions included.
    pub requests: u64,
    /// How many of them it refused for being too many.
    pub refused: u64,
    /// How many had to wait for their turn, so as not to be too many.
    pub waits: u64,
    /// For how long those waited that have been sent by now, all together.
    pub waited: Duration,
    /// How many wait at present.
    pub waiting: u64,
}

/// A remote network, before anybody is logged in.
#[async_trait]
pub trait Network: Send + Sync {
    /// What it is called.
    fn info(&self) -> &NetworkInfo;

    /// What it can do.
    fn capabilities(&self) -> &Capabilities;

    /// What was asked of it since the start, for all accounts together.
    fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    /// Where to send the browser of a person who wants to log in. The network sends it back to `callback`
    /// with `state` in the query, and with whatever it brings.
    fn login_url(&self, callback: &Url, state: &str) -> Url;

    /// The origins a login passes through, for the pages' `form-action`.
    fn login_origins(&self) -> Vec<String>;

    /// Turns what the browser brought back into a login. `query` is all of the callback's query.
    ///
    /// # Errors
    /// [`LoginError`], which says whose turn it is.
    async fn finish_login(
        &self,
        callback: &Url,
        query: &[(String, String)],
    ) -> Result<Login, LoginError>;

    /// The account behind stored credentials. Does not talk to the network.
    ///
    /// # Errors
    /// When the credentials are not of this network.
    fn account(
        &self,
        person: &Person,
        credentials: &Credentials,
    ) -> Result<Arc<dyn Account>, RemoteError>;

    /// Reads how a person names a room (any case, with or without a leading `/` or the network's address in front; `@name` for a
    /// one-to-one) as the address that [`Room::address`] uses. `None` if it cannot be one.
    fn parse_address(&self, typed: &str) -> Option<String>;

    /// Turns a message into the network's own, one or more. Depends on nothing but its arguments, so that
    /// after a restart the same parts come out.
    fn compose(&self, message: &Outgoing) -> Vec<Part>;

    /// Where a browser shows a message of the room with this address (as [`Room::address`] has it); `None` where there is no
    /// such place. Depends on nothing but its arguments.
    fn permalink(&self, address: &str, message: &MessageId) -> Option<String>;

    /// What an admin can get wrong, checked from outside: one line per check.
    async fn check(&self, callback: &Url) -> Vec<Check>;
}

/// How one check of the set-up came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub what: String,
    /// `Ok` with what was found, or how it is wrong.
    pub result: Result<String, Complaint>,
}

/// What a check found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// It may work all the same.
    pub only_warning: bool,
    /// What is wrong.
    pub problem: String,
    /// How to mend it.
    pub advice: String,
}

/// Which messages of a room to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum History {
    /// The newest ones.
    Newest,
    /// The newest ones once more, to compare them with what is known. Nobody waits for it: it must not use up what the network allows
    /// for messages.
    NewestAgain,
    /// Those that came after this one, oldest first.
    After(MessageId),
    /// Those that came before this one.
    Before(MessageId),
}

/// What a person may want to change about a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomChange {
    /// Its name.
    Name(String),
    /// Its topic; empty: none.
    Topic(String),
}

/// How far the account's person has read in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadUpTo {
    /// The last message he has read.
    pub message: MessageId,
    /// Only what was said in the thread of this message; `None`: everything in the room.
    pub thread: Option<MessageId>,
}

/// One logged-in account. Cheap to clone behind its `Arc`; holds no connection unless [`Account::run`] is polled.
#[async_trait]
pub trait Account: Send + Sync {
    /// Who this is, read anew; also the cheapest way to know whether the credentials still hold.
    async fn me(&self) -> Result<Person, RemoteError>;

    /// Every room the account is in, in no particular order.
    async fn rooms(&self) -> Result<Vec<Room>, RemoteError>;

    /// One room.
    async fn room(&self, room: &RoomId) -> Result<Room, RemoteError>;

    /// The room with this address (from [`Network::parse_address`]), whether or not the account is in it. May open a one-to-one.
    async fn find_room(&self, address: &str) -> Result<Room, RemoteError>;

    /// Goes into a room.
    async fn join(&self, room: &RoomId) -> Result<Room, RemoteError>;

    /// Leaves a room.
    async fn leave(&self, room: &RoomId) -> Result<(), RemoteError>;

    /// Changes a room's name or topic, if the account may, and gives the room as it is then.
    ///
    /// # Errors
    /// [`Fault::Forbidden`](crate::Fault::Forbidden) if he may not, [`Fault::Unsupported`](crate::Fault::Unsupported) if nobody
    /// can from outside.
    async fn change_room(&self, room: &RoomId, change: &RoomChange) -> Result<Room, RemoteError>;

    /// At most `limit` people of a room, those who matter most first if the network knows.
    async fn members(&self, room: &RoomId, limit: usize) -> Result<Vec<Member>, RemoteError>;

    /// Messages of a room, oldest first, threads included; at most `limit` (the network may return fewer than
    /// there are only by reaching `limit`).
    async fn history(
        &self,
        room: &RoomId,
        which: &History,
        limit: usize,
    ) -> Result<Vec<Message>, RemoteError>;

    /// One message, for those who can do without it: it must not use up what the network allows for messages.
    ///
    /// # Errors
    /// [`Fault::NotFound`](crate::Fault::NotFound) if it is not there (any more).
    async fn message(&self, room: &RoomId, message: &MessageId) -> Result<Message, RemoteError>;

    /// Sends one part. `key` is the same for each attempt at the same part, for networks with idempotent sends.
    ///
    /// # Errors
    /// [`RemoteError::certainty`] says whether the message may stand there all the same.
    async fn send(&self, room: &RoomId, part: &Part, key: &str) -> Result<Message, RemoteError>;

    /// Looks for an own message with the text of `part`, sent at `not_before` or later and after the message `after`. This is how an attempt
    /// whose answer was lost gets resolved. Those in `known` are other messages for sure.
    /// One that has the text but for spaces counts, and if there is none either, one whose text was changed since (as its `edited_at` tells): that may
    /// be it.
    async fn find_sent(
        &self,
        room: &RoomId,
        part: &Part,
        after: Option<&MessageId>,
        not_before: Millis,
        known: &[MessageId],
    ) -> Result<Option<Message>, RemoteError>;

    /// Changes an own message.
    async fn edit(
        &self,
        room: &RoomId,
        message: &MessageId,
        part: &Part,
    ) -> Result<Message, RemoteError>;

    /// Takes a message back.
    async fn delete(&self, room: &RoomId, message: &MessageId) -> Result<(), RemoteError>;

    /// Notes that the account's person has read what stands in a room up to a message. Nobody waits for it: it must not use up
    /// what the network allows for messages. What is read already, or not known to be unread, is fine.
    async fn mark_read(&self, room: &RoomId, up_to: &ReadUpTo) -> Result<(), RemoteError>;

    /// Fetches a picture, at most `max_bytes` of it. Makes requests to the network's own hosts only.
    async fn avatar(&self, avatar: &Avatar, max_bytes: usize) -> Result<Image, RemoteError>;

    /// Begins to fetch a file that a message links to. Makes requests to the network's own hosts, and to where those send it;
    /// never to an address that only machines near the bridge can reach, unless the admin named it as the network's.
    async fn fetch_attachment(&self, attachment: &Attachment) -> Result<Download, RemoteError>;

    /// From now on events of this room are told. Survives reconnects; no I/O by itself.
    fn watch(&self, room: &RoomId);

    /// No longer.
    fn unwatch(&self, room: &RoomId);

    /// Keeps the connection and tells what happens, until the credentials are refused or the sink closes.
    /// Can be dropped at any await. Reconnects by itself.
    ///
    /// # Errors
    /// Only with what reconnecting cannot mend ([`Fault::LoggedOut`](crate::Fault::LoggedOut)). `Ok` when the sink closed.
    async fn run(&self, sink: &mut dyn EventSink) -> Result<(), RemoteError>;
}
