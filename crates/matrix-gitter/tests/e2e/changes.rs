//! What is changed, taken back and answered on Gitter, as Matrix shows it.

use anyhow::Context as _;
use serde_json::json;

use crate::gathering::Gathering;
use crate::scene::{Chat, Result, Scene};

/// An edit on Gitter replaces the message; answering it does not.
#[tokio::test]
async fn an_edit_on_gitter_replaces() -> Result {
    let Gathering {
        scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let id = scene.town.say(&ben, &lounge, "frist @maria");
    let original = chat.hears(&room, "frist @maria").await?;
    scene.town.edit(&lounge, &id, "**first** @maria");
    let edit = chat
        .user
        .wait_for("the edit", |event| {
            event.content()["m.relates_to"]["rel_type"] == "m.replace"
        })
        .await?;
    assert_eq!(edit.sender(), scene.ghost(&ben));
    assert_eq!(
        edit.content()["m.relates_to"]["event_id"],
        json!(original.id())
    );
    let new = &edit.content()["m.new_content"];
    assert_eq!(new["body"], "first @maria");
    let html = new["formatted_body"].as_str().unwrap_or_default();
    assert!(html.contains("<strong>first</strong>"), "{html}");
    assert_eq!(new["im.gitter.message"]["id"], json!(id));
    assert_eq!(
        edit.content()["m.mentions"],
        json!({}),
        "nobody is rung again"
    );
    assert_eq!(edit.body(), "* first @maria");

    scene.town.reply(&ben, &lounge, &id, "an answer");
    chat.hears(&room, "an answer").await?;
    assert_eq!(edits(&chat, &room).await?, 1, "its counter is no edit");
    Ok(())
}

/// What is taken back on Gitter is redacted by whoever said it.
#[tokio::test]
async fn a_deletion_on_gitter_redacts() -> Result {
    let Gathering {
        scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let id = scene.town.say(&ben, &lounge, "oops");
    chat.hears(&room, "oops").await?;
    scene.town.delete(&lounge, &id);
    let redaction = redaction(&chat, &room).await?;
    assert_eq!(redaction, scene.ghost(&ben));

    // A parent with answers is blanked rather than deleted; its thread goes on.
    let parent = scene.town.say(&ben, &lounge, "parent");
    let parent_event = chat.hears(&room, "parent").await?;
    scene.town.reply(&ben, &lounge, &parent, "answer");
    chat.hears(&room, "answer").await?;
    scene.town.delete(&lounge, &parent);
    chat.user
        .wait_for("the parent to go", |event| {
            event.kind() == "m.room.redaction"
                && event.content()["redacts"] == json!(parent_event.id())
        })
        .await?;
    let left: Vec<_> = chat.user.bodies(&room).await?;
    assert_eq!(left.iter().filter(|body| !body.is_empty()).count(), 1);
    Ok(())
}

/// What she said on Matrix and takes back on Gitter goes on Matrix, too.
#[tokio::test]
async fn her_own_message_deleted_on_gitter_goes() -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    chat.user.say(&room, "mine").await?;
    let said = scene.town.hears(&lounge, "mine").await?;
    scene.town.delete(&lounge, said.id());
    assert_eq!(redaction(&chat, &room).await?, scene.bot());
    Ok(())
}

/// Threads are threads, live and in history.
#[tokio::test]
async fn threads_of_gitter_are_threads() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let parent = scene.town.say(&ben, &lounge, "parent");
    scene.town.say(&ben, &lounge, "beside");
    scene.town.reply(&ben, &lounge, &parent, "in history");
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    let history = chat.hears(&room, "in history").await?;
    let first = find(&chat, &room, "parent").await?;
    let expected = |before: &str| {
        json!({
            "rel_type": "m.thread", "event_id": first, "is_falling_back": true,
            "m.in_reply_to": { "event_id": before },
        })
    };
    assert_eq!(history.content()["m.relates_to"], expected(&first));
    scene.town.reply(&ben, &lounge, &parent, "live");
    let live = chat.hears(&room, "live").await?;
    assert_eq!(live.content()["m.relates_to"], expected(history.id()));
    Ok(())
}

/// History shows what was changed as it reads now, and what was taken back not at all; both go on from there.
#[tokio::test]
async fn history_comes_as_it_reads_now() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let changed = scene.town.say(&ben, &lounge, "frist");
    scene.town.edit(&lounge, &changed, "first");
    let gone = scene.town.say(&ben, &lounge, "gone");
    scene.town.delete(&lounge, &gone);
    let parent = scene.town.say(&ben, &lounge, "blanked");
    scene.town.reply(&ben, &lounge, &parent, "an answer");
    scene.town.delete(&lounge, &parent);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    let answer = "> a message that was deleted\n\nan answer";
    chat.hears(&room, answer).await?;
    let first = find(&chat, &room, "first").await?;
    assert_eq!(chat.user.bodies(&room).await?, ["first", answer]);
    assert_eq!(edits(&chat, &room).await?, 0);

    scene.town.edit(&lounge, &changed, "First!");
    let edit = chat
        .user
        .wait_for("the edit", |event| {
            event.content()["m.new_content"]["body"] == "First!"
        })
        .await?;
    assert_eq!(edit.content()["m.relates_to"]["event_id"], json!(first));
    scene.town.delete(&lounge, &changed);
    assert_eq!(redaction(&chat, &room).await?, scene.ghost(&ben));
    Ok(())
}

