//! What becomes of rooms: changed, lost, deleted, replaced, on either side.

use serde_json::json;

use crate::scene::{Chat, Result, Scene};

/// Waits until a piece of state of a room says this.
async fn shows(chat: &Chat, room: &str, kind: &str, field: &str, wanted: &str) -> Result {
    chat.user
        .wait_for(&format!("{kind} {wanted:?}"), |event| {
            event.room == room && event.kind() == kind && event.content()[field] == wanted
        })
        .await?;
    Ok(())
}

/// Waits until the bot says something with these words in it.
async fn hears_bot(scene: &Scene, chat: &Chat, room: &str, words: &str) -> Result {
    chat.user
        .wait_for(&format!("the bot to say {words:?}"), |event| {
            event.room == room && event.is_message_of(&scene.bot()) && event.body().contains(words)
        })
        .await?;
    Ok(())
}

/// "name and topic changes by the user sent to Gitter where he may, else reverted with a notice"
#[tokio::test]
async fn a_topic_goes_to_gitter_where_he_may() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    // Whoever makes a room is its admin.
    let hers = scene.town.room("rustics/hers", &[&maria, &ben]);
    let his = scene.town.room("bens/his", &[&ben, &maria]);
    scene.town.set_topic(&his, "As Ben wants it");
    let chat = scene.citizen(&maria).await?;
    let (hers_here, his_here) = (
        scene.enter(&chat, &hers).await?,
        scene.enter(&chat, &his).await?,
    );
    let topic = json!({ "topic": "As Maria wants it" });
    for room in [&hers_here, &his_here] {
        chat.user
            .set_state(room, "m.room.topic", "", &topic)
            .await?;
    }
    scene
        .town
        .until_topic(&maria, &hers, "As Maria wants it")
        .await?;
    hears_bot(&scene, &chat, &his_here, "only its admins may change").await?;
    let topic = chat.user.state(&his_here, "m.room.topic", "").await?;
    assert_eq!(topic["topic"], "As Ben wants it");
    scene
        .town
        .until_topic(&maria, &his, "As Ben wants it")
        .await?;

    let name = json!({ "name": "Maria's" });
    chat.user
        .set_state(&hers_here, "m.room.name", "", &name)
        .await?;
    hears_bot(&scene, &chat, &hers_here, "I have put back the name").await?;
    let name = chat.user.state(&hers_here, "m.room.name", "").await?;
    assert_eq!(name["name"], "rustics/hers");
    // Her topic stands once: what Gitter tells of it is known.
    let timeline = chat.user.timeline(&hers_here).await?;
    let topics = timeline
        .iter()
        .filter(|event| event.kind() == "m.room.topic");
    assert_eq!(topics.count(), 1);
    Ok(())
}

/// "a renamed room keeps its portal", also when it was renamed while the bridge was away
#[tokio::test]
async fn a_renamed_room_keeps_its_portal() -> Result {
    let mut scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&ben, &maria]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    scene.town.rename_room(&lounge, "rustics/salon");
    shows(&chat, &room, "m.room.name", "name", "rustics/salon").await?;
    scene.bridge.stop().await?;
    scene.town.rename_room(&lounge, "rustics/parlour");
    scene.town.set_topic(&lounge, "Sofas");
    scene.bridge.start_again().await?;
    shows(&chat, &room, "m.room.name", "name", "rustics/parlour").await?;
    shows(&chat, &room, "m.room.topic", "topic", "Sofas").await?;
    scene.town.say(&ben, &lounge, "still here");
    chat.hears(&room, "still here").await?;
    chat.until_list(&["- rustics/parlour *"]).await
}

/// "one-to-one partner's name"
#[tokio::test]
async fn a_one_to_one_follows_its_partners_name() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = (
        scene.town.person("maria", "Maria"),
        scene.town.person("ben", "Ben H"),
    );
    scene.town.direct(&maria, &ben);
    let chat = scene.citizen(&maria).await?;
    let room = chat.user.wait_for_invite_to("Ben H").await?;
    chat.user.join(&room).await?;
    chat.user
        .wait_for("Ben to be there", |event| {
            event.membership_of(&scene.ghost(&ben)) == Some("join")
        })
        .await?;
    scene.town.rename(&ben, "Benjamin");
    shows(&chat, &room, "m.room.name", "name", "Benjamin").await
}

