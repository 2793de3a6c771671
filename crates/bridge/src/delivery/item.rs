//! What a lane to Matrix carries.
//!
//! Stored as JSON: a new field needs a `#[serde(default)]`.

use remote::{Message, MessageId, Person, PersonId};
use serde::{Deserialize, Serialize};

use crate::Error;

/// An item of a lane to Matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "what", rename_all = "snake_case")]
pub enum ToMatrix {
    /// A message.
    Message(Box<Message>),
    /// A message was changed, or blanked.
    Changed(Box<Message>),
    /// A message was taken back.
    Deleted(MessageId),
    /// Somebody came into the room.
    Joined(Person),
    /// Somebody left the room.
    Left(PersonId),
    /// Name, topic or picture of the room may have changed.
    Refresh,
    /// Something happened that nobody said: a line of plain text.
    Happened {
        /// Tells it from everything else.
        id: String,
        /// The line.
        text: String,
    },
    /// More messages were missed than are read: some between those before and those behind this are not
    /// shown.
    LeftOut,
}

impl ToMatrix {
    /// The message it is about.
    pub(super) fn message(&self) -> Option<&MessageId> {
        match self {
            Self::Message(message) | Self::Changed(message) => Some(&message.id),
            Self::Deleted(message) => Some(message),
            Self::Joined(_)
            | Self::Left(_)
            | Self::Refresh
            | Self::Happened { .. }
            | Self::LeftOut => None,
        }
    }

    /// For the store.
    ///
    /// # Errors
    /// Never, as far as we know; `serde` does not promise it.
    pub fn to_payload(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| Error::Unreadable(error.to_string()))
    }

    /// From the store.
    ///
    /// # Errors
    /// [`Error::Unreadable`] for a row that no version of ours wrote.
    pub fn from_payload(payload: &str) -> Result<Self, Error> {
        // Without the library's words: they may quote the row, and it holds what somebody wrote.
        serde_json::from_str(payload)
            .map_err(|error| Error::Unreadable(format!("{:?} error", error.classify())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_nests_as_deep_as_it_may_can_be_read_again() {
        for tag in [
            "<ul><li>",
            "<ol><li>",
            "<blockquote>",
            "<b>",
            "<i><b>",
            "<del><a href='https://a.example'>",
        ] {
            let text = remote::text::html::parse_plainly(&format!("{}x", tag.repeat(1_000)));
            let message = Message {
                id: "m".into(),
                room: "r".into(),
                sender: None,
                sent_at: 0,
                kind: remote::MessageKind::Text,
                text,
                edited_at: None,
                thread: None,
                reply_to: None,
                blanked: false,
                attachments: Vec::new(),
            };
            let what = ToMatrix::Message(Box::new(message));
            let payload = what.to_payload().unwrap();
            assert_eq!(ToMatrix::from_payload(&payload).unwrap(), what, "{tag}");
        }
    }
}
