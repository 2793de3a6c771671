//! What a person writes on Matrix, as Gitter's Markdown.

use gitter_markup::{mention, to_markdown};
use remote::text::html::parse_plainly;
use remote::text::{Mention, Mentioned, Node, Tag};
use remote::{Composed, PersonId, RichText, Said};

fn typed(text: &str) -> String {
    visible(&to_markdown(&Composed::Plain(text.to_owned())))
}

fn rich(html: &str) -> String {
    visible(&to_markdown(&Composed::Rich(parse_plainly(html))))
}

/// Zero-width spaces made visible.
fn visible(text: &str) -> String {
    text.replace('\u{200B}', "·")
}

#[test]
fn what_is_typed_as_markdown_stays_markdown() {
    for text in [
        "hello",
        "**bold** and *it* and ~~gone~~",
        "`2 * 3` and ``a ` b``",
        "```rust\n#[test] fn a_b() {} // @bob @/all\n    * x\n```\nafter",
        "[docs](https://example.org/a_b?c=d)",
        "see https://example.org/a_b*c#d, or not",
        "- one\n- two\n  - three\n* four",
        "1. one\n2. two\n3. three",
        "# Title",
        "> said\n> again",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "@bob: look",
        "a | b || c",
        "me@example.org",
        "$$x_1$$",
        "a\n\nb",
    ] {
        assert_eq!(typed(text), text);
    }
}

#[test]
fn what_gitter_would_misread_is_escaped() {
    for (text, expected) in [
        ("#rust rocks", "\\#rust rocks"),
        ("see #123 and #x", "see \\#123 and #x"),
        ("  #x", "  \\#x"),
        ("2*3*4", "2\\*3\\*4"),
        ("snake_case", "snake_case"),
        ("_private snake_case", "\\_private snake\\_case"),
        ("a ~~ b ~x", "a \\~\\~ b ~x"),
        ("one ` tick", "one \\` tick"),
        ("title\n===", "title\n·==="),
        ("above\n---\nbelow", "above\n\n---\nbelow"),
        ("-- dashes", "-- dashes"),
        ("-", "·-"),
        ("1984. A year", "·1984. A year"),
        ("2. second", "·2. second"),
        ("    indented", "·    indented"),
        ("> quote\nanswer", "> quote\n\nanswer"),
        ("- item\nafter", "- item\n\nafter"),
        ("hi @alice:example.org", "hi @·alice:example.org"),
        ("git@a.org:b/c", "git@a.org:b/c"),
        ("@room @bob_ @_x", "@·room @bob\\_ @\\_x"),
        ("ring @/all now, ab@/all", "ring @·/all now, ab@·/all"),
        (
            "https://x.org/@/all",
            "[https://x.org/@·/all](https://x.org/%40/all)",
        ),
        ("&lt; & &amp;", "&amp;lt; & &amp;amp;"),
        ("C:\\dir\\*", "C:\\dir\\*"),
        ("a $$ b", "a $·$ b"),
        ("[x]: https://example.org", "\\[x\\]: https://example.org"),
        ("[a](javascript:x)", "\\[a\\]·(javascript:x)"),
        (
            "https://en.org/A_(b)",
            "[https://en.org/A\\_(b)](https://en.org/A_%28b%29)",
        ),
        ("", "·"),
        ("  \n ", "·"),
        ("```\nnever closed", "\\`\\`\\`\nnever closed"),
        ("a\r\nb\rc", "a\nb\nc"),
    ] {
        assert_eq!(typed(text), expected, "{text}");
    }
}

