//! Running text: emphasis, code, links, mentions.

use std::borrow::Cow;

use remote::text::{Element, Mention, Mentioned, Node, Tag, text_of};

use crate::escape::{
    Escaper, GAP, LINE_STARTS, find_url, in_label, is_line_start, is_local, is_name_char,
    open_bracket, open_label, picture_label, target, unbracket,
};

use super::mention;

/// Adds running text to `out`. Blocks inside lose their lines.
pub(crate) fn write(nodes: &[Node], escaper: Escaper, out: &mut String) {
    for (at, node) in nodes.iter().enumerate() {
        let (before, bracket) = (out.len(), open_bracket(out));
        match node {
            Node::Text(text) => {
                for (number, line) in text.split('\n').enumerate() {
                    if number > 0 {
                        out.push('\n');
                    }
                    escaper.text(line, out);
                }
            }
            Node::Mention(mention) => name(mention, escaper, out),
            Node::MessageLink { href, children, .. } => link(href, children, false, escaper, out),
            Node::Element(Element {
                tag: Tag::Link { href, .. },
                children,
            }) => {
                let apart = out.is_empty() || out.ends_with(char::is_whitespace);
                let alone = apart
                    && match nodes.get(at + 1) {
                        None => true,
                        Some(Node::Text(text)) => text.starts_with(char::is_whitespace),
                        Some(Node::Element(element)) => element.tag == Tag::Break,
                        Some(_) => false,
                    };
                link(href, children, alone, escaper, out);
            }
            Node::Element(it) => element(it, escaper, out),
        }
        // An address in here may have set the bracket before it apart.
        let moved = bracket.is_some_and(|at| out[at..].starts_with(' '));
        let before = before + usize::from(moved);
        end_mark(before, out);
        end_name(before, out);
        end_url(before, out);
        if at > 0 && matches!(nodes.get(at - 1), Some(Node::Element(_))) {
            end_marks(before, at + 1 == nodes.len(), out);
        }
    }
}

/// Keeps two marks from becoming another one: `**` and `**`, `!` and a link, `]` and `(`.
fn end_mark(at: usize, out: &mut String) {
    let Some((done, new)) = out.split_at_checked(at) else {
        return;
    };
    let marks = [
        ("*~_`", "*~_`"),
        ("!", "["),
        ("]", "(["),
        ("\\", "\\`*{}[]()#+-.!_>~|"),
    ];
    let meet = |(last, first): (&str, &str)| {
        done.ends_with(|c| last.contains(c)) && new.starts_with(|c| first.contains(c))
    };
    if marks.into_iter().any(meet) {
        out.insert(at, GAP);
    }
}

/// Keeps marks from becoming a part of an e-mail address: what comes before its `@` may have them in it.
fn end_marks(at: usize, last: bool, out: &mut String) {
    let Some((done, new)) = out.split_at_checked(at) else {
        return;
    };
    let run = new.find(|c| !is_local(c)).unwrap_or(new.len());
    let mail = match new[run..].chars().next() {
        Some(c) => c == '@',
        None => !last && run > 0,
    };
    if mail && done.ends_with(is_local) {
        out.insert(at, GAP);
    }
}

/// Keeps what follows a name from becoming a part of it.
fn end_name(at: usize, out: &mut String) {
    let Some((done, new)) = out.split_at_checked(at) else {
        return;
    };
    let rest = done.trim_end_matches(is_name_char);
    if rest.len() == done.len() || !rest.ends_with('@') {
        return;
    }
    let run = new.find(|c| !is_name_char(c)).unwrap_or(new.len());
    if new[..run].contains(|c: char| c.is_ascii_alphanumeric() || "[]".contains(c)) {
        out.insert(at, GAP);
    }
}

