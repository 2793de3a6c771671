//! The network as the bridge meets it.
//!
//! As with the homeserver, a request that is on its way is carried out even if the bridge dies meanwhile.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use remote::{
    Account, Attachment, Avatar, Capabilities, Certainty, Check, Credentials, Download, Event,
    EventSink, Fault, History, Image, Login, LoginError, Member, Message, MessageId, Millis,
    Network, NetworkInfo, Outgoing, Part, Person, ReadUpTo, RemoteError, Room, RoomChange, RoomId,
    SinkClosed,
};
use stage::network::{Failure, said};
use tokio::{sync::oneshot, time::Instant};
use url::Url;

use crate::{faults::Kind, life::Life, people::read_part, world::World};

/// For how long the bridge's client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The road to the network in one life of the bridge.
#[derive(Clone)]
pub(crate) struct Road {
    pub(crate) world: Arc<World>,
    pub(crate) life: Arc<Life>,
}

fn trouble() -> RemoteError {
    RemoteError::new(Fault::Unavailable, "Test is having trouble")
}

impl Road {
    async fn ask<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl Future<Output = Result<T, RemoteError>> + Send + 'static,
    ) -> Result<T, RemoteError> {
        self.life.step(what).await;
        let answer = self.travel(work).await;
        self.life.step("answer").await;
        answer
    }

    async fn travel<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, RemoteError>> + Send + 'static,
    ) -> Result<T, RemoteError> {
        let faults = &self.world.faults;
        if faults.strikes(Kind::NetworkErrors) {
            tokio::time::sleep(Duration::from_millis(5)).await;
            if faults.dice.below(2) == 0 {
                return Err(trouble());
            }
            let until = self.world.now() + millis(faults.dice.time(Duration::from_secs(20)));
            let fault = Fault::RateLimited(until);
            return Err(RemoteError::new(fault, "Test wants us to go slower"));
        }
        let there = faults.takes(Kind::NetworkSlow);
        let back = faults.takes(Kind::NetworkSlow) * 5;
        let lost = faults.strikes(Kind::NetworkAnswersLost);
        if lost && faults.dice.below(3) == 0 {
            tokio::time::sleep(there).await;
            return Err(trouble().perhaps_done());
        }
        let (tell, told) = oneshot::channel();
        tokio::spawn(async move {
            tokio::time::sleep(there).await;
            let answer = work.await;
            tokio::time::sleep(back).await;
            // Whoever asked may be dead.
            let _ = tell.send(answer);
        });
        match tokio::time::timeout(PATIENCE, told).await {
            Ok(Ok(answer)) if !lost => answer,
            Ok(_) if faults.dice.below(2) == 0 => {
                Err(RemoteError::new(Fault::Garbled, "Test's answer makes no sense").perhaps_done())
            }
            _ => Err(trouble().perhaps_done()),
        }
    }
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

#[async_trait]
impl Network for Road {
    fn info(&self) -> &NetworkInfo {
        self.world.network.info()
    }

    fn capabilities(&self) -> &Capabilities {
        self.world.network.capabilities()
    }

    fn login_url(&self, callback: &Url, state: &str) -> Url {
        self.world.network.login_url(callback, state)
    }

    fn login_origins(&self) -> Vec<String> {
        self.world.network.login_origins()
    }

    async fn finish_login(
        &self,
        callback: &Url,
        query: &[(String, String)],
    ) -> Result<Login, LoginError> {
        self.world.network.finish_login(callback, query).await
    }

    fn account(
        &self,
        person: &Person,
        credentials: &Credentials,
    ) -> Result<Arc<dyn Account>, RemoteError> {
        Ok(Arc::new(AccountRoad {
            account: self.world.network.account(person, credentials)?,
            road: self.clone(),
        }))
    }

    fn parse_address(&self, typed: &str) -> Option<String> {
        self.world.network.parse_address(typed)
    }

    fn compose(&self, message: &Outgoing) -> Vec<Part> {
        self.world.network.compose(message)
    }

    fn permalink(&self, address: &str, message: &MessageId) -> Option<String> {
        self.world.network.permalink(address, message)
    }

    async fn check(&self, callback: &Url) -> Vec<Check> {
        self.world.network.check(callback).await
    }
}

struct AccountRoad {
    account: Arc<dyn Account>,
    road: Road,
}

#[async_trait]
impl Account for AccountRoad {
    async fn me(&self) -> Result<Person, RemoteError> {
        let it = self.account.clone();
        self.road.ask("me", async move { it.me().await }).await
    }

    async fn rooms(&self) -> Result<Vec<Room>, RemoteError> {
        let it = self.account.clone();
        self.road
            .ask("rooms", async move { it.rooms().await })
            .await
    }

    async fn room(&self, room: &RoomId) -> Result<Room, RemoteError> {
        let (it, room) = (self.account.clone(), room.clone());
        let work = async move { it.room(&room).await };
        self.road.ask("room", work).await
    }

