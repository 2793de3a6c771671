//! What Gitter's renderer, as the sandbox has it, makes of what we write.

use gitter_markup::{MAX_UNITS, split, to_markdown};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use remote::text::html::parse_plainly;
use remote::text::{Mentioned, NoNames, html};
use remote::{Composed, RichText};

use crate::support::{characters, characters_of, shown_on_gitter};

/// What people on Gitter see of a message.
fn shows(composed: &Composed) -> RichText {
    let pieces = split(&to_markdown(composed), MAX_UNITS);
    let shown = pieces.iter().flat_map(|piece| shown_on_gitter(piece).nodes);
    RichText {
        nodes: shown.collect(),
    }
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9]{1,4}",
        prop::sample::select(vec![
            " ",
            " ",
            " ",
            "\n",
            "\n",
            "\n\n",
            "#",
            "#1",
            "@",
            "@bob",
            "@/all",
            "*",
            "**",
            "_",
            "__",
            "~",
            "~~",
            "`",
            "``",
            "```",
            ">",
            "\n> ",
            "\n- ",
            "\n1. ",
            "\n2. ",
            "|",
            "a|b",
            "\n---",
            "\n===",
            "\n|-|-|",
            "\n    ",
            "[",
            "](",
            "]: ",
            ")",
            "!",
            "\\",
            "$",
            "$$",
            "&amp;",
            "&#35;",
            "&",
            "<",
            "<b>",
            "<!--",
            "\"",
            "'",
            "é",
            "😀",
            "+",
            "-",
            "=",
            ".",
            ":",
            "/",
            "{",
            "}",
            "a@b",
            "o/r#1",
            "a_b",
            "_a",
            "a_",
            "\u{202E}",
            "\u{200D}",
            "\u{0}",
            "\u{A0}",
            "\t",
            "\r",
            "www.a.b",
            "https://a.b/c_d",
            "https://a.b/(c)",
            "http://x",
            "a.b/c",
            "1)",
            "  ",
            "שלום",
        ])
        .prop_map(str::to_owned),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..16).prop_map(|pieces| pieces.concat())
}

/// HTML as clients and people write it, well-formed or not. Links are longer than what they show, which is left out of it.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(vec![
            "<p>", "</p>", "<b>", "</b>", "<i>", "</i>", "<del>", "</del>", "<br>", "<ul>", "</ul>",
            "<ol>", "</ol>", "<li>", "</li>", "<blockquote>", "</blockquote>", "<h2>", "</h2>", "<pre>",
            "</pre>", "<code>", "</code>", "<hr>", "<u>", "</u>", "<div>", "</div>", "<span>", "</span>",
            "<a href=\"https://e.org/a_b\">x", "</a>",
        ])
        .prop_map(str::to_owned),
        2 => prop::sample::select(vec![
            "a", "b c", "#x", "# x", "*", "_", "__", "~~", "`", "```", "&gt;", "- ", "1. ", "2. ", "=", "--",
            "---", "===", "[", "](", ")", "\\", "$$", "@bob", "@/all", "&amp;amp;", "&lt;b&gt;", " ", " ", "a_b",
            "https://a.b/c_d", "!", "#1", "é", "😀", "    ",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

/// Where the texts begin.
const SEED: u64 = 3;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        // The same texts each time: what is found is found by whoever changes something. More of them: another number.
        rng_seed: RngSeed::Fixed(SEED),
        max_shrink_iters: 3000,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(1500))]

    #[test]
    fn plain_text_is_shown_as_it_is(text in text()) {
        let plain = Composed::Rich(RichText::plain(&text));
        let shown = shows(&plain);
        prop_assert_eq!(
            characters(&shown),
            characters_of(&text),
            "{:?}\n{}",
            to_markdown(&plain),
            html::render(&shown, &NoNames)
        );
        let typed = shows(&Composed::Plain(text));
        prop_assert!(!typed.mentions().contains(&&Mentioned::Everyone));
    }

    /// What was shown, written again, is shown the same.
    #[test]
    fn the_round_trip_is_stable(text in text()) {
        let shown = shows(&Composed::Plain(text.clone()));
        let again = shows(&Composed::Rich(shown.clone()));
        prop_assert_eq!(
            characters(&again),
            characters(&shown),
            "{:?}\n{:?}",
            to_markdown(&Composed::Plain(text)),
            to_markdown(&Composed::Rich(shown))
        );
    }

    #[test]
    fn any_html_shows_its_text(source in soup()) {
        let meant = parse_plainly(&source);
        let shown = shows(&Composed::Rich(meant.clone()));
        prop_assert_eq!(
            characters(&shown),
            characters(&meant),
            "{:?}\n{}",
            to_markdown(&Composed::Rich(meant)),
            html::render(&shown, &NoNames)
        );
    }
}

#[test]
fn formatting_survives_the_journey() {
    for source in [
        "<strong>a</strong> <em>b</em> <del>c</del> <code>d_*e</code>",
        "<strong>a <em>b</em> c</strong><em>d</em><strong>e</strong>",
        "snake_case <em>x_y</em> _z_",
        "<p>a<br>b</p><p>c</p>",
        "<ul><li>a</li><li>b</li></ul>",
        "<ol><li>a</li><li>b</li></ol>",
        "<blockquote>a<br>b</blockquote>c",
        "<h2>a</h2>b",
        "<pre><code class=\"language-rust\">let x = \"*_`@bob\";\n\n    y</code></pre>",
        "<a href=\"https://example.org/a_b?c=d&amp;e\">text_*</a>",
        "see <a href=\"https://example.org/a_b\">https://example.org/a_b</a> there",
        "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
        "a<hr>b",
    ] {
        let meant = parse_plainly(source);
        let shown = shows(&Composed::Rich(meant.clone()));
        assert_eq!(
            flat(&html::render(&shown, &NoNames)),
            flat(&html::render(&meant, &NoNames)),
            "{:?}",
            to_markdown(&Composed::Rich(meant))
        );
        assert_eq!(characters(&shown), characters(&meant));
    }
}

/// HTML without paragraphs, which Gitter sets as it likes, and without our own additions.
fn flat(html: &str) -> String {
    html.replace("<p>", "")
        .replace("</p>", "")
        .replace('\u{200B}', "")
}
