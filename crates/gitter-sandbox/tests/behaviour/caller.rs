//! Those who call the sandbox: an HTTP client that follows nothing by itself, and a realtime client.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use gitter_sandbox::Sandbox;
use reqwest::{Client, redirect};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

#[expect(
    clippy::disallowed_methods,
    reason = "the test is the caller, and makes its own client"
)]
pub(crate) fn client() -> Client {
    let builder = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy();
    // Every request on a connection of its own, so that none is repeated on another.
    builder.pool_max_idle_per_host(0).build().unwrap()
}

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(sandbox: &Sandbox) -> Self {
        Self(
            tokio_tungstenite::connect_async(sandbox.realtime_url().as_str())
                .await
                .unwrap()
                .0,
        )
    }

    pub(crate) async fn send(&mut self, messages: Value) {
        self.0
            .send(Message::text(messages.to_string()))
            .await
            .unwrap();
    }

    /// The next frame of any kind; None at the end.
    pub(crate) async fn frame(&mut self) -> Option<Result<Message, Error>> {
        self.0.next().await
    }

    /// The next frame with messages.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let frame = tokio::time::timeout(Duration::from_mins(5), self.frame()).await;
            if let Message::Text(text) = frame.unwrap().unwrap().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// Shakes hands, connects and listens to one channel: the client id.
    pub(crate) async fn listen(&mut self, token: &str, channel: &str) -> String {
        self.send(handshake(token)).await;
        let id = self.next().await[0]["clientId"]
            .as_str()
            .unwrap()
            .to_owned();
        self.send(connect(&id, "websocket")).await;
        self.send(subscribe(&id, channel)).await;
        assert_eq!(self.next().await[0]["successful"], true);
        id
    }
}

pub(crate) fn handshake(token: &str) -> Value {
    json!([{
        "channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["websocket", "long-polling"],
        "ext": { "token": token }, "id": "1",
    }])
}

pub(crate) fn connect(client: &str, kind: &str) -> Value {
    json!([{ "channel": "/meta/connect", "clientId": client, "connectionType": kind, "id": "2" }])
}

pub(crate) fn subscribe(client: &str, channel: &str) -> Value {
    json!([{
        "channel": "/meta/subscribe", "clientId": client, "subscription": channel,
        "ext": { "snapshot": false }, "id": "3",
    }])
}
