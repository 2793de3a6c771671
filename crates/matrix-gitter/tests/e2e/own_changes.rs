//! What is changed, taken back and answered on Matrix, as Gitter shows it; and what its sender gets to know.

use serde_json::{Value, json};

use crate::gathering::Gathering;
use crate::scene::{Chat, Result, Scene};

/// A word of the bot's about an event.
async fn told(scene: &Scene, chat: &Chat, about: &str, words: &str) -> Result {
    let wanted = |event: &testbed::user::Event| {
        event.is_message_of(&scene.bot())
            && event.body().contains(words)
            && event.content()["m.relates_to"]["m.in_reply_to"]["event_id"] == about
    };
    chat.user.wait_for(words, wanted).await.map(drop)
}

fn edit(event: &str, text: &str) -> Value {
    json!({
        "msgtype": "m.text",
        "body": format!("* {text}"),
        "m.new_content": {"msgtype": "m.text", "body": text},
        "m.relates_to": {"rel_type": "m.replace", "event_id": event},
    })
}

/// "in place within the window", "Several fast edits end in the last text", and an edit taken back.
#[tokio::test]
async fn edits_are_made_in_place() -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let said = chat.user.say(&room, "helo").await?;
    scene.town.hears(&lounge, "helo").await?;
    let first = chat
        .user
        .send(&room, "m.room.message", &edit(&said, "hello *there*"))
        .await?;
    scene.town.hears(&lounge, "hello *there*").await?;
    chat.user.redact(&room, &first).await?;
    scene.town.hears(&lounge, "helo").await?;
    for number in 0..5 {
        let edit = edit(&said, &format!("version {number}"));
        chat.user.send(&room, "m.room.message", &edit).await?;
    }
    scene.town.hears(&lounge, "version 4").await?;
    chat.user.say(&room, "after").await?;
    scene.town.hears(&lounge, "after").await?;
    assert_eq!(scene.town.texts(&lounge), ["version 4", "after"]);
    Ok(())
}

/// "delete; of a message which has replies, too": all parts go, and what has replies stays as an empty one.
#[tokio::test]
async fn deletions_take_everything_back() -> Result {
    let Gathering {
        scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let long = chat.user.say(&room, &"long story ".repeat(600)).await?;
    scene.town.next(&lounge, 1).await?;
    chat.user.say(&room, "between").await?;
    scene.town.hears(&lounge, "between").await?;
    chat.user.redact(&room, &long).await?;
    let parent = chat.user.say(&room, "parent").await?;
    let said = scene.town.hears(&lounge, "parent").await?;
    assert_eq!(scene.town.texts(&lounge), ["between", "parent"]);

    scene.town.reply(&ben, &lounge, said.id(), "an answer");
    chat.hears(&room, "an answer").await?;
    chat.user.redact(&room, &parent).await?;
    chat.user.say(&room, "after").await?;
    scene.town.hears(&lounge, "after").await?;
    assert_eq!(
        scene.town.texts(&lounge),
        ["between", "", "an answer", "after"]
    );
    scene.town.reply(&ben, &lounge, said.id(), "still a thread");
    let later = chat.hears(&room, "still a thread").await?;
    assert_eq!(later.content()["m.relates_to"]["event_id"], json!(parent));
    Ok(())
}

/// "afterwards a short follow-up message that quotes little and links to the original; the user is told": known by our clock, and
/// not even tried.
#[tokio::test]
async fn a_late_edit_follows_and_points_at_the_original() -> Result {
    let scene = Scene::start().await?;
    scene.town.set_ahead(-11);
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::on(scene).await?;
    let event = chat.user.say(&room, "helo").await?;
    let said = scene.town.hears(&lounge, "helo").await?;
    scene.town.set_ahead(0);
    chat.user
        .send(&room, "m.room.message", &edit(&event, "hello"))
        .await?;
    told(&scene, &chat, &event, "It was too late").await?;
    let link = format!("{}?at={}", scene.town.page_of(&lounge), said.id());
    let follow_up = format!(":point_up: [Edit]({link}): hello");
    assert_eq!(scene.town.texts(&lounge), ["helo", &follow_up]);
    assert_eq!(scene.town.times_edited(), 0);
    // That one is young, and can be changed.
    chat.user
        .send(&room, "m.room.message", &edit(&event, "hello!"))
        .await?;
    scene.town.hears(&lounge, &format!("{follow_up}!")).await?;
    assert_eq!(scene.town.texts(&lounge).len(), 2);
    // All of it goes with the message.
    chat.user.redact(&room, &event).await?;
    chat.user.say(&room, "after").await?;
    scene.town.hears(&lounge, "after").await?;
    assert_eq!(scene.town.texts(&lounge), ["after"]);
    Ok(())
}

/// The same where by our clock there is time left, but Gitter says no.
#[tokio::test]
async fn an_edit_that_gitter_finds_late_follows_too() -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let event = chat.user.say(&room, "helo").await?;
    let said = scene.town.hears(&lounge, "helo").await?;
    scene.town.set_ahead(11);
    chat.user
        .send(&room, "m.room.message", &edit(&event, "hello"))
        .await?;
    told(&scene, &chat, &event, "It was too late").await?;
    let link = format!("{}?at={}", scene.town.page_of(&lounge), said.id());
    let follow_up = format!(":point_up: [Edit]({link}): hello");
    assert_eq!(scene.town.texts(&lounge), ["helo", &follow_up]);
    assert_eq!(scene.town.times_edited(), 1, "it was tried once");
    Ok(())
}

