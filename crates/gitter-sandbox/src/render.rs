//! Message text to HTML, as Gitter renders it: a Markdown of 2014 with line breaks, mentions and issue references.
//!
//! `block` and `table` split the text into paragraphs, lists and the like, `inline` renders what stands in a line, `links` decides
//! what an address becomes, `scan` finds the ends of things. Two renderings are simpler than the real ones: code is not
//! coloured, and formulas have no layout. To add a construct, add it where it is found and see what the recordings say.

mod block;
mod inline;
mod links;
mod scan;
mod table;

use block::{Block, Item};
use inline::Inline;
use table::{Align, Table};

/// A reference to an issue or a merge request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    pub(crate) number: String,
    pub(crate) repo: Option<String>,
}

/// A name behind `@`, or behind `@/` for a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) name: String,
    pub(crate) group: bool,
}

/// The HTML of a message, and what was found in it, in order of appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) html: String,
    /// Addresses, as they stand in the HTML.
    pub(crate) urls: Vec<String>,
    pub(crate) mentions: Vec<Name>,
    pub(crate) issues: Vec<Issue>,
}

/// The HTML of a message with this text, as this server renders it.
pub fn html(text: &str) -> String {
    render(text).html
}

/// Renders a message.
pub(crate) fn render(text: &str) -> Rendered {
    let text = text
        .replace("\r\n", "\n")
        .replace(['\r', '\u{2424}'], "\n")
        .replace('\t', "    ")
        .replace('\u{a0}', " ");
    let (blocks, definitions) = block::parse(&text);
    let mut page = Page {
        inline: Inline::new(definitions),
        paragraphs: 0,
    };
    let mut html = page.blocks(&blocks);
    // A message of a single paragraph goes without its tags, wherever they stand.
    if page.paragraphs == 1 {
        html = html.replace("<p>", "").replace("</p>", "");
    }
    Rendered {
        html,
        ..page.inline.found
    }
}

struct Page {
    inline: Inline,
    paragraphs: usize,
}

impl Page {
    fn blocks(&mut self, blocks: &[Block]) -> String {
        blocks.iter().map(|block| self.block(block)).collect()
    }

    fn block(&mut self, block: &Block) -> String {
        match block {
            Block::Code { lang, text } => code(lang.as_deref(), text),
            Block::Heading { level, text } => {
                format!("<h{level}>{}</h{level}>\n", self.inline.render(text))
            }
            Block::Rule => "<hr>\n".to_owned(),
            Block::Quote(blocks) => format!("<blockquote>\n{}</blockquote>\n", self.blocks(blocks)),
            Block::Paragraph(text) | Block::Line(text) => self.paragraph(text),
            Block::List { ordered, items } => {
                let kind = if *ordered { "ol" } else { "ul" };
                let items: String = items.iter().map(|item| self.item(item)).collect();
                format!("<{kind}>\n{items}</{kind}>\n")
            }
            Block::Table(table) => self.table(table),
        }
    }

    fn paragraph(&mut self, text: &str) -> String {
        self.paragraphs += 1;
        format!("<p>{}</p>", self.inline.render(text))
    }

    fn item(&mut self, item: &Item) -> String {
        let body: String = item
            .blocks
            .iter()
            .map(|block| match block {
                Block::Line(text) if !item.loose => self.inline.render(text),
                other => self.block(other),
            })
            .collect();
        format!("<li>{body}</li>\n")
    }

    fn table(&mut self, table: &Table) -> String {
        let header = self.row(&table.header, "th", &table.align);
        let rows: String = table
            .rows
            .iter()
            .map(|row| self.row(row, "td", &table.align))
            .collect();
        format!("<table>\n<thead>\n{header}</thead>\n<tbody>\n{rows}</tbody>\n</table>\n")
    }

    fn row(&mut self, cells: &[String], kind: &str, align: &[Align]) -> String {
        let mut row = String::from("<tr>\n");
        for (at, cell) in cells.iter().enumerate() {
            let style = match align.get(at) {
                None | Some(Align::Unset) => "",
                Some(Align::Left) => " style=\"text-align:left\"",
                Some(Align::Center) => " style=\"text-align:center\"",
                Some(Align::Right) => " style=\"text-align:right\"",
            };
            let cell = self.inline.render(cell);
            row.extend([
                "<", kind, style, ">", &cell, "</", kind, ">
",
            ]);
        }
        row + "</tr>\n"
    }
}

/// Languages whose name becomes a class. The real list is that of highlight.js.
const LANGUAGES: &[&str] = &[
    "bash",
    "c",
    "clojure",
    "cpp",
    "cs",
    "css",
    "diff",
    "go",
    "haskell",
    "html",
    "ini",
    "java",
    "javascript",
    "js",
    "json",
    "kotlin",
    "lua",
    "makefile",
    "markdown",
    "objectivec",
    "perl",
    "php",
    "py",
    "python",
    "ruby",
    "rust",
    "scala",
    "sh",
    "sql",
    "swift",
    "ts",
    "typescript",
    "xml",
];

fn code(lang: Option<&str>, text: &str) -> String {
    let lang = lang.unwrap_or_default().to_lowercase();
    if lang == "text" {
        return format!("<pre><code class=\"text\">{}</code></pre>", escape(text));
    }
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    if LANGUAGES.contains(&lang.as_str()) {
        return format!("<pre><code class=\"{lang}\">{text}</code></pre>");
    }
    format!("<pre><code>{text}</code></pre>")
}

/// Makes text safe inside HTML, quotes included.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests;
