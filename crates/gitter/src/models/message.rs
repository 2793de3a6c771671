//! Messages, and what is sent to make one.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{User, lenient};
use crate::{MessageId, UserId};

/// How long a message's text may be, in UTF-16 code units (Gitter 21.15, recorded cases `msg_send_exact_4096`,
/// `msg_send_unicode_4096`).
pub const MAX_TEXT: usize = 4096;

/// A message (Gitter 21.15, recorded cases `msg_send_*`, `hist_*`). Its `Debug` form leaves the text out.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Stable id.
    pub id: MessageId,
    /// What the sender posted: Markdown. Empty if the message was taken back while it had replies.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: String,
    /// The same, rendered by Gitter and sanitised.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub html: String,
    /// When Gitter received it.
    pub sent: Timestamp,
    /// When its text was last changed; `None` if never.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub edited_at: Option<Timestamp>,
    /// Who sent it; `None` if the account no longer exists.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub from_user: Option<User>,
    /// Whether the caller has not read it; missing in realtime.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub unread: Option<bool>,
    /// How many have read it.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub read_by: Option<u64>,
    /// Who is mentioned.
    #[serde(default, deserialize_with = "lenient::list")]
    pub mentions: Vec<Mention>,
    /// Issues it refers to.
    #[serde(default, deserialize_with = "lenient::list")]
    pub issues: Vec<Issue>,
    #[serde(default, deserialize_with = "lenient::list")]
    urls: Vec<Link>,
    /// The message whose thread this one belongs to.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub parent_id: Option<MessageId>,
    /// How many replies its thread has.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub thread_message_count: Option<u64>,
    /// A `/me` message; the text begins with the sender's `@username` when it was typed on Gitter's site.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub status: bool,
    /// The real author, when a trusted bridge sent it; then `from_user` is made up from this.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub virtual_user: Option<VirtualUser>,
    /// Version of this model: grows with every change, also with every reply to it.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub v: Option<u64>,
}

impl Message {
    /// Whether it was taken back while it had replies: the text is gone and the row remains
    /// (recorded case `msg_show_thread_parent_after_delete`).
    pub fn is_blanked(&self) -> bool {
        self.text.is_empty() && self.html.is_empty()
    }

    /// The URLs in it, HTML-escaped as Gitter gives them.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.urls.iter().map(|link| link.url.as_str())
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Message")
            .field("id", &self.id)
            .field("sent", &self.sent)
            .field("edited_at", &self.edited_at)
            .field("from_user", &self.from_user.as_ref().map(|user| &user.id))
            .field("parent_id", &self.parent_id)
            .field("v", &self.v)
            .finish_non_exhaustive()
    }
}

/// Readers of a message, told by realtime (Gitter 21.15, recorded session `ws_room_channels`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessagePatch {
    /// Which.
    pub id: MessageId,
    /// How many have read it.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub read_by: Option<u64>,
    /// Version of the message.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub v: Option<u64>,
}

/// Somebody, or a group, mentioned in a message (Gitter 21.15, recorded cases `msg_send_mention*`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mention {
    /// As written, without `@`.
    #[serde(deserialize_with = "lenient::or_default")]
    pub screen_name: String,
    /// Who; `None` if nobody has exactly this name.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub user_id: Option<UserId>,
    /// Who, for a group that is not everybody.
    #[serde(default, deserialize_with = "lenient::list")]
    pub user_ids: Vec<UserId>,
    /// Meant as a group, such as `@/all`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub group: bool,
    /// Rings everybody in the room.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub announcement: bool,
}

/// An issue, merge request or the like that a message refers to (Gitter 21.15, recorded case `msg_send_issues`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Issue {
    /// Its number.
    #[serde(default, deserialize_with = "lenient::text")]
    pub number: Option<String>,
    /// `owner/repo`; `None` means the one that belongs to the room.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub repo: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Deserialize)]
struct Link {
    url: String,
}

/// The author of a message that a trusted bridge sent (Gitter 21.15, recorded case `msg_send_virtualuser_bridge`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualUser {
    /// Where from: `matrix`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who there; for Matrix the user id without its `@`.
    pub external_id: String,
    /// The name people see.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub display_name: Option<String>,
    /// Picture.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub avatar_url: Option<String>,
}

/// A message to send. Its `Debug` form leaves the text out.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// Markdown; not empty, and at most [`MAX_TEXT`] UTF-16 code units.
    pub text: String,
    /// A `/me` message; begin the text with the sender's `@username`, as Gitter's own site does.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub status: bool,
    /// The message in whose thread to put it: of the same room, and not itself in a thread.
    #[serde(rename = "parentId", skip_serializing_if = "Option::is_none")]
    pub parent: Option<MessageId>,
}

impl Draft {
    /// A plain message.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            status: false,
            parent: None,
        }
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Draft")
            .field("status", &self.status)
            .field("parent", &self.parent)
            .finish_non_exhaustive()
    }
}

/// What the user has not read in a room (Gitter 21.15, recorded case `unread_list`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// Messages; Gitter keeps count of at most 100.
    #[serde(default, deserialize_with = "lenient::list")]
    pub chat: Vec<MessageId>,
    /// Those that mention him.
    #[serde(default, deserialize_with = "lenient::list")]
    pub mention: Vec<MessageId>,
}
