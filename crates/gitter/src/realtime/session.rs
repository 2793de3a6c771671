//! The protocol of one connection, without I/O: what comes goes in, what is to be sent and told comes out.
//!
//! The driver asks in turn: what is there to tell ([`Session::tell`]), is it over ([`Session::over`]), when to open a
//! connection ([`Session::opens_at`]), what is there to send ([`Session::send`]), when to wake up ([`Session::deadline`]).
//! It reports what happens: [`Session::opened`], [`Session::received`], [`Session::heard`], [`Session::poll_ended`],
//! [`Session::lost`], and the passing of time, [`Session::tick`].
//!
//! The course of a connection (Gitter 21.15, recorded sessions `ws_*`, `longpoll_*`): handshake with the token; then one
//! `/meta/connect` is always outstanding, while channels are subscribed in batches; pushes come numbered. After a short
//! interruption the same client id is tried first, since Gitter queues for it; if that is forgotten, a new handshake and new
//! subscriptions. Which channels are wanted and stand is in `channels`; reading frames in `receive`, writing them in `send`.

mod channels;
mod receive;
mod send;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use self::channels::Channels;
use super::backoff::Backoff;
use super::{Channel, Loss, Notification, RealtimeError, SocketId};
use crate::UserId;

/// How long a handshake, a resumption or a batch of subscriptions may stay unanswered.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a WebSocket may be silent before it is probed; Gitter pings every 40 s (recorded session `ws_ping_idle`).
const SILENCE: Duration = Duration::from_mins(1);
/// How long a probe may stay unanswered.
const PROBE: Duration = Duration::from_secs(15);
/// For how long Gitter holds a connect unless it says otherwise.
const HOLD: Duration = Duration::from_mins(2);
/// What a connect may take beyond that.
const HOLD_MARGIN: Duration = Duration::from_secs(20);
/// How long after the last sign of life a client id is worth trying. Seen: queue kept for 30 s, lost after 210 s.
const RESUMABLE: Duration = Duration::from_secs(90);
/// A connection that stood for so long counts as a success.
const PROVEN: Duration = Duration::from_secs(30);
/// The longest wait that advice can ask for, short of "never".
const LONGEST_INTERVAL: Duration = Duration::from_mins(1);

/// How frames travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    WebSocket,
    LongPoll,
}

impl Transport {
    fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::LongPoll => "long-polling",
        }
    }
}

/// A frame to send.
pub(super) struct Frame {
    /// A JSON list of messages.
    pub(super) body: String,
    /// It holds a connect, which may stay unanswered for minutes.
    pub(super) held: Option<Duration>,
}

impl fmt::Debug for Frame {
    // A handshake has the token in it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Frame")
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}

/// What Gitter knows this connection by.
#[derive(Debug)]
struct Client {
    id: String,
    user: UserId,
    /// Number of the last push.
    count: u64,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// No connection, until then.
    Away { until: Instant },
    /// A connection is being opened.
    Opening,
    /// Connected, and about to shake hands.
    Greeting { at: Instant },
    /// Handshake sent.
    Handshaking { until: Instant },
    /// Asked whether the old client id is still good.
    Resuming { until: Instant },
    /// All is well.
    Live { since: Instant },
}

/// The protocol of one connection.
pub(super) struct Session {
    token: SecretString,
    backoff: Backoff,
    channels: Channels,
    transport: Transport,
    phase: Phase,
    client: Option<Client>,
    hold: Duration,
    /// When the outstanding connect was sent, if one is.
    connect: Option<Instant>,
    /// When to send the next.
    connect_at: Option<Instant>,
    last_heard: Instant,
    probed: Option<Instant>,
    /// Which [`Notification::Connected`] is due once the channels are settled.
    connected: Option<bool>,
    /// A room's channel was subscribed, by which Gitter takes the person to be there.
    entered: bool,
    /// What [`Session::present`] gives next.
    present: Option<SocketId>,
    next_id: u32,
    outbox: VecDeque<Frame>,
    news: VecDeque<Notification>,
    over: Option<RealtimeError>,
}

impl Session {
    pub(super) fn new(token: SecretString, seed: u64, now: Instant) -> Self {
        Self {
            token,
            backoff: Backoff::new(seed),
            channels: Channels::default(),
            transport: Transport::WebSocket,
            phase: Phase::Away { until: now },
            client: None,
            hold: HOLD,
            connect: None,
            connect_at: None,
            last_heard: now,
            probed: None,
            connected: None,
            entered: false,
            present: None,
            next_id: 0,
            outbox: VecDeque::new(),
            news: VecDeque::new(),
            over: None,
        }
    }

    /// Forgets the connection but not the channels: what was being told when the driver was stopped may never have arrived.
    pub(super) fn restart(&mut self, now: Instant) {
        self.forget_connection();
        self.client = None;
        self.channels.lost(false);
        self.phase = Phase::Away { until: now };
        self.backoff.reset();
        self.news.clear();
        self.over = None;
    }

    pub(super) fn subscribe(&mut self, channel: Channel) {
        self.channels.want(channel);
    }

    pub(super) fn unsubscribe(&mut self, channel: &Channel) {
        if self.channels.unwant(channel) {
            self.send_unsubscribe(channel);
        }
    }

    /// The next thing to tell.
    pub(super) fn tell(&mut self) -> Option<Notification> {
        self.news.pop_front()
    }

    /// The socket by which Gitter takes the person to be in a room, once after each burst of subscriptions.
    pub(super) fn present(&mut self) -> Option<SocketId> {
        self.present.take()
    }

