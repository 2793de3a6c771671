//! What Gitter's renderer, as the sandbox has it, makes of what we write.

use gitter_markup::{Incoming, KnownMention, split, to_markdown, to_rich};
use gitter_sandbox::{RoomId, Sandbox, UserId, Visibility};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use remote::text::html::parse_plainly;
use remote::text::{Mentioned, NoNames, html, plain};
use remote::{Composed, RichText};

struct Gitter {
    _runtime: tokio::runtime::Runtime,
    sandbox: Sandbox,
    room: RoomId,
    alice: UserId,
}

impl Gitter {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("the sandbox takes it");
        let sandbox = runtime
            .block_on(Sandbox::start())
            .expect("the sandbox takes it");
        let alice = sandbox.world().add_user("alice", "Alice");
        sandbox.world().add_user("bob", "Bob");
        let room = sandbox
            .world()
            .add_room("acme/lobby", Visibility::Public, alice)
            .expect("the sandbox takes it");
        Self {
            _runtime: runtime,
            sandbox,
            room,
            alice,
        }
    }

    /// What people on Gitter see of a message, as rich text, and whether it rings everybody.
    fn shows(&self, composed: &Composed) -> RichText {
        let mut nodes = Vec::new();
        for piece in split(&to_markdown(composed), 4096) {
            let world = self.sandbox.world();
            let id = world
                .say(self.alice, self.room, &piece)
                .expect("the sandbox takes it");
            let said = world
                .messages(self.room)
                .expect("the sandbox takes it")
                .into_iter()
                .find(|message| message.id == id)
                .expect("the sandbox takes it");
            world.delete(self.room, id).expect("the sandbox takes it");
            // Alice is an admin, so this would ring.
            let all = KnownMention {
                screen_name: "all",
                user_id: None,
                announcement: true,
            };
            let it = Incoming {
                html: &said.html,
                text: &said.text,
                mentions: &[all],
                ..Incoming::default()
            };
            nodes.extend(to_rich(&it).nodes);
        }
        RichText { nodes }
    }
}

/// Characters without white space, since Gitter, as a browser, keeps only that there is some; and without our own additions.
fn visible(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !c.is_control() && *c != '\u{200B}')
        .collect()
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9]{1,4}",
        prop::sample::select(vec![
            " ", " ", " ", "\n", "\n", "\n\n", "#", "#1", "@", "@bob", "@/all", "*", "**", "_",
            "__", "~", "~~", "`", "``", "```", ">", "\n> ", "\n- ", "\n1. ", "\n2. ", "|", "a|b",
            "\n---", "\n===", "\n|-|-|", "\n    ", "[", "](", "]: ", ")", "!", "\\", "$", "$$",
            "&amp;", "&#35;", "&", "<", "<b>", "<!--", "\"", "'", "é", "😀", "+", "-", "=", ".",
            ":", "/", "{", "}", "a@b", "o/r#1", "a_b", "_a", "a_",
        ])
        .prop_map(str::to_owned),
    ]
}

#[test]
fn plain_text_is_shown_as_it_is() {
    let gitter = Gitter::new();
    let text = prop::collection::vec(piece(), 0..16).prop_map(|pieces| pieces.concat());
    let config = ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(&text, |text| {
            let shown = gitter.shows(&Composed::Rich(RichText::plain(&text)));
            let markdown = to_markdown(&Composed::Rich(RichText::plain(&text)));
            prop_assert_eq!(
                visible(&html_text(&shown)),
                visible(&text),
                "{:?}\n{}",
                markdown,
                html::render(&shown, &NoNames)
            );
            let typed = gitter.shows(&Composed::Plain(text));
            prop_assert!(!typed.mentions().contains(&&Mentioned::Everyone));
            Ok(())
        })
        .unwrap();
}

/// All characters of a rich text.
fn html_text(text: &RichText) -> String {
    remote::text::text_of(&text.nodes)
}

#[test]
fn formatting_survives_the_journey() {
    let gitter = Gitter::new();
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
        let shown = gitter.shows(&Composed::Rich(meant.clone()));
        assert_eq!(
            flat(&html::render(&shown, &NoNames)),
            flat(&html::render(&meant, &NoNames)),
            "{:?}",
            to_markdown(&Composed::Rich(meant))
        );
        assert!(!visible(&plain::render(&shown, &NoNames)).is_empty());
    }
}

/// HTML without paragraphs, which Gitter sets as it likes, and without our own additions.
fn flat(html: &str) -> String {
    html.replace("<p>", "")
        .replace("</p>", "")
        .replace('\u{200B}', "")
}
