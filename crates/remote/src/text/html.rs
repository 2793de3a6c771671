//! HTML to and from rich text.
//!
//! Reading drops whatever Matrix's list of tags does not know but keeps its text, so nothing that is read can be
//! unsafe to show. A caller who knows more (a network's own classes, a pill's address) is asked first about each element.

use crate::RichText;

use super::{Mention, Node};

/// An element that a reader may know better.
#[derive(Debug)]
pub struct Foreign<'a> {
    name: &'a str,
    attributes: &'a [(String, String)],
    children: &'a dyn Fn() -> Vec<Node>,
    text: &'a dyn Fn() -> String,
}
