//! Cuts Markdown that is too long for one message.
//!
//! What a cut goes through is mended on both sides. To mend one more kind of thing: in `cut_off` if it has to be closed, in `apart` if
//! it only has to go on.

mod spans;

use unicode_segmentation::GraphemeCursor;

use crate::escape::{GAP, LINE_STARTS};
use spans::Span;

/// Cuts Markdown into pieces of at most `limit` UTF-16 code units, at an empty line, a line's end or between words if there is
/// one in the second half of a piece, else anywhere but inside what a reader takes for one character. A cut avoids links,
/// code and emphasis. A fenced block that is cut is closed and opened again, as is emphasis that is longer than a piece; a quote
/// goes on as a quote, a table begins with its head again, and a list goes on with its numbers.
///
/// `limit` below 64 counts as 64.
pub fn split(markdown: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(64);
    let mut pieces = Vec::new();
    let mut rest = markdown.to_owned();
    while units(&rest) > limit {
        let (piece, next, cut) = cut_off(&rest, limit);
        if !piece.trim().is_empty() {
            pieces.push(piece);
        }
        // Opening something again must not make the rest as long as it was, or this would never end.
        rest = if next.len() < rest.len() {
            next
        } else {
            rest.split_off(cut)
        };
    }
    if !rest.trim().is_empty() || pieces.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// The first piece, what is left, and where the cut was.
fn cut_off(rest: &str, limit: usize) -> (String, String, usize) {
    let whole = prefix(rest, limit);
    if let Some(fence) = open_fence(whole) {
        // Leave room for the closing fence; the shorter piece may well end before the block begins.
        let short = prefix(rest, limit - units(&fence.mark) - 1);
        let cut = match open_fence(short) {
            Some(_) => line_cut(rest, short),
            None => best_cut(rest, short, &[]),
        };
        let (piece, behind) = rest.split_at(cut);
        if let Some(fence) = open_fence(piece) {
            let piece = piece.strip_suffix('\n').unwrap_or(piece);
            let next = format!("{}\n{behind}", fence.line);
            return (format!("{piece}\n{}", fence.mark), next, cut);
        }
        return apart(rest, cut);
    }
    // What begins in the piece may end behind it.
    let spans = spans::spans(prefix(rest, 4 * limit));
    let cut = best_cut(rest, whole, &spans);
    let Some(span) = spans::at(&spans, cut).filter(|span| !span.mark.is_empty()) else {
        return apart(rest, cut);
    };
    let room = limit - units(span.mark);
    let cut = best_cut(rest, prefix(rest, room), &[]);
    let Some(span) = spans::at(&spans, cut).filter(|span| cut > span.start + span.mark.len())
    else {
        return apart(rest, cut);
    };
    let (piece, next, cut) = apart(rest, cut);
    let mark = span.mark;
    (format!("{piece}{mark}"), format!("{mark}{next}"), cut)
}

/// Cuts where nothing has to be closed.
fn apart(rest: &str, cut: usize) -> (String, String, usize) {
    let (piece, behind) = rest.split_at(cut);
    let mut next = String::new();
    let inside = !piece.ends_with('\n') && !behind.starts_with('\n');
    let line = piece.rsplit('\n').next().unwrap_or_default();
    let bare = behind.trim_start_matches(['\n', ' ']);
    if inside {
        next.push_str(quote_marks(line));
        // What was in the middle of a line must not mean something at its start.
        if bare.starts_with(LINE_STARTS) {
            next.push(GAP);
        }
    } else if let Some(head) = table_head(piece).filter(|_| bare.starts_with('|')) {
        next.push_str(head);
        next.push('\n');
    }
    if inside {
        next.push_str(bare);
    } else {
        // Spaces at the start of a line may be those of an item's second line.
        next.push_str(&numbered(behind.trim_start_matches('\n')));
    }
    let piece = piece.trim_end_matches([' ', '\n']).to_owned();
    (piece, next, cut)
}

/// The marks of the quote that a line stands in.
fn quote_marks(line: &str) -> &str {
    let text = line.trim_start_matches([' ', '>']);
    let marks = &line[..line.len() - text.len()];
    if marks.contains('>') { marks } else { "" }
}

/// The first two lines of the table that a text ends in.
fn table_head(text: &str) -> Option<&str> {
    let start = text
        .trim_end_matches('\n')
        .rfind("\n\n")
        .map_or(0, |at| at + 2);
    let table = &text[start..];
    let (first, others) = table.split_once('\n')?;
    let (second, _) = others.split_once('\n')?;
    let is_head = first.starts_with('|')
        && second.starts_with("|-")
        && table.lines().all(|line| line.starts_with('|'));
    is_head.then(|| &table[..first.len() + 1 + second.len()])
}

/// The same, with numbers which Gitter does not count anew: its lists begin at 1.
fn numbered(text: &str) -> String {
    let number = |line: &str| {
        let digits = line.find(|c: char| !c.is_ascii_digit())?;
        (digits > 0 && line[digits..].starts_with(". ")).then_some(digits)
    };
    if number(text).is_none_or(|digits| &text[..digits] == "1") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut in_list = true;
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        in_list &= !line.is_empty();
        match number(line).filter(|_| in_list) {
            Some(digits) => {
                out.push_str(&line[..digits]);
                out.push('\\');
                out.push_str(&line[digits..]);
            }
            None => out.push_str(line),
        }
    }
    out
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The longest start of a text that fits.
fn prefix(text: &str, limit: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.len_utf16();
        if used > limit {
            return &text[..at];
        }
    }
    text
}

