//! All open connections: who may stay, and who has to make room.
//!
//! Anybody can open connections and say nothing, so there are limits to how long each of them may wait for its client,
//! and to how many there are. When all are taken, whoever holds most of them loses one, so that a new one is always let
//! in, above all the homeserver's; and the homeserver's own are never taken away: the bridge reads from them whether it
//! was restarted.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a client may let us wait, and how many there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections at once, on all sockets together. Each may need a second one, to the homeserver, for media; both
    /// have to fit into the 1,024 files that a process usually may open.
    pub(super) connections: usize,
    /// From a connection, or the first byte of a request, to the end of its headers.
    pub(super) head: Duration,
    /// Between two requests.
    pub(super) idle: Duration,
    /// The same for the homeserver. Synapse closes its connections after 2 minutes; this is for one that vanished.
    pub(super) idle_homeserver: Duration,
    /// Without one byte of a body, or one byte of the answer taken.
    pub(super) stall: Duration,
    /// How often all are looked through.
    pub(super) look_every: Duration,
    /// How long a connection that ends is still read, and how long without a byte: a client that has not sent all would
    /// otherwise find it reset, and never see the answer.
    pub(super) linger: Duration,
    /// See [`Self::linger`].
    pub(super) linger_silent: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 384,
            head: Duration::from_secs(20),
            idle: Duration::from_mins(1),
            idle_homeserver: Duration::from_mins(10),
            stall: Duration::from_mins(1),
            look_every: Duration::from_secs(5),
            linger: Duration::from_secs(30),
            linger_silent: Duration::from_secs(5),
        }
    }
}

/// The open connections.
#[derive(Debug)]
pub(super) struct Connections {
    limits: Limits,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    all: HashMap<u64, Arc<Connection>>,
}

/// One connection, as far as its limits go.
#[derive(Debug)]
pub(super) struct Connection {
    from: IpAddr,
    /// It has to end now.
    pub(super) end: CancellationToken,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Since when we can do nothing before the client sends or takes something.
    blocked: Option<Instant>,
    /// It has shown the homeserver's token.
    homeserver: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The headers of a request are awaited.
    Head,
    /// A request is being answered.
    InHand,
    /// The last one was answered, and nothing of another has come.
    Idle,
}

impl State {
    fn overdue(&self, limits: &Limits, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.since);
        let blocked = self
            .blocked
            .is_some_and(|since| now.saturating_duration_since(since) > limits.stall);
        blocked
            || match self.phase {
                Phase::Head => since > limits.head,
                Phase::InHand => false,
                Phase::Idle if self.homeserver => since > limits.idle_homeserver,
                Phase::Idle => since > limits.idle,
            }
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
    }
}