    async fn find_room(&self, address: &str) -> Result<Room, RemoteError> {
        let (it, address) = (self.account.clone(), address.to_owned());
        let work = async move { it.find_room(&address).await };
        self.road.ask("find_room", work).await
    }

    async fn join(&self, room: &RoomId) -> Result<Room, RemoteError> {
        let (it, room) = (self.account.clone(), room.clone());
        let work = async move { it.join(&room).await };
        self.road.ask("join there", work).await
    }

    async fn leave(&self, room: &RoomId) -> Result<(), RemoteError> {
        let (it, room) = (self.account.clone(), room.clone());
        let work = async move { it.leave(&room).await };
        self.road.ask("leave there", work).await
    }

    async fn change_room(&self, room: &RoomId, change: &RoomChange) -> Result<Room, RemoteError> {
        let (it, room, change) = (self.account.clone(), room.clone(), change.clone());
        let work = async move { it.change_room(&room, &change).await };
        self.road.ask("change_room", work).await
    }

    async fn members(&self, room: &RoomId, limit: usize) -> Result<Vec<Member>, RemoteError> {
        let (it, room) = (self.account.clone(), room.clone());
        let work = async move { it.members(&room, limit).await };
        self.road.ask("members there", work).await
    }

    async fn message(&self, room: &RoomId, message: &MessageId) -> Result<Message, RemoteError> {
        let (it, room, message) = (self.account.clone(), room.clone(), message.clone());
        let work = async move { it.message(&room, &message).await };
        self.road.ask("message", work).await
    }

    async fn history(
        &self,
        room: &RoomId,
        which: &History,
        limit: usize,
    ) -> Result<Vec<Message>, RemoteError> {
        let (it, room, which) = (self.account.clone(), room.clone(), which.clone());
        let work = async move { it.history(&room, &which, limit).await };
        self.road.ask("history", work).await
    }

    async fn send(&self, room: &RoomId, part: &Part, key: &str) -> Result<Message, RemoteError> {
        let (it, room) = (self.account.clone(), room.clone());
        let (part, key) = (part.clone(), key.to_owned());
        let world = self.road.world.clone();
        let what = read_part(&part.text);
        let attempt = what.map(|(number, _, part)| {
            let facts = &world.faults.facts;
            facts.attempted((number, part), world.now())
        });
        let work = async move {
            let faults = &world.faults;
            faults.note(&format_args!("posts {}", part.text));
            let number = what.map(|(number, ..)| number);
            let is_doomed = number.is_some_and(|number| faults.facts.is_doomed(number));
            let drops = is_doomed || faults.strikes(Kind::Dropped);
            if drops {
                world.network.lock().failures.push_back(Failure::Dropped);
            }
            let sent = it.send(&room, &part, &key).await;
            if let Some(attempt) = attempt.filter(|_| sent.is_ok()) {
                faults.facts.taken(attempt);
            }
            match (&sent, number) {
                (Ok(_), Some(number)) if drops => faults.facts.drops(number),
                // It never came so far.
                (Err(_), _) if drops => world.network.lock().failures.clear(),
                _ => {}
            }
            sent
        };
        let sent = self.road.ask("post", work).await;
        let is_told = match &sent {
            Ok(_) => true,
            Err(error) => error.certainty == Certainty::NotDone,
        };
        if let Some(attempt) = attempt.filter(|_| is_told) {
            let world = &self.road.world;
            world.faults.facts.answered(attempt, world.now());
        }
        sent
    }

    async fn find_sent(
        &self,
        room: &RoomId,
        part: &Part,
        after: Option<&MessageId>,
        not_before: Millis,
        known: &[MessageId],
    ) -> Result<Option<Message>, RemoteError> {
        let (it, room, part) = (self.account.clone(), room.clone(), part.clone());
        let (after, known) = (after.cloned(), known.to_vec());
        let world = self.road.world.clone();
        let work = async move {
            let found = it
                .find_sent(&room, &part, after.as_ref(), not_before, &known)
                .await;
            if let (Ok(Some(found)), Some((number, _, part))) = (&found, read_part(&part.text)) {
                let facts = &world.faults.facts;
                let reads = read_part(&said(found)).map(|(number, ..)| number);
                facts.found((number, part), found.id.as_str(), reads, world.now());
            }
            found
        };
        self.road.ask("find_sent", work).await
    }

    async fn edit(
        &self,
        room: &RoomId,
        message: &MessageId,
        part: &Part,
    ) -> Result<Message, RemoteError> {
        let (it, room) = (self.account.clone(), room.clone());
        let (message, part) = (message.clone(), part.clone());
        let faults = self.road.world.faults.clone();
        let work = async move {
            faults.note(&format_args!("edits {message} to {}", part.text));
            it.edit(&room, &message, &part).await
        };
        self.road.ask("edit", work).await
    }

    async fn delete(&self, room: &RoomId, message: &MessageId) -> Result<(), RemoteError> {
        let (it, room, message) = (self.account.clone(), room.clone(), message.clone());
        let faults = self.road.world.faults.clone();
        let work = async move {
            faults.note(&format_args!("deletes {message}"));
            it.delete(&room, &message).await
        };
        self.road.ask("delete", work).await
    }

