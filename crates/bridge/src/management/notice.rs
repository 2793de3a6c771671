//! What the bot says: a readable plain body and the same as HTML, from one text, so that neither can be forgotten
//! and nothing that comes from outside can turn into markup.
//!
//! To add a kind of piece: a variant of [`Piece`], and its arms in `plain` and `html`.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// Bytes of body and HTML together after which a long list goes on in another message; events may have 65,536 bytes
/// (Matrix spec, client-server API, "Size limits"), and JSON escapes some characters.
const LIMIT: usize = 24_000;

/// Characters of one piece that are said; our own words are far shorter.
const LONGEST_PIECE: usize = 500;

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Shown as it is.
    Text(String),
    /// Of weight.
    Strong(String),
    /// To be typed.
    Code(String),
    /// Leads somewhere.
    Link {
        /// What is shown.
        text: String,
        /// Where it leads.
        url: String,
    },
    /// A link in HTML that is plain text in the body, where its address would be in the way.
    QuietLink {
        /// What is shown.
        text: String,
        /// Where it leads.
        url: String,
    },
}

impl From<&str> for Piece {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Piece {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

/// Of weight.
pub(crate) fn strong(text: impl Into<String>) -> Piece {
    Piece::Strong(text.into())
}

/// To be typed.
pub(crate) fn code(text: impl Into<String>) -> Piece {
    Piece::Code(text.into())
}

/// An address, shown as it is.
pub(crate) fn url(url: &str) -> Piece {
    link(url, url)
}

/// Words that lead somewhere.
pub(crate) fn link(text: impl Into<String>, url: impl Into<String>) -> Piece {
    Piece::Link {
        text: text.into(),
        url: url.into(),
    }
}

/// Words that lead somewhere in HTML only.
pub(crate) fn quiet_link(text: impl Into<String>, url: impl Into<String>) -> Piece {
    Piece::QuietLink {
        text: text.into(),
        url: url.into(),
    }
}

/// A line out of pieces and strings.
macro_rules! line {
    ($($piece:expr),* $(,)?) => {
        vec![$($crate::management::notice::Piece::from($piece)),*]
    };
}
pub(crate) use line;

/// A line of our own words, in which what is to be typed stands between backticks. Not for words from outside.
pub(crate) fn marked(text: &str) -> Line {
    let pieces = text.split('`').enumerate();
    pieces
        .map(|(number, piece)| {
            if number % 2 == 0 {
                piece.into()
            } else {
                code(piece)
            }
        })
        .collect()
}

/// A line.
pub(crate) type Line = Vec<Piece>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Block {
    Paragraph(Line),
    Heading(String),
    List(Vec<Line>),
    Numbered(Vec<(usize, Line)>),
}

/// Something the bot says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notice {
    blocks: Vec<Block>,
}

impl Notice {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// One paragraph.
    pub(crate) fn of(line: Line) -> Self {
        Self::new().paragraph(line)
    }

    /// And a paragraph.
    pub(crate) fn paragraph(mut self, line: Line) -> Self {
        self.blocks.push(Block::Paragraph(line));
        self
    }

    /// And a heading.
    pub(crate) fn heading(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Heading(text.into()));
        self
    }

    /// And a list, a line each.
    pub(crate) fn list(mut self, lines: Vec<Line>) -> Self {
        self.blocks.push(Block::List(lines));
        self
    }

    /// And a list with these numbers.
    pub(crate) fn numbered(mut self, lines: Vec<(usize, Line)>) -> Self {
        self.blocks.push(Block::Numbered(lines));
        self
    }

