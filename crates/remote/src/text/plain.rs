//! Rich text as a plain body that reads well, for clients and notifications which show no HTML.
//!
//! Formatting that carries meaning keeps a mark (lists, quotes, code, struck-out text); emphasis does not.

use crate::RichText;

use super::{Element, Naming, Node, Tag, text_of};

/// Writes rich text as plain text. Lines end with `\n`, none at the end.
pub fn render(text: &RichText, naming: &dyn Naming) -> String {
    let mut out = Lines::default();
    out.nodes(&text.nodes, naming);
    out.finish()
}

/// Quotations and lists in each other are told apart up to this depth. Each line has the marks of all of them before it, so
/// a short text that is deep and has many lines would become one that no event can hold.
const DEEPEST: usize = 6;

/// Text that is being laid out in lines.
#[derive(Default)]
struct Lines {
    /// How many quotations and lists are around it.
    depth: usize,
    done: String,
    /// How many line ends are due before the next characters.
    due: usize,
}

impl Lines {
    fn push(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let due = std::mem::take(&mut self.due);
        if !self.done.is_empty() {
            self.done.extend(std::iter::repeat_n('\n', due));
        }
        self.done.push_str(text);
    }

    /// At least so many line ends come before what follows.
    fn part(&mut self, lines: usize) {
        self.due = self.due.max(lines);
    }

    fn finish(self) -> String {
        self.done.trim_end().to_owned()
    }

    fn nodes(&mut self, nodes: &[Node], naming: &dyn Naming) {
        for node in nodes {
            match node {
                Node::Text(text) => self.push(text),
                Node::Mention(mention) => self.push(&naming.mention(mention).label),
                Node::MessageLink {
                    message,
                    href,
                    children,
                } => {
                    let known = naming.message(message);
                    self.link(children, known.as_ref().unwrap_or(href), naming);
                }
                Node::Element(element) => self.element(element, naming),
            }
        }
    }

    fn element(&mut self, element: &Element, naming: &dyn Naming) {
        let children = &element.children;
        match &element.tag {
            Tag::Strong | Tag::Emphasis | Tag::Underline | Tag::TableHead | Tag::TableBody => {
                self.nodes(children, naming);
            }
            Tag::Strike => self.between("~~", children, naming),
            Tag::Superscript => {
                self.push("^");
                self.nodes(children, naming);
            }
            Tag::Subscript => {
                self.push("_");
                self.nodes(children, naming);
            }
            Tag::Code => self.push(&format!("`{}`", text_of(children))),
            Tag::CodeBlock { language } => {
                let language = language.as_deref().unwrap_or_default();
                self.block(1, &format!("```{language}\n{}\n```", text_of(children)));
            }
            Tag::Quote => {
                let inner = self.inner(1, children, naming);
                if self.depth < DEEPEST {
                    self.block(1, &indented(&inner, "> ", "> "));
                } else {
                    self.block(1, &inner);
                }
            }
            Tag::Paragraph | Tag::Heading(_) => self.block(2, &self.inner(0, children, naming)),
            Tag::Break => self.due += 1,
            Tag::Rule => self.block(1, "---"),
            Tag::List { start } => self.list(*start, children, naming),
            Tag::Item { ticked } => self.item("- ", *ticked, children, naming),
            Tag::Link { href, .. } => self.link(children, href, naming),
            Tag::Image { src, alt } => self.push(if alt.is_empty() { src } else { alt }),
            Tag::Table => {
                self.part(1);
                self.nodes(children, naming);
                self.part(1);
            }
            Tag::Row => {
                let cells: Vec<_> = children
                    .iter()
                    .map(|cell| self.inner(0, std::slice::from_ref(cell), naming))
                    .collect();
                self.block(1, &cells.join(" | "));
            }
            Tag::HeaderCell | Tag::Cell => {
                self.push(&self.inner(0, children, naming).replace('\n', " "));
            }
            Tag::Details | Tag::Summary => self.block(1, &self.inner(0, children, naming)),
            Tag::Spoiler {
                reason: Some(reason),
            } => self.push(&format!("[Spoiler: {reason}]")),
            Tag::Spoiler { reason: None } => self.push("[Spoiler]"),
            Tag::Math {
                tex,
                display: false,
            } => self.push(&format!("${tex}$")),
            Tag::Math { tex, display: true } => self.block(1, &format!("$${tex}$$")),
        }
    }

    /// What stands in an element, laid out by itself, `deeper` than what stands around it.
    fn inner(&self, deeper: usize, children: &[Node], naming: &dyn Naming) -> String {
        let mut lines = Self {
            depth: self.depth + deeper,
            ..Self::default()
        };
        lines.nodes(children, naming);
        lines.finish()
    }

    fn between(&mut self, mark: &str, children: &[Node], naming: &dyn Naming) {
        self.push(mark);
        self.nodes(children, naming);
        self.push(mark);
    }

    /// Text in lines of its own, with `lines` line ends around it.
    fn block(&mut self, lines: usize, text: &str) {
        self.part(lines);
        self.push(text);
        self.part(lines);
    }

    fn list(&mut self, start: Option<u32>, children: &[Node], naming: &dyn Naming) {
        self.part(1);
        let mut number = start;
        for child in children {
            match child {
                Node::Element(Element {
                    tag: Tag::Item { ticked },
                    children,
                }) => {
                    let marker =
                        number.map_or_else(|| "- ".to_owned(), |number| format!("{number}. "));
                    number = number.map(|number| number.saturating_add(1));
                    self.item(&marker, *ticked, children, naming);
                }
                other => self.nodes(std::slice::from_ref(other), naming),
            }
        }
        self.part(1);
    }

    fn item(&mut self, marker: &str, ticked: Option<bool>, children: &[Node], naming: &dyn Naming) {
        let ticked = match ticked {
            Some(true) => "[x] ",
            Some(false) => "[ ] ",
            None => "",
        };
        let indent = " ".repeat(if self.depth < DEEPEST {
            marker.len()
        } else {
            0
        });
        let text = format!("{ticked}{}", self.inner(1, children, naming));
        self.block(1, indented(&text, marker, &indent).trim_end());
    }

    fn link(&mut self, children: &[Node], href: &str, naming: &dyn Naming) {
        let label = self.inner(0, children, naming);
        let address = href.strip_prefix("mailto:").unwrap_or(href);
        let bare = |text: &str| {
            text.trim_start_matches("https://")
                .trim_start_matches("http://")
                .trim_end_matches('/')
                .to_owned()
        };
        if label.is_empty() || bare(&label) == bare(address) {
            self.push(address);
        } else {
            self.push(&format!("{label} ({address})"));
        }
    }
}

fn indented(text: &str, first: &str, others: &str) -> String {
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
