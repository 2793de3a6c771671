//! A message was changed on the network: its events are replaced, as many as there are.

use homeserver::Actor;
use remote::Message;
use ruma::EventId;
use serde_json::{Value, json};
use store::{EditRow, Item, MessageRow};

use super::Place;
use crate::{
    Error,
    delivery::{ToMatrix, digest},
    ghost::{self, puppet},
    lanes::Outcome,
    media::incoming::Shown,
    text,
};

impl Place<'_> {
    /// A message that comes late, or was told of before its change and after it, waits behind the change: it is shown as it is
    /// now. Where it does not wait either, its place in the room is gone.
    async fn change_what_waits(&self, message: &Message, item: &Item) -> Result<(), Error> {
        const PAGE: u32 = 100;
        let (store, key) = (&self.world.store, format!("message/{}", message.id));
        if !store.waits(&item.lane, &key).await? {
            return Ok(());
        }
        let mut after = item.id;
        loop {
            let page = store.items_behind(&item.lane, after, PAGE).await?;
            if let Some(waiting) = page.iter().find(|it| it.key == key) {
                let older = match ToMatrix::from_payload(&waiting.payload) {
                    Ok(ToMatrix::Message(it)) => it.edited_at < message.edited_at,
                    _ => false,
                };
                if older {
                    let payload = ToMatrix::Message(Box::new(message.clone())).to_payload()?;
                    store.rewrite_item(waiting.id, &payload).await?;
                }
                return Ok(());
            }
            match page.last() {
                Some(last) => after = last.id,
                None => return Ok(()),
            }
        }
    }

    pub(super) async fn changed(
        &self,
        message: &Message,
        item: &Item,
        known: Vec<MessageRow>,
    ) -> Result<Outcome, Error> {
        if message.blanked {
            return self.deleted(&message.id, known).await;
        }
        // A newer text makes this one superfluous. An older one may wait behind it, when a change was told twice.
        let key = format!("changed/{}", message.id);
        if self.world.store.waits_behind(item, &key).await? {
            return Ok(Outcome::done());
        }
        if known.is_empty() {
            self.change_what_waits(message, item).await?;
            return Ok(Outcome::done());
        }
        // Nobody but the sender of an event can replace it.
        let himself = ghost::himself(self.world, self.login, &self.login.person_id);
        let as_user = known.iter().any(|row| row.as_user);
        let is_mixed = as_user && !known.iter().all(|row| row.as_user);
        if known.iter().any(|row| row.by_us) || is_mixed || (as_user && himself.is_none()) {
            return self.own_changed(message).await;
        }
        let is_news = |row: &MessageRow| row.edited_at < message.edited_at && !row.deleted;
        if !known.iter().all(is_news) {
            return Ok(Outcome::done());
        }
        // Nothing is known of what was never shown; its place in the room is gone.
        let shown: Vec<_> = known
            .iter()
            .filter(|row| row.room_id == self.room.as_str())
            .cloned()
            .collect();
        if shown.is_empty() {
            return Ok(Outcome::done());
        }
        let Some(himself) = himself.filter(|_| as_user) else {
            let ghost = self.ghost(message).await?;
            return self
                .replace(message, shown, &ghost)
                .await
                .map(Outcome::Done);
        };
        match self.replace(message, shown, &himself).await {
            Err(Error::Homeserver(error)) if puppet::gives_up(self.world, &himself, &error) => {
                self.own_changed(message).await
            }
            replaced => replaced.map(Outcome::Done),
        }
    }

    /// Gives the rows as they are afterwards.
    async fn replace(
        &self,
        message: &Message,
        shown: Vec<MessageRow>,
        who: &Actor,
    ) -> Result<Vec<MessageRow>, Error> {
        let contents = self.contents(&*self.quoting(message).await?).await?;
        let at = message.edited_at.unwrap_or(message.sent_at);
        let mut rows = Vec::new();
        for Shown {
            part,
            is_file,
            content,
        } in &contents
        {
            let digest = Some(digest::of_content(content));
            let old = shown.iter().find(|row| row.part == *part);
            if let Some(row) = old.filter(|row| !is_file && row.digest != digest) {
                let txn = self.txn("edit", who, message, *part);
                self.replace_one(who, message, row, content, &txn).await?;
            }
            let event = if let Some(row) = old {
                row.event_id.as_str().try_into().map_err(|_| {
                    Error::Unreadable("the map has an event without an id".to_owned())
                })?
            } else {
                let mut content = content.clone();
                if let Some(relation) = self.thread(message).await? {
                    content["m.relates_to"] = relation;
                }
                let txn = self.txn("message", who, message, *part);
                self.send(who, message, &txn, &content, at).await?
            };
            rows.push(MessageRow {
                digest,
                ..self.row(message, *part, &event, who)
            });
        }
        let stays = |row: &&MessageRow| contents.iter().any(|it| it.part == row.part);
        for row in shown.iter().filter(|row| !stays(row)) {
            self.redact(row).await?;
            self.world
                .store
                .drop_part(self.portal.id, message.id.as_str(), row.part)
                .await?;
        }
        Ok(rows)
    }

    /// Shows another content in an event's place.
    async fn replace_one(
        &self,
        who: &Actor,
        message: &Message,
        row: &MessageRow,
        content: &Value,
        txn: &str,
    ) -> Result<(), Error> {
        let at = message.edited_at.unwrap_or(message.sent_at);
        let mentions = self.newly_mentioned(row, content).await?;
        let replacement = replacement(content, mentions, &row.event_id);
        let event = self.send(who, message, txn, &replacement, at).await?;
        // It has to go with what it replaces.
        let edit = EditRow {
            portal_id: self.portal.id,
            event_id: event.to_string(),
            original: row.event_id.clone(),
            written_at: at,
        };
        Ok(self.world.store.put_edit(&edit).await?)
    }

    /// Who is mentioned in a content and was not in what it replaces: they are to be rung, and nobody again (Matrix spec v1.7, "User
    /// and room mentions"). What stands there is asked for only if somebody is mentioned now.
    async fn newly_mentioned(&self, row: &MessageRow, content: &Value) -> Result<Value, Error> {
        let now = &content["m.mentions"];
        if now.as_object().is_none_or(serde_json::Map::is_empty) {
            return Ok(json!({}));
        }
        let edits = self.world.store.edits_of(&row.event_id).await?;
        let last = edits.last().map_or(&row.event_id, |edit| &edit.event_id);
        let Ok(last) = <&EventId>::try_from(last.as_str()) else {
            return Ok(json!({}));
        };
        let before = match self.world.homeserver.event(self.room, last).await {
            Ok(Some(event)) => event.content,
            Err(error) if error.is_transient() => return Err(error.into()),
            Ok(None) | Err(_) => return Ok(json!({})),
        };
        let before = before.get("m.new_content").unwrap_or(&before);
        Ok(added(&before["m.mentions"], now))
    }

    /// The user changed on the network what his own account said on Matrix. His event there is his alone to replace: where we may not
    /// speak as him, his ghost says the new text as an answer to it, and replaces that from then on. Mostly this is the echo of a
    /// change that he made on Matrix.
    async fn own_changed(&self, message: &Message) -> Result<Outcome, Error> {
        if let Some(later) = self.while_sending().await? {
            return Ok(later);
        }
        // With what the other lane recorded meanwhile.
        let known = self
            .world
            .store
            .messages(self.portal.id, message.id.as_str())
            .await?;
        let is_news = |row: &MessageRow| row.edited_at < message.edited_at && !row.deleted;
        if !known.iter().all(is_news) {
            return Ok(Outcome::done());
        }
        let (mut his, answer): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|row| row.by_us || row.as_user);
        let Some(first) = his.first() else {
            return Ok(Outcome::done());
        };
        if answer.is_empty()
            && let Some(row) = self.replace_written(message, &his).await?
        {
            return Ok(Outcome::Done(vec![row]));
        }
        let relation = json!({ "m.in_reply_to": { "event_id": first.event_id } });
        // The parts of the answer stand behind those of his own.
        let behind = his.iter().map(|row| row.part + 1).max().unwrap_or(0);
        let who = self.ghost(message).await?;
        let at = message.edited_at.unwrap_or(message.sent_at);
        let mut rows = Vec::new();
        for (index, shown) in self.contents(message).await?.into_iter().enumerate() {
            let Shown {
                part,
                is_file,
                mut content,
            } = shown;
            if index == 0 {
                content["m.relates_to"] = relation.clone();
                for text in ["body", "formatted_body"] {
                    if let Some(said) = content[text].as_str() {
                        content[text] = format!("{EDITED}{said}").into();
                    }
                }
            }
            let digest = Some(digest::of_content(&content));
            let place = behind + part;
            let old = answer.iter().find(|row| row.part == place);
            let txn = self.txn("own-edit", &who, message, part);
            if let Some(row) = old {
                if !is_file && row.digest != digest {
                    self.replace_one(&who, message, row, &content, &txn).await?;
                }
                rows.push(MessageRow {
                    edited_at: message.edited_at,
                    digest,
                    ..row.clone()
                });
            } else {
                let event = self.send(&who, message, &txn, &content, at).await?;
                rows.push(MessageRow {
                    digest,
                    ..self.row(message, place, &event, &who)
                });
            }
        }
        let stays = |row: &&MessageRow| rows.iter().any(|it: &MessageRow| it.part == row.part);
        let gone: Vec<_> = answer.iter().filter(|row| !stays(row)).collect();
        for row in gone {
            self.redact(row).await?;
            rows.push(MessageRow {
                deleted: true,
                ..row.clone()
            });
        }
        for row in &mut his {
            row.edited_at = message.edited_at;
            row.digest = None;
        }
        rows.append(&mut his);
        Ok(Outcome::Done(rows))
    }

    /// As the user himself, replaces what he wrote on Matrix. `None` where we may not speak as him, and where one text cannot take the
    /// place of one event: that was a file, or became several messages, or was itself a change.
    async fn replace_written(
        &self,
        message: &Message,
        his: &[MessageRow],
    ) -> Result<Option<MessageRow>, Error> {
        let store = &self.world.store;
        let Some(himself) = ghost::himself(self.world, self.login, &self.login.person_id) else {
            return Ok(None);
        };
        let [row] = his else {
            return Ok(None);
        };
        if !row.by_us || row.room_id != self.room.as_str() {
            return Ok(None);
        }
        let mut same = store.messages_by_event(&row.event_id).await?;
        same.retain(|it| it.portal_id == self.portal.id);
        if same.len() != 1 || store.edit(&row.event_id).await?.is_some() {
            return Ok(None);
        }
        let Ok(event) = <&EventId>::try_from(row.event_id.as_str()) else {
            return Ok(None);
        };
        let written = match self.world.homeserver.event(self.room, event).await {
            Ok(Some(event)) => event,
            Err(error) if error.is_transient() => return Err(error.into()),
            Ok(None) | Err(_) => return Ok(None),
        };
        let is_text = matches!(
            written.content["msgtype"].as_str(),
            Some("m.text" | "m.emote" | "m.notice")
        );
        let contents = self.contents(message).await?;
        let [shown] = &*contents else {
            return Ok(None);
        };
        if !is_text || written.sender != self.login.mxid || shown.is_file {
            return Ok(None);
        }
        let txn = self.txn("own-edit", &himself, message, row.part);
        let replaced = self.replace_one(&himself, message, row, &shown.content, &txn);
        match replaced.await {
            Err(Error::Homeserver(error)) if puppet::gives_up(self.world, &himself, &error) => {
                Ok(None)
            }
            replaced => replaced.map(|()| {
                Some(MessageRow {
                    edited_at: message.edited_at,
                    digest: None,
                    ..row.clone()
                })
            }),
        }
    }
}

