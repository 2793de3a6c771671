//! Messages, both ways.

use serde_json::json;

use crate::gathering::Gathering;
use crate::scene::{Result, Scene};

/// "Every Matrix event sent for a Gitter message carries in its content `"im.gitter.message"`." And formatting crosses.
#[tokio::test]
async fn from_gitter_with_formatting_and_its_origin() -> Result {
    let Gathering {
        scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let id = scene.town.say(&ben, &lounge, "this is **bold** and `code`");
    let heard = chat
        .user
        .wait_for("Ben's message", |event| {
            event.room == room && event.is_message_of(&scene.ghost(&ben))
        })
        .await?;
    assert_eq!(heard.msgtype(), "m.text");
    assert!(
        heard.html().contains("<strong>bold</strong>"),
        "{}",
        heard.html()
    );
    assert!(
        heard.html().contains("<code>code</code>"),
        "{}",
        heard.html()
    );
    assert_eq!(
        heard.content()["im.gitter.message"],
        json!({ "id": id, "room": lounge.id })
    );
    assert_eq!(heard.content()["m.mentions"], json!({}));
    Ok(())
}

/// "The user's own messages, written on Gitter itself, appear too, from his own ghost."
#[tokio::test]
async fn his_own_messages_from_gitter_appear_too() -> Result {
    let Gathering {
        scene,
        maria,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    scene.town.say(&maria, &lounge, "from the web");
    let heard = chat.hears(&room, "from the web").await?;
    assert_eq!(heard.sender(), scene.ghost(&maria));
    Ok(())
}

/// "The user writes on Gitter as himself: nothing in the message shows that it came from Matrix." And each message is
/// there once, on both sides.
#[tokio::test]
async fn to_gitter_as_himself_and_once() -> Result {
    let Gathering {
        scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    chat.user.say(&room, "good morning").await?;
    let said = scene.town.hears(&lounge, "good morning").await?;
    assert_eq!((said.by.as_str(), said.status), ("maria", false));
    // What comes after it shows that no echo came before.
    scene.town.say(&ben, &lounge, "good morning yourself");
    chat.hears(&room, "good morning yourself").await?;
    let expected = [
        (chat.user.id.clone(), "good morning".to_owned()),
        (scene.ghost(&ben), "good morning yourself".to_owned()),
    ];
    assert_eq!(chat.conversation(&room).await?, expected);
    assert_eq!(
        scene.town.texts(&lounge),
        ["good morning", "good morning yourself"]
    );
    scene.bridge.check_log(&["good morning"])?;
    Ok(())
}

/// Formatting crosses to Gitter as Markdown; what Gitter would misread is escaped.
#[tokio::test]
async fn formatting_crosses_to_gitter_and_nothing_is_misread() -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let html =
        "<strong>bold</strong>, <em>slanted</em>, <a href=\"https://example.org/\">a link</a>";
    chat.user
        .say_html(&room, "bold, slanted, a link", html)
        .await?;
    let said = scene.town.next(&lounge, 0).await?;
    assert!(said.html.contains("<strong>bold</strong>"), "{}", said.html);
    assert!(said.html.contains("<em>slanted</em>"), "{}", said.html);
    assert!(
        said.html.contains("href=\"https://example.org/\""),
        "{}",
        said.html
    );

    for (count, plain) in [
        "#rust rocks",
        "2*3*4 and 2 * 3 * 4",
        "a_snake_case_name",
        "see #12",
        "1 < 2 and <b>no tag</b>",
    ]
    .into_iter()
    .enumerate()
    {
        chat.user.say(&room, plain).await?;
        let said = scene.town.next(&lounge, count + 1).await?;
        for tag in [
            "<h1",
            "<em",
            "<blockquote",
            "issue",
            "<strong",
            "<ol",
            "<b>",
        ] {
            assert!(!said.html.contains(tag), "{plain:?} became {}", said.html);
        }
    }
    Ok(())
}

/// `/me` on either side.
#[tokio::test]
async fn emotes_cross_both_ways() -> Result {
    let Gathering {
        scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    chat.user.emote(&room, "waves").await?;
    let said = scene.town.next(&lounge, 0).await?;
    assert!(said.status, "{}", said.text);
    assert_eq!(said.text, "@maria waves");
    scene.town.emote(&ben, &lounge, "waves back");
    let heard = chat.hears(&room, "waves back").await?;
    assert_eq!(heard.msgtype(), "m.emote");
    Ok(())
}

/// "`m.mentions` is always set: the people who were mentioned (the user under his own Matrix id), empty if nobody was."
#[tokio::test]
async fn mentions_from_gitter_name_people() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let cleo = scene.town.person("cleo", "Cleo");
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben, &cleo]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    scene.town.say(&ben, &lounge, "@maria and @cleo, look");
    let heard = chat
        .user
        .wait_for("Ben's message", |event| {
            event.room == room && event.is_message_of(&scene.ghost(&ben))
        })
        .await?;
    let mut mentioned: Vec<_> = heard.content()["m.mentions"]["user_ids"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|id| id.as_str())
        .collect();
    mentioned.sort_unstable();
    let mut expected = [chat.user.id.as_str(), &scene.ghost(&cleo)];
    expected.sort_unstable();
    assert_eq!(mentioned, expected);
    Ok(())
}

/// A pill on Matrix is a mention on Gitter, and the name in a reply of a client is not text.
#[tokio::test]
async fn pills_become_mentions() -> Result {
    let Gathering {
        scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let ghost = scene.ghost(&ben);
    let content = json!({
        "msgtype": "m.text",
        "body": "Ben (Gitter): look",
        "format": "org.matrix.custom.html",
        "formatted_body": format!("<a href=\"https://matrix.to/#/{ghost}\">Ben (Gitter)</a>: look"),
        "m.mentions": { "user_ids": [ghost] },
    });
    chat.user.send(&room, "m.room.message", &content).await?;
    let said = scene.town.next(&lounge, 0).await?;
    assert_eq!(said.text, "@ben: look");
    assert_eq!(said.mentions(), ["ben"]);
    Ok(())
}

/// "Nothing typed on Matrix rings a whole Gitter room unless a person meant it."
#[tokio::test]
async fn nobody_rings_the_whole_room_by_accident() -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    for (count, text) in ["@/all hello", "mail me@/all.example"]
        .into_iter()
        .enumerate()
    {
        chat.user.say(&room, text).await?;
        let said = scene.town.next(&lounge, count).await?;
        assert!(!said.html.contains("groupmention"), "{}", said.html);
    }
    Ok(())
}

/// "unknown Matrix event kinds answered with a notice, never silence"
#[tokio::test]
async fn what_cannot_cross_is_said_to_stay() -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    // What has words crosses by them; this has none.
    let hologram = json!({ "org.example.light": [1, 2, 3] });
    let mark = chat.user.mark().await?;
    chat.user
        .send(&room, "org.example.hologram", &hologram)
        .await?;
    let notice = chat
        .user
        .wait_from(mark, "a notice", |event| {
            event.room == room && event.is_message_of(&scene.bot())
        })
        .await?;
    assert_eq!(notice.msgtype(), "m.notice");
    // Malformed ones break nothing, as far as the homeserver lets them through.
    for content in [json!({ "body": [] }), json!({ "msgtype": 7, "body": {} })] {
        let _ = chat.user.send(&room, "m.room.message", &content).await;
    }
    chat.user.say(&room, "still here").await?;
    scene.town.hears(&lounge, "still here").await?;
    assert_eq!(scene.town.texts(&lounge), ["still here"]);
    Ok(())
}

/// Gitter takes 4096 UTF-16 units in a message: what is longer is split, and nothing of it lost.
#[tokio::test]
async fn long_texts_arrive_whole() -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let words: Vec<String> = (0..1500).map(|number| format!("word{number}")).collect();
    chat.user.say(&room, &words.join(" ")).await?;
    chat.user.say(&room, "the end").await?;
    scene.town.hears(&lounge, "the end").await?;
    let texts = scene.town.texts(&lounge);
    assert!(texts.iter().all(|text| text.encode_utf16().count() <= 4096));
    let said = texts.join(" ");
    let arrived: Vec<&str> = said
        .split_whitespace()
        .filter(|word| word.starts_with("word"))
        .collect();
    assert_eq!(arrived, words);
    Ok(())
}
