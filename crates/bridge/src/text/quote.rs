//! A little of a message, where another one goes back to it.

/// So much is quoted, in characters.
const QUOTE: usize = 120;

/// The beginning of a text, on one line.
pub(crate) fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUOTE) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations_are_short_and_on_one_line() {
        assert_eq!(shorten(" one\n\n two "), "one two");
        assert_eq!(shorten("\u{200b}"), "\u{200b}");
        let long = shorten(&"ä".repeat(500));
        assert_eq!(long, format!("{}…", "ä".repeat(QUOTE)));
    }
}
