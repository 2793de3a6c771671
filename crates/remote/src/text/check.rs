//! What a text may link to and show, and small questions about nodes.

use url::Url;

use super::{Element, Node, Tag};

/// The schemes a link may have (Matrix spec, `m.room.message` msgtypes).
pub const LINK_SCHEMES: [&str; 5] = ["http", "https", "ftp", "mailto", "magnet"];

/// The address of a link if it may be followed, in a form that every reader takes for the same one.
pub fn allowed_link(href: &str) -> Option<String> {
    allowed(href, &LINK_SCHEMES)
}

/// The address of a picture if it may be shown: on the web, or in a homeserver's media.
pub fn allowed_picture(src: &str) -> Option<String> {
    allowed(src, &["http", "https", "mxc"])
}

fn allowed(address: &str, schemes: &[&str]) -> Option<String> {
    let address = address.trim();
    let absolute = if address.starts_with("//") {
        format!("https:{address}")
    } else {
        address.to_owned()
    };
    let url = Url::parse(&absolute).ok()?;
    if !schemes.contains(&url.scheme()) {
        return None;
    }
    let clean = absolute
        .chars()
        .all(|c| !c.is_control() && !c.is_whitespace() && c != '\\');
    Some(if clean { absolute } else { url.into() })
}

/// Whether running text ends where such an element begins or ends.
pub(super) fn parts_lines(tag: &Tag) -> bool {
    tag.is_block() || matches!(tag, Tag::Cell | Tag::HeaderCell)
}

/// Whether the node is, or has inside, something that stands in lines of its own.
pub(super) fn holds_block(node: &Node) -> bool {
    match node {
        Node::Text(_) | Node::Mention(_) => false,
        Node::MessageLink { children, .. } => children.iter().any(holds_block),
        Node::Element(Element { tag, children }) => {
            parts_lines(tag) || children.iter().any(holds_block)
        }
    }
}

/// All characters the nodes show, formatting left out; a line break is `\n`, a picture its description.
pub fn text_of(nodes: &[Node]) -> String {
    let mut out = String::new();
    let mut waiting: Vec<&Node> = nodes.iter().rev().collect();
    while let Some(node) = waiting.pop() {
        match node {
            Node::Text(text) => out.push_str(text),
            Node::Mention(mention) => out.push_str(&mention.label),
            Node::Element(Element {
                tag: Tag::Break, ..
            }) => out.push('\n'),
            Node::Element(Element {
                tag: Tag::Image { alt, .. },
                ..
            }) => out.push_str(alt),
            Node::Element(Element { children, .. }) | Node::MessageLink { children, .. } => {
                waiting.extend(children.iter().rev());
            }
        }
    }
    out
}
