//! Where a message stands on Matrix: in which thread, as an answer to what.

use remote::{Message, MessageId};
use ruma::OwnedEventId;
use serde_json::{Value, json};

use super::Place;
use crate::{Error, text::relation as relation_of};

impl Place<'_> {
    /// The relation of a message's events (Matrix spec, client-server API, "Threading" and "Rich replies"). For clients
    /// that know no threads, a message of a thread answers the one before it.
    pub(super) async fn thread(&self, message: &Message) -> Result<Option<Value>, Error> {
        let answered = match &message.reply_to {
            Some(answered) if *answered != message.id => self.event_of(answered).await?,
            _ => None,
        };
        let root = match &message.thread {
            Some(parent) if *parent != message.id => match self.event_of(parent).await? {
                None => self.first_of(parent, message).await?,
                root => root,
            },
            _ => None,
        };
        let Some(root) = root else {
            return Ok(answered.map(|event| json!({ "m.in_reply_to": { "event_id": event } })));
        };
        let is_fallback = answered.is_none();
        let before = match answered {
            Some(event) => event,
            None => self.last_of(message).await?.unwrap_or_else(|| root.clone()),
        };
        Ok(Some(json!({
            "rel_type": "m.thread",
            "event_id": root,
            "is_falling_back": is_fallback,
            "m.in_reply_to": { "event_id": before },
        })))
    }

    /// Where a message goes that the homeserver does not take into its thread: what the user said in a thread stands by itself on
    /// a network that did not know how that begins, and others may answer it there; but an event of a thread begins no other one
    /// (Matrix spec, client-server API, "Threading"). So it goes into the thread of that event.
    pub(super) async fn elsewhere(
        &self,
        relation: Option<&Value>,
        said: &Result<OwnedEventId, Error>,
    ) -> Result<Option<Value>, Error> {
        let (Some(refused), Err(Error::Homeserver(error))) = (relation, said) else {
            return Ok(None);
        };
        let begins = refused.get("event_id").and_then(Value::as_str);
        let Some(begins) = begins.filter(|_| error.is_bad_request()) else {
            return Ok(None);
        };
        let Ok(event) = OwnedEventId::try_from(begins) else {
            return Ok(None);
        };
        let event = self.world.homeserver.event(self.room, &event).await?;
        let above = event.and_then(|event| relation_of(&event.event_id, &event.content).thread);
        let answers = refused.get("m.in_reply_to").cloned().unwrap_or_default();
        Ok(Some(match above {
            Some(above) => json!({
                "rel_type": "m.thread",
                "event_id": above,
                "is_falling_back": refused.get("is_falling_back"),
                "m.in_reply_to": answers,
            }),
            None => json!({ "m.in_reply_to": answers }),
        }))
    }

    /// The first event of a thread whose beginning is not known here, which stands in for it.
    async fn first_of(
        &self,
        parent: &MessageId,
        message: &Message,
    ) -> Result<Option<String>, Error> {
        let first = self
            .world
            .store
            .first_in_thread(self.portal.id, parent.as_str(), self.room.as_str())
            .await?;
        Ok(first
            .filter(|row| row.remote_id != message.id.as_str())
            .map(|row| row.event_id))
    }

    /// The last event of the thread that a message is about to be shown in.
    async fn last_of(&self, message: &Message) -> Result<Option<String>, Error> {
        let Some(parent) = &message.thread else {
            return Ok(None);
        };
        let last = self
            .world
            .store
            .last_in_thread(self.portal.id, parent.as_str())
            .await?;
        Ok(last
            .filter(|row| row.room_id == self.room.as_str() && row.remote_id != message.id.as_str())
            .map(|row| row.event_id))
    }

    /// The event that shows a message in this room.
    async fn event_of(&self, message: &MessageId) -> Result<Option<String>, Error> {
        let rows = self
            .world
            .store
            .messages(self.portal.id, message.as_str())
            .await?;
        let here = rows
            .into_iter()
            .find(|row| row.room_id == self.room.as_str());
        Ok(here.map(|row| row.event_id))
    }
}