/// What stands before the new text of a message that cannot be replaced.
const EDITED: &str = "(edited) ";

/// The mentions that are new.
fn added(before: &Value, now: &Value) -> Value {
    let users = |mentions: &Value| -> Vec<Value> {
        let users = mentions.get("user_ids").and_then(Value::as_array);
        users.cloned().unwrap_or_default()
    };
    let everybody = |mentions: &Value| mentions.get("room") == Some(&Value::Bool(true));
    let known = users(before);
    let mut new = json!({});
    let added: Vec<_> = users(now)
        .into_iter()
        .filter(|user| !known.contains(user))
        .collect();
    if !added.is_empty() {
        new["user_ids"] = Value::Array(added);
    }
    if everybody(now) && !everybody(before) {
        new["room"] = Value::Bool(true);
    }
    new
}

/// The content that replaces an event's (Matrix spec, client-server API, "Event replacements"). Only `mentions` are rung.
fn replacement(content: &Value, mentions: Value, event: &str) -> Value {
    let mut whole = content.clone();
    for key in ["body", "formatted_body"] {
        if let Some(said) = whole[key].as_str() {
            whole[key] = format!("* {said}").into();
        }
    }
    whole["m.mentions"] = mentions;
    let mut new = content.clone();
    if let Some(fields) = new.as_object_mut() {
        // Where a message stands does not change with its text.
        fields.remove("m.relates_to");
    }
    whole["m.new_content"] = new;
    whole["m.relates_to"] = json!({ "rel_type": "m.replace", "event_id": event });
    if text::fits(&whole) {
        return whole;
    }
    // Both texts are too much for one event. The one beside the new content is for clients that know no edits.
    if let Some(fields) = whole.as_object_mut() {
        fields.remove("format");
        fields.remove("formatted_body");
    }
    if let Some(said) = whole["body"].as_str() {
        let end = said.floor_char_boundary(LONGEST_FALLBACK);
        whole["body"] = format!("{}…", &said[..end]).into();
    }
    whole
}

