//! The homeserver as the bridge meets it: carries out requests sooner or later, or not, and answers, or not.
//!
//! A request that is on its way is carried out even if the bridge dies meanwhile.

use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use homeserver::{
    Actor, ByteRange, Direction, Download, Error, Homeserver, IncomingEvent, NewEvent, NewRoom,
    NewState, Profile, RoomMember, TimelinePage, Upload,
};
use ruma::{EventId, MxcUri, OwnedEventId, OwnedMxcUri, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::Value;
use stage::homeserver::FakeHomeserver;
use tokio::sync::oneshot;

use crate::{faults::Kind, life::Life, world::World};

/// For how long the bridge's client waits for an answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// The road to the homeserver in one life of the bridge.
pub(crate) struct Road {
    pub(crate) world: Arc<World>,
    pub(crate) life: Arc<Life>,
}

fn unreachable(sent: bool) -> Error {
    Error::Unreachable {
        reason: "by torture".to_owned(),
        sent,
    }
}

fn who_is(who: &Actor) -> &str {
    match who {
        Actor::Bot => "bot",
        Actor::Ghost(user) | Actor::User(user) => user.localpart(),
    }
}

impl Road {
    async fn ask<T, F>(
        &self,
        what: &'static str,
        work: impl FnOnce(FakeHomeserver) -> F + Send,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.life.step(what).await;
        let answer = self.travel(work(self.world.homeserver.clone())).await;
        self.life.step("answer").await;
        answer
    }

    async fn travel<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let (world, faults) = (&self.world, &self.world.faults);
        let Some(up) = world.up.of() else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            return Err(unreachable(false));
        };
        if faults.strikes(Kind::HomeserverErrors) {
            tokio::time::sleep(Duration::from_millis(5)).await;
            return Err(match faults.dice.below(3) {
                0 => unreachable(false),
                1 => Error::RateLimited {
                    retry_after: Some(faults.dice.time(Duration::from_secs(5))),
                },
                _ => Error::Refused {
                    status: 503,
                    errcode: "M_UNKNOWN".to_owned(),
                    message: "by torture".to_owned(),
                },
            });
        }
        let there = faults.takes(Kind::HomeserverSlow);
        let back = faults.takes(Kind::HomeserverSlow);
        let lost = faults.strikes(Kind::HomeserverAnswersLost);
        let (tell, told) = oneshot::channel();
        let traveller = world.clone();
        tokio::spawn(async move {
            tokio::time::sleep(there).await;
            if traveller.up.of() != Some(up) {
                return;
            }
            let answer = work.await;
            tokio::time::sleep(back).await;
            if traveller.up.of() == Some(up) {
                // Whoever asked may be dead.
                let _ = tell.send(answer);
            }
        });
        match tokio::time::timeout(PATIENCE, told).await {
            Ok(Ok(answer)) if !lost => answer,
            _ => Err(unreachable(true)),
        }
    }
}

#[async_trait]
impl Homeserver for Road {
    async fn whoami(&self) -> Result<OwnedUserId, Error> {
        self.ask("whoami", |it| async move { it.whoami().await })
            .await
    }

    async fn versions(&self) -> Result<Vec<String>, Error> {
        self.ask("versions", |it| async move { it.versions().await })
            .await
    }

    async fn ping(&self, txn: &str) -> Result<Duration, Error> {
        let (world, txn) = (self.world.clone(), txn.to_owned());
        self.ask("ping", |_| async move {
            match world.bridge() {
                Some(bridge) => {
                    use homeserver::Appservice as _;
                    bridge.ping_received(Some(&txn));
                    world.pinged.notify_one();
                    Ok(Duration::from_millis(1))
                }
                None => Err(unreachable(true)),
            }
        })
        .await
    }

    async fn register(&self, localpart: &str) -> Result<(), Error> {
        let localpart = localpart.to_owned();
        self.ask(
            "register",
            |it| async move { it.register(&localpart).await },
        )
        .await
    }

