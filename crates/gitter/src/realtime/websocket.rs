//! Frames over a WebSocket.
//!
//! It is opened by the HTTP client that was handed in, so that certificates, proxies and name resolution are the same as for
//! REST. No compression: it would cost each account more memory than all else together.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{StatusCode, Version, header};
use reqwest::Upgraded;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use url::Url;

use super::Loss;
use super::driver::Input;
use crate::MAX_ANSWER;
use crate::NetworkFault;
use crate::http::{Failure, fault};

const OPEN: Duration = Duration::from_secs(20);
const SEND: Duration = Duration::from_secs(20);
/// What is kept for reading and for writing per connection, in bytes. Larger frames take more for as long as they are read.
const BUFFER: usize = 4 << 10;

pub(super) struct WebSocket(WebSocketStream<Upgraded>);

impl WebSocket {
    pub(super) async fn open(http: &reqwest::Client, url: Url) -> Result<Self, Loss> {
        tokio::time::timeout(OPEN, Self::open_unhurried(http, url))
            .await
            .unwrap_or(Err(Loss::Unreachable))
    }

    async fn open_unhurried(http: &reqwest::Client, url: Url) -> Result<Self, Loss> {
        let lost = |error: reqwest::Error| match fault(&error) {
            Failure::Network(
                NetworkFault::Connect | NetworkFault::Certificate | NetworkFault::TimedOut,
            ) => Loss::Unreachable,
            _ => Loss::Broken,
        };
        let key = generate_key();
        let accept = derive_accept_key(key.as_bytes());
        let response = http
            .get(url)
            .version(Version::HTTP_11)
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, key)
            .send()
            .await
            .map_err(lost)?;
        let status = response.status();
        let accepted = response.headers().get(header::SEC_WEBSOCKET_ACCEPT);
        if status != StatusCode::SWITCHING_PROTOCOLS
            || accepted.is_none_or(|value| value.as_bytes() != accept.as_bytes())
        {
            return Err(Loss::Refused(status.as_u16()));
        }
        let stream = response.upgrade().await.map_err(lost)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(1 << 20)
            .max_message_size(Some(MAX_ANSWER))
            .max_frame_size(Some(MAX_ANSWER));
        Ok(Self(
            WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await,
        ))
    }

    pub(super) async fn send(&mut self, body: String) -> Result<(), Loss> {
        match tokio::time::timeout(SEND, self.0.send(Message::text(body))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Loss::Broken),
            Err(_) => Err(Loss::Silent),
        }
    }

    /// The next thing that comes. Dropped while it waits, it loses nothing.
    pub(super) async fn next(&mut self) -> Input {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => Input::Frame(Bytes::from(text)),
            Some(Ok(Message::Binary(bytes))) => Input::Frame(bytes),
            Some(Ok(Message::Close(close))) => {
                Input::Lost(Loss::Closed(close.map(|close| close.code.into())))
            }
            // A pong has been queued by then, and goes out with the next read.
            Some(Ok(_)) => Input::Alive,
            Some(Err(_)) => Input::Lost(Loss::Broken),
            None => Input::Lost(Loss::Closed(None)),
        }
    }
}
