//! Splitting a text into blocks, line by line.

use std::collections::BTreeMap;

use super::scan;
use super::table::{Table, table};

/// Quotes and lists within each other beyond this depth are not set apart any more.
const DEEPEST: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    Code {
        lang: Option<String>,
        text: String,
    },
    Heading {
        level: usize,
        text: String,
    },
    Rule,
    Quote(Vec<Block>),
    List {
        ordered: bool,
        items: Vec<Item>,
    },
    Table(Table),
    Paragraph(String),
    /// Text in a list item, or what looks like a heading and is an issue: a paragraph unless the item is tight.
    Line(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Its text stands in paragraphs.
    pub(super) loose: bool,
    pub(super) blocks: Vec<Block>,
}

/// Addresses defined by `[name]: address` lines.
pub(super) type Definitions = BTreeMap<String, String>;

/// The blocks of a text whose line ends are `\n`, and the addresses it defines.
pub(super) fn parse(text: &str) -> (Vec<Block>, Definitions) {
    let mut definitions = Definitions::new();
    let blocks = Parser {
        definitions: &mut definitions,
        top: true,
        depth: 0,
    }
    .parse(text);
    (blocks, definitions)
}

struct Parser<'a> {
    definitions: &'a mut Definitions,
    /// Not in a list.
    top: bool,
    depth: usize,
}

impl Parser<'_> {
    fn inside(&mut self, top: bool) -> Parser<'_> {
        Parser {
            definitions: self.definitions,
            top,
            depth: self.depth + 1,
        }
    }

    fn parse(&mut self, text: &str) -> Vec<Block> {
        let cleared: Vec<&str> = text
            .split('\n')
            .map(|line| if scan::is_blank(line) { "" } else { line })
            .collect();
        let mut lines = cleared.as_slice();
        let mut blocks: Vec<Block> = Vec::new();
        let mut joins = false;
        while let Some(line) = lines.first().copied() {
            if line.is_empty() {
                lines = lines.get(1..).unwrap_or_default();
                joins = false;
                continue;
            }
            let (block, used) = self.block(lines);
            lines = lines.get(used.max(1)..).unwrap_or_default();
            match (block, blocks.last_mut()) {
                // Lines of text that follow each other are one text.
                (Some(Block::Line(text)), Some(Block::Line(before))) if joins => {
                    before.push('\n');
                    before.push_str(&text);
                }
                (Some(block), _) => {
                    joins = matches!(block, Block::Line(_));
                    blocks.push(block);
                }
                (None, _) => joins = false,
            }
        }
        blocks
    }

    /// The block at the start of these lines, the first of which is not empty, and how many of them it takes.
    fn block(&mut self, lines: &[&str]) -> (Option<Block>, usize) {
        let line = lines.first().copied().unwrap_or_default();
        if line.starts_with("    ") {
            return indented(lines);
        }
        if let Some((block, used)) = fence(lines) {
            return (Some(block), used);
        }
        if let Some((level, text)) = scan::heading(line) {
            if scan::is_issue(line) {
                let more = lines
                    .iter()
                    .skip(1)
                    .take_while(|line| line.is_empty())
                    .count();
                let end = if lines.len() > 1 {
                    "\n".repeat(more.max(1))
                } else {
                    String::new()
                };
                return (Some(Block::Line(format!("{line}{end}"))), 1 + more);
            }
            return (
                Some(Block::Heading {
                    level,
                    text: text.to_owned(),
                }),
                1,
            );
        }
        if let Some((table, used)) = self.top.then(|| table(lines)).flatten() {
            return (Some(Block::Table(table)), used);
        }
        if let Some(level) = lines.get(1).and_then(|next| scan::underline(next)) {
            return (
                Some(Block::Heading {
                    level,
                    text: line.to_owned(),
                }),
                2,
            );
        }
        if scan::is_rule(line) {
            return (Some(Block::Rule), 1);
        }
        if self.depth < DEEPEST && scan::is_quote(line) {
            return self.quote(lines);
        }
        if self.depth < DEEPEST
            && let Some(bullet) = scan::bullet(line)
        {
            return self.list(lines, &bullet);
        }
        if self.top
            && self.depth == 0
            && let Some((name, address)) = scan::definition(line)
        {
            self.definitions
                .insert(name.to_lowercase(), address.to_owned());
            return (None, 1);
        }
        if self.top {
            paragraph(lines)
        } else {
            (Some(Block::Line(line.to_owned())), 1)
        }
    }

    fn quote(&mut self, lines: &[&str]) -> (Option<Block>, usize) {
        // Lines below belong to it until an empty one; quotes apart by empty lines are one.
        let mut used = 0;
        while let Some(line) = lines.get(used) {
            let lazy = used > 0 && lines.get(used - 1).is_some_and(|before| !before.is_empty());
            let next = lines.iter().skip(used).find(|line| !line.is_empty());
            let goes_on = scan::is_quote(line)
                || (lazy && !line.is_empty() && scan::definition(line).is_none())
                || (line.is_empty() && next.is_some_and(|next| scan::is_quote(next)));
            if !goes_on {
                break;
            }
            used += 1;
        }
        let text: Vec<&str> = lines
            .iter()
            .take(used)
            .map(|line| scan::unquote(line))
            .collect();
        let top = self.top;
        (
            Some(Block::Quote(self.inside(top).parse(&text.join("\n")))),
            used,
        )
    }

    fn list(&mut self, lines: &[&str], bullet: &scan::Bullet) -> (Option<Block>, usize) {
        let mut used = 1;
        while let Some(line) = lines.get(used) {
            let after_gap = lines.get(used - 1).is_some_and(|before| before.is_empty());
            let same = scan::bullet(line).is_some_and(|other| other.indent == bullet.indent);
            if scan::is_rule_at(line, bullet.indent) || scan::definition(line).is_some() {
                break;
            }
            // Two empty lines end it whatever comes.
            let wide = after_gap && used > 1 && lines.get(used - 2).is_some_and(|it| it.is_empty());
            if !line.is_empty() && (wide || after_gap && !line.starts_with(' ') && !same) {
                break;
            }
            used += 1;
        }
        while used > 1 && lines.get(used - 1).is_some_and(|line| line.is_empty()) {
            used -= 1;
        }
        let mut raw: Vec<Vec<&str>> = Vec::new();
        for line in lines.iter().take(used) {
            match (scan::bullet(line), raw.last_mut()) {
                (Some(other), Some(_)) if other.indent == bullet.indent => raw.push(vec![line]),
                (_, Some(item)) => item.push(line),
                (_, None) => raw.push(vec![line]),
            }
        }
        let mut items = Vec::new();
        let mut next_loose = false;
        let last = raw.len().saturating_sub(1);
        for (at, item) in raw.iter().enumerate() {
            let text = outdent(item);
            let ends_in_gap = at != last && text.ends_with('\n');
            let gap = text.trim_end().contains("\n\n");
            let loose = next_loose || gap || ends_in_gap;
            next_loose = ends_in_gap;
            items.push(Item {
                loose,
                blocks: self.inside(false).parse(&text),
            });
        }
        (
            Some(Block::List {
                ordered: bullet.ordered,
                items,
            }),
            used,
        )
    }
}

