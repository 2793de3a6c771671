//! Runs a session over a transport: the only place of realtime that waits.

use std::future::Future;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, header};
use secrecy::SecretString;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::longpoll::LongPoll;
use super::session::{Session, Transport};
use super::websocket::WebSocket;
use super::wire::{self, Incoming};
use super::{Channel, Loss, Notification, RealtimeError};
use crate::http::{Failure, exchange};
use crate::{Effect, Endpoints, Error, Nonsense};

/// How often a WebSocket may fail in a row before long-polling is tried in its place.
const PATIENCE: u32 = 3;

/// Takes what a connection tells.
pub trait Sink: Send {
    /// Takes one notification. Nothing more is read until this is done. Should it take longer than ten seconds, Gitter may
    /// close the connection, which is then resumed.
    ///
    /// With [`ControlFlow::Break`] the connection ends.
    fn push(&mut self, notification: Notification) -> impl Future<Output = ControlFlow<()>> + Send;
}

/// What happens between a transport and the session.
pub(super) enum Input {
    Frame(Bytes),
    Alive,
    PollEnded,
    Lost(Loss),
}

/// What Gitter knows a connection by. Not shown, since it is nobody else's business.
#[derive(Clone, PartialEq, Eq)]
pub struct SocketId(pub(crate) String);

impl std::fmt::Debug for SocketId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SocketId").finish_non_exhaustive()
    }
}

enum Command {
    Subscribe(Channel),
    Unsubscribe(Channel),
}

/// Says which channels are wanted. Cheap to clone; works whether or not the connection stands, and what is wanted stays so
/// across reconnects, until it is refused or the account leaves the room.
#[derive(Clone, Debug)]
pub struct Subscriptions(mpsc::UnboundedSender<Command>);

impl Subscriptions {
    /// Wants a channel. [`Notification::Subscribed`] or [`Notification::SubscribeRefused`] follows, unless it stands already.
    pub fn subscribe(&self, channel: Channel) {
        // Without a connection there is nobody to want it for.
        let _ = self.0.send(Command::Subscribe(channel));
    }

    /// No longer wants a channel. Nothing of it is told after this was carried out.
    pub fn unsubscribe(&self, channel: Channel) {
        let _ = self.0.send(Command::Unsubscribe(channel));
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Subscribe(channel) => write!(out, "subscribe {channel}"),
            Self::Unsubscribe(channel) => write!(out, "unsubscribe {channel}"),
        }
    }
}

/// The realtime connection of one account.
pub struct Realtime {
    endpoints: Arc<Endpoints>,
    http: reqwest::Client,
    session: Session,
    commands: mpsc::UnboundedReceiver<Command>,
    /// Kept so that `commands` never ends: without anybody to want other channels, those there are go on.
    sender: mpsc::UnboundedSender<Command>,
    present: watch::Sender<Option<SocketId>>,
    /// How often a WebSocket has failed since one last worked.
    websocket_failures: u32,
}

impl std::fmt::Debug for Realtime {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Realtime").finish_non_exhaustive()
    }
}

enum Link {
    WebSocket(Box<WebSocket>),
    LongPoll(Box<LongPoll>),
}

impl Realtime {
    /// A connection for the account to which `token` belongs, which is made by [`Realtime::run`]. `http` must be built with
    /// [`configure`](crate::configure). `seed` spreads the reconnects of many accounts: give each its own.
    pub fn new(
        endpoints: Arc<Endpoints>,
        http: reqwest::Client,
        token: SecretString,
        seed: u64,
    ) -> (Self, Subscriptions) {
        let (sender, commands) = mpsc::unbounded_channel();
        let session = Session::new(token, seed, Instant::now());
        let subscriptions = Subscriptions(sender.clone());
        (
            Self {
                endpoints,
                http,
                session,
                commands,
                sender,
                present: watch::Sender::new(None),
                websocket_failures: 0,
            },
            subscriptions,
        )
    }

    /// Connects, and tells `sink` what happens, until the sink ends it or the token is refused.
    ///
    /// Can be dropped at any await, and run again: it then connects anew with the same channels, and what was being told when
    /// it was dropped counts as not told.
    ///
    /// # Errors
    /// Only if Gitter says not to come again: [`RealtimeError`].
    pub async fn run<S: Sink>(&mut self, sink: &mut S) -> Result<(), RealtimeError> {
        self.session.restart(Instant::now());
        let mut link: Option<Link> = None;
        loop {
            while let Ok(command) = self.commands.try_recv() {
                self.carry_out(command);
            }
            if let Some(open) = &mut link
                && let Err(loss) = flush(&mut self.session, open).await
            {
                self.session.lost(loss, Instant::now());
            }
            if let Some(socket) = self.session.present() {
                self.present.send_replace(Some(socket));
            }
            while let Some(notification) = self.session.tell() {
                if let Notification::Connected { .. } = notification {
                    self.websocket_failures = 0;
                }
                if sink.push(notification).await.is_break() {
                    return Ok(());
                }
            }
            if let Some(error) = self.session.over() {
                return Err(error);
            }
            if let Some(at) = self.session.opens_at() {
                link = None;
                tokio::select! {
                    Some(command) = self.commands.recv() => self.carry_out(command),
                    () = tokio::time::sleep_until(at) => link = self.open().await,
                }
            } else if let Some(open) = &mut link {
                let deadline = self.session.deadline();
                tokio::select! {
                    Some(command) = self.commands.recv() => self.carry_out(command),
                    input = open.next() => self.take(input),
                    () = until(deadline) => self.session.tick(Instant::now()),
                }
            } else {
                self.session.lost(Loss::Broken, Instant::now());
            }
        }
    }

