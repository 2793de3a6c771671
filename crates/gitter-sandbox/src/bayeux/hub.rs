//! The realtime clients: their subscriptions, their queues, and the connection each listens on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::ids::{RoomId, UserId};
use crate::world::Push;
use crate::world::push::room_channel;

/// So long after its last connect a client's queue and subscriptions are dropped, and then the client itself (recorded:
/// the queue survived 30 s and was lost after 210 s, the id was unknown after 260 s).
const QUEUE_LIVES: Duration = Duration::from_secs(192);
const CLIENT_LIVES: Duration = Duration::from_mins(4);

/// What a socket's task is told.
#[derive(Debug)]
pub(crate) enum ToSocket {
    Frame(Value),
    /// Close with code 1000.
    Close,
}

/// Where a client listens.
#[derive(Debug)]
pub(crate) enum Outlet {
    Nowhere,
    /// A socket, by its number.
    Socket(u64, mpsc::UnboundedSender<ToSocket>),
    /// A held long-poll: to be woken.
    Poll(oneshot::Sender<()>),
}

/// A connect that waits for its answer.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) serial: u64,
    /// Answers to the messages that came in one frame with it, its own last.
    pub(crate) replies: Vec<Value>,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) user: UserId,
    pub(crate) token: String,
    pub(crate) channels: BTreeSet<String>,
    /// Number of the last message that was delivered or queued.
    count: u64,
    queue: VecDeque<Value>,
    pub(crate) outlet: Outlet,
    pub(crate) pending: Option<Pending>,
    pub(crate) connected_at: Instant,
    /// The room the person went to last.
    room: Option<RoomId>,
    /// How often he went to a room without leaving it again.
    visits: BTreeMap<RoomId, u32>,
    pub(crate) timeout: Duration,
}

impl Client {
    pub(crate) fn new(user: UserId, token: String, timeout: Duration) -> Self {
        Self {
            user,
            token,
            channels: BTreeSet::new(),
            count: 0,
            queue: VecDeque::new(),
            outlet: Outlet::Nowhere,
            pending: None,
            connected_at: Instant::now(),
            room: None,
            visits: BTreeMap::new(),
            timeout,
        }
    }

    /// The person goes to a room. Gitter counts every subscription as a coming, also to the room he is in, and one leaving
    /// of the room before: so he can stay in a room he left (recorded sessions `ws_room_channels`,
    /// `ws_room_create_remove`).
    pub(crate) fn visit(&mut self, room: RoomId) {
        if let Some(before) = self.room.replace(room).filter(|before| *before != room)
            && let Some(count) = self.visits.get_mut(&before)
        {
            *count -= 1;
            if *count == 0 {
                self.visits.remove(&before);
            }
        }
        *self.visits.entry(room).or_default() += 1;
    }

    /// Sends a notification or keeps it for the next connect; `lost` leaves a hole in the numbers.
    fn give(&mut self, mut message: Value, lost: bool) {
        self.count += 1;
        if lost {
            return;
        }
        message["ext"] = json!({ "c": self.count });
        if let Outlet::Socket(_, socket) = &self.outlet
            && socket.send(ToSocket::Frame(json!([message]))).is_ok()
        {
            return;
        }
        self.queue.push_back(message);
        if let Outlet::Poll(_) = self.outlet
            && let Outlet::Poll(wake) = std::mem::replace(&mut self.outlet, Outlet::Nowhere)
        {
            // A poll that is gone leaves the queue for the next one.
            let _ = wake.send(());
        }
    }

    pub(crate) fn take_queue(&mut self) -> Vec<Value> {
        self.queue.drain(..).collect()
    }

    pub(crate) fn has_queue(&self) -> bool {
        !self.queue.is_empty()
    }
}

/// All realtime clients.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    pub(crate) clients: BTreeMap<String, Client>,
    serial: u64,
    pushed: u64,
    /// So many of the next notifications are lost.
    pub(crate) to_lose: u32,
    /// So many of the next notifications arrive twice.
    pub(crate) to_double: u32,
    /// Notifications given out.
    pub(crate) given: u64,
    /// Somebody came to a room or went, which nobody was told yet.
    pub(crate) moved: bool,
}

