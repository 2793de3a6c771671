//! Messages as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::views::object;
use super::{Message, Refusal, World, iso};
use crate::ids::{MessageId, UserId};

/// How a list of messages is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MessageForm {
    /// Empty lists left out, senders slim.
    pub(crate) lean: bool,
    /// Senders by id, and the people beside the messages.
    pub(crate) lookups: bool,
    /// The message the window was laid around.
    pub(crate) initial: Option<MessageId>,
}

impl World {
    /// A message as `reader` sees it; without a reader it does not say whether it is unread.
    pub(crate) fn message_view(
        &self,
        id: MessageId,
        reader: Option<UserId>,
    ) -> Result<Value, Refusal> {
        let message = self.messages.get(&id).ok_or(Refusal::NotFound)?;
        Ok(self.view_of(message, reader, MessageForm::default()))
    }

    pub(crate) fn view_of(
        &self,
        message: &Message,
        reader: Option<UserId>,
        form: MessageForm,
    ) -> Value {
        let mut view = object(json!({
            "id": message.id.to_string(),
            "text": message.text,
            "html": message.html,
            "sent": iso(message.sent),
            "readBy": message.read_by.len(),
            "v": message.v,
        }));
        let mut list = |key: &str, items: Vec<Value>| {
            if !(form.lean && items.is_empty()) {
                view.insert(key.to_owned(), Value::Array(items));
            }
        };
        list(
            "urls",
            message
                .urls
                .iter()
                .map(|url| json!({ "url": url }))
                .collect(),
        );
        list(
            "mentions",
            message.mentions.iter().map(mention_view).collect(),
        );
        list("issues", message.issues.iter().map(issue_view).collect());
        list("meta", Vec::new());
        if message.status {
            view.insert("status".into(), json!(true));
        }
        if let Some(time) = message.edited_at {
            view.insert("editedAt".into(), json!(iso(time)));
        }
        if let Some(parent) = message.parent {
            view.insert("parentId".into(), json!(parent.to_string()));
        }
        if let Some(replies) = message.replies {
            view.insert("threadMessageCount".into(), json!(replies));
        }
        if let Some(reader) = reader {
            let seat = self
                .rooms
                .get(&message.room)
                .and_then(|room| room.seats.get(&reader));
            let unread = seat.is_some_and(|seat| seat.unread.contains(&message.id));
            view.insert("unread".into(), json!(unread));
        }
        if form.initial == Some(message.id) {
            view.insert("initial".into(), json!(true));
        }
        let sender = self.sender_view(message, form);
        if !sender.is_null() {
            view.insert("fromUser".into(), sender);
        }
        if let Some(virtual_user) = &message.virtual_user {
            let mut shown = json!({
                "type": virtual_user.kind,
                "externalId": virtual_user.external_id,
                "displayName": virtual_user.display_name,
            });
            if let Some(avatar) = &virtual_user.avatar_url {
                shown["avatarUrl"] = json!(avatar);
            }
            view.insert("virtualUser".into(), shown);
        }
        Value::Object(view)
    }

    /// The sender: a person, or a made-up one for somebody of another network.
    fn sender_view(&self, message: &Message, form: MessageForm) -> Value {
        let Some(virtual_user) = &message.virtual_user else {
            return match form {
                MessageForm { lookups: true, .. } => json!(message.from.to_string()),
                MessageForm { lean: true, .. } => self.slim_user_view(message.from),
                MessageForm { .. } => self.user_view(message.from),
            };
        };
        let picture = virtual_user
            .avatar_url
            .clone()
            .unwrap_or_else(|| format!("{}/api/private/avatars/default", self.web_url));
        json!({
            "id": format!("{}-{}", virtual_user.kind, virtual_user.external_id),
            "username": virtual_user.external_id,
            "displayName": virtual_user.display_name,
            "avatarUrl": picture,
            "avatarUrlSmall": picture,
            "avatarUrlMedium": picture,
        })
    }

    /// A list of messages, with the people beside it if `lookups` asks for that.
    pub(crate) fn message_views(
        &self,
        messages: &[&Message],
        reader: Option<UserId>,
        form: MessageForm,
    ) -> Value {
        let items: Vec<Value> = messages
            .iter()
            .map(|message| self.view_of(message, reader, form))
            .collect();
        if !form.lookups {
            return Value::Array(items);
        }
        let users: BTreeMap<String, Value> = messages
            .iter()
            .filter(|message| message.virtual_user.is_none())
            .map(|message| (message.from.to_string(), self.user_view(message.from)))
            .collect();
        json!({ "items": items, "lookups": { "users": users } })
    }
}

fn mention_view(mention: &super::chat::Mention) -> Value {
    let mut view = object(json!({ "screenName": mention.screen_name, "userIds": [] }));
    if let Some(user) = mention.user {
        view.insert("userId".into(), json!(user.to_string()));
    }
    if mention.group {
        view.insert("group".into(), json!(true));
        view.insert("announcement".into(), json!(true));
    }
    Value::Object(view)
}

fn issue_view(issue: &crate::render::Issue) -> Value {
    match &issue.repo {
        Some(repo) => json!({ "number": issue.number, "repo": repo }),
        None => json!({ "number": issue.number }),
    }
}