/// Keeps what follows a bare address from becoming a part of it: Gitter ends one at a space only.
fn end_url(at: usize, out: &mut String) {
    let Some((done, new)) = out.split_at_checked(at) else {
        return;
    };
    let tail = new.split(|c: char| c.is_whitespace() || c == '<').next();
    let harmless = |tail: &str| tail.chars().all(|c| ".,:;!?'\")".contains(c));
    if !tail.is_none_or(harmless) && ends_in_url(done) {
        out.insert(at, ' ');
    }
}

/// Whether what comes next would belong to a bare address. Those that Gitter does not take for one have a gap in them.
fn ends_in_url(text: &str) -> bool {
    let mut word = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    while let Some(at) = word.find("://") {
        let (before, rest) = word.split_at(at);
        let scheme = before.trim_end_matches('s');
        if !scheme.ends_with("http") {
            word = &rest[3..];
            continue;
        }
        // In a link the address stands behind its label, which may be one as well.
        let end = if scheme.ends_with("](http") || rest.contains("](") {
            rest.find(')')
        } else {
            rest.find('<')
        };
        match end {
            Some(end) => word = &rest[end..],
            None => return true,
        }
    }
    false
}

fn name(it: &Mention, escaper: Escaper, out: &mut String) {
    unbracket(out);
    let said = match &it.who {
        Mentioned::Person {
            username: Some(username),
            ..
        } => mention(username),
        Mentioned::Everyone => Some("@/all".to_owned()),
        Mentioned::Person { username: None, .. }
        | Mentioned::Name(_)
        | Mentioned::MatrixUser(_) => None,
    };
    match said {
        Some(said) => {
            if out.ends_with(|c: char| c.is_alphanumeric() || is_local(c)) {
                out.push(GAP);
            }
            out.push_str(&said);
        }
        // Nobody is to be rung, so no `@` may stay that begins a name.
        None => {
            for (number, piece) in it.label.split('@').enumerate() {
                if number > 0 {
                    out.extend(['@', GAP]);
                }
                escaper.text(piece, out);
            }
        }
    }
}

fn element(it: &Element, escaper: Escaper, out: &mut String) {
    let children = &it.children;
    match &it.tag {
        Tag::Strong => marked("**", children, escaper, out),
        Tag::Emphasis => marked("*", children, escaper, out),
        Tag::Strike => marked("~~", children, escaper, out),
        Tag::Code => code(&text_of(children), escaper, out),
        Tag::Break => out.push('\n'),
        Tag::Image { src, alt } if src.starts_with("http") => {
            // Gitter renders nothing in the words for a picture, and takes escapes for a part of them.
            out.push_str("![");
            out.push_str(&picture_label(alt));
            out.push_str("](");
            out.push_str(&target(src));
            out.push(')');
        }
        Tag::Image { alt, .. } => escaper.text(alt, out),
        Tag::Math { tex, .. } if is_formula(tex) => {
            out.push_str("$$");
            out.push_str(tex);
            out.push_str("$$");
        }
        Tag::Math { tex, .. } => code(tex, escaper, out),
        Tag::Superscript => raised(children, "⁰¹²³⁴⁵⁶⁷⁸⁹", "^", escaper, out),
        Tag::Subscript => raised(children, "₀₁₂₃₄₅₆₇₈₉", "", escaper, out),
        Tag::Spoiler { reason } => {
            let reason = reason
                .as_ref()
                .map(|reason| format!(": {reason}"))
                .unwrap_or_default();
            escaper.text(&format!("(spoiler{reason}) "), out);
            write(children, escaper, out);
        }
        _ => write(children, escaper, out),
    }
}

/// Whether `$$` around it makes a formula of it and of nothing else: names are looked for in formulas too.
pub(super) fn is_formula(tex: &str) -> bool {
    !tex.trim().is_empty() && !["$$", "@", "]("].iter().any(|it| tex.contains(it))
}

