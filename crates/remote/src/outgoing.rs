//! A message on its way to the remote network.

use serde::{Deserialize, Serialize};

use crate::text::Mention;
use crate::{MessageId, MessageKind, RichText};

/// What the person wrote, as his client sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Composed {
    /// Plain text, typed by hand and never formatted by a client.
    Plain(String),
    /// The same, with people in it who are to be named as the network names them.
    Addressed(Vec<Said>),
    /// Formatted.
    Rich(RichText),
}

/// A piece of a text that was typed by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// Characters, line ends (`\n`) among them.
    Text(String),
    /// Somebody is addressed.
    Mention(Mention),
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Said, done, or by a machine.
    pub kind: MessageKind,
    /// What it says.
    pub text: Composed,
    /// The message whose thread it belongs to.
    #[serde(default)]
    pub thread: Option<MessageId>,
    /// The message it answers.
    #[serde(default)]
    pub reply_to: Option<MessageId>,
}

/// One message of the network that carries all or a piece of an [`Outgoing`], in the network's own markup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The text to be sent, as the network wants it.
    pub text: String,
    /// Said, done, or by a machine.
    pub kind: MessageKind,
    /// The message whose thread it belongs to.
    #[serde(default)]
    pub thread: Option<MessageId>,
    /// The message it answers.
    #[serde(default)]
    pub reply_to: Option<MessageId>,
}