    /// By which socket Gitter takes the person to be looking at a room: set anew each time that channels of rooms were subscribed
    /// and all are answered for. Who only listens tells Gitter so by [`Client::look_away`](crate::Client::look_away).
    pub fn present(&self) -> watch::Receiver<Option<SocketId>> {
        self.present.subscribe()
    }

    /// Another handle to the channels.
    pub fn subscriptions(&self) -> Subscriptions {
        Subscriptions(self.sender.clone())
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Subscribe(channel) => self.session.subscribe(channel),
            Command::Unsubscribe(channel) => self.session.unsubscribe(&channel),
        }
    }

    fn take(&mut self, input: Input) {
        let now = Instant::now();
        match input {
            Input::Frame(frame) => self.session.received(&frame, now),
            Input::Alive => self.session.heard(now),
            Input::PollEnded => self.session.poll_ended(now),
            Input::Lost(loss) => self.session.lost(loss, now),
        }
    }

    /// A WebSocket, or long-polling where the server or the way to it takes none.
    async fn open(&mut self) -> Option<Link> {
        self.session.opening();
        let url = self.endpoints.realtime_http();
        if self.websocket_failures < PATIENCE {
            match WebSocket::open(&self.http, url.clone()).await {
                Ok(socket) => {
                    // Until it has proved itself: what connects may still swallow frames.
                    self.websocket_failures += 1;
                    self.session.opened(Transport::WebSocket, Instant::now());
                    return Some(Link::WebSocket(Box::new(socket)));
                }
                Err(Loss::Refused(status)) if status < 500 => {
                    tracing::info!(status, "no WebSocket here; using long-polling");
                }
                Err(loss) => {
                    if loss != Loss::Unreachable {
                        self.websocket_failures += 1;
                    }
                    self.session.lost(loss, Instant::now());
                    return None;
                }
            }
        }
        // The next time a WebSocket gets another chance.
        self.websocket_failures = 0;
        self.session.opened(Transport::LongPoll, Instant::now());
        Some(Link::LongPoll(Box::new(LongPoll::new(
            self.http.clone(),
            url,
        ))))
    }
}

async fn flush(session: &mut Session, link: &mut Link) -> Result<(), Loss> {
    while let Some(frame) = session.send(Instant::now()) {
        match link {
            Link::WebSocket(socket) => socket.send(frame.body).await?,
            Link::LongPoll(poll) => poll.send(frame),
        }
    }
    Ok(())
}

impl Link {
    async fn next(&mut self) -> Input {
        match self {
            Self::WebSocket(socket) => socket.next().await,
            Self::LongPoll(poll) => poll.next().await,
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Whether Gitter's realtime service answers at `realtime_url`. Needs no token: a handshake without one is refused in a way of its
/// own (Gitter 21.15, recorded session `handshake_errors`).
///
/// # Errors
/// [`Error::Network`] if nothing answers, [`Error::Protocol`] if something else does.
pub async fn ping(endpoints: &Endpoints, http: &reqwest::Client) -> Result<(), Error> {
    const HANDSHAKE: &str = concat!(
        r#"[{"channel":"/meta/handshake","version":"1.0","#,
        r#""supportedConnectionTypes":["long-polling"],"id":"1"}]"#
    );
    let request = http
        .request(Method::POST, endpoints.realtime_http())
        .header(header::CONTENT_TYPE, "application/json")
        .body(HANDSHAKE);
    let effect = Effect::None;
    let answer =
        exchange(request, Duration::from_secs(30))
            .await
            .map_err(|failure| match failure {
                Failure::Network(what) => Error::Network { what, effect },
                Failure::Nonsense(what) => Error::Protocol { what, effect },
            })?;
    if answer.status.is_server_error() {
        return Err(Error::ServerFault {
            status: answer.status.as_u16(),
            effect,
        });
    }
    let bayeux = wire::messages(&answer.body).is_some_and(|messages| {
        messages.first().is_some_and(|message| {
            serde_json::from_str::<Incoming<'_>>(message.get())
                .is_ok_and(|message| message.channel == "/meta/handshake")
        })
    });
    if bayeux {
        Ok(())
    } else if answer.is_web_page() {
        Err(Error::Protocol {
            what: Nonsense::WebPage(answer.status.as_u16()),
            effect,
        })
    } else {
        Err(Error::Protocol {
            what: Nonsense::NotJson(answer.status.as_u16()),
            effect,
        })
    }
}
