//! Emoji: Gitter keeps `:crab:` as it was typed, and its pages show the crab.

/// The HTML of a message with its shortcodes replaced, save in code and in tags.
pub(super) fn show(html: &str) -> String {
    let mut shown = String::with_capacity(html.len());
    let mut code = 0_u32;
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (text, tag) = rest.split_at(start);
        let (tag, after) = tag.split_at(tag.find('>').map_or(tag.len(), |end| end + 1));
        push(&mut shown, text, code > 0);
        shown.push_str(tag);
        if tag.starts_with("<code") || tag.starts_with("<pre") {
            code += 1;
        } else if tag.starts_with("</code") || tag.starts_with("</pre") {
            code = code.saturating_sub(1);
        }
        rest = after;
    }
    push(&mut shown, rest, code > 0);
    shown
}

fn push(shown: &mut String, text: &str, code: bool) {
    if code {
        shown.push_str(text);
        return;
    }
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(':') {
        shown.push_str(before);
        let found = after.split_once(':').and_then(|(name, after)| {
            let emoji = emojis::get_by_shortcode(name)?;
            Some((emoji, after))
        });
        if let Some((emoji, after)) = found {
            shown.push_str(emoji.as_str());
            rest = after;
        } else {
            shown.push(':');
            rest = after;
        }
    }
    shown.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::show;

    #[test]
    fn shortcodes_are_shown_save_in_code_and_tags() {
        for (html, shown) in [
            ("A :crab: at 10:30:00", "A \u{1f980} at 10:30:00"),
            (":crab::crab:", "\u{1f980}\u{1f980}"),
            ("a: :crab:", "a: \u{1f980}"),
            (
                "<code>:crab:</code> :nothing:",
                "<code>:crab:</code> :nothing:",
            ),
            (
                "<a href=\"http://x/:crab:\">:tada:</a>",
                "<a href=\"http://x/:crab:\">\u{1f389}</a>",
            ),
            ("an open <", "an open <"),
        ] {
            assert_eq!(show(html), shown);
        }
    }
}
