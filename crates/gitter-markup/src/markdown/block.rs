//! What stands in lines of its own.

use remote::RichText;
use remote::text::{Element, NoNames, Node, Tag, plain, text_of};

use crate::escape::{Escaper, GAP};

use super::inline;

/// Writes nodes, blocks and running text mixed.
pub(super) fn write(nodes: &[Node], escaper: Escaper) -> String {
    let mut out = Blocks::default();
    let mut running = 0..0;
    for (at, node) in nodes.iter().enumerate() {
        if !inline::holds_block(node) {
            running.end = at + 1;
            continue;
        }
        out.run(nodes.get(running.clone()).unwrap_or_default(), escaper);
        running = at + 1..at + 1;
        match node {
            Node::Element(element) => block(element, escaper, &mut out),
            Node::MessageLink { children, .. } => out.add(2, &write(children, escaper)),
            Node::Text(_) | Node::Mention(_) => {}
        }
    }
    out.run(nodes.get(running).unwrap_or_default(), escaper);
    out.done
}

/// Blocks, one after the other.
#[derive(Default)]
struct Blocks {
    done: String,
    /// How many line ends have to come behind what is there.
    gap: usize,
}

impl Blocks {
    /// Adds a block with at least so many line ends around it: 2 starts a new paragraph.
    fn add(&mut self, gap: usize, text: &str) {
        let text = text.trim_matches('\n').trim_end();
        if text.is_empty() {
            return;
        }
        if !self.done.is_empty() {
            let due = self.gap.max(gap);
            self.done.extend(std::iter::repeat_n('\n', due));
        }
        self.done.push_str(text);
        self.gap = gap;
    }

    fn run(&mut self, nodes: &[Node], escaper: Escaper) {
        let mut text = String::new();
        inline::write(nodes, escaper, &mut text);
        self.add(1, &text);
    }
}

fn block(element: &Element, escaper: Escaper, out: &mut Blocks) {
    let children = &element.children;
    match &element.tag {
        Tag::CodeBlock { .. } if text_of(children).trim().is_empty() => {}
        Tag::CodeBlock { language } => out.add(1, &fenced(language.as_deref(), &text_of(children))),
        Tag::Quote => {
            let inner = write(children, escaper);
            if !inner.trim().is_empty() {
                out.add(2, &prefixed(inner.trim_matches('\n'), "> ", "> "));
            }
        }
        Tag::Rule => out.add(2, "---"),
        Tag::Heading(level) => {
            let mut text = String::from("\u{200B}");
            inline::write(children, escaper, &mut text);
            let text = text.trim_start_matches('\u{200B}').replace('\n', " ");
            let marks = "#".repeat(usize::from(*level).clamp(1, 6));
            if !text.trim().is_empty() {
                out.add(2, &format!("{marks} {}", text.trim()));
            }
        }
        Tag::List { start } => out.add(2, &list(*start, children, escaper)),
        Tag::Item { ticked } => out.add(
            2,
            &without_gaps(&item("- ", "  ", *ticked, children, escaper)),
        ),
        Tag::Table => out.add(2, &table(element, escaper)),
        Tag::Math { tex, .. } if inline::is_formula(tex) => out.add(2, &format!("$${tex}$$")),
        Tag::Math { tex, .. } => out.add(1, &fenced(None, tex)),
        Tag::Summary => out.add(1, &write(children, escaper)),
        // Paragraphs, and inline formatting around blocks, which Markdown does not know.
        _ => out.add(2, &write(children, escaper)),
    }
}

/// A fenced block whose fence does not occur in it.
fn fenced(language: Option<&str>, code: &str) -> String {
    let mut longest = 2;
    for run in code.split(|c| c != '`') {
        longest = longest.max(run.len());
    }
    let fence = "`".repeat(longest + 1);
    let language = language
        .filter(|name| {
            name.chars()
                .all(|c| c.is_alphanumeric() || "+-#._".contains(c))
        })
        .unwrap_or_default();
    format!("{fence}{language}\n{code}\n{fence}")
}

