//! One logged-in account: what it asks of Gitter, and with which urgency.
//!
//! What a person waits for is urgent, catching up and member lists are for the background, all else is in between, and so is what a
//! room with a queue sends; the budget of `gitter` sees to it that the one passes the other.

mod history;
mod pace;
mod presence;
mod reading;
mod send;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use gitter::realtime::{Channel, Realtime, Subscriptions};
use gitter::{Client, Endpoints};
use remote::{
    Account, Attachment, Avatar, Download, EventSink, Fault, History, Image, Member, Message,
    MessageId, Millis, Part, Person, ReadUpTo, RemoteError, Room, RoomChange, RoomId,
};
use secrecy::SecretString;

use crate::convert::{Converter, Repository};
use crate::events::Teller;
use crate::files::{self, Files};
use crate::{avatar, fault};

/// How many members one request brings at most, and so costs no more than fewer.
const PAGE: usize = 100;

pub(crate) struct GitterAccount {
    pub(crate) converter: Converter,
    client: Client,
    endpoints: Arc<Endpoints>,
    files: Option<Files>,
    http: reqwest::Client,
    token: SecretString,
    me: Person,
    seed: u64,
    /// How often it has connected, so that no two connections wait alike.
    runs: AtomicU64,
    watched: Mutex<Watched>,
    repositories: Mutex<HashMap<RoomId, Repository>>,
    pace: pace::Pace,
}

/// Which rooms are watched, and the connection which has to know.
#[derive(Default)]
struct Watched {
    rooms: BTreeSet<RoomId>,
    live: Option<Subscriptions>,
}

impl GitterAccount {
    pub(crate) fn new(
        me: &Person,
        client: Client,
        endpoints: Arc<Endpoints>,
        files: Option<Files>,
        http: reqwest::Client,
        token: SecretString,
        seed: u64,
    ) -> Self {
        Self {
            converter: Converter::new(endpoints.clone(), files.clone()),
            client,
            endpoints,
            files,
            http,
            token,
            me: me.clone(),
            seed,
            runs: AtomicU64::new(0),
            watched: Mutex::default(),
            repositories: Mutex::default(),
            pace: pace::Pace::default(),
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A room as Gitter told it; keeps what messages in it will need.
    pub(crate) fn told(&self, room: &gitter::Room) -> Room {
        let converted = self.converter.room(room);
        if let Some(repository) = Converter::repository(room) {
            let mut known = self
                .repositories
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            known.insert(converted.id.clone(), repository);
        }
        converted
    }

    /// A message as Gitter told it.
    pub(crate) fn message(&self, room: &RoomId, message: &gitter::Message) -> Message {
        let known = self
            .repositories
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let repository = known.get(room).cloned();
        drop(known);
        self.converter.message(room, repository.as_ref(), message)
    }

    pub(crate) fn is_watched(&self, room: &RoomId) -> bool {
        self.watched().rooms.contains(room)
    }

    /// Wants the channels of a watched room (again); nothing happens to those that stand.
    pub(crate) fn subscribe(&self, room: &RoomId) {
        let watched = self.watched();
        if let Some(live) = watched
            .live
            .as_ref()
            .filter(|_| watched.rooms.contains(room))
        {
            for channel in channels(room) {
                live.subscribe(channel);
            }
        }
    }

    /// Wants the channels of all watched rooms again.
    pub(crate) fn subscribe_all(&self) {
        let watched = self.watched();
        if let Some(live) = &watched.live {
            for channel in watched.rooms.iter().flat_map(channels) {
                live.subscribe(channel);
            }
        }
    }
}

/// What has to be listened to for a room.
fn channels(room: &RoomId) -> [Channel; 4] {
    let id = gitter::RoomId::from(room.as_str());
    [
        Channel::Messages(id.clone()),
        Channel::Members(id.clone()),
        Channel::Events(id.clone()),
        Channel::Room(id),
    ]
}

/// Takes the handle away when the connection ends or is dropped.
struct Live<'a>(&'a GitterAccount);

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.0.watched().live = None;
    }
}

#[async_trait]
impl Account for GitterAccount {
    async fn me(&self) -> Result<Person, RemoteError> {
        let me = self.client.urgent().me().await.map_err(fault::from)?;
        Ok(self.converter.person(&me))
    }

    async fn rooms(&self) -> Result<Vec<Room>, RemoteError> {
        // One request, and people wait for it.
        let rooms = self.client.urgent().rooms().await.map_err(fault::from)?;
        // Those he was merely mentioned in are listed too.
        Ok(rooms
            .into_iter()
            .filter(|room| room.room_member != Some(false))
            .map(|room| self.told(&room))
            .collect())
    }

    async fn room(&self, room: &RoomId) -> Result<Room, RemoteError> {
        let room = self
            .client
            .room(&room.as_str().into())
            .await
            .map_err(fault::from)?;
        Ok(self.told(&room))
    }

    async fn find_room(&self, address: &str) -> Result<Room, RemoteError> {
        let (uri, person) = match address.strip_prefix('@') {
            Some(name) => (name, true),
            None => (address, false),
        };
        let room = self
            .client
            .urgent()
            .resolve(uri)
            .await
            .map_err(fault::from)?;
        if person && !room.one_to_one {
            return Err(RemoteError::new(
                Fault::NotFound,
                format!("Gitter knows nobody called {uri}"),
            ));
        }
        Ok(self.told(&room))
    }