/// Bytes of the text for clients that know no edits, where it has to be short.
const LONGEST_FALLBACK: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_mentions_are_added() {
        let cases = [
            (
                json!({"user_ids": ["@a:x"]}),
                json!({"user_ids": ["@a:x", "@b:x"]}),
                json!({"user_ids": ["@b:x"]}),
            ),
            (
                json!({"room": true}),
                json!({"room": true, "user_ids": ["@a:x"]}),
                json!({"user_ids": ["@a:x"]}),
            ),
            (json!({}), json!({"room": true}), json!({"room": true})),
            (
                json!(null),
                json!({"user_ids": ["@a:x"]}),
                json!({"user_ids": ["@a:x"]}),
            ),
            (
                json!({"user_ids": "odd"}),
                json!({"room": false}),
                json!({}),
            ),
        ];
        for (before, now, new) in cases {
            assert_eq!(added(&before, &now), new, "{before} {now}");
        }
    }

    #[test]
    fn a_replacement_holds_both_texts_and_rings_those_it_should() {
        let content = json!({
            "msgtype": "m.text", "body": "hi", "m.mentions": {"user_ids": ["@a:x"]}, "im.example": {"id": "m"},
        });
        assert_eq!(
            replacement(&content, json!({"room": true}), "$a"),
            json!({
                "msgtype": "m.text", "body": "* hi", "m.mentions": {"room": true}, "im.example": {"id": "m"},
                "m.new_content": content,
                "m.relates_to": {"rel_type": "m.replace", "event_id": "$a"},
            })
        );
    }
}
