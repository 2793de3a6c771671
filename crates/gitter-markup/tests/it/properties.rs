//! What holds for any message whatsoever.

use gitter_markup::{Incoming, MAX_UNITS, split, to_markdown, to_rich};
use proptest::prelude::*;
use remote::text::html::parse_plainly;
use remote::text::{NoNames, html};
use remote::{Composed, RichText};

/// Text with everything in it that means something to somebody.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z0-9]{1,4}",
        prop::sample::select(vec![
            " ",
            " ",
            "\n",
            "\n\n",
            "#",
            "@",
            "@/all",
            "*",
            "**",
            "_",
            "__",
            "~~",
            "`",
            "```",
            ">",
            "- ",
            "1. ",
            "|",
            "---",
            "===",
            "    ",
            "[",
            "](",
            ")",
            "!",
            "\\",
            "$$",
            "&amp;",
            "<",
            "https://a.b/c_d",
            "@a:b.c",
            "\t",
            "é",
            "😀",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_typed_rings_a_whole_room(text in text()) {
        for composed in [Composed::Plain(text.clone()), Composed::Rich(RichText::plain(&text)), Composed::Rich(parse_plainly(&text))] {
            let markdown = to_markdown(&composed);
            // In a block of code it rings nobody.
            let in_code = markdown.contains('`');
            prop_assert!(in_code || !markdown.contains("@/"), "{}", markdown);
            prop_assert!(!markdown.trim().is_empty());
            for piece in split(&markdown, MAX_UNITS) {
                prop_assert!(piece.encode_utf16().count() <= MAX_UNITS);
            }
        }
    }

    #[test]
    fn no_letter_is_lost(text in text()) {
        let text = text.replace("&amp;", "&").replace("](", "]").replace("https://", "");
        let markdown = to_markdown(&Composed::Plain(text.clone()));
        prop_assert_eq!(letters(&markdown), letters(&text), "{}", markdown);
        let markdown = to_markdown(&Composed::Rich(RichText::plain(&text)));
        prop_assert_eq!(letters(&markdown), letters(&text), "{}", markdown);
    }

    #[test]
    fn any_html_of_gitters_can_be_shown(html in text(), status: bool) {
        let message = Incoming { html: &html, text: &html, status, sender: Some("a"), site: "https://a.b", ..Incoming::default() };
        let rich = to_rich(&message);
        prop_assert!(!html::render(&rich, &NoNames).contains("<script"));
    }
}

#[test]
fn hostile_text_takes_no_longer_than_other_text() {
    for piece in [
        "*_", "[", "`a``", "**a ", "_a", "~~", "> ", "- ", "$$", "@", "&", "#", "\\", "http://",
        "|-\n",
    ] {
        let text = piece.repeat(20_000 / piece.len());
        let markdown = to_markdown(&Composed::Plain(text.clone()));
        assert!(markdown.len() < 10 * text.len());
        assert!(
            !split(
                &to_markdown(&Composed::Rich(RichText::plain(&text))),
                MAX_UNITS
            )
            .is_empty()
        );
    }
    for tag in [
        "i",
        "b",
        "del",
        "ul><li",
        "blockquote",
        "a href=\"https://a.b\"",
    ] {
        let nested = format!("<{tag}>a * b").repeat(1000);
        assert!(!to_markdown(&Composed::Rich(parse_plainly(&nested))).is_empty());
    }
}
