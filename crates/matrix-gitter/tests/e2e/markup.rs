//! What text looks like on the other side.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::gathering::Gathering;
use crate::scene::{Result, Scene};

/// A body, the same as HTML, whom it means to ring; the text on Gitter, and who is rung there.
type Case<'a> = (&'a str, Option<String>, Value, &'a str, &'a [&'a str]);

/// "Rendering it there shows the same visible text", and what is typed as Markdown works.
#[tokio::test]
async fn to_gitter_text_shows_as_it_was_meant() -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    for (count, (typed, shown)) in [
        (
            "#rust: 2*3*4, a_b, >x, @/all",
            "#rust: 2*3*4, a_b, &gt;x, @\u{200B}/all",
        ),
        (
            "- one\n- **two**",
            "<ul>\n<li>one</li>\n<li><strong>two</strong></li>\n</ul>\n",
        ),
        (
            "```rust\nlet a_b = 1;\n```",
            "<pre><code class=\"rust\">let a_b = 1;</code></pre>",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        chat.user.say(&room, typed).await?;
        assert_eq!(scene.town.next(&lounge, count).await?.html, shown);
    }
    Ok(())
}

/// "Pills and display names to `@username` in exact case; … other Matrix users neutral; `@/all` never by accident."
#[tokio::test]
async fn to_gitter_people_are_named_as_gitter_names_them() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = (
        scene.town.person("maria", "Maria"),
        scene.town.person("Ben-gh", "Ben"),
    );
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    scene.town.say(&ben, &lounge, "hello");
    chat.hears(&room, "hello").await?;
    let ghost = scene.ghost(&ben);
    let html =
        |label: &str, user: &str| format!("<a href=\"https://matrix.to/#/{user}\">{label}</a>: hi");
    let named = json!({"user_ids": [&ghost]});
    let cases: [Case<'_>; 5] = [
        (
            "Ben (Gitter): hi",
            Some(html("Ben (Gitter)", &ghost)),
            named.clone(),
            "@Ben-gh: hi",
            &["Ben-gh"],
        ),
        ("Ben (Gitter): hi", None, named, "@Ben-gh: hi", &["Ben-gh"]),
        ("@BEN-GH hi", None, json!({}), "@Ben-gh hi", &["Ben-gh"]),
        (
            "Dave: hi",
            Some(html("Dave", "@dave:example.org")),
            json!({"user_ids": ["@dave:example.org"]}),
            "Dave: hi",
            &[],
        ),
        (
            "@room hi",
            None,
            json!({"room": true}),
            "@/all hi",
            &["all"],
        ),
    ];
    for (count, (body, html, mentions, text, rung)) in cases.into_iter().enumerate() {
        let mut content = json!({"msgtype": "m.text", "body": body, "m.mentions": mentions});
        if let Some(html) = html {
            content["format"] = json!("org.matrix.custom.html");
            content["formatted_body"] = json!(html);
        }
        chat.user.send(&room, "m.room.message", &content).await?;
        let said = scene.town.next(&lounge, count + 1).await?;
        assert_eq!(said.text, text, "{content}");
        assert_eq!(
            said.html.contains("mention\">"),
            !rung.is_empty(),
            "{}",
            said.html
        );
        for name in rung {
            assert!(
                said.html.contains(&format!("{name}\" class=")),
                "{}",
                said.html
            );
        }
    }
    Ok(())
}

/// "Highlighted code to `<pre><code class="language-…">`, KaTeX to `data-mx-maths`, … emoji shortcodes to Unicode", and "pills for
/// bridged people".
#[tokio::test]
async fn from_gitter_text_is_what_matrix_clients_know() -> Result {
    let Gathering {
        scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    for (text, body, html) in [
        (
            "```rust\nlet a = 1;\n```",
            "```rust\nlet a = 1;\n```",
            "<pre><code class=\"language-rust\">let a = 1;</code></pre>",
        ),
        (
            "it is $$x^2$$",
            "it is $x^2$",
            "it is <span data-mx-maths=\"x^2\"><code>x^2</code></span>",
        ),
        (
            "- [x] done :tada:",
            "- [x] done 🎉",
            "<ul><li>☑ done 🎉</li></ul>",
        ),
    ] {
        scene.town.say(&ben, &lounge, text);
        let heard = chat.hears(&room, body).await?;
        assert_eq!(heard.html(), html);
    }
    scene.town.say(&ben, &lounge, "@maria and @ben and @nobody");
    let heard = chat.hears(&room, "@maria and @ben and @nobody").await?;
    let (her, ghost) = (&chat.user.id, scene.ghost(&ben));
    assert_eq!(
        heard.html(),
        format!(
            "<a href=\"https://matrix.to/#/{her}\">@maria</a> and <a href=\"https://matrix.to/#/{ghost}\">@ben</a> and @nobody"
        )
    );
    let rung = &heard.content()["m.mentions"]["user_ids"];
    let rung: HashSet<_> = rung.as_array().into_iter().flatten().collect();
    assert_eq!(rung, HashSet::from([&json!(her), &json!(ghost)]));
    Ok(())
}

/// "Split … at paragraph, line, word; order kept", and "`m.notice` by configuration (default off)".
#[tokio::test]
async fn long_text_crosses_in_parts_and_notices_do_not() -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let notice = json!({"msgtype": "m.notice", "body": "beep"});
    chat.user.send(&room, "m.room.message", &notice).await?;
    let words: Vec<_> = (0..2000).map(|number| format!("w{number}")).collect();
    chat.user.say(&room, &words.join(" ")).await?;
    chat.user.say(&room, "the end").await?;
    scene.town.hears(&lounge, "the end").await?;
    let texts = scene.town.texts(&lounge);
    let (last, parts) = texts.split_last().expect("something was said");
    assert_eq!(last, "the end");
    assert!(parts.len() == 3 && parts.iter().all(|part| part.len() <= 4096));
    assert_eq!(parts.join(" "), words.join(" "));
    Ok(())
}

/// "`m.notice` by configuration"
#[tokio::test]
async fn notices_cross_where_they_are_wanted() -> Result {
    let wanted = |setup: testbed::bridge::Setup| setup.set("bridge.relay_notices", true);
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::on(Scene::with(wanted).await?).await?;
    let notice = json!({"msgtype": "m.notice", "body": "the build is green"});
    chat.user.send(&room, "m.room.message", &notice).await?;
    let said = scene.town.hears(&lounge, "the build is green").await?;
    assert_eq!(said.by, "maria");
    Ok(())
}
