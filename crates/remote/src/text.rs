//! Rich text: what a message says, as a tree in which only what Matrix allows can be written down.
//!
//! A network turns its own markup into this and back; the bridge turns Matrix's HTML into this and back. Both use
//! [`html`] for the HTML part. To add a kind of formatting: a [`Tag`], and its arms in `html`, `plain` and each network.

mod check;
pub mod html;
mod naming;
pub mod plain;
mod tidy;

pub use check::{LINK_SCHEMES, allowed_link, allowed_picture, text_of};
use check::{holds_block, parts_lines};
pub use naming::{Named, Naming, NoNames};

use serde::{Deserialize, Serialize};

use crate::{MessageId, PersonId};

/// Text with formatting, mentions and links to messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RichText {
    /// In the order of reading.
    pub nodes: Vec<Node>,
}

/// A piece of rich text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    /// Characters to be shown as they are. A line break is [`Tag::Break`], except inside [`Tag::CodeBlock`], where it is `\n`.
    Text(String),
    /// Formatting around other pieces.
    Element(Element),
    /// Somebody is addressed.
    Mention(Mention),
    /// A link to a message of the same network.
    MessageLink {
        /// The message.
        message: MessageId,
        /// Where a browser shows it.
        href: String,
        /// What the link shows.
        children: Vec<Node>,
    },
}

/// Formatting around other pieces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// Which.
    pub tag: Tag,
    /// What it holds; empty for [`Tag::Break`], [`Tag::Rule`], [`Tag::Image`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Node>,
}

/// Somebody is addressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// Who.
    pub who: Mentioned,
    /// What the writer's text shows, such as `@name`.
    pub label: String,
}

/// Who is addressed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mentioned {
    /// A person of the network. The username is the exact one to be written there, as far as known.
    Person {
        /// Who.
        id: PersonId,
        /// The exact username, without `@`.
        username: Option<String>,
    },
    /// A name that may or may not belong to somebody; it rings nobody.
    Name(String),
    /// Everybody in the room, said by somebody who may.
    Everyone,
    /// Somebody who exists on Matrix only.
    MatrixUser(String),
}

/// Kinds of formatting.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// `strong`
    Strong,
    /// `em`
    Emphasis,
    /// `u`
    Underline,
    /// `del`
    Strike,
    /// `sup`
    Superscript,
    /// `sub`
    Subscript,
    /// `code`: holds text only.
    Code,
    /// `pre` with `code`: holds text only.
    CodeBlock {
        /// As in `language-rust`, without the prefix.
        language: Option<String>,
    },
    /// `blockquote`
    Quote,
    /// `p`
    Paragraph,
    /// `br`
    Break,
    /// `hr`
    Rule,
    /// `h1` to `h6`
    Heading(u8),
    /// `ul`, or `ol` where there is a number to start from.
    List {
        /// The first item's number, for an ordered list.
        start: Option<u32>,
    },
    /// `li`
    Item {
        /// Whether it is ticked, for an item of a task list.
        ticked: Option<bool>,
    },
    /// `a`
    Link {
        /// `http`, `https`, `mailto`, `ftp` or `magnet` only.
        href: String,
        /// Shown when pointed at.
        title: Option<String>,
    },
    /// A picture in the text.
    Image {
        /// Where it is.
        src: String,
        /// What to show instead.
        alt: String,
    },
    /// `table`
    Table,
    /// `thead`
    TableHead,
    /// `tbody`
    TableBody,
    /// `tr`
    Row,
    /// `th`
    HeaderCell,
    /// `td`
    Cell,
    /// `details`
    Details,
    /// `summary`
    Summary,
    /// `span data-mx-spoiler`
    Spoiler {
        /// Why it is hidden.
        reason: Option<String>,
    },
    /// `data-mx-maths`: holds what to show where formulas cannot be drawn.
    Math {
        /// The formula.
        tex: String,
        /// Stands in lines of its own.
        display: bool,
    },
}

impl Tag {
    /// Whether it stands in lines of its own.
    pub fn is_block(&self) -> bool {
        matches!(
            self,
            Self::CodeBlock { .. }
                | Self::Quote
                | Self::Paragraph
                | Self::Rule
                | Self::Heading(_)
                | Self::List { .. }
                | Self::Item { .. }
                | Self::Table
                | Self::TableHead
                | Self::TableBody
                | Self::Row
                | Self::Details
                | Self::Summary
                | Self::Math { display: true, .. }
        )
    }

    /// An element of this kind.
    pub fn with(self, children: Vec<Node>) -> Node {
        Node::Element(Element {
            tag: self,
            children,
        })
    }
}

impl RichText {
    /// Text without formatting; each `\n` becomes a line break.
    pub fn plain(text: &str) -> Self {
        let mut nodes = Vec::new();
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                nodes.push(Tag::Break.with(Vec::new()));
            }
            if !line.is_empty() {
                nodes.push(Node::Text(line.to_owned()));
            }
        }
        Self { nodes }
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether it is nothing but text and line breaks, so that a plain body says it all.
    pub fn is_plain(&self) -> bool {
        self.nodes.iter().all(|node| match node {
            Node::Text(_) => true,
            Node::Element(element) => element.tag == Tag::Break,
            Node::Mention(_) | Node::MessageLink { .. } => false,
        })
    }

    /// Everybody who is mentioned, each once, in the order of the text.
    pub fn mentions(&self) -> Vec<&Mentioned> {
        let mut found = Vec::new();
        let mut open: Vec<_> = self.nodes.iter().rev().collect();
        while let Some(node) = open.pop() {
            match node {
                Node::Text(_) => {}
                Node::Mention(mention) if found.contains(&&mention.who) => {}
                Node::Mention(mention) => found.push(&mention.who),
                Node::Element(Element { children, .. }) | Node::MessageLink { children, .. } => {
                    open.extend(children.iter().rev());
                }
            }
        }
        found
    }
}
