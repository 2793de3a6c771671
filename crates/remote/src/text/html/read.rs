//! From parsed HTML to rich text, one element at a time.

use crate::text::{Element, Node, Tag, allowed_link, allowed_picture, holds_block};

use super::tree::{Child, Tree, is_section};
use super::{Foreign, Special};

/// What the element at `index` holds. Recurses at most as deep as the tree is, which its builder limits.
pub(super) fn children(tree: &Tree, index: usize, special: &Special<'_>) -> Vec<Node> {
    let mut nodes = Vec::new();
    for child in tree.children(index) {
        match child {
            Child::Text(text) => nodes.push(Node::Text(text.to_owned())),
            Child::Element(index) => {
                let foreign = Foreign {
                    tree,
                    index,
                    special,
                };
                match special(&foreign) {
                    Some(known) => nodes.extend(known),
                    None => element(&foreign, &mut nodes),
                }
            }
        }
    }
    nodes
}

fn element(it: &Foreign<'_>, out: &mut Vec<Node>) {
    let tag = match it.name() {
        "mx-reply" | "template" | "svg" => return,
        "strong" | "b" => Tag::Strong,
        "em" | "i" => Tag::Emphasis,
        "u" | "ins" => Tag::Underline,
        "del" | "s" | "strike" => Tag::Strike,
        "sup" => Tag::Superscript,
        "sub" => Tag::Subscript,
        "code" | "tt" | "kbd" | "samp" => return code(it, out),
        "pre" => return code_block(it, out),
        "blockquote" => Tag::Quote,
        "p" => Tag::Paragraph,
        "br" => return out.push(Tag::Break.with(Vec::new())),
        "hr" => return out.push(Tag::Rule.with(Vec::new())),
        "h1" => Tag::Heading(1),
        "h2" => Tag::Heading(2),
        "h3" => Tag::Heading(3),
        "h4" => Tag::Heading(4),
        "h5" => Tag::Heading(5),
        "h6" => Tag::Heading(6),
        "ul" => Tag::List { start: None },
        "ol" => Tag::List {
            start: Some(
                it.attribute("start")
                    .and_then(|start| start.trim().parse().ok())
                    .unwrap_or(1),
            ),
        },
        "li" => return item(it, out),
        "a" => match it.attribute("href").and_then(allowed_link) {
            Some(href) => Tag::Link {
                href,
                title: it.attribute("title").map(str::to_owned),
            },
            None => return out.extend(it.children()),
        },
        "img" => return image(it, out),
        "table" => Tag::Table,
        "thead" => Tag::TableHead,
        "tbody" | "tfoot" => Tag::TableBody,
        "tr" => Tag::Row,
        "th" => Tag::HeaderCell,
        "td" => Tag::Cell,
        "details" => Tag::Details,
        "summary" => Tag::Summary,
        "span" | "div"
            if it
                .attribute("data-mx-maths")
                .is_some_and(|tex| !tex.is_empty()) =>
        {
            let tex = it.attribute("data-mx-maths").unwrap_or_default().to_owned();
            Tag::Math {
                tex,
                display: it.name() == "div",
            }
        }
        "span" if it.attribute("data-mx-spoiler").is_some() => {
            let reason = it
                .attribute("data-mx-spoiler")
                .filter(|reason| !reason.is_empty());
            Tag::Spoiler {
                reason: reason.map(str::to_owned),
            }
        }
        name if is_section(name) => return section(it.children(), out),
        _ => return out.extend(it.children()),
    };
    out.push(tag.with(it.children()));
}

fn code(it: &Foreign<'_>, out: &mut Vec<Node>) {
    let text = it.text().replace(['\n', '\r'], " ");
    if !text.is_empty() {
        out.push(Tag::Code.with(vec![Node::Text(text)]));
    }
}

fn code_block(it: &Foreign<'_>, out: &mut Vec<Node>) {
    let text = it.text();
    // HTML ignores a line break right behind `<pre>`.
    let text = match it.tree.children(it.index).next() {
        Some(Child::Text(first)) if first.starts_with('\n') => text.get(1..).unwrap_or_default(),
        _ => &text,
    };
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        return;
    }
    let language = it
        .find("code")
        .and_then(|code| language(&code))
        .or_else(|| language(it));
    out.push(Tag::CodeBlock { language }.with(vec![Node::Text(text.to_owned())]));
}

fn language(it: &Foreign<'_>) -> Option<String> {
    let classes = it.attribute("class")?;
    let language = classes
        .split_ascii_whitespace()
        .find_map(|class| class.strip_prefix("language-"))?;
    let sound = |c: char| c.is_ascii_alphanumeric() || "_+#.-".contains(c);
    (!language.is_empty() && language.chars().all(sound)).then(|| language.to_owned())
}

/// An item of a list. A box to tick may also be there as a character; `tidy` sees to that.
fn item(it: &Foreign<'_>, out: &mut Vec<Node>) {
    let boxed = it
        .find("input")
        .filter(|input| input.attribute("type") == Some("checkbox"));
    let ticked = boxed.map(|input| input.attribute("checked").is_some());
    out.push(Tag::Item { ticked }.with(it.children()));
}

fn image(it: &Foreign<'_>, out: &mut Vec<Node>) {
    let alt = it
        .attribute("alt")
        .or_else(|| it.attribute("title"))
        .unwrap_or_default()
        .to_owned();
    match it.attribute("src").and_then(allowed_picture) {
        Some(src) => out.push(Tag::Image { src, alt }.with(Vec::new())),
        None if alt.is_empty() => {}
        None => out.push(Node::Text(alt)),
    }
}

/// What stands in lines of its own without being a paragraph (`div` above all): pieces of running text become one.
fn section(children: Vec<Node>, out: &mut Vec<Node>) {
    if !children.iter().any(holds_block) {
        out.push(Tag::Paragraph.with(children));
        return;
    }
    let mut running = Vec::new();
    let flush = |running: &mut Vec<Node>, out: &mut Vec<Node>| {
        let blank = running
            .iter()
            .all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()));
        let nodes = std::mem::take(running);
        if !blank {
            out.push(Node::Element(Element {
                tag: Tag::Paragraph,
                children: nodes,
            }));
        }
    };
    for child in children {
        if holds_block(&child) {
            flush(&mut running, out);
            out.push(child);
        } else {
            running.push(child);
        }
    }
    flush(&mut running, out);
}
