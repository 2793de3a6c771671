//! Rich text from and to HTML, and to a plain body, through the front door.

use std::fmt::Write as _;

use proptest::prelude::*;
use remote::RichText;
use remote::text::html::{self, parse_plainly};
use remote::text::{Mention, Mentioned, Named, Naming, NoNames, Node, Tag, plain};
use remote::{MessageId, PersonId};

/// What Matrix allows (Matrix spec, `m.room.message` msgtypes), with the attributes of each.
const ALLOWED: &[(&str, &[&str])] = &[
    ("del", &[]),
    ("h1", &[]),
    ("h2", &[]),
    ("h3", &[]),
    ("h4", &[]),
    ("h5", &[]),
    ("h6", &[]),
    ("blockquote", &[]),
    ("p", &[]),
    ("a", &["href"]),
    ("ul", &[]),
    ("ol", &["start"]),
    ("sup", &[]),
    ("sub", &[]),
    ("li", &[]),
    ("u", &[]),
    ("strong", &[]),
    ("em", &[]),
    ("code", &["class"]),
    ("hr", &[]),
    ("br", &[]),
    ("div", &["data-mx-maths"]),
    ("table", &[]),
    ("thead", &[]),
    ("tbody", &[]),
    ("tr", &[]),
    ("th", &[]),
    ("td", &[]),
    ("pre", &[]),
    ("span", &["data-mx-spoiler", "data-mx-maths"]),
    ("img", &["src", "alt"]),
    ("details", &[]),
    ("summary", &[]),
];

fn again(html: &str) -> String {
    html::render(&parse_plainly(html), &NoNames)
}

fn body(html: &str) -> String {
    plain::render(&parse_plainly(html), &NoNames)
}

/// Complains about anything in the HTML that Matrix does not allow.
fn assert_allowed(written: &str) {
    let mut rest = written;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest
            .find('>')
            .unwrap_or_else(|| panic!("a tag without an end in {written}"));
        let tag = rest[..end].trim_start_matches('/');
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let known = ALLOWED.iter().find(|(allowed, _)| *allowed == name);
        let (_, allowed) = known.unwrap_or_else(|| panic!("<{name}> in {written}"));
        while let Some((attribute, value)) = attributes.split_once("=\"") {
            assert!(
                allowed.contains(&attribute.trim()),
                "{attribute} on <{name}> in {written}"
            );
            let (value, behind) = value.split_once('"').expect("an attribute's end");
            if attribute.trim() == "href" {
                let scheme = value
                    .split(':')
                    .next()
                    .unwrap_or_default()
                    .to_ascii_lowercase();
                assert!(
                    remote::text::LINK_SCHEMES.contains(&scheme.as_str()),
                    "{value}"
                );
            }
            attributes = behind;
        }
        rest = &rest[end + 1..];
    }
}

#[test]
fn formatting_survives() {
    for html in [
        "<strong>a</strong> <em>b</em> <u>c</u> <del>d</del> x<sup>2</sup><sub>i</sub>",
        "a<br>b",
        "<p>a</p><p>b <code>c  d</code></p>",
        "<pre><code class=\"language-rust\">fn main() {\n    1 &lt; 2;\n}</code></pre>",
        "<blockquote><p>a</p><blockquote>b</blockquote></blockquote>c",
        "<h1>a</h1><h6>b</h6><hr>",
        "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul><ol start=\"3\"><li>d</li></ol><ol><li>e</li></ol>",
        "<ul><li>☑ done</li><li>☐ open</li></ul>",
        "<ul><li>☐ <span data-mx-spoiler=\"\">behind a box</span></li></ul>",
        "<a href=\"https://example.org/?a=1&amp;b=2\">a</a>",
        "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>",
        "<details><summary>a</summary>b</details>",
        "<span data-mx-spoiler=\"why\">a</span><span data-mx-spoiler=\"\">b</span>",
        "<span data-mx-maths=\"x^2\">x²</span><div data-mx-maths=\"y\"><code>y</code></div>",
        "<img src=\"mxc://example.org/abc\" alt=\"a cat\">",
    ] {
        assert_eq!(again(html), html);
    }
}

/// What is found when many are tried stays here.
#[test]
fn what_was_found_reads_as_the_same() {
    for html in [
        "<li>☐<span data-mx-spoiler> \"",
        "<li> ☑ \n <p> <b> a</b> <ul><li>☐<li>☐☑",
    ] {
        let text = parse_plainly(html);
        let written = html::render(&text, &NoNames);
        assert_eq!(parse_plainly(&written), text, "{written}");
    }
}