    async fn set_display_name(&self, who: &Actor, name: &str) -> Result<(), Error> {
        let (who, name) = (who.clone(), name.to_owned());
        self.ask("set_display_name", |it| async move {
            it.set_display_name(&who, &name).await
        })
        .await
    }

    async fn set_avatar(&self, who: &Actor, avatar: Option<&MxcUri>) -> Result<(), Error> {
        let (who, avatar) = (who.clone(), avatar.map(ToOwned::to_owned));
        self.ask("set_avatar", |it| async move {
            it.set_avatar(&who, avatar.as_deref()).await
        })
        .await
    }

    async fn profile(&self, user: &UserId) -> Result<Profile, Error> {
        let user = user.to_owned();
        self.ask("profile", |it| async move { it.profile(&user).await })
            .await
    }

    async fn upload(
        &self,
        bytes: Vec<u8>,
        mime: &str,
        name: Option<&str>,
    ) -> Result<OwnedMxcUri, Error> {
        let (mime, name) = (mime.to_owned(), name.map(ToOwned::to_owned));
        self.ask("upload", |it| async move {
            it.upload(bytes, &mime, name.as_deref()).await
        })
        .await
    }

    async fn upload_stream(&self, upload: Upload<'_>) -> Result<OwnedMxcUri, Error> {
        self.life.step("upload_stream").await;
        self.world.homeserver.upload_stream(upload).await
    }

    async fn download(&self, file: &MxcUri, range: Option<ByteRange>) -> Result<Download, Error> {
        self.life.step("download").await;
        self.world.homeserver.download(file, range).await
    }

    async fn create_room(&self, new: &NewRoom) -> Result<OwnedRoomId, Error> {
        let new = new.clone();
        self.ask(
            "create_room",
            |it| async move { it.create_room(&new).await },
        )
        .await
    }

    async fn joined_rooms(&self) -> Result<Vec<OwnedRoomId>, Error> {
        self.ask("joined_rooms", |it| async move { it.joined_rooms().await })
            .await
    }

    async fn invite(
        &self,
        who: &Actor,
        room: &RoomId,
        user: &UserId,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let (who, room, user) = (who.clone(), room.to_owned(), user.to_owned());
        let reason = reason.map(ToOwned::to_owned);
        self.ask("invite", |it| async move {
            it.invite(&who, &room, &user, reason.as_deref()).await
        })
        .await
    }

    async fn join(&self, who: &Actor, room: &RoomId) -> Result<(), Error> {
        let (who, room) = (who.clone(), room.to_owned());
        self.ask("join", |it| async move { it.join(&who, &room).await })
            .await
    }

    async fn leave(&self, who: &Actor, room: &RoomId, reason: Option<&str>) -> Result<(), Error> {
        let (who, room, reason) = (who.clone(), room.to_owned(), reason.map(ToOwned::to_owned));
        self.ask("leave", |it| async move {
            it.leave(&who, &room, reason.as_deref()).await
        })
        .await
    }

    async fn forget(&self, who: &Actor, room: &RoomId) -> Result<(), Error> {
        let (who, room) = (who.clone(), room.to_owned());
        self.ask("forget", |it| async move { it.forget(&who, &room).await })
            .await
    }

    async fn kick(&self, room: &RoomId, user: &UserId, reason: Option<&str>) -> Result<(), Error> {
        let (room, user) = (room.to_owned(), user.to_owned());
        let reason = reason.map(ToOwned::to_owned);
        self.ask("kick", |it| async move {
            it.kick(&room, &user, reason.as_deref()).await
        })
        .await
    }

