//! A plain body, typed by hand.
//!
//! The rule: what reads as Markdown to anybody who uses it today is Markdown (fenced code, `` `code` ``, `**strong**`, `*emphasis*`, `_emphasis_`,
//! `~~struck~~`, `[links](https://…)`, bullets, numbers from 1, `> quotes`, `# headings` with a space, tables). All else is text and
//! is escaped: `#tags`, `2*3*4`, `snake_case`, a line of dashes below another, indentation. Marks count only where a word
//! begins and ends, lines end where they were ended, and a quote ends with its last `>`.
//!
//! To let one more thing through: an arm in [`line`] or in [`inline`].

use remote::text::{Node, Tag, allowed_link};

use crate::escape::{Escaper, GAP, find_url, underscores_matter};
use crate::markdown::write_inline;

/// What the line before was, as far as the next one depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    Text,
    Quote,
    /// A list, and the number of its last item if it counts.
    List(Option<u32>),
}

/// Writes a typed text as Gitter's Markdown.
pub(crate) fn to_markdown(text: &str) -> String {
    let text = text
        .replace("\r\n", "\n")
        .replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let escaper = Escaper {
        underscores: underscores_matter(&text),
    };
    let lines: Vec<_> = text.split('\n').collect();
    let mut out = String::new();
    let mut before = Before::Nothing;
    let mut at = 0;
    while let Some(&current) = lines.get(at) {
        if at > 0 {
            out.push('\n');
        }
        if let Some(fence) = opening_fence(current) {
            let closing = lines
                .iter()
                .skip(at + 1)
                .position(|line| closes(line, fence));
            if let Some(length) = closing {
                let end = at + 1 + length;
                out.push_str(&lines.get(at..end).unwrap_or_default().join("\n"));
                out.push('\n');
                out.push_str(fence);
                before = Before::Text;
                at = end + 1;
                continue;
            }
        }
        let rows = table_rows(lines.get(at..).unwrap_or_default());
        if rows > 0 && before != Before::Quote {
            for (number, row) in lines
                .get(at..at + rows)
                .unwrap_or_default()
                .iter()
                .enumerate()
            {
                if number > 0 {
                    out.push('\n');
                }
                out.push_str(&row_text(row, number == 1, escaper));
            }
            before = Before::Text;
            at += rows;
            continue;
        }
        before = line(current, before, escaper, &mut out);
        at += 1;
    }
    out
}

/// The marks a fenced block begins with.
fn opening_fence(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(' ');
    let mark = line
        .chars()
        .next()
        .filter(|mark| matches!(mark, '`' | '~'))?;
    let end = line.find(|c| c != mark).unwrap_or(line.len());
    let info = &line[end..];
    (end >= 3 && !info.contains('`') && info.split_whitespace().count() <= 1)
        .then_some(&line[..end])
}

fn closes(line: &str, fence: &str) -> bool {
    let line = line.trim();
    line.starts_with(fence) && line.chars().all(|c| fence.starts_with(c))
}

/// How many lines from here on are a table: rows with bars, the second one of dashes.
fn table_rows(lines: &[&str]) -> usize {
    let is_rule = |line: &str| {
        line.contains('-') && line.contains('|') && line.chars().all(|c| "-:| ".contains(c))
    };
    let starts = lines.first().is_some_and(|line| line.contains('|'))
        && lines.get(1).is_some_and(|line| is_rule(line));
    if starts {
        lines.iter().take_while(|line| line.contains('|')).count()
    } else {
        0
    }
}

fn row_text(row: &str, is_rule: bool, escaper: Escaper) -> String {
    if is_rule {
        return row.to_owned();
    }
    let cells = row.split('|').map(|cell| {
        let mut out = String::from(GAP);
        write_inline(&inline(cell), escaper, &mut out);
        out.trim_start_matches(GAP).to_owned()
    });
    cells.collect::<Vec<_>>().join("|")
}

/// Writes one line.
fn line(line: &str, before: Before, escaper: Escaper, out: &mut String) -> Before {
    let line = line.replace('\t', "    ");
    let text = line.trim_start_matches(' ');
    let indent = line.len() - text.len();
    if text.is_empty() {
        return if matches!(before, Before::List(_)) {
            before
        } else {
            Before::Nothing
        };
    }
    if text.starts_with('>') && indent < 4 {
        if matches!(before, Before::List(_)) {
            out.push('\n');
        }
        let quoted = text.trim_start_matches(['>', ' ']);
        let marks: String = text[..text.len() - quoted.len()]
            .chars()
            .filter(|c| *c == '>')
            .collect();
        out.push_str(&marks);
        out.push(' ');
        let mut inner = String::new();
        write_inline(&inline(quoted), escaper, &mut inner);
        out.push_str(&inner);
        return Before::Quote;
    }
    let in_list = matches!(before, Before::List(_));
    if let Some((marker, number, behind)) = bullet(text, before).filter(|_| indent < 4 || in_list) {
        if before == Before::Quote || before == Before::Text && number.is_some() {
            out.push('\n');
        }
        out.push_str(&" ".repeat(indent));
        out.push_str(marker);
        let mut inner = String::new();
        write_inline(&inline(behind), escaper, &mut inner);
        out.push_str(&inner);
        return Before::List(number.or(if let Before::List(last) = before {
            last
        } else {
            None
        }));
    }
    if in_list && indent > 0 {
        // Goes on with the item above.
        out.push_str(&" ".repeat(indent.min(3)));
        write_inline(&inline(text), escaper, out);
        return before;
    }
    if matches!(before, Before::List(_) | Before::Quote) && !out.ends_with("\n\n") {
        // Else Gitter would draw this line into the list or quote.
        out.push('\n');
    }
    if is_rule(text) {
        if before == Before::Text {
            out.push('\n');
        }
        out.push_str(text.trim_end());
        return Before::Nothing;
    }
    if let Some(title) = heading(text) {
        out.push_str(&text[..text.len() - title.len()]);
        let mut inner = String::from(GAP);
        write_inline(&inline(title), escaper, &mut inner);
        out.push_str(inner.trim_start_matches(GAP));
        return Before::Nothing;
    }
    write_inline(&inline(&line), escaper, out);
    Before::Text
}

