//! Writing what the server is to get. To add a message: a method here, and its answer in `receive`.

use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::super::Channel;
use super::super::wire::{Outgoing, OutgoingAdvice, OutgoingExt};
use super::{ANSWER, Frame, HOLD_MARGIN, Phase, Session};

impl Session {
    pub(super) fn greet(&mut self, now: Instant) {
        self.phase = Phase::Handshaking {
            until: now + ANSWER,
        };
        let id = self.id();
        let token = self.token.expose_secret();
        let body = body(&[Outgoing {
            channel: "/meta/handshake",
            version: Some("1.0"),
            supported_connection_types: Some(&["websocket", "long-polling"]),
            ext: Some(OutgoingExt {
                token: Some(token),
                client: Some("rust"),
                conn_type: Some("online"),
                snapshot: None,
            }),
            id,
            ..Outgoing::default()
        }]);
        self.outbox.push_back(Frame { body, held: None });
    }

    pub(super) fn send_connect(&mut self, at_once: bool, now: Instant) {
        self.connect_at = None;
        let id = self.id();
        let Some(client) = &self.client else { return };
        let body = body(&[Outgoing {
            channel: "/meta/connect",
            client_id: Some(&client.id),
            connection_type: Some(self.transport.name()),
            advice: at_once.then_some(OutgoingAdvice { timeout: 0 }),
            id,
            ..Outgoing::default()
        }]);
        let held = if at_once {
            ANSWER
        } else {
            self.hold + HOLD_MARGIN
        };
        self.outbox.push_back(Frame {
            body,
            held: Some(held),
        });
        self.connect = Some(now);
    }

    pub(super) fn send_subscriptions(&mut self, now: Instant) {
        let Some(client) = &self.client else { return };
        let batch = self.channels.batch(&mut self.next_id, now);
        if batch.is_empty() {
            return;
        }
        let messages: Vec<_> = batch
            .iter()
            .map(|(channel, id)| Outgoing {
                channel: "/meta/subscribe",
                client_id: Some(&client.id),
                subscription: Some(channel.name(&client.user)),
                // A snapshot would cost Gitter queries and us memory; REST is asked instead.
                ext: Some(OutgoingExt {
                    snapshot: Some(false),
                    ..OutgoingExt::default()
                }),
                id: id.to_string(),
                ..Outgoing::default()
            })
            .collect();
        self.outbox.push_back(Frame {
            body: body(&messages),
            held: None,
        });
    }

    pub(super) fn send_unsubscribe(&mut self, channel: &Channel) {
        if !matches!(self.phase, Phase::Live { .. }) {
            return;
        }
        let id = self.id();
        let Some(client) = &self.client else { return };
        let body = body(&[Outgoing {
            channel: "/meta/unsubscribe",
            client_id: Some(&client.id),
            subscription: Some(channel.name(&client.user)),
            id,
            ..Outgoing::default()
        }]);
        self.outbox.push_back(Frame { body, held: None });
    }

    fn id(&mut self) -> String {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id.to_string()
    }
}

fn body(messages: &[Outgoing<'_>]) -> String {
    // Cannot fail: only texts, numbers and booleans.
    serde_json::to_string(messages).unwrap_or_default()
}
