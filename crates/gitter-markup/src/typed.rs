//! A plain body, typed by hand.
//!
//! The rule: what reads as Markdown to anybody who uses it today is Markdown (fenced code, `` `code` ``, `**strong**`, `*emphasis*`, `_emphasis_`,
//! `~~struck~~`, `[links](https://…)`, bullets, numbers from 1, `> quotes`, `# headings` with a space, tables). All else is text and
//! is escaped: `#tags`, `2*3*4`, `snake_case`, a line of dashes below another, indentation. Marks count only where a word
//! begins and ends, lines end where they were ended, and a quote ends with its last `>`.
//!
//! To let one more thing through: an arm in [`line`] or in `inline`.

mod inline;

use remote::Said;
use remote::text::Mention;

use crate::escape::{Escaper, GAP, underscores_matter};
use crate::markdown::write_inline;

/// Stands for a mention while the text is read, with a character behind it that says for which: no text has a
/// noncharacter in it (Unicode 23.7).
const MARK: char = '\u{FDD0}';

/// The first of the characters behind a [`MARK`]: private ones.
const FIRST: u32 = 0xF_0000;

/// How lines are written.
#[derive(Clone, Copy)]
struct Scribe<'a> {
    escaper: Escaper,
    /// Who is addressed, in order.
    names: &'a [&'a Mention],
}

impl<'a> Scribe<'a> {
    /// The mention that a mark and the character behind it stand for, at the start of a text; and how many bytes those are.
    fn marked(self, text: &str) -> Option<(&'a Mention, usize)> {
        let which = text.strip_prefix(MARK)?.chars().next()?;
        let number = u32::from(which).checked_sub(FIRST)?;
        let mention = self.names.get(usize::try_from(number).ok()?)?;
        Some((mention, MARK.len_utf8() + which.len_utf8()))
    }

    /// Writes what stands in a line.
    fn write(self, text: &str, out: &mut String) {
        write_inline(&inline::read(text, self), self.escaper, out);
    }

    /// Text that is code, with the names as they were written.
    fn unmarked(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(MARK) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let used = match self.marked(rest) {
                Some((mention, used)) => {
                    out.push_str(&mention.label);
                    used
                }
                None => MARK.len_utf8(),
            };
            rest = &rest[used..];
        }
        out.push_str(rest);
        out
    }
}

/// The text with a mark for each mention.
fn with_marks<'a>(pieces: &'a [Said]) -> (String, Vec<&'a Mention>) {
    let (mut text, mut names) = (String::new(), Vec::<&'a Mention>::new());
    for piece in pieces {
        match piece {
            Said::Text(piece) => text.push_str(&piece.replace(MARK, "\u{FFFD}")),
            Said::Mention(mention) => {
                let number = u32::try_from(names.len()).ok();
                let which = number.and_then(|number| char::from_u32(FIRST + number));
                match which.filter(|_| names.len() < 0xFFFD) {
                    Some(which) => {
                        text.extend([MARK, which]);
                        names.push(mention);
                    }
                    None => text.push_str(&mention.label),
                }
            }
        }
    }
    (text, names)
}

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
pub(crate) fn to_markdown(pieces: &[Said]) -> String {
    let (text, names) = with_marks(pieces);
    let text = text
        .replace("\r\n", "\n")
        .replace(['\r', '\u{2028}', '\u{2029}'], "\n")
        .replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), "");
    let scribe = Scribe {
        escaper: Escaper {
            underscores: underscores_matter(&text),
            linked: false,
        },
        names: &names,
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
                if matches!(before, Before::List(_) | Before::Quote) && !current.starts_with(' ') {
                    out.push('\n');
                }
                let end = at + 1 + length;
                let code = lines.get(at..end).unwrap_or_default().join("\n");
                out.push_str(&scribe.unmarked(&code));
                out.push('\n');
                out.push_str(fence);
                before = Before::Text;
                at = end + 1;
                continue;
            }
        }
        let rows = table_rows(lines.get(at..).unwrap_or_default());
        if rows > 0 {
            if matches!(before, Before::List(_) | Before::Quote) {
                out.push('\n');
            }
            for (number, row) in lines
                .get(at..at + rows)
                .unwrap_or_default()
                .iter()
                .enumerate()
            {
                if number > 0 {
                    out.push('\n');
                }
                out.push_str(&row_text(row, number == 1, scribe));
            }
            before = Before::Text;
            at += rows;
            continue;
        }
        before = line(current, before, scribe, &mut out);
        at += 1;
    }
    // What is left stands in addresses.
    scribe.unmarked(&out)
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

fn row_text(row: &str, is_rule: bool, scribe: Scribe<'_>) -> String {
    if is_rule {
        return row.to_owned();
    }
    let cells = row.split('|').map(|cell| {
        let mut out = String::from(GAP);
        scribe.write(cell, &mut out);
        out.trim_start_matches(GAP).to_owned()
    });
    cells.collect::<Vec<_>>().join("|")
}

/// Writes one line.
fn line(line: &str, before: Before, scribe: Scribe<'_>, out: &mut String) -> Before {
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
        scribe.write(quoted, &mut inner);
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
        scribe.write(behind, &mut inner);
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
        scribe.write(text, out);
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
        scribe.write(title, &mut inner);
        out.push_str(inner.trim_start_matches(GAP));
        return Before::Nothing;
    }
    scribe.write(&line, out);
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
