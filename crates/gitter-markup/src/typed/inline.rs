//! What stands in a line that was typed by hand: emphasis, code, links, names.

use remote::text::{Node, Tag, allowed_link};

use super::{MARK, Scribe};
use crate::escape::find_url;

/// Marks of emphasis, the longer first.
const MARKS: [(&str, Tag); 5] = [
    ("**", Tag::Strong),
    ("__", Tag::Strong),
    ("~~", Tag::Strike),
    ("*", Tag::Emphasis),
    ("_", Tag::Emphasis),
];

/// How deep formatting may nest.
const DEPTH: usize = 8;

/// How far a mark may be from the one that ends it, in bytes, so that a hostile line takes no longer than others. A message on
/// Gitter holds hardly more.
const WINDOW: usize = 4096;

fn window(text: &str) -> &str {
    let mut end = text.len().min(WINDOW);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Reads the formatting inside a line. Text that belongs to no formatting stays as it is.
pub(super) fn read(text: &str, scribe: Scribe<'_>) -> Vec<Node> {
    read_at(text, 0, scribe)
}

fn read_at(text: &str, depth: usize, scribe: Scribe<'_>) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut plain = String::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = window(&text[at..]);
        let before = text[..at].chars().next_back();
        let piece = match c {
            '\\' => escaped(rest).map(|(shown, length)| (Node::Text(shown.to_string()), length)),
            MARK => scribe
                .marked(rest)
                .map(|(mention, used)| (Node::Mention(mention.clone()), used)),
            '`' => code(rest, scribe),
            '!' => picture(rest),
            '<' => address(rest),
            '[' if depth < DEPTH => link(rest, before, depth, scribe),
            'h' => find_url(rest)
                .filter(|url| url.0 == 0)
                .map(|url| (Node::Text(rest[..url.1].to_owned()), url.1)),
            '$' => formula(rest),
            '*' | '_' | '~' if depth < DEPTH => emphasis(rest, before, depth, scribe),
            _ => None,
        };
        match piece {
            Some((Node::Text(shown), length)) => {
                plain.push_str(&shown);
                at += length;
            }
            Some((node, length)) => {
                if !plain.is_empty() {
                    nodes.push(Node::Text(std::mem::take(&mut plain)));
                }
                nodes.push(node);
                at += length;
            }
            None => {
                plain.push(c);
                at += c.len_utf8();
            }
        }
    }
    if !plain.is_empty() {
        nodes.push(Node::Text(plain));
    }
    nodes
}

/// A mark that the writer has escaped himself.
fn escaped(rest: &str) -> Option<(char, usize)> {
    let shown = rest.chars().nth(1).filter(|c| "*_`~[]#>".contains(*c))?;
    Some((shown, 1 + shown.len_utf8()))
}

fn code(rest: &str, scribe: Scribe<'_>) -> Option<(Node, usize)> {
    let marks = rest.find(|c| c != '`')?;
    let (fence, inner) = rest.split_at(marks);
    let mut from = 0;
    loop {
        let start = from + inner[from..].find(fence)?;
        let end = start
            + inner[start..]
                .find(|c| c != '`')
                .unwrap_or(inner.len() - start);
        if end - start == marks {
            let text = inner[..start].trim();
            let node = Tag::Code.with(vec![Node::Text(scribe.unmarked(text))]);
            return (!text.is_empty()).then_some((node, marks + end));
        }
        from = end;
    }
}

/// `![text](https://address)`.
fn picture(rest: &str) -> Option<(Node, usize)> {
    let label = rest.strip_prefix("![")?;
    let alt = &label[..label.find("](")?];
    let sound = |c: char| !"[]\n".contains(c);
    let (src, length) = destination(&label[alt.len() + 2..])?;
    alt.chars().all(sound).then(|| {
        let alt = alt.to_owned();
        let used = 2 + alt.len() + 2 + length + 1;
        (Tag::Image { src, alt }.with(Vec::new()), used)
    })
}

/// `<https://address>`.
fn address(rest: &str) -> Option<(Node, usize)> {
    let inner = &rest[1..rest.find('>')?];
    let whole = find_url(inner) == Some((0, inner.len()));
    let href = allowed_link(inner).filter(|_| whole)?;
    let children = vec![Node::Text(inner.to_owned())];
    Some((
        Tag::Link { href, title: None }.with(children),
        inner.len() + 2,
    ))
}

/// An address on the web with `)` behind it, and how long it is.
fn destination(text: &str) -> Option<(String, usize)> {
    let length = text
        .find(|c: char| c.is_whitespace() || c == ')')
        .filter(|&end| text[end..].starts_with(')'))?;
    let address = &text[..length];
    let href = allowed_link(address).filter(|href| href == address && href.starts_with("http"))?;
    Some((href, length))
}

/// `[text](https://address)`.
fn link(
    rest: &str,
    before: Option<char>,
    depth: usize,
    scribe: Scribe<'_>,
) -> Option<(Node, usize)> {
    let label = &rest[1..rest.find("](")?];
    if before == Some('!') || label.contains('[') && !label.contains(']') {
        return None;
    }
    let (href, length) = destination(&rest[label.len() + 3..])?;
    let children = if label.is_empty() {
        vec![Node::Text(href.clone())]
    } else {
        read_at(label, depth + 1, scribe)
    };
    Some((
        Tag::Link { href, title: None }.with(children),
        label.len() + length + 4,
    ))
}

fn formula(rest: &str) -> Option<(Node, usize)> {
    let tex = rest.strip_prefix("$$")?;
    let tex = &tex[..tex.find("$$")?];
    (!tex.trim().is_empty()).then(|| {
        (
            Tag::Math {
                tex: tex.to_owned(),
                display: false,
            }
            .with(Vec::new()),
            tex.len() + 4,
        )
    })
}

fn emphasis(
    rest: &str,
    before: Option<char>,
    depth: usize,
    scribe: Scribe<'_>,
) -> Option<(Node, usize)> {
    if before.is_some_and(char::is_alphanumeric) {
        return None;
    }
    let (mark, tag) = MARKS.into_iter().find(|(mark, _)| rest.starts_with(mark))?;
    let sign = mark.chars().next()?;
    let inner = &rest[mark.len()..];
    if before == Some(sign) || inner.starts_with(|c: char| c.is_whitespace() || c == sign) {
        return None;
    }
    // Nobody stresses mere punctuation: `*_*` is a face.
    let mut from = inner.find(|c: char| !c.is_ascii_punctuation())?;
    if inner[..from].contains(mark) {
        return None;
    }
    loop {
        let end = from + inner[from..].find(mark)?;
        let behind = &inner[end + mark.len()..];
        let sound = end > 0
            && !inner[..end].ends_with(|c: char| c.is_whitespace() || c == sign || c == '\\')
            && !behind.starts_with(|c: char| c.is_alphanumeric() || c == sign);
        if sound {
            return Some((
                tag.with(read_at(&inner[..end], depth + 1, scribe)),
                2 * mark.len() + end,
            ));
        }
        from = end + sign.len_utf8();
    }
}