/// Emphasis, if Gitter will end it where it ends; else its text alone.
fn marked(mark: &str, children: &[Node], escaper: Escaper, out: &mut String) {
    // A character in front, since what is inside marks does not start a line.
    let mut inner = String::from(GAP);
    write(children, escaper, &mut inner);
    let inner = inner.strip_prefix(GAP).unwrap_or(&inner);
    // Three stars begin what two of them end.
    let starry = mark == "*" && inner.trim_start().starts_with("**");
    let inner = &*if starry {
        Cow::Owned(inner.replacen('*', &format!("{GAP}*"), 1))
    } else {
        Cow::Borrowed(inner)
    };
    let text = inner.trim();
    // Twice the same is once; and a line of marks alone is a rule.
    let nested = match mark {
        "*" => text.starts_with('*'),
        _ => text.starts_with(mark),
    };
    let marks_only = |line: &str| line.chars().all(|c| "-_* ".contains(c));
    let last = text
        .split_once('\n')
        .is_some_and(|_| text.lines().last().is_some_and(marks_only));
    let sound = !text.is_empty()
        && !nested
        && !last
        && !text.contains("\n\n")
        && !holds_bare_url(text)
        && ends_at_its_end(mark, text);
    if !sound {
        let mail = inner.contains('@') && out.ends_with(is_local);
        if mail || is_line_start(out) && inner.trim_start().starts_with(LINE_STARTS) {
            out.push(GAP);
        }
        return out.push_str(inner);
    }
    let lead = inner.len() - inner.trim_start().len();
    let trail = inner.trim_end().len();
    out.push_str(&inner[..lead]);
    let rule = is_line_start(out) && text.lines().next().is_some_and(marks_only);
    let mail = text.contains('@') && out.ends_with(is_local);
    if rule || mail || out.ends_with(['*', '~', '_', '\\']) {
        out.push(GAP);
    }
    out.push_str(mark);
    if mark == "~~" && text.contains('@') {
        // Gitter takes tildes for a part of an e-mail address.
        out.push(GAP);
    }
    out.push_str(text);
    if text.ends_with('<') {
        // A space may have to follow, behind which no mark ends anything.
        out.push(GAP);
    }
    out.push_str(mark);
    out.push_str(&inner[trail..]);
}

/// Whether the text ends with a bare address, which would swallow the mark behind it.
fn holds_bare_url(text: &str) -> bool {
    if text.ends_with(')') && text.contains("](") {
        return false;
    }
    let mut from = 0;
    while let Some((_, end)) = find_url(&text[from..]) {
        from += end;
        if from == text.len() {
            return true;
        }
    }
    false
}

