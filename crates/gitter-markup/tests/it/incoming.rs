//! Messages as Gitter 21.15 rendered them (recorded cases `msg_send_*`), read as rich text.

use gitter_markup::{Forge, ForgeKind, Incoming, KnownMention, to_rich};
use remote::text::{Mentioned, NoNames, Node, html, plain};
use remote::{MessageId, PersonId};

const SITE: &str = "https://gitter.im";

fn message(html: &str) -> Incoming<'_> {
    Incoming {
        html,
        text: "text",
        site: SITE,
        ..Incoming::default()
    }
}

fn shown(message: &Incoming<'_>) -> String {
    html::render(&to_rich(message), &NoNames)
}

#[test]
fn formatting_code_and_tables_come_through() {
    for (html, expected) in [
        ("line one<br>line two", "line one<br>line two"),
        (
            "<p>line one<br>line two</p><p>paragraph two</p>",
            "<p>line one<br>line two</p><p>paragraph two</p>",
        ),
        (
            "<pre><code class=\"js\"><span class=\"keyword\">var</span> x = <span class=\"number\">1</span> &lt; 2;</code></pre>",
            "<pre><code class=\"language-js\">var x = 1 &lt; 2;</code></pre>",
        ),
        (
            "<pre><code><span class=\"xml\"><span class=\"tag\">&lt;b&gt;</span></span></code></pre>",
            "<pre><code>&lt;b&gt;</code></pre>",
        ),
        (
            "<h1>Title</h1>\n<p><del>s</del> <code>:smile:</code></p><ul>\n<li>item 1</li>\n</ul>\n<blockquote>\n<p>quote</p></blockquote>\n",
            "<h1>Title</h1><p><del>s</del> <code>:smile:</code></p><ul><li>item 1</li></ul><blockquote><p>quote</p></blockquote>",
        ),
        (
            "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n</tr>\n</tbody>\n</table>\n",
            "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>",
        ),
        (":smile: :+1: 😀 héllo", "😄 👍 😀 héllo"),
        (
            "<a href=\"https://example.org/a?b=c&amp;d=e\" rel=\"nofollow noopener noreferrer\" target=\"_blank\" class=\"link \">link</a>",
            "<a href=\"https://example.org/a?b=c&amp;d=e\">link</a>",
        ),
        (
            "mail <a href=\"mailto:me@example.org\" rel=\"nofollow\">me@example.org</a>",
            "mail <a href=\"mailto:me@example.org\">me@example.org</a>",
        ),
        (
            "&lt;script&gt; &quot;q&quot; &#39;s&#39;",
            "&lt;script&gt; &quot;q&quot; 's'",
        ),
        ("a\u{0}b\u{7}c", "ab\u{7}c"),
    ] {
        assert_eq!(shown(&message(html)), expected);
    }
}

#[test]
fn pictures_become_links() {
    assert_eq!(
        shown(&message(
            "<img src=\"https://example.org/pic.png\" alt=\"alt text\" rel=\"nofollow\">"
        )),
        "<a href=\"https://example.org/pic.png\">alt text</a>"
    );
    assert_eq!(
        shown(&message(
            "<a href=\"https://files.gitter.im/54/s.png\" class=\"link \"><img src=\"https://files.gitter.im/54/thumb/s.png\" \
             alt=\"s.png\" rel=\"nofollow\"></a>"
        )),
        "<a href=\"https://files.gitter.im/54/s.png\">s.png</a>"
    );
}

#[test]
fn formulas_keep_their_source() {
    let html = "<p>inline <span class=\"katex\"><span class=\"katex-mathml\"><math><semantics><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow>\
                <annotation encoding=\"application/x-tex\">x^2</annotation></semantics></math></span><span class=\"katex-html\" \
                aria-hidden=\"true\"><span class=\"mord\">x</span></span></span> and</p>";
    assert_eq!(
        shown(&message(html)),
        "<p>inline <span data-mx-maths=\"x^2\"><code>x^2</code></span> and</p>"
    );
}

