//! Puts freshly read rich text into its one proper shape: white space collapsed as a browser does, neighbouring texts
//! joined, nothing empty left.

use super::{Element, Node, Tag, parts_lines};

/// Tidies. Doing it twice changes nothing.
pub(super) fn tidy(nodes: Vec<Node>) -> Vec<Node> {
    let mut nodes = clean(nodes);
    if tick(&mut nodes) {
        // Something else begins the line now.
        nodes = clean(nodes);
    }
    nodes
}

fn clean(mut nodes: Vec<Node>) -> Vec<Node> {
    collapse(&mut nodes, &mut true);
    trim(&mut nodes, &mut true);
    prune(nodes)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

/// Leaves one space where there are several, and none at the start of a line.
fn collapse(nodes: &mut [Node], after_space: &mut bool) {
    for node in nodes {
        match node {
            Node::Text(text) => {
                let mut kept = String::with_capacity(text.len());
                for c in text.chars() {
                    if !is_space(c) {
                        kept.push(c);
                    } else if !*after_space {
                        kept.push(' ');
                    }
                    *after_space = is_space(c);
                }
                *text = kept;
            }
            Node::Mention(_) => *after_space = false,
            Node::MessageLink { children, .. } => collapse(children, after_space),
            Node::Element(element) => around(element, after_space, collapse),
        }
    }
}

/// Leaves no space at the end of a line.
fn trim(nodes: &mut [Node], at_end: &mut bool) {
    for node in nodes.iter_mut().rev() {
        match node {
            Node::Text(text) => {
                if *at_end {
                    text.truncate(text.trim_end_matches(is_space).len());
                }
                *at_end &= text.is_empty();
            }
            Node::Mention(_) => *at_end = false,
            Node::MessageLink { children, .. } => trim(children, at_end),
            Node::Element(element) => around(element, at_end, trim),
        }
    }
}

/// Walks into an element; `edge` says whether a line begins (or ends) here.
fn around(element: &mut Element, edge: &mut bool, walk: fn(&mut [Node], &mut bool)) {
    match &element.tag {
        Tag::Code | Tag::Image { .. } => *edge = false,
        Tag::Break | Tag::Rule | Tag::CodeBlock { .. } => *edge = true,
        tag if parts_lines(tag) => {
            *edge = true;
            walk(&mut element.children, edge);
            *edge = true;
        }
        Tag::Math { .. } => {
            walk(&mut element.children, edge);
            *edge = false;
        }
        _ => walk(&mut element.children, edge),
    }
}

/// Joins texts and drops what is empty.
fn prune(nodes: Vec<Node>) -> Vec<Node> {
    let mut kept: Vec<Node> = Vec::with_capacity(nodes.len());
    // An empty block still stood between two lines.
    let mut parted = false;
    for node in nodes {
        let node = match node {
            Node::Text(text) if text.is_empty() => continue,
            Node::Element(Element { tag, children }) => {
                let mut children = if matches!(tag, Tag::Code | Tag::CodeBlock { .. }) {
                    children
                } else {
                    prune(children)
                };
                if children.is_empty() && is_nothing(&tag) {
                    parted |= parts_lines(&tag);
                    continue;
                }
                if let (Tag::Math { tex, .. }, true) = (&tag, children.is_empty()) {
                    children.push(Tag::Code.with(vec![Node::Text(tex.clone())]));
                }
                tag.with(children)
            }
            Node::MessageLink {
                message,
                href,
                children,
            } => {
                let children = prune(children);
                if children.is_empty() {
                    continue;
                }
                Node::MessageLink {
                    message,
                    href,
                    children,
                }
            }
            node => node,
        };
        if std::mem::take(&mut parted)
            && !ends_line(&node)
            && kept.last().is_some_and(|last| !ends_line(last))
        {
            kept.push(Tag::Break.with(Vec::new()));
        }
        match (kept.last_mut(), node) {
            (Some(Node::Text(before)), Node::Text(text)) => before.push_str(&text),
            (_, node) => kept.push(node),
        }
    }
    kept
}

/// Reads the boxes of items of lists: a box to tick is a character, since Matrix allows no other. Says whether there was one.
fn tick(nodes: &mut [Node]) -> bool {
    let mut found = false;
    for node in nodes {
        match node {
            Node::Text(_) | Node::Mention(_) => {}
            Node::MessageLink { children, .. } => found |= tick(children),
            Node::Element(Element { tag, children }) => {
                if let Tag::Item { ticked } = tag
                    && ticked.is_none()
                {
                    *ticked = take_box(children);
                    found |= ticked.is_some();
                }
                found |= tick(children);
            }
        }
    }
    found
}

fn take_box(children: &mut [Node]) -> Option<bool> {
    let Some(Node::Text(text)) = children.first_mut() else {
        return None;
    };
    let ticked = match text.chars().next()? {
        '☑' => true,
        '☐' => false,
        _ => return None,
    };
    text.remove(0);
    Some(ticked)
}

/// Whether an element of this kind shows nothing and holds no place if it is empty.
fn is_nothing(tag: &Tag) -> bool {
    match tag {
        Tag::Break
        | Tag::Rule
        | Tag::Image { .. }
        | Tag::Cell
        | Tag::HeaderCell
        | Tag::Item { .. } => false,
        Tag::Math { tex, .. } => tex.is_empty(),
        _ => true,
    }
}

fn ends_line(node: &Node) -> bool {
    matches!(node, Node::Element(element) if element.tag == Tag::Break || parts_lines(&element.tag))
}