#[test]
fn formatted_messages_become_markdown() {
    for (html, expected) in [
        (
            "<b>a</b> <i>b</i> <del>c</del> <u>d</u> <code>e*`f</code>",
            "**a** *b* ~~c~~ d ``e*`f``",
        ),
        ("<b>a <i>b</i></b><i>c</i>", "**a *b***·*c*"),
        ("<i>a * b</i>", "a \\* b"),
        ("<b> a </b>b", "**a** b"),
        ("<p>a</p><p>b<br>#c</p>", "a\n\nb\n\\#c"),
        (
            "<ul><li>a<ul><li>b</li></ul></li><li><p>c</p><p>d</p></li></ul>e",
            "- a\n\n  - b\n- c\n\n  d\n\ne",
        ),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
        ("<ol start=\"4\"><li>a</li></ol>", "4\\. a"),
        (
            "<blockquote><p>a</p><p>b</p></blockquote>c",
            "> a\n>\n> b\n\nc",
        ),
        (
            "a<pre><code class=\"language-js\">x\n```\ny</code></pre>b",
            "a\n````js\nx\n```\ny\n````\nb",
        ),
        ("<h2>a<br>b</h2>c<hr>d", "## a b\n\nc\n\n---\n\nd"),
        (
            "<a href=\"https://a.b/x_y\">t_</a>",
            "[t\\_](https://a.b/x_y)",
        ),
        (
            "<a href=\"https://a.b/c\">https://a.b/c</a> d",
            "https://a.b/c d",
        ),
        (
            "<b><a href=\"https://a.b/c\">https://a.b/c</a></b>,",
            "**[https://a.b/c](https://a.b/c)**,",
        ),
        (
            "<a href=\"https://a.b/(c) d\">x]</a>",
            "[x&rsqb;](https://a.b/%28c%29%20d)",
        ),
        ("<a href=\"mailto:a@b.c\">write</a>", "write (a@b.c)"),
        ("<a href=\"mailto:a@b.c\">a@b.c</a>", "a@b.c"),
        (
            "<table><tr><th>a</th><th>b</th></tr><tr><td>1<br>2</td><td>#x</td></tr></table>",
            "| a | b |\n|---|---|\n| 1 2 | #x |",
        ),
        ("<table><tr><td>a|b</td></tr></table>", "```text\na|b\n```"),
        ("x<sup>2</sup> H<sub>2</sub>O e<sup>ix</sup>", "x² H₂O e^ix"),
        (
            "<span data-mx-spoiler=\"end\">he dies</span>",
            "(spoiler: end) he dies",
        ),
        ("<span data-mx-maths=\"x^2\">x</span>", "$$x^2$$"),
        ("<ul><li>☑ a</li><li>☐ b</li></ul>", "- [x] a\n- [ ] b"),
        (
            "- not a list<br>1. nor this<br>+ nor this",
            "\\- not a list\n·1. nor this\n\\+ nor this",
        ),
        ("<details><summary>a</summary><p>b</p></details>", "a\n\nb"),
        ("@bob and @bob:example.org", "@bob and @·bob:example.org"),
        ("<p></p>", "·"),
    ] {
        assert_eq!(rich(html), expected, "{html}");
    }
}

fn says(nodes: Vec<Node>) -> String {
    visible(&to_markdown(&Composed::Rich(RichText { nodes })))
}

#[test]
fn mentions_name_exactly_whom_they_mean() {
    let to = |who: Mentioned, label: &str| {
        Node::Mention(Mention {
            who,
            label: label.into(),
        })
    };
    let person = |username: Option<&str>| Mentioned::Person {
        id: PersonId::from("1"),
        username: username.map(str::to_owned),
    };
    let text = |text: &str| Node::Text(text.into());
    assert_eq!(
        says(vec![to(person(Some("Bob-gh")), "Bob"), text(": hi")]),
        "@Bob-gh: hi"
    );
    assert_eq!(
        says(vec![text("x"), to(person(Some("bob")), "Bob"), text("by")]),
        "x·@bob·by"
    );
    assert_eq!(
        says(vec![to(person(Some("bob")), "Bob"), text(".js")]),
        "@bob·.js"
    );
    assert_eq!(
        says(vec![text("["), to(person(Some("bob")), "Bob"), text("]")]),
        "\\[@bob\\]"
    );
    assert_eq!(says(vec![to(person(None), "@bob")]), "@·bob");
    assert_eq!(says(vec![to(person(Some("ghost~12")), "Ghost")]), "Ghost");
    assert_eq!(
        says(vec![to(Mentioned::Name("bob".into()), "@bob")]),
        "@·bob"
    );
    assert_eq!(
        says(vec![to(Mentioned::MatrixUser("@a:b.c".into()), "@a:b.c")]),
        "@·a:b.c"
    );
    assert_eq!(says(vec![to(Mentioned::Everyone, "@room")]), "@/all");
    let link = Tag::Link {
        href: "https://a.b".into(),
        title: None,
    };
    assert_eq!(
        says(vec![link.with(vec![to(person(Some("bob")), "@bob")])]),
        "[@·bob](https://a.b)"
    );
}