#[test]
fn what_is_unsafe_or_unknown_leaves_its_text_at_most() {
    for (html, expected) in [
        ("a<script>alert(1)</script>b", "ab"),
        ("<style>p{}</style><iframe src=x>y</iframe>z", "z"),
        (
            "<mx-reply><blockquote>old</blockquote></mx-reply>new",
            "new",
        ),
        ("<blink onclick=\"x()\">a</blink>", "a"),
        ("<a href=\"javascript:alert(1)\">a</a>", "a"),
        ("<a href=\"java\nscript:alert(1)\">a</a>", "a"),
        (
            "<a href=\" https://a.b/ c\">x</a>",
            "<a href=\"https://a.b/%20c\">x</a>",
        ),
        (
            "<a href=\"//a.b/c\">x</a>",
            "<a href=\"https://a.b/c\">x</a>",
        ),
        ("<img src=\"data:image/png;base64,AA\" alt=\"cat\">", "cat"),
        ("<font color=\"#f00\"><b>a</b></font>", "<strong>a</strong>"),
        (
            "<a href=\"https://a.b/\" title=\"T\" target=\"_self\">x</a>",
            "<a href=\"https://a.b/\">x</a>",
        ),
        ("<div>a</div><div>b</div>", "<p>a</p><p>b</p>"),
        ("a<div></div>b", "a<br>b"),
        ("<code class=\"x\" onload=y>a</code>", "<code>a</code>"),
        ("a &lt;b&gt; &amp; c", "a &lt;b&gt; &amp; c"),
        ("<p>a<p>b", "<p>a</p><p>b</p>"),
        ("<b>a<i>b</b>c", "<strong>a<em>b</em></strong>c"),
        ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        ("  a \n\t b <b> c</b>  ", "a b <strong>c</strong>"),
        ("<!-- no --><b></b>", ""),
        ("<pre>\nx\ny\n</pre>", "<pre><code>x\ny</code></pre>"),
        ("<script>never closed <b>x</b>", ""),
        (
            "<ul><li><input type=\"checkbox\" checked> a</li></ul>",
            "<ul><li>☑ a</li></ul>",
        ),
    ] {
        assert_eq!(again(html), expected, "{html}");
    }
}

#[test]
fn a_plain_body_reads_well() {
    insta::assert_snapshot!(body(
        "<h2>News</h2><p>Some <b>bold</b> words, <del>wrong</del> and <code>code</code>.<br>Next line</p>\
         <ul><li>one</li><li>two<ol start=\"9\"><li>nine</li><li>ten<br>still ten</li></ol></li></ul>\
         <blockquote><p>said</p><p>and said</p></blockquote>\
         <pre><code class=\"language-rust\">fn main() {\n    loop {}\n}</code></pre>\
         <p><a href=\"https://example.org/\">example.org</a>, <a href=\"https://example.org/x\">there</a>, \
         <a href=\"mailto:a@b.c\">a@b.c</a></p><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>\
         <p>E = mc<sup>2</sup>, <span data-mx-maths=\"x_1\">x</span>, <span data-mx-spoiler=\"end\">he dies</span></p>\
         <hr><ul><li>☑ done</li></ul>"
    ), @r"
    News

    Some bold words, ~~wrong~~ and `code`.
    Next line

    - one
    - two
      9. nine
      10. ten
          still ten
    > said
    >
    > and said
    ```rust
    fn main() {
        loop {}
    }
    ```

    https://example.org/, there (https://example.org/x), a@b.c

    a | b
    1 | 2

    E = mc^2, $x_1$, [Spoiler: end]

    ---
    - [x] done
    ");
}

struct Pills;

impl Naming for Pills {
    fn mention(&self, mention: &Mention) -> Named {
        let href = match &mention.who {
            Mentioned::Person { id, .. } => {
                Some(format!("https://matrix.to/#/@gitter_{id}:example.org"))
            }
            _ => None,
        };
        Named {
            href,
            label: "Bob \"<b>\"".to_owned(),
        }
    }

    fn message(&self, message: &MessageId) -> Option<String> {
        (message.as_str() == "m1").then(|| "https://matrix.to/#/!r/$e".to_owned())
    }
}

#[test]
fn mentions_and_links_to_messages_are_named_by_the_reader() {
    let bob = Mention {
        who: Mentioned::Person {
            id: PersonId::from("42"),
            username: None,
        },
        label: "@bob".into(),
    };
    let link = |id: &str| Node::MessageLink {
        message: MessageId::from(id),
        href: "https://gitter.im/a/b?at=1".into(),
        children: vec![Node::Text("this".into())],
    };
    let text = RichText {
        nodes: vec![Node::Mention(bob), link("m1"), link("m2")],
    };
    assert_eq!(
        html::render(&text, &Pills),
        "<a href=\"https://matrix.to/#/@gitter_42:example.org\">Bob &quot;&lt;b&gt;&quot;</a>\
         <a href=\"https://matrix.to/#/!r/$e\">this</a><a href=\"https://gitter.im/a/b?at=1\">this</a>"
    );
    assert_eq!(
        html::render(
            &RichText {
                nodes: text.nodes[..1].to_vec()
            },
            &NoNames
        ),
        "@bob"
    );
    assert!(plain::render(&text, &Pills).starts_with("Bob"));
}

#[test]
fn a_caller_who_knows_more_is_asked_first() {
    let text = html::parse(
        "<p><a href=\"x:bob\"><b>Bob</b></a> <span class=\"a b\">k<br>l</span></p>",
        &|it| {
            if it.has_class("b") {
                assert_eq!(it.find("br").map(|br| br.name()), Some("br"));
                return Some(vec![Node::Text(it.text().replace('\n', "|"))]);
            }
            let id = it.attribute("href")?.strip_prefix("x:")?;
            assert_eq!(
                it.children(),
                [Tag::Strong.with(vec![Node::Text("Bob".into())])]
            );
            let who = Mentioned::Person {
                id: PersonId::from(id),
                username: None,
            };
            Some(vec![Node::Mention(Mention {
                who,
                label: it.text(),
            })])
        },
    );
    assert_eq!(
        text.mentions(),
        [&Mentioned::Person {
            id: PersonId::from("bob"),
            username: None
        }]
    );
    assert_eq!(html::render(&text, &NoNames), "<p>Bob k|l</p>");
}

#[test]
fn hostile_html_costs_no_more_than_its_length() {
    let deep = "<blockquote>".repeat(200_000) + "x";
    let text = parse_plainly(&deep);
    assert_eq!(
        plain::render(&text, &NoNames).trim_start_matches(['>', ' ']),
        "x"
    );
    // Each open element would be copied into each paragraph by a browser's rules.
    let mut bomb = String::new();
    for n in 0..10_000 {
        let _ = write!(bomb, "<b a{n}>");
    }
    bomb += &"<p>x".repeat(10_000);
    assert!(again(&bomb).len() < 10 * bomb.len());
    assert_eq!(again(&"</div>".repeat(200_000)), "");
}

#[test]
fn deep_text_with_many_lines_stays_short_as_plain_text() {
    for (open, mark) in [("<blockquote>", "> "), ("<ul><li>", "- ")] {
        let deep = open.repeat(32) + &"x<br>".repeat(2_000);
        let body = body(&deep);
        assert!(body.starts_with(&mark.repeat(6)), "{}", &body[..100]);
        assert!(body.len() < 3 * deep.len(), "{}", body.len());
        assert_eq!(body.matches('x').count(), 2_000);
    }
}

#[test]
fn the_deepest_text_can_be_stored_and_read_back() {
    let text = parse_plainly(&"<ul><li>".repeat(1000).replace("<li>", "<li>a"));
    let stored =
        serde_json::to_string(&serde_json::json!({ "event": { "message": { "text": text } } }))
            .unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&stored).is_ok());
    let stored = serde_json::to_string(&text).unwrap();
    assert_eq!(serde_json::from_str::<RichText>(&stored).unwrap(), text);
}