/// "`m.thread` and `m.in_reply_to` to `parentId`", "a reply to something unknown still arrives with a short quote".
#[tokio::test]
async fn answers_go_into_threads() -> Result {
    let Gathering {
        scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let asked = scene.town.say(&ben, &lounge, "who?");
    let heard = chat.hears(&room, "who?").await?;
    let answer = |text: &str, to: &str| {
        json!({
            "msgtype": "m.text", "body": text,
            "m.relates_to": {"m.in_reply_to": {"event_id": to}},
        })
    };
    let content = answer("me", heard.id());
    let me = chat.user.send(&room, "m.room.message", &content).await?;
    scene.town.hears(&lounge, "me").await?;
    let content = answer("really", &me);
    chat.user.send(&room, "m.room.message", &content).await?;
    scene.town.hears(&lounge, "really").await?;
    for text in ["me", "really"] {
        assert_eq!(
            scene.town.parent_of(&lounge, text).as_deref(),
            Some(asked.as_str()),
            "{text}"
        );
    }
    let command = chat.user.say(&room, "!gitter version").await?;
    let content = answer("about that", &command);
    chat.user.send(&room, "m.room.message", &content).await?;
    let quoting = "> **maria**: !gitter version\n\nabout that";
    scene.town.hears(&lounge, quoting).await?;
    Ok(())
}

/// "read receipts by the bot on success (… default: receipt on)".
#[tokio::test]
async fn the_bot_reads_what_arrived() -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let said = chat.user.say(&room, "hello").await?;
    chat.until_read_by(&room, &scene.bot(), &said).await?;
    scene.town.refuse_next_message(&lounge, 403);
    let lost = chat.user.say(&room, "lost").await?;
    told(&scene, &chat, &lost, "was not delivered to Gitter").await?;
    assert_eq!(
        chat.user.read_by(&room, &scene.bot()).await?.as_deref(),
        Some(said.as_str())
    );
    let timeline = chat.user.timeline(&room).await?;
    assert!(
        timeline
            .iter()
            .all(|event| event.kind() != "com.beeper.message_send_status"),
        "those only if wanted"
    );
    Ok(())
}

/// "`com.beeper.message_send_status` events", of success and of failure; "notices on failure that say whether the message certainly did
/// not or possibly did arrive": after a lost answer the bridge looks, and can say what is certain.
#[tokio::test]
async fn the_sender_gets_to_know() -> Result {
    let wanted = |setup: testbed::bridge::Setup| setup.set("bridge.message_status_events", true);
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::on(Scene::with(wanted).await?).await?;
    let status = async |said: String| {
        chat.user
            .wait_for("a word about the message", |event| {
                event.kind() == "com.beeper.message_send_status"
                    && event.content()["m.relates_to"]["event_id"] == json!(said)
            })
            .await
    };
    let arrived = status(chat.user.say(&room, "hello").await?).await?;
    assert_eq!(arrived.sender(), scene.bot());
    assert_eq!(arrived.content()["status"], "SUCCESS");

    scene.town.refuse_next_message(&lounge, 403);
    let refused = chat.user.say(&room, "refused").await?;
    told(&scene, &chat, &refused, "was not delivered to Gitter").await?;
    let failed = status(refused).await?;
    assert_eq!(failed.content()["status"], "FAIL_RETRIABLE");

    // Nobody knows what became of the first try, until one looks.
    scene.town.lose_next_message(&lounge);
    scene.town.refuse_next_message(&lounge, 403);
    let lost = chat.user.say(&room, "lost, then refused").await?;
    told(&scene, &chat, &lost, "was not delivered to Gitter").await?;
    let failed = status(lost).await?;
    assert_eq!(failed.content()["status"], "FAIL_RETRIABLE");

    scene.town.lose_next_answer(&lounge);
    let doubtful = chat.user.say(&room, "arrived without a word").await?;
    let arrived = status(doubtful).await?;
    assert_eq!(arrived.content()["status"], "SUCCESS");
    assert_eq!(
        scene.town.texts(&lounge),
        ["hello", "arrived without a word"]
    );
    Ok(())
}

/// What a moderator of the Matrix room takes back of the user's goes on Gitter, too; what Ben said there stays.
#[tokio::test]
async fn a_moderators_deletion_of_the_users_message_crosses() -> Result {
    let Gathering {
        scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let rude = chat.user.say(&room, "rude").await?;
    scene.town.hears(&lounge, "rude").await?;
    scene.town.say(&ben, &lounge, "his");
    let his = chat.hears(&room, "his").await?;
    let moderator = scene.moderator("moderator", &room).await?;
    moderator.redact(&room, his.id()).await?;
    moderator.redact(&room, &rude).await?;
    chat.user.say(&room, "after").await?;
    scene.town.hears(&lounge, "after").await?;
    assert_eq!(scene.town.texts(&lounge), ["his", "after"]);
    Ok(())
}

/// "edits by another sender": whoever he is, and whatever power he has.
#[tokio::test]
async fn what_others_change_of_the_users_changes_nothing() -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let said = chat.user.say(&room, "mine").await?;
    scene.town.hears(&lounge, "mine").await?;
    let moderator = scene.moderator("moderator", &room).await?;
    let forged = edit(&said, "forged");
    moderator.send(&room, "m.room.message", &forged).await?;
    chat.user.say(&room, "after").await?;
    scene.town.hears(&lounge, "after").await?;
    assert_eq!(scene.town.texts(&lounge), ["mine", "after"]);
    Ok(())
}