/// "being removed or banned from a room ends the portal with a word why"
#[tokio::test]
async fn being_banned_ends_the_portal_with_a_word_why() -> Result {
    let mut scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&ben, &maria]);
    let salon = scene.town.room("rustics/salon", &[&ben, &maria]);
    let chat = scene.citizen(&maria).await?;
    scene.enter(&chat, &lounge).await?;
    scene.enter(&chat, &salon).await?;
    scene.town.ban(&ben, &maria, &lounge);
    let words = "You were banned from rustics/lounge";
    hears_bot(&scene, &chat, &chat.dm.room, words).await?;
    scene.bridge.kill().await?;
    scene.town.ban(&ben, &maria, &salon);
    scene.bridge.start_again().await?;
    let words = "You were banned from rustics/salon";
    hears_bot(&scene, &chat, &chat.dm.room, words).await?;
    chat.until_list(&[]).await
}

/// "a deleted room is archived with a notice"
#[tokio::test]
async fn a_deleted_room_is_archived() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&ben, &maria]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    scene.town.say(&ben, &lounge, "remember this");
    chat.hears(&room, "remember this").await?;
    scene.town.delete_room(&lounge);
    hears_bot(&scene, &chat, &room, "rustics/lounge was deleted on Gitter").await?;
    chat.user
        .wait_for("the room to be closed", |event| {
            event.room == room
                && event.kind() == "m.room.power_levels"
                && event.content()["events_default"] == 100
        })
        .await?;
    let said = chat.user.say(&room, "anybody?").await;
    assert_eq!(said.err().map(|error| error.status), Some(403));
    let bodies = chat.user.bodies(&room).await?;
    assert_eq!(bodies[0], "remember this", "it can still be read");
    chat.user.leave(&room).await?;
    scene.bot_gone_from(&room).await
}

/// "room tombstones/upgrades followed"
#[tokio::test]
async fn a_replaced_room_is_followed() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&ben, &maria]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    scene.town.say(&ben, &lounge, "before");
    chat.hears(&room, "before").await?;
    let replacement = scene.upgrade(&room, "12").await?;
    chat.user
        .wait_for("an invite into the new room", |event| {
            event.room == replacement && event.membership_of(&chat.user.id) == Some("invite")
        })
        .await?;
    chat.user.join(&replacement).await?;
    scene.town.say(&ben, &lounge, "after");
    let heard = chat.hears(&replacement, "after").await?;
    assert_eq!(heard.sender(), scene.ghost(&ben));
    chat.user.say(&replacement, "me too").await?;
    assert_eq!(scene.town.hears(&lounge, "me too").await?.by, "maria");
    assert_eq!(scene.town.texts(&lounge), ["before", "after", "me too"]);
    assert_eq!(chat.user.bodies(&room).await?, ["before"]);

    // An older version in which Synapse leaves the bot no power: there is a new room of ours instead.
    let powerless = scene.upgrade(&replacement, "11").await?;
    let invite = chat
        .user
        .wait_for_invite("an invite into a room of ours", |event| {
            event.kind() == "m.room.name"
                && event.content()["name"] == "rustics/lounge"
                && ![&room, &replacement, &powerless].contains(&&event.room)
        })
        .await?;
    chat.user.join(&invite).await?;
    scene.town.say(&ben, &lounge, "once more");
    chat.hears(&invite, "once more").await?;
    Ok(())
}

/// The same for the room in which a user talks with the bot: he upgrades it himself.
#[tokio::test]
async fn a_replaced_management_room_is_followed() -> Result {
    let scene = Scene::start().await?;
    let chat = scene.newcomer("maria").await?;
    let path = testbed::user::path(&["v3", "rooms", &chat.dm.room, "upgrade"]);
    let answer = chat
        .user
        .call(
            reqwest::Method::POST,
            &path,
            Some(&json!({ "new_version": "11" })),
        )
        .await?;
    let replacement = answer["replacement_room"].as_str().unwrap_or_default();
    // As clients do.
    chat.user.invite(replacement, &scene.bot()).await?;
    chat.greeting(replacement).await?;
    chat.user.say(replacement, "version").await?;
    hears_bot(&scene, &chat, replacement, "matrix-gitter").await
}

/// "room events worth a line (bans) as notices"
#[tokio::test]
async fn a_ban_is_told_in_the_room() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = (
        scene.town.person("maria", "Maria"),
        scene.town.person("ben", "Ben"),
    );
    let troll = scene.town.person("troll", "Troll");
    let lounge = scene.town.room("rustics/lounge", &[&ben, &maria, &troll]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    scene.town.say(&troll, &lounge, "buy gold");
    chat.hears(&room, "buy gold").await?;
    scene.town.ban(&ben, &troll, &lounge);
    hears_bot(&scene, &chat, &room, "@ben banned @troll").await?;
    chat.user
        .wait_for("the troll to go", |event| {
            event.membership_of(&scene.ghost(&troll)) == Some("leave")
        })
        .await?;
    scene.town.unban(&ben, &troll, &lounge);
    hears_bot(&scene, &chat, &room, "unbanned @troll").await
}
