//! What Gitter's renderer, as the sandbox has it, makes of what we write.

use gitter_markup::{MAX_UNITS, split, to_markdown};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use remote::text::html::parse_plainly;
use remote::text::{Mentioned, NoNames, html};
use remote::{Composed, RichText};

use crate::hunt::holds;
use crate::support::{characters, characters_of, shown_in_letters, shown_on_gitter};
use crate::texts::{long_text, soup, text};

/// What people on Gitter see of a message.
fn shows(composed: &Composed) -> RichText {
    shows_in_pieces(composed, MAX_UNITS)
}

/// The same of one that has to be cut.
fn shows_in_pieces(composed: &Composed, limit: usize) -> RichText {
    let pieces = split(&to_markdown(composed), limit);
    let shown = pieces
        .iter()
        .flat_map(|piece| shown_in_letters(piece).nodes);
    RichText {
        nodes: shown.collect(),
    }
}

/// Any text is shown as it is, also where it is cut.
fn shows_itself(text: &str, limit: usize) -> Result<(), TestCaseError> {
    let plain = Composed::Rich(RichText::plain(text));
    // Gitter shortens the name of a commit, and an address that is as long as a piece cannot stay whole.
    let markdown = to_markdown(&plain);
    let hashes = markdown.split('@').skip(1);
    prop_assume!(
        hashes
            .clone()
            .all(|hash| hash.bytes().take_while(u8::is_ascii_hexdigit).count() < 8)
    );
    let longest = to_markdown(&plain).split_whitespace().map(str::len).max();
    prop_assume!(limit == MAX_UNITS || longest.is_none_or(|longest| longest < limit / 2));
    let shown = shows_in_pieces(&plain, limit);
    prop_assert_eq!(
        characters(&shown),
        characters_of(text),
        "{:?}\n{}",
        split(&to_markdown(&plain), limit),
        html::render(&shown, &NoNames)
    );
    Ok(())
}

/// What was typed and shown, written again, is shown the same.
fn is_stable(text: &str) -> Result<(), TestCaseError> {
    // Which emoji a text has depends on what stands around the shortcodes.
    prop_assume!(
        text.split(':')
            .all(|name| emojis::get_by_shortcode(name).is_none())
    );
    let shown = shown_on_gitter(&to_markdown(&Composed::Plain(text.to_owned())));
    prop_assert!(!shown.mentions().contains(&&Mentioned::Everyone));
    let again = shown_on_gitter(&to_markdown(&Composed::Rich(shown.clone())));
    prop_assert_eq!(
        characters(&again),
        characters(&shown),
        "{:?}\n{:?}\n{}",
        to_markdown(&Composed::Plain(text.to_owned())),
        to_markdown(&Composed::Rich(shown.clone())),
        html::render(&shown, &NoNames)
    );
    Ok(())
}

fn shows_what_it_means(source: &str) -> Result<(), TestCaseError> {
    let meant = parse_plainly(source);
    let shown = shows(&Composed::Rich(meant.clone()));
    prop_assert_eq!(
        characters(&shown),
        characters(&meant),
        "{:?}\n{}",
        to_markdown(&Composed::Rich(meant)),
        html::render(&shown, &NoNames)
    );
    Ok(())
}

#[test]
fn plain_text_is_shown_as_it_is() {
    holds(600, &text(), |text| shows_itself(&text, MAX_UNITS));
}

#[test]
fn plain_text_in_pieces_is_shown_as_it_is() {
    holds(80, &(long_text(), 120_usize..400), |(text, limit)| {
        shows_itself(&text, limit)
    });
}

#[test]
fn the_round_trip_is_stable() {
    holds(600, &text(), |text| is_stable(&text));
}

#[test]
fn any_html_shows_its_text() {
    holds(600, &soup(), |source| shows_what_it_means(&source));
}

/// What the properties found when they did not hold yet.
#[test]
fn what_was_found_is_shown_as_it_is() {
    for text in [
        "https://*",
        "https://`a",
        "https://&lt;?",
        "https://a.b/c_d&lt;)\n[a]: ",
        "http://x[x]",
        "https://[a]",
        "https://a.b/c_d](a)0",
        "https://a.b/c_d](https://a.b/c_d@/all",
        "~~0<~~\n- \n~~~\n0https://a.b/c_d",
        "<\n~~~\n_http://a.b_a",
        "</]: \u{2028}0_http://a.b_",
        "<*www.a.b",
        "https://a.b/c_d\u{FEFF}__a__a",
    ] {
        shows_itself(text, MAX_UNITS).unwrap();
        is_stable(text).unwrap();
    }
    for source in [
        "<i><b>_</b>a",
        "<i><b><a href=\"https://e.org/a_b\">x</b>a",
        "https://a.b/c_d)<code>a",
        "https://a.b/c_d)<a href=\"https://e.org/a_b\">x",
        "<u>https://a.b/c_d)<u>*",
        "https://a.b/c_d](<a href=\"https://e.org/a_b\">x",
        "https://a.b/c_d]()",
        "<li><pre>--",
        "<li><ul><li><hr>#x",
        "<li><ul><li><ul><hr>#x",
        "<li><pre><br> ",
        "<li><pre>a\n\n\nb",
        "<ol>a<i> <i>--",
        "<del><code>*</del>@bob",
        "<del>=</del>@bob",
        "!<b><a href=\"https://e.org/a_b\">x<b></p>a",
        "<b>=</b><b><b>[",
        "<b>*</b><b>a",
        "<a href=\"https://e.org/a_b\">x</a> <code>](y)</code>",
    ] {
        shows_what_it_means(source).unwrap();
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
