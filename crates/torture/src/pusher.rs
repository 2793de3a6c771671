//! How the homeserver tells the bridge what happens, as Synapse (1.163) was seen to do it: one transaction at a time;
//! after a failure the oldest first, with growing pauses that a ping ends, and each event by itself.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use homeserver::{Appservice as _, IncomingEvent, Transaction};
use ruma::{OwnedEventId, OwnedRoomId};
use serde_json::json;

use crate::{dice::Dice, faults::Kind, world::World};

/// How long the homeserver waits for our answer.
const PATIENCE: Duration = Duration::from_mins(1);
/// The longest pause between two tries.
const LONGEST: u32 = 9;

type Pushed = (OwnedRoomId, OwnedEventId);

struct Txn {
    id: String,
    events: Vec<Pushed>,
}

/// The homeserver's sender.
pub(crate) struct Pusher {
    world: Arc<World>,
    dice: Dice,
    /// Which life of the homeserver this is.
    life: u64,
    next_id: u64,
    port: u16,
    /// What was taken from the stream.
    sent: usize,
    waiting: VecDeque<Txn>,
    tries: u32,
    /// It was restarted with something waiting: nothing comes before something new happens.
    asleep_at: Option<usize>,
}

impl Pusher {
    pub(crate) fn new(world: Arc<World>, dice: Dice) -> Self {
        Self {
            world,
            dice,
            life: 0,
            next_id: 1,
            port: 1_000,
            sent: 0,
            waiting: VecDeque::new(),
            tries: 0,
            asleep_at: None,
        }
    }

    /// For ever.
    pub(crate) async fn run(mut self) {
        let appended = self.world.homeserver.lock().appended.clone();
        loop {
            let Some(life) = self.world.up.of() else {
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            };
            if life != self.life {
                self.restarted(life);
            }
            self.gather();
            let told = self.waiting.is_empty();
            self.world.told.store(told, Ordering::Relaxed);
            if self.waiting.is_empty() || self.asleep_at.is_some() {
                tokio::select! {
                    biased;
                    () = appended.notified() => {}
                    () = tokio::time::sleep(Duration::from_secs(2)) => {}
                }
                continue;
            }
            // What was said within a few milliseconds comes together.
            tokio::time::sleep(self.dice.time(Duration::from_millis(20))).await;
            self.gather();
            self.push().await;
        }
    }

    fn restarted(&mut self, life: u64) {
        self.life = life;
        self.port += 1;
        self.tries = 0;
        let said = self.said();
        if self.dice.below(2) == 0 {
            self.world
                .faults
                .note(&format_args!("{} are never pushed", said - self.sent));
            self.sent = said;
        }
        if self.dice.below(3) == 0 {
            self.next_id = 1;
        }
        if !self.waiting.is_empty() {
            self.asleep_at = Some(said);
        }
    }

    fn said(&self) -> usize {
        self.world.homeserver.lock().stream.len()
    }

    /// Makes transactions of what is new.
    fn gather(&mut self) {
        let new: Vec<Pushed> = self.world.homeserver.lock().stream[self.sent..].to_vec();
        if self.asleep_at.is_some_and(|at| at < self.sent + new.len()) {
            self.asleep_at = None;
        }
        self.sent += new.len();
        let at_once = if self.tries == 0 { 100 } else { 1 };
        for events in new.chunks(at_once) {
            let id = self.id();
            self.waiting.push_back(Txn {
                id,
                events: events.to_vec(),
            });
        }
    }

    fn id(&mut self) -> String {
        self.next_id += 1;
        (self.next_id - 1).to_string()
    }

    async fn push(&mut self) {
        let Some(first) = self.waiting.pop_front() else {
            return;
        };
        if self.deliver(&first).await {
            let was_failing = std::mem::take(&mut self.tries) > 0;
            let recovered = was_failing && self.waiting.is_empty();
            if recovered && self.world.faults.strikes(Kind::HomeserverOvertakes) {
                // It forgets an event that comes at the very end of a recovery.
                self.sent = (self.sent + 1).min(self.said());
            } else if was_failing && !recovered {
                self.tries = 1;
            }
            if self.world.faults.strikes(Kind::HomeserverRepeats) {
                self.again().await;
            }
            return;
        }
        if self.tries == 0 && self.world.faults.has(Kind::HomeserverOvertakes) {
            tokio::time::sleep(self.dice.time(Duration::from_secs(1))).await;
            self.gather();
            // It has not noticed yet.
            if let Some(second) = self.waiting.pop_front()
                && !self.deliver(&second).await
            {
                self.waiting.push_front(second);
            }
        }
        self.waiting.push_front(first);
        self.tries += 1;
        let pause = Duration::from_secs(1 << self.tries.min(LONGEST));
        tokio::select! {
            biased;
            () = self.world.pinged.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }

    async fn deliver(&self, txn: &Txn) -> bool {
        let events = txn.events.iter().filter_map(|it| self.read(it)).collect();
        self.tell(&txn.id, events, 0).await
    }

    fn read(&self, (room, event): &Pushed) -> Option<IncomingEvent> {
        let state = self.world.homeserver.lock();
        let timeline = &state.rooms.get(room)?.timeline;
        timeline.iter().find(|it| it.event_id == *event).cloned()
    }

    /// What was pushed before comes again, and something strange with it.
    async fn again(&mut self) {
        let stream = self.world.homeserver.lock().stream.clone();
        let waiting: usize = self.waiting.iter().map(|it| it.events.len()).sum();
        let to = self.sent.min(stream.len()) - waiting;
        let from = to - self.dice.index(to.min(20) + 1);
        let mut events: Vec<_> = stream[from..to]
            .iter()
            .filter_map(|it| self.read(it))
            .collect();
        if let Some(model) = events.first() {
            let mut strange = model.clone();
            strange.event_id = OwnedEventId::try_from(format!("$strange{}", self.next_id))
                .unwrap_or_else(|_| strange.event_id.clone());
            "org.example.strange".clone_into(&mut strange.kind);
            strange.content = json!({"m.relates_to": {"event_id": strange.event_id}});
            strange.state_key = None;
            events.insert(0, strange);
        }
        let id = if self.dice.below(3) == 0 {
            (self.next_id.saturating_sub(self.dice.below(10)).max(1)).to_string()
        } else {
            self.id()
        };
        self.tell(&id, events, 1).await;
    }

    async fn tell(&self, id: &str, events: Vec<IncomingEvent>, malformed: usize) -> bool {
        let faults = &self.world.faults;
        let Some(now) = self.world.living() else {
            return false;
        };
        tokio::time::sleep(faults.takes(Kind::HomeserverSlow)).await;
        if self.world.up.of() != Some(self.life) {
            return false;
        }
        let ids: Vec<_> = events.iter().map(|event| event.event_id.as_str()).collect();
        faults.note(&format_args!("transaction {id} of {}", ids.join(", ")));
        let transaction = Transaction {
            events,
            malformed,
            peer: Some(SocketAddr::from(([127, 0, 0, 1], self.port))),
            ..Transaction::default()
        };
        let taken = tokio::select! {
            biased;
            () = now.life.over() => false,
            taken = now.bridge.transaction(id, transaction) => taken.is_ok(),
            () = tokio::time::sleep(PATIENCE) => false,
        };
        faults.note(&format_args!("transaction {id} taken: {taken}"));
        taken
            && self.world.up.of() == Some(self.life)
            && !faults.strikes(Kind::HomeserverAnswersLost)
    }
}
