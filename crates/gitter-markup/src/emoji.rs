//! Emoji shortcodes, which Gitter leaves as text for the reader's client to replace.

/// Replaces each `:shortcode:` that stands by itself with its emoji; what is not one stays, and so do addresses.
pub(crate) fn replace(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        if word.contains("://") {
            out.push_str(word);
        } else {
            replace_in(word, &mut out);
        }
    }
    out
}

fn replace_in(word: &str, out: &mut String) {
    let mut rest = word;
    let mut just_replaced = false;
    while let Some(start) = rest.find(':') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let behind = &from[1..];
        let apart = if before.is_empty() && just_replaced {
            true
        } else {
            !out.chars()
                .next_back()
                .is_some_and(|c| c.is_alphanumeric() || c == ':')
        };
        let found = behind
            .find(|c: char| !(c.is_ascii_alphanumeric() || "_+-".contains(c)))
            .filter(|&end| apart && behind[end..].starts_with(':'))
            .filter(|&end| !behind[end + 1..].starts_with(|c: char| c.is_alphanumeric()))
            .and_then(|end| Some((emoji(&behind[..end])?, end)));
        just_replaced = found.is_some();
        if let Some((emoji, end)) = found {
            out.push_str(emoji);
            rest = &behind[end + 1..];
        } else {
            out.push(':');
            rest = behind;
        }
    }
    out.push_str(rest);
}

/// Gitter's shortcodes are GitHub's, and one that GitHub has given up.
fn emoji(shortcode: &str) -> Option<&'static str> {
    match shortcode {
        "simple_smile" => Some("🙂"),
        _ => emojis::get_by_shortcode(shortcode).map(emojis::Emoji::as_str),
    }
}

#[cfg(test)]
mod tests {
    use super::replace;

    #[test]
    fn shortcodes_become_emoji_where_they_stand_by_themselves() {
        for (text, expected) in [
            (":smile: ok", "😄 ok"),
            (":+1::heart:!", "👍❤️!"),
            ("(:tada:)", "(🎉)"),
            (":shipit: :nothing:", ":shipit: :nothing:"),
            ("std::x::y a:b:c 12:30:45", "std::x::y a:b:c 12:30:45"),
            ("::", "::"),
            ("é:x:é", "é:x:é"),
            (
                ":tada: https://a.b/:tada:/ :tada:",
                "🎉 https://a.b/:tada:/ 🎉",
            ),
            (":simple_smile:\n:x:", "🙂\n❌"),
        ] {
            assert_eq!(replace(text), expected);
        }
    }
}
