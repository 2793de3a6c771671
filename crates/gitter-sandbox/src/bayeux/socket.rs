//! Bayeux over a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_util::sync::CancellationToken;

use super::hub::{Pending, ToSocket};
use super::message::{self, Via};
use crate::shared::Shared;

/// Pings are sent this often, and a socket that leaves one unanswered for a quarter of it is closed.
const PING_EVERY: Duration = Duration::from_secs(40);
const PONG_WITHIN: Duration = Duration::from_secs(10);

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Serves one socket until it closes, or `cut` drops it without a word.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    upgraded: Upgraded,
    timeout: Duration,
    cut: CancellationToken,
) {
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    let number = {
        let mut inner = shared.lock();
        inner.stats.sockets += 1;
        inner.hub.next_serial()
    };
    tokio::select! {
        () = talk(&shared, socket, number, timeout) => {}
        () = cut.cancelled() => {}
    }
    shared.lock().hub.socket_closed(number);
}

async fn talk(shared: &Arc<Shared>, mut socket: Socket, number: u64, timeout: Duration) {
    let (sender, mut outgoing) = mpsc::unbounded_channel();
    let via = Via {
        socket: Some((number, sender)),
        timeout,
    };
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut pinged, mut pong_due) = (0_u64, None);
    loop {
        let overdue = async {
            match pong_due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            told = outgoing.recv() => match told {
                Some(ToSocket::Frame(frame)) => {
                    if socket.send(Message::text(frame.to_string())).await.is_err() {
                        return;
                    }
                }
                Some(ToSocket::Close) | None => {
                    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
                    // The other side may have gone first.
                    let _ = socket.close(Some(frame)).await;
                    return;
                }
            },
            received = socket.next() => match received {
                Some(Ok(Message::Text(text))) => receive(shared, text.as_str(), &via),
                Some(Ok(Message::Pong(_))) => pong_due = None,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            _ = pings.tick() => {
                pinged += 1;
                pong_due = Some(Instant::now() + PONG_WITHIN);
                if socket.send(Message::Ping(pinged.to_string().into())).await.is_err() {
                    return;
                }
            }
            () = overdue => return,
        }
    }
}

/// Answers a frame. What is not JSON is passed over; an empty list is answered with one.
fn receive(shared: &Arc<Shared>, text: &str, via: &Via) {
    let messages = match serde_json::from_str(text) {
        Ok(Value::Array(messages)) => messages,
        Ok(message @ Value::Object(_)) => vec![message],
        _ => return,
    };
    let Some((_, socket)) = &via.socket else {
        return;
    };
    let mut inner = shared.lock();
    let answered = message::answer(&mut inner, &messages, via);
    let held = answered.held.filter(|held| !held.timeout.is_zero());
    match held {
        Some(held) => {
            let serial = inner.hub.next_serial();
            if let Some(client) = inner.hub.clients.get_mut(&held.client) {
                client.pending = Some(Pending {
                    serial,
                    replies: answered.messages,
                });
                shared.release_later(held.client, serial, held.timeout);
            }
        }
        None => {
            // The task that reads also writes, so the other end of this is open.
            let _ = socket.send(ToSocket::Frame(Value::Array(answered.messages)));
        }
    }
    drop(inner);
    shared.push_later(answered.later);
}
