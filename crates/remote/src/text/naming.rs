//! How the reader's side calls what a text refers to: asked for while text is written out.
//!
//! To let a text refer to one more kind of thing: a method here, and its arm in `html` and `plain`.

use crate::MessageId;

use super::Mention;

/// What a mention becomes for the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Where it leads, such as `https://matrix.to/#/@alice:example.org`; `None` if it stays mere text.
    pub href: Option<String>,
    /// What it shows.
    pub label: String,
}

/// Knows how people and messages are called where the text is read.
pub trait Naming {
    /// What this mention becomes.
    fn mention(&self, mention: &Mention) -> Named;

    /// Where this message can be found; `None` leaves the address the text came with.
    fn message(&self, message: &MessageId) -> Option<String>;
}

/// Knows nobody: mentions show the label they came with, links to messages keep their address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoNames;

impl Naming for NoNames {
    fn mention(&self, mention: &Mention) -> Named {
        Named {
            href: None,
            label: mention.label.clone(),
        }
    }

    fn message(&self, _message: &MessageId) -> Option<String> {
        None
    }
}