impl Hub {
    pub(crate) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Gives a notification to everybody who subscribed to its channel.
    pub(crate) fn deliver(&mut self, push: &Push) {
        self.pushed += 1;
        let message = json!({ "channel": push.channel, "data": push.data, "id": format!("{:x}", self.pushed) });
        let mut heard = false;
        for client in self
            .clients
            .values_mut()
            .filter(|client| client.channels.contains(&push.channel))
        {
            heard = true;
            self.given += 1;
            client.give(message.clone(), self.to_lose > 0);
            if self.to_lose == 0 && self.to_double > 0 {
                client.give(message.clone(), false);
            }
        }
        // A fault waits for a notification that somebody would have heard.
        if heard && self.to_lose > 0 {
            self.to_lose -= 1;
        } else if heard && self.to_double > 0 {
            self.to_double -= 1;
        }
    }

    /// A person says whether he looks at the room that his socket has gone to. `false` if it is not his, or not in a room. How this and the
    /// count of his comings go together was not recorded: here, who looks away is gone.
    pub(crate) fn look(&mut self, user: UserId, client: &str, on: bool) -> bool {
        let Some(client) = self.clients.get_mut(client) else {
            return false;
        };
        let Some(room) = client.room.filter(|_| client.user == user) else {
            return false;
        };
        if on {
            client.visits.entry(room).or_insert(1);
        } else {
            client.visits.remove(&room);
        }
        self.moved = true;
        true
    }

    /// Drops what has been silent for too long.
    pub(crate) fn sweep(&mut self, now: Instant) {
        self.clients.retain(|_, client| {
            let silent = now.duration_since(client.connected_at);
            if silent > QUEUE_LIVES {
                client.queue.clear();
            }
            silent <= CLIENT_LIVES
        });
    }

    /// Unsubscribes a person's clients from a room's channels without a word.
    pub(crate) fn hush(&mut self, user: UserId, room: RoomId) {
        let (exact, below) = (room_channel(room, ""), room_channel(room, "/"));
        for client in self
            .clients
            .values_mut()
            .filter(|client| client.user == user)
        {
            client
                .channels
                .retain(|channel| *channel != exact && !channel.starts_with(&below));
        }
    }

    /// Ends the clients of a token: sockets are closed, held polls end.
    pub(crate) fn throw_out(&mut self, token: &str) {
        self.clients.retain(|_, client| {
            let theirs = client.token == token;
            if theirs && let Outlet::Socket(_, socket) = &client.outlet {
                // A socket that is closed already needs no closing.
                let _ = socket.send(ToSocket::Close);
            }
            !theirs
        });
    }

    /// The socket is closed; its clients listen nowhere until their next connect.
    pub(crate) fn socket_closed(&mut self, number: u64) {
        for client in self.clients.values_mut() {
            if matches!(client.outlet, Outlet::Socket(of, _) if of == number) {
                client.outlet = Outlet::Nowhere;
                client.pending = None;
            }
        }
    }

    /// The time of a held connect is over: the answers that wait, and the socket for them.
    pub(crate) fn release(&mut self, client: &str, serial: u64) {
        let Some(client) = self.clients.get_mut(client) else {
            return;
        };
        if client
            .pending
            .as_ref()
            .is_none_or(|pending| pending.serial != serial)
        {
            return;
        }
        if let (Some(pending), Outlet::Socket(_, socket)) = (client.pending.take(), &client.outlet)
        {
            // A socket that is closed has nobody to answer.
            let _ = socket.send(ToSocket::Frame(Value::Array(pending.replies)));
        }
    }

    pub(crate) fn users(&self) -> BTreeSet<UserId> {
        self.clients.values().map(|client| client.user).collect()
    }

    pub(crate) fn looking(&self) -> BTreeSet<(UserId, RoomId)> {
        let visits = |client: &Client| -> Vec<(UserId, RoomId)> {
            client
                .visits
                .keys()
                .map(|room| (client.user, *room))
                .collect()
        };
        self.clients.values().flat_map(visits).collect()
    }
}