    /// Whether it is over for good.
    pub(super) fn over(&self) -> Option<RealtimeError> {
        self.over
    }

    /// When to open a connection, if there is none.
    pub(super) fn opens_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Away { until } => Some(until),
            _ => None,
        }
    }

    /// A connection is being opened.
    pub(super) fn opening(&mut self) {
        self.phase = Phase::Opening;
    }

    /// A connection stands.
    pub(super) fn opened(&mut self, transport: Transport, now: Instant) {
        self.transport = transport;
        self.forget_connection();
        if self.client.is_some() && now.saturating_duration_since(self.last_heard) <= RESUMABLE {
            self.phase = Phase::Resuming {
                until: now + ANSWER,
            };
            // Without waiting, so that the answer says at once whether the client id is still good.
            self.send_connect(true, now);
        } else {
            self.client = None;
            self.channels.lost(false);
            self.greet(now);
        }
        self.last_heard = now;
    }

    /// The next frame to send. Channels are subscribed here, so that what is wanted at the same time goes in one frame.
    pub(super) fn send(&mut self, now: Instant) -> Option<Frame> {
        if matches!(self.phase, Phase::Live { .. }) {
            self.send_subscriptions(now);
        }
        self.settle();
        self.outbox.pop_front()
    }

    /// Something came that is no frame, such as a ping.
    pub(super) fn heard(&mut self, now: Instant) {
        self.last_heard = now;
        self.probed = None;
    }

    /// A held request of a long-poll broke. An idle one does when its time is over (recorded session `longpoll_idle`): the
    /// next is sent. Otherwise the connection is lost.
    pub(super) fn poll_ended(&mut self, now: Instant) {
        let idle = self
            .connect
            .is_some_and(|sent| now + HOLD_MARGIN >= sent + self.hold);
        if idle && matches!(self.phase, Phase::Live { .. }) {
            self.connect = None;
            self.connect_at = Some(now);
            self.last_heard = now;
        } else {
            self.lost(Loss::Broken, now);
        }
    }

    /// The connection broke or could not be opened.
    pub(super) fn lost(&mut self, why: Loss, now: Instant) {
        if matches!(self.phase, Phase::Away { .. }) || self.over.is_some() {
            return;
        }
        if let Phase::Live { since } = self.phase
            && now.saturating_duration_since(since) >= PROVEN
        {
            self.backoff.reset();
        }
        if let Phase::Resuming { .. } = self.phase {
            // It may be the client id that breaks the connection: a revoked token does.
            self.client = None;
        }
        let retry_in = self.backoff.next();
        self.forget_connection();
        self.channels.lost(self.client.is_some());
        self.phase = Phase::Away {
            until: now + retry_in,
        };
        self.news
            .push_back(Notification::Disconnected { why, retry_in });
    }

    /// When [`Session::tick`] is due at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Away { until } | Phase::Handshaking { until } | Phase::Resuming { until } => {
                Some(until)
            }
            Phase::Greeting { at } => Some(at),
            Phase::Opening | Phase::Live { .. } => None,
        };
        let held = self.connect.map(|sent| sent + self.hold + HOLD_MARGIN);
        let silence = match (self.phase, self.transport) {
            (Phase::Live { .. }, Transport::WebSocket) => Some(
                self.probed
                    .map_or(self.last_heard + SILENCE, |probed| probed + PROBE),
            ),
            _ => None,
        };
        let channels = match self.phase {
            Phase::Live { .. } => self.channels.deadline(),
            _ => None,
        };
        [phase, held, silence, channels, self.connect_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| now >= at);
        match self.phase {
            Phase::Greeting { at } if now >= at => {
                self.greet(now);
                return;
            }
            Phase::Handshaking { until } | Phase::Resuming { until } if now >= until => {
                self.client = None;
                self.lost(Loss::Silent, now);
                return;
            }
            _ => {}
        }
        if due(self.connect.map(|sent| sent + self.hold + HOLD_MARGIN)) {
            self.lost(Loss::Silent, now);
            return;
        }
        if !matches!(self.phase, Phase::Live { .. }) {
            return;
        }
        if due(self.connect_at) {
            self.send_connect(false, now);
        }
        if self.transport == Transport::WebSocket {
            if due(self.probed.map(|probed| probed + PROBE)) {
                self.lost(Loss::Silent, now);
                return;
            }
            if self.probed.is_none() && due(Some(self.last_heard + SILENCE)) {
                self.probed = Some(now);
                // Answered with the same (recorded session `ws_errors`).
                self.outbox.push_back(Frame {
                    body: "[]".to_owned(),
                    held: None,
                });
            }
        }
        let (unanswered, given_up) = self.channels.tick(now);
        self.news.extend(given_up);
        if unanswered {
            self.lost(Loss::Silent, now);
        }
    }

    /// Tells that the connection stands, once every channel has been answered for.
    fn settle(&mut self) {
        if !matches!(self.phase, Phase::Live { .. }) || !self.channels.settled() {
            return;
        }
        let Some(client) = &self.client else {
            return;
        };
        if std::mem::take(&mut self.entered) {
            self.present = Some(SocketId(client.id.clone()));
        }
        if let Some(resumed) = self.connected.take() {
            self.news.push_back(Notification::Connected {
                user_id: client.user.clone(),
                resumed,
            });
        }
    }

    fn forget_connection(&mut self) {
        self.outbox.clear();
        self.connect = None;
        self.connect_at = None;
        self.probed = None;
        self.connected = None;
        self.entered = false;
        self.present = None;
    }
}

#[cfg(test)]
mod tests;
