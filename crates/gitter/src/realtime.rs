//! What happens in all rooms of an account, as it happens: Bayeux, as Gitter speaks it.
//!
//! [`Realtime::run`] is one connection, which makes itself anew whenever it breaks, until the token is refused. It tells a
//! [`Sink`] and waits for it before it reads on, so that what was told is stored before more comes.
//!
//! The protocol is in `session`, without any I/O: frames in, frames and notifications out, so that recorded sessions can be
//! replayed through it. Around it are two thin transports: `websocket`, and `longpoll` where a WebSocket is refused.
//!
//! Delivery is at most once. After every [`Notification::Connected`] and [`Notification::Gap`] read what came since over REST; also if
//! the connection was resumed, since what Gitter wrote into the broken connection is lost and the counter shows it only with
//! the next message.
//!
//! To add a channel: a variant of [`Channel`]; to add something that is pushed: a variant of [`Change`], both with the recording
//! that shows it.

mod backoff;
mod channel;
mod driver;
mod longpoll;
mod notification;
mod session;
mod websocket;
mod wire;

pub use channel::Channel;
pub use driver::{Realtime, Sink, SocketId, Subscriptions, ping};
pub use notification::{Change, Loss, Notice, Notification, Push, RealtimeError, Refusal};

/// Takes frames as if a connection brought them, whatever they are; gives how much there was to tell.
#[cfg(feature = "fuzzing")]
pub fn read_frames<'a>(frames: impl Iterator<Item = &'a [u8]>) -> usize {
    let now = tokio::time::Instant::now();
    let mut session = session::Session::new("token".to_owned().into(), 0, now);
    session.subscribe(Channel::Rooms);
    session.subscribe(Channel::Messages("room".into()));
    session.opening();
    session.opened(session::Transport::WebSocket, now);
    let mut told = 0;
    for frame in frames {
        while session.send(now).is_some() {}
        session.received(frame, now);
        session.tick(now);
        while session.tell().is_some() {
            told += 1;
        }
    }
    told
}