/// Where to cut a text of which `fits` is the start that fits.
fn best_cut(text: &str, fits: &str, spans: &[Span<'_>]) -> usize {
    let half = fits.len() / 2;
    let free = |at: &usize| *at > half && spans::at(spans, *at).is_none();
    if let Some(at) = fits.rfind("\n\n").map(|at| at + 1).filter(|at| *at > half) {
        return at;
    }
    let line = fits.rmatch_indices('\n').map(|(at, _)| at + 1).find(free);
    let word = || fits.rmatch_indices(' ').map(|(at, _)| at).find(free);
    if let Some(at) = line.or_else(word) {
        return at;
    }
    let cut = hard_cut(text, fits);
    // In front of what must not be cut, if that leaves more than a little.
    match spans::at(spans, cut) {
        Some(span) if span.start > fits.len() / 4 => span.start,
        _ => cut,
    }
}

/// Where to cut code: at the end of a line, if there is one.
fn line_cut(text: &str, fits: &str) -> usize {
    let line = fits.rfind('\n').map(|at| at + 1);
    line.filter(|at| *at > fits.len() / 2)
        .unwrap_or_else(|| hard_cut(text, fits))
}

/// The last place that is not inside what a reader takes for one character, nor between an escape and what it escapes,
/// nor between `@` and what keeps it from being a name.
fn hard_cut(text: &str, fits: &str) -> usize {
    let half = fits.len() / 2;
    let mut cut = fits.len();
    let mut cursor = GraphemeCursor::new(cut, text.len(), true);
    if cursor.is_boundary(text, 0) == Ok(false)
        && let Ok(Some(boundary)) = cursor.prev_boundary(text, 0)
        && boundary > half
    {
        cut = boundary;
    }
    while cut > half && text[..cut].ends_with(['\\', '@']) {
        cut -= 1;
    }
    cut.max(text.chars().next().map_or(0, char::len_utf8))
}

struct Fence {
    mark: String,
    line: String,
}

/// The fenced block that is open at the end of a text.
fn open_fence(text: &str) -> Option<Fence> {
    let mut open: Option<Fence> = None;
    for line in text.split('\n') {
        let start = line.trim_start_matches(' ');
        let sign = start
            .chars()
            .next()
            .filter(|sign| matches!(sign, '`' | '~'));
        let marks = sign.map_or(0, |sign| start.len() - start.trim_start_matches(sign).len());
        let mark = &start[..marks];
        match &open {
            Some(fence) if start.trim_end() == fence.mark => open = None,
            None if marks >= 3 && !start[marks..].contains('`') && line.len() < 40 => {
                open = Some(Fence {
                    mark: mark.to_owned(),
                    line: line.to_owned(),
                });
            }
            _ => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{GAP, split, units};

    #[test]
    fn a_short_text_stays_whole() {
        assert_eq!(split("a\n\nb", 64), ["a\n\nb"]);
        assert_eq!(split("", 64), [""]);
        assert_eq!(split(&"x".repeat(4096), 4096).len(), 1);
        assert_eq!(split(&"😀".repeat(2048), 4096).len(), 1);
        assert_eq!(split(&"😀".repeat(2049), 4096).len(), 2);
    }

    #[test]
    fn cuts_are_made_where_they_hurt_least() {
        let paragraphs = format!(
            "{}\n\n{}",
            "a b ".repeat(12).trim(),
            "c\n".repeat(30).trim()
        );
        let pieces = split(&paragraphs, 64);
        assert_eq!(pieces[0], "a b ".repeat(12).trim());
        assert!(pieces[1].starts_with("c\nc"));
        let words = split(&"word ".repeat(30), 64);
        assert!(words.iter().all(|piece| {
            piece
                .split(' ')
                .all(|word| word == "word" || word.is_empty())
        }));
        let hash = split(&format!("{} #tag {}", "w".repeat(61), "w".repeat(50)), 64);
        assert!(
            hash[1].starts_with(GAP) && hash[1].contains("#tag"),
            "{hash:?}"
        );
    }

    #[test]
    fn a_block_of_code_is_closed_and_opened_again() {
        let code = format!("Look:\n```rust\n{}```\ndone", "let x = 1;\n".repeat(20));
        let pieces = split(&code, 100);
        assert!(pieces.len() > 2);
        for piece in &pieces {
            assert!(units(piece) <= 100);
            assert_eq!(piece.matches("```").count() % 2, 0, "{piece}");
        }
        let tildes = split(&code.replace('`', "~"), 100);
        assert!(tildes[1].starts_with("~~~rust\nlet x"));
        assert!(pieces[1].starts_with("```rust\nlet x"));
        let lines: usize = pieces
            .iter()
            .map(|piece| piece.matches("let x = 1;").count())
            .sum();
        assert_eq!(lines, 20);
    }

    #[test]
    fn nothing_that_belongs_together_is_cut() {
        let words = "word ".repeat(10);
        for whole in [
            "[a label of words](https://example.org/a_b)",
            "`let it = be;`",
            "**strong words**",
            "~~words gone~~",
            "$$a + b$$",
            "https://example.org/a/long/way/to/go",
        ] {
            let pieces = split(&format!("{words}{whole} {words}"), 64);
            let found = pieces.iter().filter(|piece| piece.contains(whole)).count();
            assert_eq!(found, 1, "{pieces:?}");
        }
        // What a reader takes for one character: a family, a flag, a letter with its marks.
        for one in ["👩‍👩‍👧‍👦", "🇪🇺", "e\u{301}\u{320}"] {
            for piece in split(&one.repeat(40), 64) {
                assert_eq!(piece.replace(one, ""), "");
            }
        }
    }

    #[test]
    fn emphasis_longer_than_a_piece_is_closed_and_opened_again() {
        let text = format!("**{}**", "loud ".repeat(40).trim());
        let pieces = split(&text, 64);
        assert!(pieces.len() > 2);
        for piece in pieces {
            assert!(units(&piece) <= 64);
            assert!(
                piece.starts_with("**loud") && piece.ends_with("loud**"),
                "{piece}"
            );
        }
    }

    #[test]
    fn quotes_tables_and_numbers_go_on() {
        let quote = format!("> {}", "said ".repeat(40).trim());
        for piece in split(&quote, 64) {
            assert!(piece.starts_with("> said"), "{piece}");
        }
        let rows: Vec<_> = (0..20).map(|n| format!("| {n} | cell |")).collect();
        let table = format!("| n | text |\n|---|---|\n{}", rows.join("\n"));
        for piece in split(&table, 100) {
            assert!(piece.starts_with("| n | text |\n|---|---|\n| "), "{piece}");
        }
        let items: Vec<_> = (1..30).map(|n| format!("{n}. item")).collect();
        let pieces = split(&items.join("\n"), 64);
        assert!(pieces[0].starts_with("1. item\n2. item"));
        assert!(pieces[1].contains("\\. item\n"), "{pieces:?}");
        assert!(!pieces[1].contains("0. item"), "{pieces:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_is_lost_and_every_piece_fits(text in "([a-z#@\\\\😀]{0,30}[ \n]{0,2}){0,60}", limit in 64usize..200) {
            let pieces = split(&text, limit);
            let bare = |text: &str| text.replace([' ', '\n', GAP], "");
            prop_assert_eq!(bare(&pieces.concat()), bare(&text));
            for piece in &pieces {
                prop_assert!(units(piece) <= limit);
            }
        }

        #[test]
        fn code_comes_back_line_by_line(lines in prop::collection::vec("[a-z ]{0,20}", 1..40), limit in 64usize..120) {
            let code = lines.join("\n");
            let pieces = split(&format!("```\n{code}\n```"), limit);
            let inner: Vec<_> = pieces
                .iter()
                .map(|piece| piece.strip_prefix("```\n").unwrap().strip_suffix("\n```").unwrap())
                .collect();
            prop_assert_eq!(inner.join("\n"), code);
        }

        #[test]
        fn marks_never_break_it(text in "([*_`~$\\[]{1,3}|\\]\\(|[>|] |[0-9]\\. |[a-zé😀 ]{0,9}|\n){0,80}", limit in 64usize..120) {
            for piece in split(&text, limit) {
                prop_assert!(units(&piece) <= limit);
            }
        }

        #[test]
        fn fences_never_break_it(text in "(```[a-z]{0,3}\n|[a-z ]{0,40}\n|`{3,5}\n){0,40}", limit in 64usize..120) {
            for piece in split(&text, limit) {
                prop_assert!(units(&piece) <= limit);
            }
        }
    }
}