/// An item without its bullet, and its other lines moved left by as much.
fn outdent(item: &[&str]) -> String {
    let first = item.first().copied().unwrap_or_default();
    let body =
        scan::bullet(first).map_or("", |bullet| first.get(bullet.body..).unwrap_or_default());
    let width = first.len() - body.len();
    let mut text = body.to_owned();
    for line in item.iter().skip(1) {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        text.push('\n');
        text.push_str(line.get(spaces.min(width)..).unwrap_or_default());
    }
    text
}

fn indented(lines: &[&str]) -> (Option<Block>, usize) {
    let used = lines
        .iter()
        .take_while(|line| line.is_empty() || line.starts_with("    "))
        .count();
    let text: Vec<&str> = lines
        .iter()
        .take(used)
        .map(|line| line.strip_prefix("    ").unwrap_or(line))
        .collect();
    let text = text.join("\n").trim_end_matches('\n').to_owned();
    (Some(Block::Code { lang: None, text }), used)
}

/// Code between fences. The closing one may stand at the end of a line of code.
fn fence(lines: &[&str]) -> Option<(Block, usize)> {
    let opening = lines.first()?.trim_start_matches(' ');
    let mark = opening
        .chars()
        .next()
        .filter(|mark| matches!(mark, '`' | '~'))?;
    let length = opening.chars().take_while(|letter| *letter == mark).count();
    if length < 3 {
        return None;
    }
    let lang = opening.get(length..)?.trim_matches(' ');
    if lang.contains(char::is_whitespace) {
        return None;
    }
    let closing: String = std::iter::repeat_n(mark, length).collect();
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate().skip(1) {
        if let Some(rest) = line.trim_end_matches(' ').strip_suffix(&closing)
            && !(text.is_empty() && rest.is_empty() && at == 1)
        {
            text.push_str(rest);
            let lang = Some(lang.to_owned()).filter(|lang| !lang.is_empty());
            return Some((
                Block::Code {
                    lang,
                    text: text.trim_end().to_owned(),
                },
                at + 1,
            ));
        }
        text.push_str(line);
        text.push('\n');
    }
    None
}

/// Lines until an empty one, or one that begins something else.
fn paragraph(lines: &[&str]) -> (Option<Block>, usize) {
    let mut used = 1;
    while let Some(line) = lines.get(used) {
        let rest = lines.get(used..).unwrap_or_default();
        let ends = line.is_empty()
            || scan::is_rule(line)
            || scan::heading(line).is_some()
            || scan::is_quote(line)
            || scan::bullet(line).is_some()
            || scan::definition(line).is_some()
            || rest
                .get(1)
                .is_some_and(|next| scan::underline(next).is_some())
            || fence(rest).is_some();
        if ends {
            break;
        }
        used += 1;
    }
    let text = lines
        .iter()
        .take(used)
        .copied()
        .collect::<Vec<_>>()
        .join("\n");
    (Some(Block::Paragraph(text)), used)
}