/// Whether Gitter's renderer, which looks for the nearest mark and knows neither escapes nor code in doing so, ends the
/// emphasis at the end of the text.
fn ends_at_its_end(mark: &str, text: &str) -> bool {
    let whole = format!("{text}{mark}");
    let close = text.len();
    let mut at = text.chars().next().map_or(0, char::len_utf8);
    if mark == "*" && whole.starts_with("**") {
        at = 2;
    }
    while at < close {
        let rest = &whole[at..];
        let closes = match mark {
            "*" => rest.starts_with('*') && !rest.starts_with("**"),
            "**" => rest.starts_with("**") && !rest.starts_with("***"),
            _ => rest.starts_with(mark),
        };
        if closes {
            return false;
        }
        at += if mark == "*" && rest.starts_with("**") {
            2
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
    }
    at == close
}

fn code(text: &str, escaper: Escaper, out: &mut String) {
    let mut text = text.replace('\n', " ");
    if out.contains("](") {
        // A link before it would end in here.
        text = text.replace("](", &format!("]{GAP}("));
    }
    let text = text.trim();
    if text.is_empty() || text.chars().all(|c| c == '`') {
        return escaper.text(text, out);
    }
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    if out.ends_with('`') || text.contains('@') && out.ends_with(is_local) {
        out.push(GAP);
    }
    // Three or more of them at the start of a line would be a block.
    if fence.len() > 2 && is_line_start(out) {
        out.push(GAP);
    }
    for piece in [&fence, pad, text, pad, &fence] {
        out.push_str(piece);
    }
}

fn raised(children: &[Node], digits: &str, sign: &str, escaper: Escaper, out: &mut String) {
    let text = text_of(children);
    let small: Option<String> = text
        .chars()
        .map(|c| digits.chars().nth(usize::try_from(c.to_digit(10)?).ok()?))
        .collect();
    if let Some(small) = small.filter(|small| !small.is_empty()) {
        out.push_str(&small);
    } else {
        out.push_str(sign);
        write(children, escaper, out);
    }
}

fn link(href: &str, children: &[Node], alone: bool, escaper: Escaper, out: &mut String) {
    unbracket(out);
    let shown = text_of(children);
    let on_the_web = href.starts_with("http://") || href.starts_with("https://");
    if !on_the_web {
        // Gitter puts `http://` before every other scheme; an e-mail address it links by itself.
        let address = href.strip_prefix("mailto:").unwrap_or(href);
        write(children, escaper, out);
        if shown.trim() != address && !address.is_empty() {
            out.push_str(" (");
            escaper.text(address, out);
            out.push(')');
        }
        return;
    }
    if (shown.trim() == href || shown.is_empty())
        && alone
        && find_url(href) == Some((0, href.len()))
    {
        return escaper.text(href, out);
    }
    if let [
        Node::Element(Element {
            tag: Tag::Image { src, .. },
            ..
        }),
    ] = children
        && src.starts_with("http")
    {
        // A picture which leads to itself or elsewhere, as Gitter writes those that people upload.
        out.push('[');
        write(children, escaper, out);
        out.push_str("](");
        out.push_str(&target(href));
        out.push(')');
        return;
    }
    let mut label = String::from(GAP);
    let unlinked: Vec<_> = children.iter().map(silent).collect();
    write(
        &unlinked,
        Escaper {
            linked: true,
            ..escaper
        },
        &mut label,
    );
    let label = label.trim_start_matches(GAP).replace('\n', " ");
    let label = if label.trim().is_empty() {
        href.replace('_', "\\_")
    } else {
        label
    };
    open_label(out);
    out.push_str(&in_label(&label));
    out.push_str("](");
    out.push_str(&target(href));
    out.push(')');
}

/// What a link shows: nothing in it is a link of its own or rings anybody.
fn silent(node: &Node) -> Node {
    match node {
        Node::Text(_) => node.clone(),
        Node::Mention(mention) => Node::Text(mention.label.clone()),
        Node::Element(Element {
            tag: Tag::Link { .. },
            children,
        })
        | Node::MessageLink { children, .. } => Node::Text(text_of(children)),
        // In code, brackets cannot be written in any other way.
        Node::Element(Element {
            tag: Tag::Code,
            children,
        }) if text_of(children).contains(['[', ']']) => Node::Text(text_of(children)),
        Node::Element(Element { tag, children }) => {
            tag.clone().with(children.iter().map(silent).collect())
        }
    }
}

/// Whether the node is, or has inside, a block.
pub(super) fn holds_block(node: &Node) -> bool {
    match node {
        Node::Text(_) | Node::Mention(_) => false,
        Node::MessageLink { children, .. } => children.iter().any(holds_block),
        Node::Element(Element { tag, children }) => {
            tag.is_block()
                || matches!(tag, Tag::Cell | Tag::HeaderCell)
                || children.iter().any(holds_block)
        }
    }
}

/// Adds all texts and addresses, each apart from the others.
pub(super) fn pieces(nodes: &[Node], out: &mut String) {
    for node in nodes {
        out.push(' ');
        match node {
            Node::Text(text) => out.push_str(text),
            Node::Mention(mention) => out.push_str(&mention.label),
            Node::MessageLink { href, children, .. } => {
                out.push_str(href);
                pieces(children, out);
            }
            Node::Element(Element { tag, children }) => {
                if let Tag::Link { href, .. } | Tag::Image { src: href, .. } = tag {
                    out.push_str(href);
                }
                pieces(children, out);
            }
        }
    }
}