fn is_rule(text: &str) -> bool {
    let text = text.trim_end();
    ["---", "***", "___"].contains(&text)
}

fn heading(text: &str) -> Option<&str> {
    let title = text.trim_start_matches('#');
    let level = text.len() - title.len();
    let title = title
        .strip_prefix(' ')
        .filter(|_| (1..=6).contains(&level))?
        .trim_start();
    (!title.is_empty()).then_some(title)
}

/// The marker of a list's item, its number if it has one, and the rest. A number counts only where the list begins at 1 or goes on, since
/// Gitter numbers lists itself.
fn bullet(text: &str, before: Before) -> Option<(&str, Option<u32>, &str)> {
    for marker in ["- ", "* ", "+ "] {
        if let Some(rest) = text
            .strip_prefix(marker)
            .filter(|rest| !rest.trim().is_empty())
        {
            return Some((marker, None, rest));
        }
    }
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let rest = text[digits..]
        .strip_prefix(". ")
        .filter(|rest| !rest.trim().is_empty())?;
    let number: u32 = text[..digits].parse().ok()?;
    let fits = match before {
        Before::List(Some(last)) => last.checked_add(1) == Some(number),
        _ => number == 1,
    };
    fits.then(|| (&text[..digits + 2], Some(number), rest))
}

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
fn inline(text: &str) -> Vec<Node> {
    inline_at(text, 0)
}

fn inline_at(text: &str, depth: usize) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut plain = String::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = window(&text[at..]);
        let before = text[..at].chars().next_back();
        let piece = match c {
            '\\' => escaped(rest).map(|(shown, length)| (Node::Text(shown.to_string()), length)),
            '`' => code(rest),
            '[' if depth < DEPTH => link(rest, before, depth),
            'h' => find_url(rest)
                .filter(|url| url.0 == 0)
                .map(|url| (Node::Text(rest[..url.1].to_owned()), url.1)),
            '$' => formula(rest),
            '*' | '_' | '~' if depth < DEPTH => emphasis(rest, before, depth),
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

fn code(rest: &str) -> Option<(Node, usize)> {
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
            let node = Tag::Code.with(vec![Node::Text(text.to_owned())]);
            return (!text.is_empty()).then_some((node, marks + end));
        }
        from = end;
    }
}

/// `[text](https://address)`, also with `!` before it for a picture.
fn link(rest: &str, before: Option<char>, depth: usize) -> Option<(Node, usize)> {
    let label = &rest[1..rest.find("](")?];
    if before == Some('!') || label.contains('[') && !label.contains(']') {
        return None;
    }
    let behind = &rest[label.len() + 3..];
    let length = behind
        .find(|c: char| c.is_whitespace() || c == ')')
        .filter(|&end| behind[end..].starts_with(')'))?;
    let address = &behind[..length];
    let href = allowed_link(address).filter(|href| href == address && href.starts_with("http"))?;
    let children = if label.is_empty() {
        vec![Node::Text(href.clone())]
    } else {
        inline_at(label, depth + 1)
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

fn emphasis(rest: &str, before: Option<char>, depth: usize) -> Option<(Node, usize)> {
    if before.is_some_and(char::is_alphanumeric) {
        return None;
    }
    let (mark, tag) = MARKS.into_iter().find(|(mark, _)| rest.starts_with(mark))?;
    let sign = mark.chars().next()?;
    let inner = &rest[mark.len()..];
    if before == Some(sign) || inner.starts_with(|c: char| c.is_whitespace() || c == sign) {
        return None;
    }
    let mut from = 0;
    loop {
        let end = from + inner[from..].find(mark)?;
        let behind = &inner[end + mark.len()..];
        let sound = end > 0
            && !inner[..end].ends_with(|c: char| c.is_whitespace() || c == sign || c == '\\')
            && !behind.starts_with(|c: char| c.is_alphanumeric() || c == sign);
        if sound {
            return Some((
                tag.with(inline_at(&inner[..end], depth + 1)),
                2 * mark.len() + end,
            ));
        }
        from = end + sign.len_utf8();
    }
}
