//! Cuts Markdown that is too long for one message.

use crate::escape::{GAP, LINE_STARTS};

/// Cuts Markdown into pieces of at most `limit` UTF-16 code units, at an empty line, a line's end or between words if there is
/// one in the second half of a piece, else anywhere but inside a character. A fenced block that is cut is closed and opened again.
///
/// `limit` below 64 counts as 64.
pub fn split(markdown: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(64);
    let mut pieces = Vec::new();
    let mut rest = markdown.to_owned();
    while units(&rest) > limit {
        let whole = prefix(&rest, limit);
        let fence = open_fence(whole);
        let (cut, fence) = match fence {
            // Leave room for the closing fence; the shorter piece may well end before the block begins.
            Some(fence) => {
                let cut = best_cut(prefix(&rest, limit - units(&fence.mark) - 1));
                (cut, open_fence(&rest[..cut]))
            }
            None => (best_cut(whole), None),
        };
        let (piece, behind) = rest.split_at(cut);
        let mut piece = piece.trim_end_matches([' ', '\n']).to_owned();
        let mut next = String::new();
        if let Some(fence) = fence {
            piece.push('\n');
            piece.push_str(&fence.mark);
            next.push_str(&fence.line);
            next.push('\n');
            next.push_str(behind.strip_prefix('\n').unwrap_or(behind));
        } else {
            // What was in the middle of a line must not mean something at its start.
            let inside = !rest[..cut].ends_with('\n') && !behind.starts_with('\n');
            if inside && behind.trim_start().starts_with(LINE_STARTS) {
                next.push(GAP);
            }
            next.push_str(behind.trim_start_matches(['\n', ' ']));
        }
        if !piece.is_empty() {
            pieces.push(piece);
        }
        // Opening a block again must not make the rest longer than it was, or this would never end.
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

/// Where to cut.
fn best_cut(text: &str) -> usize {
    let half = text.len() / 2;
    let late = |at: &usize| *at > half;
    if let Some(at) = text.rfind("\n\n").map(|at| at + 1).filter(late) {
        return at;
    }
    if let Some(at) = text.rfind('\n').map(|at| at + 1).filter(late) {
        return at;
    }
    if let Some(at) = text.rfind(' ').filter(late) {
        return at;
    }
    // Not between an escape and what it escapes, nor between `@` and what keeps it from being a name.
    let mut cut = text.len();
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
        let marks = start.len() - start.trim_start_matches('`').len();
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
        assert!(pieces[1].starts_with("```rust\nlet x"));
        let lines: usize = pieces
            .iter()
            .map(|piece| piece.matches("let x = 1;").count())
            .sum();
        assert_eq!(lines, 20);
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
        fn fences_never_break_it(text in "(```[a-z]{0,3}\n|[a-z ]{0,40}\n|`{3,5}\n){0,40}", limit in 64usize..120) {
            for piece in split(&text, limit) {
                prop_assert!(units(&piece) <= limit);
            }
        }
    }
}