/// What happened while the bridge was away is made good.
#[tokio::test]
async fn edits_and_deletions_are_found_after_a_restart() -> Result {
    let Gathering {
        mut scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let changed = scene.town.say(&ben, &lounge, "before");
    let deleted = scene.town.say(&ben, &lounge, "gone");
    chat.hears(&room, "gone").await?;
    scene.bridge.kill().await?;
    scene.town.edit(&lounge, &changed, "after");
    scene.town.delete(&lounge, &deleted);
    scene.bridge.start_again().await?;
    assert_eq!(redaction(&chat, &room).await?, scene.ghost(&ben));
    chat.user
        .wait_for("the edit", |event| {
            event.content()["m.new_content"]["body"] == "after"
        })
        .await?;
    Ok(())
}

/// What is mentioned first in an edit rings, and with a deleted message its former texts go, too.
#[tokio::test]
async fn an_edit_rings_whom_it_mentions_first_and_goes_with_its_message() -> Result {
    let Gathering {
        scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    let id = scene.town.say(&ben, &lounge, "who can help?");
    chat.hears(&room, "who can help?").await?;
    for (text, rings) in [
        ("who can help? @maria?", json!({"user_ids": [chat.user.id]})),
        ("can you help, @maria?", json!({})),
    ] {
        scene.town.edit(&lounge, &id, text);
        let edit = chat.hears(&room, &format!("* {text}")).await?;
        assert_eq!(edit.content()["m.mentions"], rings);
        assert_eq!(
            edit.content()["m.new_content"]["m.mentions"],
            json!({"user_ids": [chat.user.id]})
        );
    }
    scene.town.delete(&lounge, &id);
    let redacted = {
        let timeline = chat.user.timeline(&room).await?;
        let said = timeline
            .iter()
            .filter(|event| event.kind() == "m.room.message");
        said.map(|event| event.id().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(redacted.len(), 3);
    for event in redacted {
        let redaction = chat
            .user
            .wait_for("each of them to go", |it| {
                it.kind() == "m.room.redaction" && it.content()["redacts"] == json!(event)
            })
            .await?;
        assert_eq!(redaction.sender(), scene.ghost(&ben));
    }
    let left = chat.user.bodies(&room).await?;
    assert!(left.iter().all(String::is_empty), "{left:?}");
    Ok(())
}

/// "a reply to something unknown still arrives with a short quote"
#[tokio::test]
async fn an_answer_to_something_older_quotes_it() -> Result {
    let scene = Scene::with(|setup| setup.set("bridge.backfill.initial", 1)).await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let older = scene.town.say(&ben, &lounge, "who has *read* this, @/all?");
    scene.town.say(&ben, &lounge, "later");
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    chat.hears(&room, "later").await?;
    scene.town.reply(&ben, &lounge, &older, "nobody");
    let first = chat
        .user
        .wait_for("the answer", |event| event.body().ends_with("nobody"))
        .await?;
    let body = first.body();
    assert!(
        body.starts_with("> Ben (http") && body.contains(&older),
        "{body}"
    );
    assert!(body.contains("this, @/all?\n\nnobody"), "{body}");
    assert_eq!(first.content()["m.mentions"], json!({}));
    scene.town.reply(&ben, &lounge, &older, "really");
    let second = chat.hears(&room, "really").await?;
    assert_eq!(
        second.content()["m.relates_to"]["event_id"],
        json!(first.id())
    );
    Ok(())
}

async fn edits(chat: &Chat, room: &str) -> Result<usize> {
    let timeline = chat.user.timeline(room).await?;
    let is_edit =
        |event: &&testbed::user::Event| event.content()["m.relates_to"]["rel_type"] == "m.replace";
    Ok(timeline.iter().filter(is_edit).count())
}

/// Waits for a redaction; gives its sender.
async fn redaction(chat: &Chat, room: &str) -> Result<String> {
    let redaction = chat
        .user
        .wait_for("a redaction", |event| {
            event.room == room && event.kind() == "m.room.redaction"
        })
        .await?;
    Ok(redaction.sender().to_owned())
}

/// The event with this text.
async fn find(chat: &Chat, room: &str, body: &str) -> Result<String> {
    let timeline = chat.user.timeline(room).await?;
    let found = timeline.iter().find(|event| event.body() == body);
    Ok(found.context("it was said")?.id().to_owned())
}
