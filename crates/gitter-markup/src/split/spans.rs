//! What stands in a line and must not be cut: code, emphasis, formulas, links, addresses.

use crate::escape::find_url;

/// Where something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The mark around it, with which it can be closed and opened again; empty if it cannot.
    pub(super) mark: &'a str,
}

/// The one that a cut at this place would go through. They are in order and do not overlap.
pub(super) fn at<'a>(spans: &[Span<'a>], cut: usize) -> Option<Span<'a>> {
    let next = spans.partition_point(|span| span.end <= cut);
    spans.get(next).copied().filter(|span| span.start < cut)
}

/// All of them, the outer ones only.
pub(super) fn spans(text: &str) -> Vec<Span<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    for paragraph in text.split("\n\n") {
        let mut at = 0;
        while let Some(c) = paragraph[at..].chars().next() {
            let rest = &paragraph[at..];
            let step = match c {
                '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
                _ => match span(rest, paragraph[..at].chars().next_back()) {
                    Some((length, mark)) => {
                        found.push(Span {
                            start: start + at,
                            end: start + at + length,
                            mark,
                        });
                        length
                    }
                    // A run of marks which opens nothing.
                    None if "*_`~$".contains(c) => rest.len() - rest.trim_start_matches(c).len(),
                    None => c.len_utf8(),
                },
            };
            at += step;
        }
        start += paragraph.len() + 2;
    }
    found
}

/// What begins here: its length, and its mark.
fn span(rest: &str, before: Option<char>) -> Option<(usize, &str)> {
    match rest.chars().next()? {
        sign @ ('*' | '_' | '`' | '~' | '$') => {
            let marks = rest.len() - rest.trim_start_matches(sign).len();
            let marks = match sign {
                '`' => marks,
                '~' | '$' => 2,
                _ => marks.min(2),
            };
            let in_word = sign == '_' && before.is_some_and(char::is_alphanumeric);
            let (mark, inner) = rest.split_at_checked(marks)?;
            if in_word || !mark.chars().all(|c| c == sign) {
                return None;
            }
            let end = closing(inner, mark, sign)?;
            let length = marks + end + marks;
            Some((length, if sign == '$' { "" } else { mark }))
        }
        '[' => link(rest).map(|length| (length, "")),
        '&' => entity(rest).map(|length| (length, "")),
        'h' => find_url(rest)
            .filter(|url| url.0 == 0)
            .map(|url| (url.1, "")),
        _ => None,
    }
}

/// The length of a link, whose label has no brackets in it but those of a picture.
fn link(rest: &str) -> Option<usize> {
    let mut label = rest.strip_prefix('[')?;
    if let Some(picture) = label.strip_prefix('!') {
        label = picture.get(link(picture)?..)?;
    }
    let behind = label[label.find(['[', ']', '\n'])?..].strip_prefix("](")?;
    let end = behind.find(')')? + 1;
    Some(rest.len() - behind.len() + end)
}

/// The length of `&amp;` and the like.
fn entity(rest: &str) -> Option<usize> {
    let end = rest
        .get(1..)?
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '#'))?
        + 1;
    rest[end..].starts_with(';').then_some(end + 1)
}

/// Where the mark stands that closes, which is not a part of a longer run.
fn closing(inner: &str, mark: &str, sign: char) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + inner[from..].find(mark)?;
        let run = inner[at..].len() - inner[at..].trim_start_matches(sign).len();
        let escaped = sign != '`' && inner[..at].ends_with('\\');
        if at > 0 && !escaped && (run == mark.len() || sign == '~' || sign == '$') {
            return Some(at);
        }
        from = at + run.max(1);
    }
}