fn list(start: Option<u32>, children: &[Node], escaper: Escaper) -> String {
    let mut lines = Vec::new();
    let mut number = start.unwrap_or(1);
    for child in children {
        let Node::Element(Element {
            tag: Tag::Item { ticked },
            children,
        }) = child
        else {
            let text = write(std::slice::from_ref(child), escaper);
            if !text.is_empty() {
                lines.push(format!("\n{text}\n"));
            }
            continue;
        };
        let marker = match start {
            None => "- ".to_owned(),
            Some(1) => format!("{number}. "),
            Some(_) => {
                // Gitter counts every list from 1, so a list that does not is no list there, and nothing can stand within it.
                let item = item(&format!("{number}\\. "), "", *ticked, children, escaper);
                number = number.saturating_add(1);
                let alone = item.contains("\n\n");
                lines.push(if alone { format!("\n{item}\n") } else { item });
                continue;
            }
        };
        number = number.saturating_add(1);
        let indent = " ".repeat(marker.len());
        lines.push(item(&marker, &indent, *ticked, children, escaper));
    }
    lines.retain(|line| !line.is_empty());
    without_gaps(&lines.join("\n"))
}

/// The same with one empty line for several, since the second one ends a list, be it in the middle of code.
fn without_gaps(text: &str) -> String {
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.dedup_by(|line, before| line.trim().is_empty() && before.trim().is_empty());
    lines.join("\n")
}

fn item(
    marker: &str,
    indent: &str,
    ticked: Option<bool>,
    children: &[Node],
    escaper: Escaper,
) -> String {
    let tick = match ticked {
        Some(true) => "[x] ",
        Some(false) => "[ ] ",
        None => "",
    };
    let mut text = format!("{tick}{}", write(children, escaper));
    if text.is_empty() {
        // A marker with nothing behind it would be seen.
        text.push(GAP);
    }
    // A rule behind a marker would be a rule without it, and code of dashes would underline it.
    let first = text.split('\n').next().unwrap_or_default();
    if first.chars().all(|c| "-*_ ".contains(c)) {
        text.insert_str(0, "\u{200B}\n\n");
    }
    let underlines = |line: &str| !line.is_empty() && line.chars().all(|c| "-= ".contains(c));
    if text.split('\n').nth(1).is_some_and(underlines) {
        text.insert_str(0, "\u{200B}\n");
    }
    prefixed(&text, marker, indent)
}

/// A table, or code that looks like one where a cell has a bar in it, which Gitter would take for the end of the cell.
fn table(element: &Element, escaper: Escaper) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    collect_rows(&element.children, escaper, &mut rows);
    let width = rows.iter().map(Vec::len).max().unwrap_or_default();
    if width == 0 || rows.iter().flatten().any(|cell| cell.contains('|')) {
        let text = RichText {
            nodes: vec![Node::Element(element.clone())],
        };
        let text = plain::render(&text, &NoNames);
        return if text.is_empty() {
            text
        } else {
            fenced(Some("text"), &text)
        };
    }
    let mut lines = Vec::new();
    for (number, mut row) in rows.into_iter().enumerate() {
        row.resize(width, String::new());
        lines.push(format!("| {} |", row.join(" | ")));
        if number == 0 {
            lines.push(format!("|{}", "---|".repeat(width)));
        }
    }
    lines.join("\n")
}

fn collect_rows(nodes: &[Node], escaper: Escaper, rows: &mut Vec<Vec<String>>) {
    for node in nodes {
        match node {
            Node::Element(Element {
                tag: Tag::Row,
                children,
            }) => {
                rows.push(
                    children
                        .iter()
                        .map(|cell| cell_text(cell, escaper))
                        .collect(),
                );
            }
            Node::Element(Element {
                tag: Tag::TableHead | Tag::TableBody,
                children,
            }) => {
                collect_rows(children, escaper, rows);
            }
            other => rows.push(vec![cell_text(other, escaper)]),
        }
    }
}

fn cell_text(node: &Node, escaper: Escaper) -> String {
    let nodes = match node {
        Node::Element(Element {
            tag: Tag::Cell | Tag::HeaderCell,
            children,
        }) => children.as_slice(),
        other => std::slice::from_ref(other),
    };
    // Behind a character, since a cell is no start of a line.
    let mut text = String::from("\u{200B}");
    if nodes.iter().any(inline::holds_block) {
        escaper.text(&text_of(nodes).replace('\n', " "), &mut text);
    } else {
        inline::write(nodes, escaper, &mut text);
    }
    text.trim_start_matches('\u{200B}')
        .replace('\n', " ")
        .trim()
        .to_owned()
}

fn prefixed(text: &str, first: &str, others: &str) -> String {
    let mut out = String::new();
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let prefix = if number == 0 { first } else { others };
        out.push_str(if line.is_empty() {
            prefix.trim_end()
        } else {
            prefix
        });
        out.push_str(line);
    }
    out
}
