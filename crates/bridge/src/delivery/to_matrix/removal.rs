//! A message was taken back on the network: all its events are redacted.

use homeserver::Actor;
use remote::{MessageId, PersonId};
use ruma::EventId;
use store::MessageRow;

use super::Place;
use crate::{
    Error,
    delivery::txn,
    ghost::{self, puppet},
    lanes::Outcome,
};

impl Place<'_> {
    /// The rows stay: others may answer what is gone.
    pub(super) async fn deleted(
        &self,
        message: &MessageId,
        known: Vec<MessageRow>,
    ) -> Result<Outcome, Error> {
        let mut known = known;
        if known.iter().any(|row| row.by_us) {
            // It may be the echo of a redaction.
            if let Some(later) = self.while_sending().await? {
                return Ok(later);
            }
            known = self
                .world
                .store
                .messages(self.portal.id, message.as_str())
                .await?;
        }
        if known.iter().all(|row| row.deleted) {
            return Ok(Outcome::done());
        }
        let mut events: Vec<_> = known.iter().filter(|row| !row.deleted).collect();
        // One event of a user's may have become several messages.
        events.dedup_by_key(|row| &row.event_id);
        for row in events {
            if !self.stands_in_part(row).await? {
                self.redact(row).await?;
            }
        }
        for row in &mut known {
            row.deleted = true;
        }
        Ok(Outcome::Done(known))
    }

    /// Whether the event also became other messages which still stand: as long as one does, it is not taken back.
    async fn stands_in_part(&self, row: &MessageRow) -> Result<bool, Error> {
        if !row.by_us {
            return Ok(false);
        }
        let same = self.world.store.messages_by_event(&row.event_id).await?;
        let stands = |it: &MessageRow| {
            it.portal_id == row.portal_id && it.remote_id != row.remote_id && !it.deleted
        };
        Ok(same.iter().any(stands))
    }

    /// Takes an event back, with what replaced it: those who ask for that can still read it otherwise.
    pub(super) async fn redact(&self, row: &MessageRow) -> Result<(), Error> {
        self.redact_one(row, &row.event_id).await?;
        for edit in self.world.store.edits_of(&row.event_id).await? {
            self.redact_one(row, &edit.event_id).await?;
        }
        Ok(())
    }

    /// By whoever said it: the user himself where we may speak as him. By the bot where that does not do.
    async fn redact_one(&self, row: &MessageRow, event_id: &str) -> Result<(), Error> {
        let Ok(event) = <&EventId>::try_from(event_id) else {
            return Ok(());
        };
        if row.room_id != self.room.as_str() {
            return Ok(());
        }
        let speaker = if row.by_us || row.as_user {
            ghost::himself(self.world, self.login, &self.login.person_id)
        } else if row.sender.is_empty() {
            None
        } else {
            let person = PersonId::from(row.sender.as_str());
            Some(Actor::Ghost(self.world.names.ghost(&person)?))
        };
        for who in speaker.iter().chain([&Actor::Bot]) {
            let txn = txn(&[
                "redaction",
                who.user_id(self.world.names.bot()).as_str(),
                self.room.as_str(),
                event_id,
            ]);
            let homeserver = &self.world.homeserver;
            match homeserver.redact(who, self.room, event, None, &txn).await {
                Ok(_) => return Ok(()),
                Err(error) if puppet::gives_up(self.world, who, &error) => {}
                Err(error) if error.is_forbidden() => {}
                // The homeserver does not know it (any more): nothing is left to be taken back.
                Err(error) if error.is_not_found() => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        tracing::warn!(portal = self.portal.id, "a message could not be redacted");
        Ok(())
    }
}