/// HTML as nobody would write it, made of pieces that matter.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "<p>",
            "</p>",
            "<div>",
            "</div>",
            "<b>",
            "</b>",
            "<i>",
            "</i>",
            "<br>",
            "</br>",
            "<hr>",
            "<ul>",
            "</ul>",
            "<ol start=5>",
            "</ol>",
            "<li>",
            "</li>",
            "<pre>",
            "</pre>",
            "<code class=language-a>",
            "</code>",
            "<blockquote>",
            "</blockquote>",
            "<table>",
            "<tr>",
            "<td>",
            "</td>",
            "</table>",
            "<th>",
            "<thead>",
            "<a href=\"https://a.b\">",
            "<a href=\"x:y\">",
            "</a>",
            "<img src=\"https://a/b\">",
            "<h1>",
            "</h1>",
            "<h3>",
            "<span data-mx-spoiler>",
            "<span data-mx-maths=\"x\">",
            "<div data-mx-maths=\"y\">",
            "</span>",
            "<details>",
            "<summary>",
            "</details>",
            "<script>",
            "</script>",
            "<mx-reply>",
            "</mx-reply>",
            "<svg/>",
            "<input type=checkbox checked>",
            "<x-y>",
            "</x-y>",
            "<!--",
            "-->",
            "<sup>",
            "</sup>",
            "<del>",
            "</del>",
        ])
        .prop_map(str::to_owned),
        "[ \\n]{0,3}",
        "[a-z☑☐&;<>\"' \\n]{0,6}",
        "\\PC{0,6}",
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_in_only_allowed_tags_go_out(html in prop_oneof![soup(), any::<String>()]) {
        assert_allowed(&again(&html));
        body(&html);
    }

    #[test]
    fn what_was_written_reads_as_the_same(html in soup()) {
        let text = parse_plainly(&html);
        let written = html::render(&text, &NoNames);
        prop_assert_eq!(&parse_plainly(&written), &text, "{}", written);
    }

    #[test]
    fn characters_come_through_unchanged(words in "[^\\s\\x00]{1,40}") {
        let text = RichText::plain(&words);
        let read = parse_plainly(&html::render(&text, &NoNames));
        prop_assert_eq!(read, text);
    }
}