    async fn send(&self, event: &NewEvent<'_>) -> Result<OwnedEventId, Error> {
        let (who, room, kind) = (
            event.who.clone(),
            event.room.to_owned(),
            event.kind.to_owned(),
        );
        let (content, txn, ts) = (event.content.clone(), event.txn.to_owned(), event.ts);
        let faults = self.world.faults.clone();
        let shows = content.pointer("/example.test.message/id");
        let shows = shows.and_then(Value::as_str).map(ToOwned::to_owned);
        let sent = self
            .ask("send", |it| async move {
                let event = NewEvent {
                    who: &who,
                    room: &room,
                    kind: &kind,
                    content: &content,
                    txn: &txn,
                    ts,
                    in_doubt: homeserver::InDoubt::SendAgain,
                };
                let sent = it.send(&event).await;
                let id = sent.as_ref().map_or("nothing", |sent| sent.as_str());
                faults.note(&format_args!("{id} in {room}: {} {content}", who_is(&who)));
                sent
            })
            .await;
        if let (Ok(_), Some(message)) = (&sent, shows) {
            let facts = &self.world.faults.facts;
            facts.shown(event.room.as_str(), &message, self.world.now());
        }
        sent
    }

    async fn set_state(&self, state: &NewState<'_>) -> Result<OwnedEventId, Error> {
        let (who, room, kind) = (
            state.who.clone(),
            state.room.to_owned(),
            state.kind.to_owned(),
        );
        let (key, content, ts) = (state.key.to_owned(), state.content.clone(), state.ts);
        self.ask("set_state", |it| async move {
            let state = NewState {
                who: &who,
                room: &room,
                kind: &kind,
                key: &key,
                content: &content,
                ts,
            };
            it.set_state(&state).await
        })
        .await
    }

    async fn state(&self, room: &RoomId, kind: &str, key: &str) -> Result<Option<Value>, Error> {
        let (room, kind, key) = (room.to_owned(), kind.to_owned(), key.to_owned());
        self.ask(
            "state",
            |it| async move { it.state(&room, &kind, &key).await },
        )
        .await
    }

    async fn members(&self, room: &RoomId) -> Result<Vec<RoomMember>, Error> {
        let room = room.to_owned();
        self.ask("members", |it| async move { it.members(&room).await })
            .await
    }

    async fn redact(
        &self,
        who: &Actor,
        room: &RoomId,
        event: &EventId,
        reason: Option<&str>,
        txn: &str,
    ) -> Result<OwnedEventId, Error> {
        let (who, room, event) = (who.clone(), room.to_owned(), event.to_owned());
        let (reason, txn) = (reason.map(ToOwned::to_owned), txn.to_owned());
        let faults = self.world.faults.clone();
        self.ask("redact", |it| async move {
            let redacted = it.redact(&who, &room, &event, reason.as_deref(), &txn);
            let redacted = redacted.await;
            let done = redacted.is_ok();
            faults.note(&format_args!("{event} in {room} redacted: {done}"));
            redacted
        })
        .await
    }

    async fn read_receipt(&self, who: &Actor, room: &RoomId, event: &EventId) -> Result<(), Error> {
        let (who, room, event) = (who.clone(), room.to_owned(), event.to_owned());
        self.ask("read_receipt", |it| async move {
            it.read_receipt(&who, &room, &event).await
        })
        .await
    }

    async fn event(&self, room: &RoomId, event: &EventId) -> Result<Option<IncomingEvent>, Error> {
        let (room, event) = (room.to_owned(), event.to_owned());
        self.ask("event", |it| async move { it.event(&room, &event).await })
            .await
    }

    async fn timeline(
        &self,
        room: &RoomId,
        from: Option<&str>,
        direction: Direction,
        senders: &[&UserId],
        limit: u16,
    ) -> Result<TimelinePage, Error> {
        let (room, from) = (room.to_owned(), from.map(ToOwned::to_owned));
        let senders: Vec<OwnedUserId> = senders.iter().map(|it| (*it).to_owned()).collect();
        self.ask("timeline", |it| async move {
            let senders: Vec<&UserId> = senders.iter().map(|it| &**it).collect();
            it.timeline(&room, from.as_deref(), direction, &senders, limit)
                .await
        })
        .await
    }
}
