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

/// Text that is being laid out in lines.
#[derive(Default)]
struct Lines {
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
                let inner = inner(children, naming);
                self.block(1, &indented(&inner, "> ", "> "));
            }
            Tag::Paragraph | Tag::Heading(_) => self.block(2, &inner(children, naming)),
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
                    .map(|cell| inner(std::slice::from_ref(cell), naming))
                    .collect();
                self.block(1, &cells.join(" | "));
            }
            Tag::HeaderCell | Tag::Cell => self.push(&inner(children, naming).replace('\n', " ")),
            Tag::Details | Tag::Summary => self.block(1, &inner(children, naming)),
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
        let indent = " ".repeat(marker.len());
        let text = format!("{ticked}{}", inner(children, naming));
        self.block(1, indented(&text, marker, &indent).trim_end());
    }

    fn link(&mut self, children: &[Node], href: &str, naming: &dyn Naming) {
        let label = inner(children, naming);
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

fn inner(children: &[Node], naming: &dyn Naming) -> String {
    let mut lines = Lines::default();
    lines.nodes(children, naming);
    lines.finish()
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