    async fn mark_read(&self, room: &RoomId, up_to: &ReadUpTo) -> Result<(), RemoteError> {
        let (it, room, up_to) = (self.account.clone(), room.clone(), up_to.clone());
        let work = async move { it.mark_read(&room, &up_to).await };
        self.road.ask("mark_read", work).await
    }

    async fn avatar(&self, avatar: &Avatar, max_bytes: usize) -> Result<Image, RemoteError> {
        let (it, avatar) = (self.account.clone(), avatar.clone());
        let work = async move { it.avatar(&avatar, max_bytes).await };
        self.road.ask("avatar", work).await
    }

    async fn fetch_attachment(&self, attachment: &Attachment) -> Result<Download, RemoteError> {
        self.road.life.step("fetch_attachment").await;
        self.account.fetch_attachment(attachment).await
    }

    fn watch(&self, room: &RoomId) {
        self.account.watch(room);
    }

    fn unwatch(&self, room: &RoomId) {
        self.account.unwatch(room);
    }

    async fn run(&self, sink: &mut dyn EventSink) -> Result<(), RemoteError> {
        let (life, faults) = (&self.road.life, &self.road.world.faults);
        let mut pushes = Pushes {
            sink,
            road: &self.road,
            closed: false,
            lost: false,
        };
        loop {
            life.step("connects").await;
            let lasts = if faults.has(Kind::PushesCut) {
                Duration::from_secs(2) + faults.dice.time(Duration::from_mins(1))
            } else {
                Duration::from_hours(1)
            };
            let ended = pushes.lasting(&*self.account, lasts).await;
            if pushes.closed {
                return Ok(());
            }
            if let Some(ended) = ended {
                return ended;
            }
            // It was silent before anybody noticed.
            tokio::time::sleep(faults.dice.time(Duration::from_secs(40))).await;
            let why = "the connection was cut".to_owned();
            if pushes
                .sink
                .accept(Event::Disconnected { why })
                .await
                .is_err()
            {
                return Ok(());
            }
            tokio::time::sleep(faults.dice.time(Duration::from_secs(3))).await;
        }
    }
}

/// An event in the trace.
fn told(event: &Event) -> String {
    match event {
        Event::Message(it) => format!("{}: {}", it.id, stage::network::said(it)),
        Event::Changed(it) => format!("{} is now {}", it.id, stage::network::said(it)),
        Event::Deleted { message, .. } => format!("{message} is gone"),
        _ => String::new(),
    }
}

/// A connection.
struct Pushes<'a> {
    sink: &'a mut dyn EventSink,
    road: &'a Road,
    closed: bool,
    /// Something was lost.
    lost: bool,
}

impl Pushes<'_> {
    /// Tells what happens, for so long; `None` when it was cut then.
    async fn lasting(
        &mut self,
        account: &dyn Account,
        lasts: Duration,
    ) -> Option<Result<(), RemoteError>> {
        let taking = Arc::new(AtomicBool::new(false));
        let mut taken = Taken {
            pushes: self,
            taking: taking.clone(),
        };
        let run = account.run(&mut taken);
        tokio::pin!(run);
        let mut until = Instant::now() + lasts;
        loop {
            tokio::select! {
                biased;
                ended = &mut run => return Some(ended),
                () = tokio::time::sleep_until(until) => {
                    if !taking.load(Ordering::Relaxed) {
                        return None;
                    }
                    until += Duration::from_millis(20);
                }
            }
        }
    }

    async fn tell(&mut self, event: Event) -> Result<(), SinkClosed> {
        let faults = &self.road.world.faults;
        self.road.life.step("push").await;
        let is_said = matches!(
            event,
            Event::Message(_) | Event::Changed(_) | Event::Deleted { .. }
        );
        if is_said {
            faults.note(&format_args!("{}", told(&event)));
            if faults.strikes(Kind::PushesLost) {
                self.lost = true;
                return Ok(());
            }
            if faults.strikes(Kind::PushesDoubled) {
                tokio::time::sleep(faults.dice.time(Duration::from_secs(5))).await;
            }
        }
        if matches!(event, Event::Connected { .. }) {
            self.lost = false;
        } else if std::mem::take(&mut self.lost) {
            self.sink.accept(Event::Gap { rooms: Vec::new() }).await?;
        }
        if is_said && faults.strikes(Kind::PushesDoubled) {
            self.sink.accept(event.clone()).await?;
        }
        self.sink.accept(event).await
    }
}

struct Taken<'a, 'b> {
    pushes: &'a mut Pushes<'b>,
    taking: Arc<AtomicBool>,
}

#[async_trait]
impl EventSink for Taken<'_, '_> {
    async fn accept(&mut self, event: Event) -> Result<(), SinkClosed> {
        self.taking.store(true, Ordering::Relaxed);
        let taken = self.pushes.tell(event).await;
        self.taking.store(false, Ordering::Relaxed);
        self.pushes.closed |= taken.is_err();
        taken
    }
}
