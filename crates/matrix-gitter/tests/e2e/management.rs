//! The bot and its management rooms.

use serde_json::json;

use crate::scene::{Result, Scene};

/// "It accepts an invite … greets with who it is … if he is not logged in, with a login link." And: "Every message of
/// the bot is `m.notice` with a readable `body` and an HTML `formatted_body`."
#[tokio::test]
async fn it_comes_when_invited_and_greets_with_a_login_link() -> Result {
    let scene = Scene::start().await?;
    let chat = scene.newcomer("anna").await?;
    let greeting = chat.greeting(&chat.dm.room).await?;
    scene.login_link(&greeting)?;
    assert_eq!(greeting.msgtype(), "m.notice");
    assert_eq!(greeting.content()["format"], "org.matrix.custom.html");
    assert!(greeting.html().contains("<a href="), "{}", greeting.html());
    assert!(greeting.body().contains("Gitter"), "{}", greeting.body());
    assert!(greeting.body().contains("help"), "{}", greeting.body());
    assert_eq!(greeting.content()["m.mentions"], json!({}));
    let profile = chat.user.profile(&scene.bot()).await?;
    assert_eq!(profile["displayname"], "Gitter bridge");
    Ok(())
}

/// "It greets with … whether the user is logged in and as whom."
#[tokio::test]
async fn it_greets_a_logged_in_user_by_his_gitter_name() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria Silva");
    let chat = scene.citizen(&maria).await?;
    let second = chat.user.dm(&scene.bot()).await?;
    let greeting = chat.greeting(&second.room).await?;
    assert!(greeting.body().contains("maria"), "{}", greeting.body());
    assert!(scene.login_link(&greeting).is_err(), "{}", greeting.body());
    Ok(())
}

/// "In a room with more than two members (bot included) it says why in one notice, leaves, and never again accepts an
/// invite to that room."
#[tokio::test]
async fn it_leaves_a_crowd_and_never_comes_back_there() -> Result {
    let scene = Scene::start().await?;
    let (anna, ben) = (scene.user("anna").await?, scene.user("ben").await?);
    let bot = scene.bot();
    let room = anna
        .create_room(&json!({ "preset": "trusted_private_chat", "invite": [ben.id] }))
        .await?;
    ben.wait_for_invite("Anna's invite", |event| event.sender() == anna.id)
        .await?;
    ben.join(&room).await?;
    anna.invite(&room, &bot).await?;
    let left = anna
        .wait_for("the bot to leave", |event| {
            event.room == room && event.membership_of(&bot) == Some("leave")
        })
        .await?;
    let said = anna.timeline(&room).await?;
    let notices: Vec<_> = said
        .iter()
        .filter(|event| event.is_message_of(&bot))
        .collect();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].msgtype(), "m.notice");

    // Even with nobody else in it any more, and after a restart.
    let mut scene = scene;
    scene.bridge.stop().await?;
    scene.bridge.start_again().await?;
    ben.leave(&room).await?;
    anna.invite(&room, &bot).await?;
    // The homeserver tells in order: when the bot comes here, it has been told of the invite there.
    scene.chat(anna).await.map(|chat| chat.user).map(drop)?;
    assert!(
        !scene.rooms_of_bot().await?.contains(&room),
        "it came back after {}",
        left.id()
    );
    Ok(())
}

/// "An invite from somebody without permission is refused (with a reason)."
#[tokio::test]
async fn it_refuses_strangers_with_a_reason() -> Result {
    let ben = testbed::synapse::shared().await?.user("ben").await?;
    let scene = Scene::with(|setup| setup.permit(&ben.id, "block")).await?;
    let bot = scene.bot();
    let dm = ben.start_dm(&bot).await?;
    let refused = ben
        .wait_for("a refusal", |event| {
            event.room == dm.room && event.membership_of(&bot) == Some("leave")
        })
        .await?;
    let reason = refused.content()["reason"].as_str().unwrap_or_default();
    assert!(!reason.is_empty(), "{}", refused.json);
    assert!(
        !ben.timeline(&dm.room)
            .await?
            .iter()
            .any(|event| event.is_message_of(&bot))
    );
    // The most specific rule wins: others of that server are still welcome.
    scene.newcomer("anna").await?;
    Ok(())
}

/// "Such a room becomes the user's management room; if he had another one, the bot leaves that one."
#[tokio::test]
async fn a_new_management_room_replaces_the_old_one() -> Result {
    let scene = Scene::start().await?;
    let chat = scene.newcomer("anna").await?;
    let second = chat.user.dm(&scene.bot()).await?;
    chat.greeting(&second.room).await?;
    scene.bot_gone_from(&chat.dm.room).await?;
    chat.user
        .ask_for(&second, "version", "matrix-gitter")
        .await?;
    Ok(())
}

/// "If the user leaves it, the bot leaves and forgets it."
#[tokio::test]
async fn it_leaves_when_its_user_does() -> Result {
    let scene = Scene::start().await?;
    let chat = scene.newcomer("anna").await?;
    chat.user.leave(&chat.dm.room).await?;
    scene.bot_gone_from(&chat.dm.room).await?;
    // And a new one can be begun.
    scene.chat(chat.user).await?;
    Ok(())
}

/// "Should others join it later, the bot says once that it obeys its owner alone, and does."
#[tokio::test]
async fn it_obeys_its_owner_alone() -> Result {
    let scene = Scene::start().await?;
    let chat = scene.newcomer("anna").await?;
    let mark = chat.user.mark().await?;
    for name in ["ben", "cleo"] {
        let guest = scene.user(name).await?;
        chat.user.invite(&chat.dm.room, &guest.id).await?;
        guest
            .wait_for_invite("Anna's invite", |event| event.sender() == chat.user.id)
            .await?;
        guest.join(&chat.dm.room).await?;
        guest.say(&chat.dm.room, "version").await?;
        guest.say(&chat.dm.room, "logout").await?;
    }
    let said = chat
        .user
        .wait_from(mark, "the bot's word on guests", |event| {
            event.is_message_of(&scene.bot())
        })
        .await?;
    assert_eq!(said.msgtype(), "m.notice");
    let answer = chat.ask_for("version", "matrix-gitter").await?;
    let timeline = chat.user.timeline(&chat.dm.room).await?;
    let of_bot: Vec<_> = timeline
        .iter()
        .filter(|event| event.is_message_of(&scene.bot()))
        .collect();
    let ids: Vec<_> = of_bot.iter().map(|event| event.id()).collect();
    let greeting = chat.greeting(&chat.dm.room).await?;
    assert_eq!(ids, [greeting.id(), said.id(), answer.id()]);
    Ok(())
}

/// "Anything said in the management room is a command"; the nearest known one is a kind answer to an unknown one.
#[tokio::test]
async fn what_it_does_not_know_it_says_so_and_points_to_help() -> Result {
    let scene = Scene::start().await?;
    let chat = scene.newcomer("anna").await?;
    for text in [
        "inivte rustics/lounge",
        "hello there",
        "!gitter nonsense",
        "\u{0}?",
    ] {
        let answer = chat.ask(text).await?;
        assert_eq!(answer.msgtype(), "m.notice");
        assert!(
            answer.body().contains("help"),
            "{text:?} got {:?}",
            answer.body()
        );
    }
    // The prefix may be used here too.
    chat.ask_for("!gitter version", "matrix-gitter").await?;
    Ok(())
}
