use std::collections::BTreeMap;

use serde_json::Value;

use super::render;

/// Every pair of text and HTML in the recordings.
fn recorded() -> BTreeMap<String, String> {
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/../../recordings");
    let mut files = vec![format!("{base}/rest.jsonl")];
    for file in std::fs::read_dir(format!("{base}/realtime")).unwrap() {
        files.push(file.unwrap().path().to_str().unwrap().to_owned());
    }
    let mut pairs = BTreeMap::new();
    for file in files {
        for line in std::fs::read_to_string(file).unwrap().lines() {
            collect(&serde_json::from_str(line).unwrap(), &mut pairs);
        }
    }
    pairs
}

fn collect(value: &Value, pairs: &mut BTreeMap<String, String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, pairs)),
        Value::Object(fields) => {
            // What the server wrote itself about a ban was not rendered from its text.
            if let (Some(text), Some(html), Some(_)) =
                (fields.get("text"), fields.get("html"), fields.get("sent"))
            {
                pairs.insert(
                    text.as_str().unwrap().to_owned(),
                    html.as_str().unwrap().to_owned(),
                );
            }
            fields.values().for_each(|value| collect(value, pairs));
        }
        _ => {}
    }
}

#[test]
fn recorded_texts_render_as_they_did() {
    // Not coloured by highlight.js, twice; not laid out by KaTeX.
    let simpler = [
        "```\n<b>not html</b>\n```",
        "```js\nvar x = 1 < 2 && \"a\";\n```",
        "inline $$x^2$$ and\n\n$$\n\\frac{1}{2}\n$$",
    ];
    let pairs = recorded();
    let mut wrong = Vec::new();
    let mut same = 0;
    for (text, html) in &pairs {
        let rendered = render(text).html;
        if rendered == *html {
            same += 1;
        } else if !simpler.contains(&text.as_str()) {
            wrong.push(format!(
                "{text:?}\n  recorded {html:?}\n  rendered {rendered:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(same, pairs.len() - simpler.len());
    assert!(pairs.len() >= 90, "{} pairs", pairs.len());
}

/// What the renderer of 2014 makes of things that look alike elsewhere, as its documentation and the recordings have it.
#[test]
fn peculiarities() {
    let html = |text: &str| render(text).html;
    assert_eq!(html("#rust rocks"), "<h1>rust rocks</h1>\n");
    assert_eq!(html("a\nb"), "a<br>b");
    assert_eq!(
        html("snake_case_x and 2*3*4"),
        "snake_case_x and 2<em>3</em>4"
    );
    assert_eq!(
        html("text\n```\ncode\n```"),
        "text<pre><code>code</code></pre>"
    );
    assert_eq!(html("Title\n---"), "<h2>Title</h2>\n");
    assert_eq!(
        html("> a\nb\n\nc"),
        "<blockquote>\n<p>a<br>b</p></blockquote>\n<p>c</p>"
    );
    assert_eq!(
        html("[x](javascript:alert(1))")
            .matches("link-tooltip")
            .count(),
        1
    );
    assert_eq!(html("`@a` \\# &amp; &"), "<code>@a</code> # &amp; &amp;");
    assert_eq!(
        html("* a\n    * b\n* c"),
        "<ul>\n<li>a<ul>\n<li>b</li>\n</ul>\n</li>\n<li>c</li>\n</ul>\n"
    );
    assert_eq!(
        html("[a][1]\n\n[1]: https://example.org/")
            .matches("href=\"https://example.org/\"")
            .count(),
        1
    );
}

#[test]
fn names() {
    let names = |text: &str| {
        render(text)
            .mentions
            .into_iter()
            .map(|name| name.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names("@alice:matrix.org, @foo_ and @bar:"),
        ["alice:matrix.org", "foo", "bar"]
    );
    assert_eq!(names("ab@/all"), ["all"]);
    assert_eq!(names("me@example.org `@code`"), Vec::<String>::new());
    assert_eq!(names("\\@user"), ["user"]);
}

/// Nothing may bring the renderer down, however deep or broken it is.
#[test]
fn hostile_texts_are_survived() {
    for piece in [
        "*_", "**__", "> ", ">", "- + ", "[", "![](", "`", "``` ", "$$", "<a \"", "#", "@",
        "|\n-|-\n", "~~a", "\\", "&#", "é*", "1. ",
    ] {
        let text: String = piece
            .repeat(4096 / piece.len())
            .chars()
            .take(4096)
            .collect();
        render(&text);
        render(&format!("{text}\n{text}"));
    }
}