    async fn join(&self, room: &RoomId) -> Result<Room, RemoteError> {
        let id = gitter::RoomId::from(room.as_str());
        let client = self.client.urgent();
        match client.join(&id).await {
            Ok(room) => Ok(self.told(&room)),
            // This is also how Gitter says that there is no such room (recorded case `join_room_unknown`).
            Err(error @ gitter::Error::ServerFault { .. }) => match client.room(&id).await {
                Err(missing @ gitter::Error::NotFound) => Err(fault::from(missing)),
                _ => Err(fault::from(error)),
            },
            Err(error) => Err(fault::from(error)),
        }
    }

    async fn leave(&self, room: &RoomId) -> Result<(), RemoteError> {
        let me = gitter::UserId::from(self.me.id.as_str());
        match self.client.urgent().leave(&room.as_str().into(), &me).await {
            // Not in it any more: as he wants it.
            Ok(()) | Err(gitter::Error::NotFound) => Ok(()),
            Err(gitter::Error::BadRequest { .. }) => Err(RemoteError::new(
                Fault::Unsupported,
                "Gitter lets nobody leave a conversation of two",
            )),
            Err(error) => Err(fault::from(error)),
        }
    }

    async fn change_room(&self, room: &RoomId, change: &RoomChange) -> Result<Room, RemoteError> {
        let RoomChange::Topic(topic) = change else {
            return Err(RemoteError::new(
                Fault::Unsupported,
                "a room on Gitter is called by its address, which nobody can change",
            ));
        };
        let id = gitter::RoomId::from(room.as_str());
        match self.client.urgent().set_topic(&id, topic).await {
            Ok(room) => Ok(self.told(&room)),
            Err(gitter::Error::Forbidden) => Err(RemoteError::new(
                Fault::Forbidden,
                "only its admins may change the topic of a room on Gitter",
            )),
            Err(gitter::Error::BadRequest { .. }) => Err(RemoteError::new(
                Fault::TooLarge,
                "the topic is too long for Gitter",
            )),
            // The same topic once more harms nobody, so it does not matter whether it was set.
            Err(error) => Err(fault::from(error)),
        }
    }

    async fn members(&self, room: &RoomId, limit: usize) -> Result<Vec<Member>, RemoteError> {
        let client = self.client.background();
        let users = client
            .members_up_to(&room.as_str().into(), limit.max(PAGE))
            .await
            .map_err(fault::from)?;
        let mut members: Vec<_> = users
            .iter()
            .map(|user| self.converter.member(user))
            .collect();
        members.sort_by_key(|member| !member.admin);
        members.truncate(limit);
        Ok(members)
    }

    async fn history(
        &self,
        room: &RoomId,
        which: &History,
        limit: usize,
    ) -> Result<Vec<Message>, RemoteError> {
        history::read(self, room, which, limit).await
    }

    async fn message(&self, room: &RoomId, message: &MessageId) -> Result<Message, RemoteError> {
        let client = self.client.background();
        let found = client
            .message(&room.as_str().into(), &message.as_str().into())
            .await
            .map_err(fault::from)?;
        Ok(GitterAccount::message(self, room, &found))
    }

    async fn send(&self, room: &RoomId, part: &Part, _key: &str) -> Result<Message, RemoteError> {
        send::send(self, room, part).await
    }

    async fn find_sent(
        &self,
        room: &RoomId,
        part: &Part,
        after: Option<&MessageId>,
        not_before: Millis,
        known: &[MessageId],
    ) -> Result<Option<Message>, RemoteError> {
        send::find(self, room, part, after, not_before, known).await
    }

    async fn edit(
        &self,
        room: &RoomId,
        message: &MessageId,
        part: &Part,
    ) -> Result<Message, RemoteError> {
        send::edit(self, room, message, part).await
    }

    async fn delete(&self, room: &RoomId, message: &MessageId) -> Result<(), RemoteError> {
        let client = self.pace.writer(&self.client, room);
        client
            .delete(&room.as_str().into(), &message.as_str().into())
            .await
            .map_err(fault::from)
    }

    async fn mark_read(&self, room: &RoomId, up_to: &ReadUpTo) -> Result<(), RemoteError> {
        reading::mark(self, room, up_to).await
    }

    async fn avatar(&self, avatar: &Avatar, max_bytes: usize) -> Result<Image, RemoteError> {
        avatar::fetch(&self.http, &self.endpoints, &avatar.url, max_bytes).await
    }

    async fn fetch_attachment(&self, attachment: &Attachment) -> Result<Download, RemoteError> {
        files::fetch(&self.http, self.files.as_ref(), &attachment.url).await
    }

    fn watch(&self, room: &RoomId) {
        self.watched().rooms.insert(room.clone());
        self.subscribe(room);
    }

    fn unwatch(&self, room: &RoomId) {
        let mut watched = self.watched();
        if watched.rooms.remove(room)
            && let Some(live) = &watched.live
        {
            for channel in channels(room) {
                live.unsubscribe(channel);
            }
        }
    }

    async fn run(&self, sink: &mut dyn EventSink) -> Result<(), RemoteError> {
        let seed = self
            .seed
            .wrapping_add(self.runs.fetch_add(1, Ordering::Relaxed));
        let (mut realtime, subscriptions) = Realtime::new(
            self.endpoints.clone(),
            self.http.clone(),
            self.token.clone(),
            seed,
        );
        subscriptions.subscribe(Channel::Rooms);
        self.watched().live = Some(subscriptions);
        let _live = Live(self);
        self.subscribe_all();
        let present = realtime.present();
        let mut teller = Teller::new(self, sink);
        tokio::select! {
            ended = realtime.run(&mut teller) => ended.map_err(fault::ended),
            never = presence::look_away(&self.client, present) => match never {},
        }
    }
}
