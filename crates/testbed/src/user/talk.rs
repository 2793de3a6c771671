//! Saying things, and hearing what the bot answers.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{Dm, Event, Refused, User, path};
use crate::http::random_hex;

impl User {
    /// Sends any event; gives its id.
    pub async fn send(&self, room: &str, kind: &str, content: &Value) -> Result<String, Refused> {
        let transaction = random_hex(8);
        let path = path(&["v3", "rooms", room, "send", kind, &transaction]);
        let answer = self.put(&path, content).await?;
        Ok(answer["event_id"].as_str().unwrap_or_default().to_owned())
    }

    /// Sends plain text.
    pub async fn say(&self, room: &str, text: &str) -> Result<String, Refused> {
        self.send(
            room,
            "m.room.message",
            &json!({ "msgtype": "m.text", "body": text }),
        )
        .await
    }

    /// Sends formatted text.
    pub async fn say_html(&self, room: &str, text: &str, html: &str) -> Result<String, Refused> {
        let content = json!({
            "msgtype": "m.text",
            "body": text,
            "format": "org.matrix.custom.html",
            "formatted_body": html,
        });
        self.send(room, "m.room.message", &content).await
    }

    /// `/me` something.
    pub async fn emote(&self, room: &str, text: &str) -> Result<String, Refused> {
        self.send(
            room,
            "m.room.message",
            &json!({ "msgtype": "m.emote", "body": text }),
        )
        .await
    }

    /// Deletes an event.
    pub async fn redact(&self, room: &str, event: &str) -> Result<String, Refused> {
        let path = path(&["v3", "rooms", room, "redact", event, &random_hex(8)]);
        let answer = self.put(&path, &json!({})).await?;
        Ok(answer["event_id"].as_str().unwrap_or_default().to_owned())
    }

    /// Says something in a direct chat and waits for the next message of the other.
    pub async fn ask(&self, dm: &Dm, text: &str) -> anyhow::Result<Event> {
        self.ask_until(dm, text, |_| true).await
    }

    /// Says something in a direct chat and waits for a message of the other in which `wanted` stands.
    pub async fn ask_for(&self, dm: &Dm, text: &str, wanted: &str) -> anyhow::Result<Event> {
        self.ask_until(dm, text, |event| event.body().contains(wanted))
            .await
            .with_context(|| format!("the answer should contain {wanted:?}"))
    }

    async fn ask_until(
        &self,
        dm: &Dm,
        text: &str,
        wanted: impl Fn(&Event) -> bool,
    ) -> anyhow::Result<Event> {
        let mark = self.mark().await?;
        self.say(&dm.room, text).await?;
        self.wait_from(mark, &format!("an answer to {text:?}"), |event| {
            event.room == dm.room && event.is_message_of(&dm.with) && wanted(event)
        })
        .await
    }
}