#[test]
fn mentions_are_typed() {
    let html = "hey <span data-link-type=\"mention\" data-screen-name=\"bob-gh\" class=\"mention\">@bob-gh</span> and \
                <span data-link-type=\"mention\" data-screen-name=\"BOB-GH\" class=\"mention\">@BOB-GH</span>, \
                <span data-link-type=\"groupmention\" data-group-name=\"all\" class=\"groupmention\">@/all</span>";
    let bob = KnownMention {
        screen_name: "bob-gh",
        user_id: Some("5531a0c015522ed4b3df8c51"),
        announcement: false,
    };
    let loud = KnownMention {
        screen_name: "BOB-GH",
        user_id: None,
        announcement: false,
    };
    let all = KnownMention {
        screen_name: "all",
        user_id: None,
        announcement: true,
    };
    let rich = to_rich(&Incoming {
        mentions: &[bob, loud, all],
        ..message(html)
    });
    let person = Mentioned::Person {
        id: PersonId::from("5531a0c015522ed4b3df8c51"),
        username: Some("bob-gh".into()),
    };
    assert_eq!(
        rich.mentions(),
        [
            &person,
            &Mentioned::Name("BOB-GH".into()),
            &Mentioned::Everyone
        ]
    );
    assert_eq!(
        plain::render(&rich, &NoNames),
        "hey @bob-gh and @BOB-GH, @/all"
    );
    // Said by somebody who may not ring everybody.
    let rich = to_rich(&Incoming {
        mentions: &[bob],
        ..message(html)
    });
    assert!(!rich.mentions().contains(&&Mentioned::Everyone));
}

#[test]
fn issues_lead_to_the_repository_if_it_is_known() {
    let html = "fixes <a target=\"_blank\" data-link-type=\"issue\" data-issue=\"12\" class=\"issue\">#12</a>, <a target=\"_blank\" \
                data-link-type=\"issue\" data-issue=\"34\" data-issue-repo=\"acme/repo\" class=\"issue\">acme/repo#34</a>";
    // Who names a repository means one on GitHub.
    assert_eq!(
        shown(&message(html)),
        "fixes #12, <a href=\"https://github.com/acme/repo/issues/34\">acme/repo#34</a>"
    );
    let forge = Some(Forge {
        kind: ForgeKind::GitHub,
        repository: "org/room",
    });
    assert_eq!(
        shown(&Incoming {
            forge,
            ..message(html)
        }),
        "fixes <a href=\"https://github.com/org/room/issues/12\">#12</a>, \
         <a href=\"https://github.com/acme/repo/issues/34\">acme/repo#34</a>"
    );
}

#[test]
fn a_permalink_is_a_link_to_a_message() {
    let html = "<a href=\"https://gitter.im/acme-community/dev?at=6b0310689899fb466689e0dd\" class=\"link \">there</a>";
    let rich = to_rich(&message(html));
    let [
        Node::MessageLink {
            message: id, href, ..
        },
    ] = rich.nodes.as_slice()
    else {
        panic!("{rich:?}")
    };
    assert_eq!(*id, MessageId::from("6b0310689899fb466689e0dd"));
    assert!(href.ends_with("?at=6b0310689899fb466689e0dd"));
    let other = "<a href=\"https://gitter.im.example/a?at=6b0310689899fb466689e0dd\">x</a>";
    assert!(matches!(
        to_rich(&message(other)).nodes.as_slice(),
        [Node::Element(_)]
    ));
}

#[test]
fn an_emote_loses_its_senders_name_once() {
    let own = "<span data-link-type=\"mention\" data-screen-name=\"alice\" class=\"mention\">@alice</span>";
    let emote = |html: &str| {
        let it = Incoming {
            status: true,
            sender: Some("alice"),
            ..message(html)
        };
        plain::render(&to_rich(&it), &NoNames)
    };
    assert_eq!(emote(&format!("{own} waves to {own}")), "waves to @alice");
    assert_eq!(emote(&format!("<p>{own} waves</p><p>b</p>")), "waves\n\nb");
    assert_eq!(emote("@Alice waves"), "waves");
    assert_eq!(emote("alice waves"), "alice waves");
    assert_eq!(shown(&message("@alice waves")), "@alice waves");
}

#[test]
fn without_html_the_text_is_shown() {
    let it = Incoming {
        text: "a **b**\nc :tada:",
        ..message("")
    };
    assert_eq!(plain::render(&to_rich(&it), &NoNames), "a **b**\nc 🎉");
    assert!(to_rich(&Incoming::default()).is_empty());
}
