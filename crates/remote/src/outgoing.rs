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
    /// Something to be shown, such as a file, and below it what was typed of it by hand.
    Captioned {
        /// What is shown.
        shown: RichText,
        /// What was typed.
        said: Vec<Said>,
    },
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
    /// What it goes back to, where the network cannot show that by itself.
    #[serde(default)]
    pub preface: Option<Preface>,
}

/// What a message goes back to, to be said in the message itself, in the network's own way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preface {
    /// It is the new text of a message of the same person, which can no longer be changed.
    Changes {
        /// Where a browser shows that message.
        link: Option<String>,
    },
    /// It answers something that the network does not know.
    Answers {
        /// Who said that. Plain words: nobody is to be rung by them.
        who: String,
        /// A little of it, on one line.
        quote: String,
    },
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
