//! What a bridged room is: its state, its rules, its history.

use serde_json::json;

use crate::scene::{Result, Scene};

/// "Each bridged room is private, has no alias … Room name = Gitter uri …, topic and avatar follow Gitter." "`m.bridge`
/// and `uk.half-shot.bridge` state says what it is."
#[tokio::test]
async fn a_bridged_room_says_what_it_is() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/Lounge", &[&maria]);
    scene.town.set_topic(&lounge, "Sofas & tea");
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    let state = async |kind: &str| chat.user.state(&room, kind, "").await;

    assert_eq!(state("m.room.join_rules").await?["join_rule"], "invite");
    assert_eq!(state("m.room.name").await?["name"], "rustics/Lounge");
    assert_eq!(state("m.room.topic").await?["topic"], "Sofas & tea");
    let avatar = state("m.room.avatar").await?;
    assert!(
        avatar["url"]
            .as_str()
            .unwrap_or_default()
            .starts_with("mxc://"),
        "{avatar}"
    );
    assert_eq!(state("m.room.create").await?["m.federate"], false);
    assert!(state("m.room.canonical_alias").await.is_err());
    assert!(state("m.room.encryption").await.is_err());

    let all = chat.user.all_state(&room).await?;
    for kind in ["m.bridge", "uk.half-shot.bridge"] {
        let found: Vec<_> = all.iter().filter(|event| event["type"] == kind).collect();
        assert_eq!(found.len(), 1, "{kind}");
        let content = &found[0]["content"];
        assert_eq!(content["bridgebot"], scene.bot());
        assert_eq!(content["protocol"]["id"], "gitter");
        assert_eq!(content["channel"]["id"], lounge.id.as_str());
    }
    Ok(())
}

/// "one-to-one: the other's display name"
#[tokio::test]
async fn a_one_to_one_is_named_after_the_other() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = (
        scene.town.person("maria", "Maria"),
        scene.town.person("ben", "Ben H"),
    );
    let direct = scene.town.direct(&maria, &ben);
    let chat = scene.citizen(&maria).await?;
    let room = chat.user.wait_for_invite_to("Ben H").await?;
    chat.user.join(&room).await?;
    scene.town.say(&ben, &direct, "psst");
    let heard = chat.hears(&room, "psst").await?;
    assert_eq!(heard.sender(), scene.ghost(&ben));
    chat.user.say(&room, "yes?").await?;
    assert_eq!(scene.town.hears(&direct, "yes?").await?.by, "maria");
    Ok(())
}

/// "topic and avatar follow Gitter"
#[tokio::test]
async fn the_topic_follows_gitter() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    for topic in ["Tea at five", "Coffee at six"] {
        scene.town.set_topic(&lounge, topic);
        chat.user
            .wait_for(&format!("the topic {topic:?}"), |event| {
                event.room == room
                    && event.kind() == "m.room.topic"
                    && event.content()["topic"] == topic
            })
            .await?;
    }
    Ok(())
}

/// "the user cannot change join rules, power levels, history visibility, aliases or encryption, nor tombstone it"
#[tokio::test]
async fn the_user_cannot_change_what_holds_the_room_together() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    let levels = chat.user.state(&room, "m.room.power_levels", "").await?;
    for (kind, content) in [
        ("m.room.join_rules", json!({ "join_rule": "public" })),
        ("m.room.power_levels", levels),
        (
            "m.room.history_visibility",
            json!({ "history_visibility": "world_readable" }),
        ),
        (
            "m.room.canonical_alias",
            json!({ "alias": "#x:matrix.test" }),
        ),
        (
            "m.room.encryption",
            json!({ "algorithm": "m.megolm.v1.aes-sha2" }),
        ),
        (
            "m.room.tombstone",
            json!({ "body": "gone", "replacement_room": "!x:matrix.test" }),
        ),
    ] {
        let refused = chat.user.set_state(&room, kind, "", &content).await;
        let refused = refused.err().map(|error| error.status);
        assert_eq!(refused, Some(403), "{kind}");
    }
    Ok(())
}

/// History on opening: "messages of history in a new room", with their own times, in order, from their own people.
#[tokio::test]
async fn history_comes_in_with_its_own_times() -> Result {
    let scene = Scene::with(|setup| setup.set("bridge.backfill.initial", 5)).await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let mut said = Vec::new();
    for number in 0..8 {
        let by = if number % 2 == 0 { &ben } else { &maria };
        said.push(scene.town.say(by, &lounge, &format!("message {number}")));
    }
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    chat.hears(&room, "message 7").await?;
    let ghosts = [scene.ghost(&ben), scene.ghost(&maria)];
    let expected: Vec<_> = (3..8)
        .map(|number| (ghosts[number % 2].clone(), format!("message {number}")))
        .collect();
    assert_eq!(chat.conversation(&room).await?, expected);
    for event in chat.user.timeline(&room).await? {
        if event.kind() == "m.room.message" {
            let id = event.content()["im.gitter.message"]["id"]
                .as_str()
                .unwrap_or_default();
            let original = scene.town.message(&lounge, id);
            assert_eq!(
                event.json["origin_server_ts"],
                original.sent_ms,
                "{}",
                event.body()
            );
        }
    }
    Ok(())
}

/// "Each bridged room … belongs to one Matrix user, and bridges one Gitter room of his": two users of the same Gitter
/// room have a Matrix room each, and each message once in each.
#[tokio::test]
async fn two_users_of_one_gitter_room_have_a_room_each() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let (anna, otto) = (scene.citizen(&maria).await?, scene.citizen(&ben).await?);
    let (hers, his) = (
        scene.enter(&anna, &lounge).await?,
        scene.enter(&otto, &lounge).await?,
    );
    assert_ne!(hers, his);
    anna.user.say(&hers, "from Maria").await?;
    otto.hears(&his, "from Maria").await?;
    otto.user.say(&his, "from Ben").await?;
    anna.hears(&hers, "from Ben").await?;
    assert_eq!(scene.town.texts(&lounge), ["from Maria", "from Ben"]);
    let talk = |maria: &str, ben: &str| {
        [
            (maria.to_owned(), "from Maria".to_owned()),
            (ben.to_owned(), "from Ben".to_owned()),
        ]
    };
    assert_eq!(
        anna.conversation(&hers).await?,
        talk(&anna.user.id, &scene.ghost(&ben))
    );
    assert_eq!(
        otto.conversation(&his).await?,
        talk(&scene.ghost(&maria), &otto.user.id)
    );
    Ok(())
}

/// Kicked on Gitter: the Matrix room ends with a word why.
#[tokio::test]
async fn being_removed_on_gitter_ends_the_room_with_a_word_why() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.private_room("rustics/lounge", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    scene.town.say(&ben, &lounge, "hello");
    chat.hears(&room, "hello").await?;
    scene.town.leave(&maria, &lounge);
    chat.user
        .wait_for("a word why", |event| {
            event.is_message_of(&scene.bot()) && event.body().contains("rustics/lounge")
                || event.room == room && event.is_message_of(&scene.bot())
        })
        .await?;
    assert!(chat.list().await?.is_empty());
    Ok(())
}
