//! Reading what the server sends.

use std::time::Duration;

use tokio::time::Instant;

use super::super::wire::{self, Incoming, Reconnect};
use super::super::{Change, Channel, Loss, Notification, Push, RealtimeError, Refusal};
use super::{Client, LONGEST_INTERVAL, Phase, Session};

impl Session {
    /// A frame came.
    pub(in super::super) fn received(&mut self, frame: &[u8], now: Instant) {
        self.heard(now);
        let Some(messages) = wire::messages(frame) else {
            self.lost(Loss::Garbled, now);
            return;
        };
        for raw in messages {
            if self.over.is_some() || matches!(self.phase, Phase::Away { .. }) {
                return;
            }
            if let Ok(message) = serde_json::from_str::<Incoming<'_>>(raw.get()) {
                self.take(&message, now);
            } else {
                tracing::warn!("a realtime message could not be read");
                self.news.push_back(Notification::Gap { room: None });
            }
        }
    }

    fn take(&mut self, message: &Incoming<'_>, now: Instant) {
        match message.channel.as_str() {
            "/meta/handshake" => self.handshaken(message, now),
            "/meta/connect" => self.connect_answered(message, now),
            "/meta/subscribe" => self.subscribed(message, now),
            channel if channel.starts_with("/meta/") => {
                // An answer to an unsubscribe: whether it worked does not matter, unless the client id is no longer good.
                self.heed(message, now);
            }
            _ => self.pushed(message, now),
        }
    }

    fn handshaken(&mut self, message: &Incoming<'_>, now: Instant) {
        if !matches!(self.phase, Phase::Handshaking { .. }) {
            return;
        }
        let user = message.ext.as_ref().and_then(|ext| ext.user_id.clone());
        match (message.is_successful(), &message.client_id, user) {
            (true, Some(id), Some(user)) => {
                self.client = Some(Client {
                    id: id.clone(),
                    user,
                    count: 0,
                });
                if let Some(timeout) = message.advice.and_then(|advice| advice.timeout) {
                    self.hold = Duration::from_millis(timeout.clamp(1_000, 600_000));
                }
                self.connected = Some(false);
                self.phase = Phase::Live { since: now };
                self.send_connect(false, now);
            }
            (true, ..) => self.lost(Loss::Garbled, now),
            (false, ..) => {
                if !self.heed(message, now) {
                    self.lost(Loss::Handshake(message.code()), now);
                }
            }
        }
    }

    fn connect_answered(&mut self, message: &Incoming<'_>, now: Instant) {
        self.connect = None;
        if !message.is_successful() {
            if !self.heed(message, now) {
                self.connect_at = Some(now + Self::interval(message));
            }
            return;
        }
        match self.phase {
            Phase::Resuming { .. } => {
                self.phase = Phase::Live { since: now };
                self.connected = Some(true);
                self.send_connect(false, now);
            }
            Phase::Live { .. } => self.connect_at = Some(now + Self::interval(message)),
            _ => {}
        }
    }

    fn subscribed(&mut self, message: &Incoming<'_>, now: Instant) {
        let asked = message.id.as_deref().and_then(|id| self.channels.asked(id));
        if message.is_successful() {
            if let Some(channel) = asked {
                self.entered |= channel.shows_presence();
                let news = self.channels.stands(channel);
                self.news.push_back(news);
            }
            return;
        }
        if self.heed(message, now) {
            return;
        }
        let Some(channel) = asked else { return };
        let code = message.code();
        let why = match code {
            Some(403) => Refusal::Forbidden,
            Some(404) => Refusal::NotFound,
            other => Refusal::Other(other),
        };
        let news = match code {
            // Gitter failed, rather than refused.
            None | Some(500..) => self.channels.failed(channel, why, now),
            Some(_) => Some(self.channels.refused(channel, why)),
        };
        self.news.extend(news);
    }

    /// Does what a failure advises. Whether the connection has changed by that.
    fn heed(&mut self, message: &Incoming<'_>, now: Instant) -> bool {
        if message.successful != Some(false) {
            return false;
        }
        let code = message.code();
        let advice = message.advice.and_then(|advice| advice.reconnect);
        if advice == Some(Reconnect::None) {
            // Going on would be asking for ever, which this says not to do (recorded session `handshake_errors`).
            self.over = Some(match code {
                Some(401 | 403) => RealtimeError::TokenRefused,
                other => RealtimeError::Banished(other),
            });
            self.forget_connection();
            return true;
        }
        let handshaking = matches!(
            self.phase,
            Phase::Handshaking { .. } | Phase::Greeting { .. }
        );
        // `401::Client … not authenticated` comes without advice.
        if !handshaking && (advice == Some(Reconnect::Handshake) || code == Some(401)) {
            let interval = Self::interval(message);
            let resuming = matches!(self.phase, Phase::Resuming { .. });
            self.client = None;
            self.forget_connection();
            self.channels.lost(false);
            if !resuming {
                // While resuming, the loss was told already.
                self.news.push_back(Notification::Disconnected {
                    why: Loss::Forgotten,
                    retry_in: interval,
                });
            }
            self.phase = Phase::Greeting { at: now + interval };
            return true;
        }
        false
    }

    fn interval(message: &Incoming<'_>) -> Duration {
        let interval = message
            .advice
            .and_then(|advice| advice.interval)
            .unwrap_or(500);
        Duration::from_millis(interval).min(LONGEST_INTERVAL)
    }

    fn pushed(&mut self, message: &Incoming<'_>, now: Instant) {
        if message.successful == Some(false) {
            self.heed(message, now);
            return;
        }
        let Some(client) = &mut self.client else {
            return;
        };
        let missed = message
            .ext
            .as_ref()
            .and_then(|ext| ext.c)
            .is_some_and(|count| {
                let missed = count > client.count.saturating_add(1);
                client.count = client.count.max(count);
                missed
            });
        if missed {
            self.news.push_back(Notification::Gap { room: None });
        }
        let channel = Channel::read(&message.channel, &client.user);
        let (Some(channel), Some(data)) = (channel, message.data) else {
            return;
        };
        if !self.channels.wants(&channel) {
            // A subscription that was on its way when it was taken back.
            self.send_unsubscribe(&channel);
            return;
        }
        match wire::change(&channel, data) {
            Ok(Some(change)) => {
                if let (Channel::Rooms, Change::RoomRemoved(room)) = (&channel, &change) {
                    // Gitter unsubscribes those who are removed without a word (recorded session `ws_removed`).
                    for gone in self.channels.of_room(room) {
                        self.unsubscribe(&gone);
                    }
                }
                self.news
                    .push_back(Notification::Push(Box::new(Push { channel, change })));
            }
            Ok(None) => {}
            Err(_) => {
                tracing::warn!(%channel, "a push could not be read");
                self.news.push_back(Notification::Gap {
                    room: channel.room().cloned(),
                });
            }
        }
    }
}
