//! HTML to and from rich text.
//!
//! Reading drops whatever Matrix's list of tags does not know but keeps its text, so nothing that is read can be
//! unsafe to show. A caller who knows more (a network's own classes, a pill's address) is asked first about each element.
//!
//! The tokens are html5ever's; the tree is built here ([`tree`]) and not by html5ever's tree builder, since that
//! one copies open formatting elements into each new paragraph: some kilobytes of hostile HTML make gigabytes
//! of nodes. Ours takes time and space linear in the input and is never deeper than [`MAX_DEPTH`].
//!
//! To read or write one more tag: its arm in `read` and in `write`, and in `tree` if it closes others by itself.

mod read;
mod tree;
mod write;

pub use write::render;

use crate::RichText;

use super::{Node, tidy::tidy};
use tree::Tree;

/// How deep elements may nest; the tags of deeper ones are dropped and their text is kept. Matrix recommends a
/// limit of 100 (Matrix spec, `m.room.message` msgtypes); ours is lower because rich text is stored as JSON, where each level
/// takes three, and `serde_json` reads 128 of them at most.
pub const MAX_DEPTH: usize = 32;

/// What a caller knows better than this module: asked first about each element; `None` leaves it to the usual rules.
pub type Special<'a> = dyn Fn(&Foreign<'_>) -> Option<Vec<Node>> + 'a;

/// Reads HTML. Never fails: what cannot be understood is shown as text.
///
/// Dropped with all they hold are `script`, `style`, `template`, `title`, `iframe`, `svg`, `mx-reply` and the like. Of links only those of
/// [`LINK_SCHEMES`](super::LINK_SCHEMES) stay links, of pictures those with `http`, `https` or `mxc`. White space collapses as in
/// a browser.
pub fn parse(html: &str, special: &Special<'_>) -> RichText {
    let tree = Tree::parse(html);
    RichText {
        nodes: tidy(read::children(&tree, Tree::ROOT, special)),
    }
}

/// Reads HTML by the usual rules alone.
pub fn parse_plainly(html: &str) -> RichText {
    parse(html, &|_| None)
}

/// An element that a caller of [`parse`] may know better.
#[derive(Clone, Copy)]
pub struct Foreign<'a> {
    tree: &'a Tree,
    index: usize,
    special: &'a Special<'a>,
}

impl<'a> Foreign<'a> {
    /// The tag's name in lower case.
    pub fn name(&self) -> &'a str {
        self.tree.name(self.index)
    }

    /// The value of an attribute (its name in lower case), if it is there.
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        self.tree.attribute(self.index, name)
    }

    /// Whether `class` is among the element's classes.
    pub fn has_class(&self, class: &str) -> bool {
        self.attribute("class")
            .is_some_and(|classes| classes.split_ascii_whitespace().any(|one| one == class))
    }

    /// All text inside, as it stands in the source; `br` is `\n`.
    pub fn text(&self) -> String {
        self.tree.text(self.index)
    }

    /// What it holds, as rich text. Ask only where the answer is used: it is read anew each time.
    pub fn children(&self) -> Vec<Node> {
        read::children(self.tree, self.index, self.special)
    }

    /// The first element inside with this name, at any depth.
    pub fn find(&self, name: &str) -> Option<Foreign<'a>> {
        self.tree
            .find(self.index, name)
            .map(|index| Foreign { index, ..*self })
    }
}

impl std::fmt::Debug for Foreign<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Foreign")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