impl Connection {
    fn new(from: IpAddr) -> Self {
        Self {
            from: household(from),
            end: CancellationToken::new(),
            state: Mutex::new(State {
                phase: Phase::Head,
                since: Instant::now(),
                blocked: None,
                homeserver: false,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes came.
    pub(super) fn has_read(&self) {
        let mut state = self.state();
        if state.phase == Phase::Idle {
            state.enter(Phase::Head);
        }
    }

    /// Bytes went.
    pub(super) fn has_written(&self) {
        let mut state = self.state();
        state.blocked = None;
        if state.phase == Phase::Idle {
            // The last of a long answer.
            state.since = Instant::now();
        }
    }

    /// Nothing goes on before the client sends more of a body, or takes more of an answer.
    pub(super) fn is_blocked(&self) {
        self.state().blocked.get_or_insert_with(Instant::now);
    }

    /// A piece of a body came.
    pub(super) fn has_body(&self) {
        self.state().blocked = None;
    }

    /// The headers of a request are there.
    pub(super) fn request(&self) {
        self.state().enter(Phase::InHand);
    }

    /// The answer was handed over whole, or given up.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        state.blocked = None;
        state.enter(Phase::Idle);
    }

    /// Its request carried the homeserver's token.
    pub(super) fn is_homeserver(&self) {
        self.state().homeserver = true;
    }
}

/// What is taken for one client: a household has 2^64 addresses of IPv6.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

impl Connections {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            open: Mutex::default(),
        })
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one more; another may have to make room. `None` if there is no room at all.
    pub(super) fn add(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let mut open = self.open();
        if open.all.len() >= self.limits.connections {
            let victim = open.dispensable()?;
            if let Some(victim) = open.all.remove(&victim) {
                tracing::debug!("all connections are taken; one made room for another");
                victim.end.cancel();
            }
        }
        let id = open.next;
        open.next += 1;
        let connection = Arc::new(Connection::new(from));
        open.all.insert(id, Arc::clone(&connection));
        drop(open);
        Some(Place {
            connections: Arc::clone(self),
            id,
            connection,
        })
    }

    /// Ends what keeps us waiting too long; for ever.
    pub(super) async fn watch(&self) {
        loop {
            tokio::time::sleep(self.limits.look_every).await;
            let now = Instant::now();
            for connection in self.open().all.values() {
                if connection.state().overdue(&self.limits, now) {
                    connection.end.cancel();
                }
            }
        }
    }
}

impl Open {
    /// Which one can be spared: of whoever has most, one that no request is in hand on, the one that waits longest.
    fn dispensable(&self) -> Option<u64> {
        let mut held: HashMap<IpAddr, usize> = HashMap::new();
        for connection in self.all.values() {
            *held.entry(connection.from).or_default() += 1;
        }
        let candidates = self.all.iter().filter_map(|(id, connection)| {
            let state = *connection.state();
            let rank = (
                held.get(&connection.from).copied(),
                state.phase != Phase::InHand,
                std::cmp::Reverse(state.since),
            );
            (!state.homeserver).then_some((rank, *id))
        });
        candidates.max().map(|(_, id)| id)
    }
}

/// A place among the connections, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    id: u64,
    /// Whose it is.
    pub(super) connection: Arc<Connection>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().all.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(phase: Phase, since: Instant) -> State {
        State {
            phase,
            since,
            blocked: None,
            homeserver: false,
        }
    }

    #[test]
    fn each_phase_has_its_own_patience() {
        let limits = Limits::default();
        let start = Instant::now();
        let late =
            |state: State, seconds| state.overdue(&limits, start + Duration::from_secs(seconds));
        assert!(!late(state(Phase::Head, start), 20));
        assert!(late(state(Phase::Head, start), 21));
        assert!(!late(state(Phase::Idle, start), 60));
        assert!(late(state(Phase::Idle, start), 61));
        let homeserver = State {
            homeserver: true,
            ..state(Phase::Idle, start)
        };
        assert!(!late(homeserver, 599));
        assert!(late(homeserver, 601));
        // However long we need ourselves.
        assert!(!late(state(Phase::InHand, start), 100_000));
        let blocked = State {
            blocked: Some(start),
            ..state(Phase::InHand, start)
        };
        assert!(!late(blocked, 60));
        assert!(late(blocked, 61));
    }

    #[test]
    fn whatever_moves_is_not_blocked() {
        let connection = Connection::new(IpAddr::from([127, 0, 0, 1]));
        connection.request();
        connection.is_blocked();
        assert!(connection.state().blocked.is_some());
        connection.has_body();
        assert!(connection.state().blocked.is_none());
        connection.is_blocked();
        connection.has_written();
        assert!(connection.state().blocked.is_none());
        connection.answered();
        assert_eq!(connection.state().phase, Phase::Idle);
        connection.has_read();
        assert_eq!(connection.state().phase, Phase::Head);
    }

    #[test]
    fn who_holds_most_makes_room_and_the_homeserver_never() {
        let limits = Limits {
            connections: 4,
            ..Limits::default()
        };
        let connections = Connections::new(limits);
        let add = |last: u8| connections.add(IpAddr::from([10, 0, 0, last])).unwrap();
        let homeserver = add(1);
        homeserver.connection.is_homeserver();
        let (busy, silent, other) = (add(1), add(1), add(2));
        busy.connection.request();
        let ended = |place: &Place| place.connection.end.is_cancelled();

        let _fifth = add(3);
        assert!(ended(&silent));
        let _sixth = add(4);
        assert!(
            ended(&busy),
            "when nothing else is left to whoever has most"
        );
        let _seventh = add(5);
        assert!(!ended(&homeserver));
        drop((other, homeserver));
        assert!(connections.open().all.len() < 4);
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let at = |text: &str| household(text.parse().unwrap());
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1:2:3"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:10.0.0.1"), at("10.0.0.1"));
    }
}