    /// And all of another one.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.blocks.extend(other.blocks);
        self
    }

    /// The plain body.
    pub(crate) fn body(&self) -> String {
        let mut out = String::new();
        for (number, block) in self.blocks.iter().enumerate() {
            if number > 0 {
                // A list stands right below the words that announce it.
                let below_words = matches!(block, Block::List(_) | Block::Numbered(_));
                out.push_str(if below_words { "\n" } else { "\n\n" });
            }
            match block {
                Block::Paragraph(line) => plain(line, &mut out),
                Block::Heading(text) => one_line(text, &mut out),
                Block::List(lines) => join(&mut out, lines, |out, line| {
                    out.push_str("- ");
                    plain(line, out);
                }),
                Block::Numbered(lines) => join(&mut out, lines, |out, (number, line)| {
                    let _ = write!(out, "{number}. ");
                    plain(line, out);
                }),
            }
        }
        out
    }

    /// The same as HTML.
    pub(crate) fn html(&self) -> String {
        let mut out = String::new();
        for block in &self.blocks {
            match block {
                Block::Paragraph(line) => wrap(&mut out, "p", |out| html(line, out)),
                Block::Heading(text) => wrap(&mut out, "h4", |out| escape(cut(text), out)),
                Block::List(lines) => wrap(&mut out, "ul", |out| {
                    for line in lines {
                        wrap(out, "li", |out| html(line, out));
                    }
                }),
                Block::Numbered(lines) => {
                    let start = lines.first().map_or(1, |(number, _)| *number);
                    let _ = if start == 1 {
                        out.write_str("<ol>")
                    } else {
                        write!(out, "<ol start=\"{start}\">")
                    };
                    for (_, line) in lines {
                        wrap(&mut out, "li", |out| html(line, out));
                    }
                    out.push_str("</ol>");
                }
            }
        }
        out
    }

    /// The content of the `m.room.message` events that say it; more than one if it is long. Nobody is mentioned.
    pub(crate) fn contents(&self) -> Vec<Value> {
        self.pages()
            .iter()
            .map(|page| {
                json!({
                    "msgtype": "m.notice",
                    "body": page.body(),
                    "format": "org.matrix.custom.html",
                    "formatted_body": page.html(),
                    "m.mentions": {},
                })
            })
            .collect()
    }

    /// Cut between lines of lists and between blocks, so that each page fits into an event.
    fn pages(&self) -> Vec<Self> {
        let mut pages = Vec::new();
        let mut page = Self::new();
        let mut used = 0;
        for block in self.blocks.iter().flat_map(Block::lines) {
            let size = block.size();
            if used + size > LIMIT && used > 0 {
                pages.push(std::mem::take(&mut page));
                used = 0;
            }
            used += size;
            page.append(block);
        }
        pages.push(page);
        pages
    }

    /// Adds a block; a list goes on in the list that stands last.
    fn append(&mut self, block: Block) {
        match (self.blocks.last_mut(), block) {
            (Some(Block::List(lines)), Block::List(more)) => lines.extend(more),
            (Some(Block::Numbered(lines)), Block::Numbered(more)) => lines.extend(more),
            (_, block) => self.blocks.push(block),
        }
    }
}

impl Block {
    /// Itself, or one list per line.
    fn lines(&self) -> Vec<Self> {
        match self {
            Self::List(lines) => lines
                .iter()
                .map(|line| Self::List(vec![line.clone()]))
                .collect(),
            Self::Numbered(lines) => lines
                .iter()
                .map(|line| Self::Numbered(vec![line.clone()]))
                .collect(),
            other => vec![other.clone()],
        }
    }

    /// Bytes of body and HTML.
    fn size(&self) -> usize {
        let alone = Notice {
            blocks: vec![self.clone()],
        };
        alone.body().len() + alone.html().len()
    }
}

fn join<T>(out: &mut String, items: &[T], mut write: impl FnMut(&mut String, &T)) {
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        write(out, item);
    }
}

fn plain(line: &Line, out: &mut String) {
    for piece in line {
        match piece {
            Piece::Text(text) | Piece::Strong(text) | Piece::QuietLink { text, .. } => {
                one_line(text, out);
            }
            Piece::Code(text) => {
                out.push('`');
                one_line(text, out);
                out.push('`');
            }
            Piece::Link { text, url } if text == url => out.push_str(url),
            Piece::Link { text, url } => {
                one_line(text, out);
                let _ = write!(out, " ({url})");
            }
        }
    }
}

/// Text from outside must not begin a line of its own that looks like the bot's.
fn one_line(text: &str, out: &mut String) {
    out.extend(cut(text).map(|c| if c.is_control() { ' ' } else { c }));
}

/// What somebody typed may be as long as an event, and said back in body and HTML it would not fit into one.
fn cut(text: &str) -> impl Iterator<Item = char> {
    let dots = text.chars().nth(LONGEST_PIECE).map(|_| '…');
    text.chars().take(LONGEST_PIECE).chain(dots)
}

fn html(line: &Line, out: &mut String) {
    for piece in line {
        match piece {
            Piece::Text(text) => escape(cut(text), out),
            Piece::Strong(text) => wrap(out, "strong", |out| escape(cut(text), out)),
            Piece::Code(text) => wrap(out, "code", |out| escape(cut(text), out)),
            Piece::Link { text, url } | Piece::QuietLink { text, url } => {
                out.push_str("<a href=\"");
                escape(url.chars(), out);
                out.push_str("\">");
                escape(cut(text), out);
                out.push_str("</a>");
            }
        }
    }
}

fn wrap(out: &mut String, tag: &str, inner: impl FnOnce(&mut String)) {
    let _ = write!(out, "<{tag}>");
    inner(out);
    let _ = write!(out, "</{tag}>");
}

fn escape(text: impl Iterator<Item = char>, out: &mut String) {
    for c in text {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests;