#[test]
fn a_name_that_cannot_be_said_is_not() {
    assert_eq!(mention("alice_gitlab").as_deref(), Some("@alice_gitlab"));
    for name in ["ghost~1", "x_", "a:b", "", "é"] {
        assert_eq!(mention(name), None, "{name}");
    }
}

#[test]
fn a_picture_leads_to_itself_as_gitters_uploads_do() {
    for (name, expected) in [
        (
            "cat.png",
            "[![cat.png](https://x.example/a_b)](https://x.example/a_b)",
        ),
        (
            "a [b](c) *d*",
            r"[![a &lsqb;b&rsqb;(c) *d*](https://x.example/a_b)](https://x.example/a_b)",
        ),
    ] {
        let (src, href) = (
            "https://x.example/a_b".to_owned(),
            "https://x.example/a_b".to_owned(),
        );
        let picture = Tag::Image {
            src,
            alt: name.to_owned(),
        }
        .with(Vec::new());
        let link = Tag::Link { href, title: None }.with(vec![picture]);
        let rich = RichText { nodes: vec![link] };
        assert_eq!(visible(&to_markdown(&Composed::Rich(rich))), expected);
    }
}

#[test]
fn people_are_named_in_what_is_typed_by_hand() {
    let bob = || {
        Said::Mention(Mention {
            who: Mentioned::Person {
                id: PersonId::from("1"),
                username: Some("Bob_gh".into()),
            },
            label: "Bob (Gitter)".into(),
        })
    };
    let everyone = || {
        Said::Mention(Mention {
            who: Mentioned::Everyone,
            label: "@room".into(),
        })
    };
    let text = |text: &str| Said::Text(text.into());
    for (pieces, expected) in [
        (vec![bob(), text(": *look* #1")], "@Bob_gh: *look* \\#1"),
        (
            vec![text("**"), bob(), text("** and "), everyone()],
            "**@Bob_gh** and @/all",
        ),
        (
            vec![
                text("- "),
                bob(),
                text("\n- `"),
                bob(),
                text("`\n```\n"),
                everyone(),
                text("\n```"),
            ],
            "- @Bob_gh\n- `Bob (Gitter)`\n\n```\n@room\n```",
        ),
        (
            vec![text("| "), bob(), text(" |\n|-|\n| x |")],
            "| @Bob_gh |\n|-|\n| x |",
        ),
        (vec![text("> "), bob()], "> @Bob_gh"),
        (
            vec![text("\u{FDD0}\u{F0000}"), bob()],
            "\u{FFFD}\u{F0000}@Bob_gh",
        ),
    ] {
        assert_eq!(
            visible(&to_markdown(&Composed::Addressed(pieces))),
            expected
        );
    }
}

#[test]
fn what_is_typed_below_a_file_is_markdown() {
    let (src, href) = (
        "https://x.example/a".to_owned(),
        "https://x.example/a".to_owned(),
    );
    let alt = "a.png".to_owned();
    let picture = Tag::Image { src, alt }.with(Vec::new());
    let link = Tag::Link { href, title: None }.with(vec![picture]);
    let captioned = Composed::Captioned {
        shown: RichText { nodes: vec![link] },
        said: vec![Said::Text("# My *cat*\n- `purrs`\n#tag".to_owned())],
    };
    assert_eq!(
        visible(&to_markdown(&captioned)),
        "[![a.png](https://x.example/a)](https://x.example/a)\n\n# My *cat*\n- `purrs`\n\n\\#tag"
    );
}
