//! Gitter people on Matrix.

use crate::gathering::Gathering;
use crate::scene::{Result, Scene};

/// "Gitter people are ghosts (`username_template`) with their display name and avatar."
#[tokio::test]
async fn ghosts_have_name_and_picture() -> Result {
    let scene = Scene::start().await?;
    let (maria, ben) = (
        scene.town.person("maria", "Maria"),
        scene.town.person("ben", "Ben Hur"),
    );
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    scene.town.say(&ben, &lounge, "race?");
    let heard = chat.hears(&room, "race?").await?;
    assert_eq!(heard.sender(), scene.ghost(&ben));
    let profile = chat.user.profile(heard.sender()).await?;
    assert_eq!(profile["displayname"], "Ben Hur (Gitter)");
    let avatar = profile["avatar_url"].as_str().unwrap_or_default();
    assert!(avatar.starts_with("mxc://"), "{profile}");
    Ok(())
}

/// "`displayname_template`: {name} display name, {username} Gitter username"
#[tokio::test]
async fn the_name_template_is_obeyed() -> Result {
    let scene = Scene::with(|setup| {
        setup.set("appservice.displayname_template", "{username} alias {name}")
    })
    .await?;
    let (maria, ben) = (
        scene.town.person("maria", "Maria"),
        scene.town.person("ben", "Ben Hur"),
    );
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    scene.town.say(&ben, &lounge, "race?");
    chat.hears(&room, "race?").await?;
    let profile = chat.user.profile(&scene.ghost(&ben)).await?;
    assert_eq!(profile["displayname"], "ben alias Ben Hur");
    Ok(())
}

/// "`members.initial`: members put into a Matrix room when its user enters it; others join when they first speak."
#[tokio::test]
async fn members_come_in_with_the_user_up_to_the_limit() -> Result {
    let scene = Scene::with(|setup| setup.set("bridge.members.initial", 3)).await?;
    let maria = scene.town.person("maria", "Maria");
    let others: Vec<_> = (0..8)
        .map(|number| scene.town.person(&format!("guest{number}"), "A guest"))
        .collect();
    let everybody: Vec<_> = std::iter::once(&maria).chain(&others).collect();
    let lounge = scene.town.room("rustics/lounge", &everybody);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    let ghosts = async || {
        let joined = chat.user.members(&room, "join").await?;
        let prefix = format!("@{}", scene.bridge.slot().ghost_prefix);
        anyhow::Ok(
            joined
                .into_iter()
                .filter(|member| member.starts_with(&prefix))
                .count(),
        )
    };
    chat.user
        .wait_for("members to come in", |event| {
            event.room == room
                && event.kind() == "m.room.member"
                && event.sender().contains(&scene.bridge.slot().ghost_prefix)
                && event.content()["membership"] == "join"
        })
        .await?;
    // Whoever speaks comes in, though he was not among the first.
    let mut silent = Vec::new();
    let first = chat.user.members(&room, "join").await?;
    for other in &others {
        if !first.contains(&scene.ghost(other)) {
            silent.push(other);
        }
    }
    assert!(silent.len() >= 5, "{first:?}");
    scene.town.say(silent[0], &lounge, "I am here too");
    chat.hears(&room, "I am here too").await?;
    assert!(ghosts().await? <= 4);
    assert!(
        chat.user
            .members(&room, "join")
            .await?
            .contains(&scene.ghost(silent[0]))
    );
    Ok(())
}

/// "0 = only speakers"
#[tokio::test]
async fn with_no_initial_members_only_speakers_come() -> Result {
    let scene = Scene::with(|setup| setup.set("bridge.members.initial", 0)).await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let cleo = scene.town.person("cleo", "Cleo");
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben, &cleo]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    scene.town.say(&ben, &lounge, "hello");
    chat.hears(&room, "hello").await?;
    let joined = chat.user.members(&room, "join").await?;
    assert!(joined.contains(&scene.ghost(&ben)));
    assert!(!joined.contains(&scene.ghost(&cleo)));
    Ok(())
}

/// Somebody changes his name on Gitter: his ghost does too, without a second ghost.
#[tokio::test]
async fn a_changed_name_is_followed() -> Result {
    let Gathering {
        scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    scene.town.say(&ben, &lounge, "one");
    let one = chat.hears(&room, "one").await?;
    scene.town.rename(&ben, "Benjamin");
    scene.town.say(&ben, &lounge, "two");
    let two = chat.hears(&room, "two").await?;
    assert_eq!(one.sender(), two.sender());
    chat.user
        .wait_for("the new name", |event| {
            event.membership_of(one.sender()) == Some("join")
                && event.content()["displayname"] == "Benjamin (Gitter)"
        })
        .await?;
    Ok(())
}

/// One Gitter account of two people on Matrix: what is said appears once in the room of each, and what one of them writes is said in
/// the other's room by the ghost of their account.
#[tokio::test]
async fn two_matrix_users_of_one_account_each_read_everything_once() -> Result {
    let Gathering {
        scene,
        maria,
        ben,
        lounge,
        chat: first,
        room: hers,
    } = Gathering::start().await?;
    let second = scene.citizen(&maria).await?;
    let his = scene.enter(&second, &lounge).await?;
    assert_ne!(hers, his, "each has a room of his own");

    scene.town.say(&ben, &lounge, "hello both");
    first.hears(&hers, "hello both").await?;
    second.hears(&his, "hello both").await?;
    first.user.say(&hers, "from the first").await?;
    let heard = second.hears(&his, "from the first").await?;
    assert_eq!(heard.sender(), scene.ghost(&maria));
    second.user.say(&his, "from the second").await?;
    let heard = first.hears(&hers, "from the second").await?;
    assert_eq!(heard.sender(), scene.ghost(&maria));
    scene.town.say(&ben, &lounge, "the end");
    first.hears(&hers, "the end").await?;
    second.hears(&his, "the end").await?;

    let all = ["hello both", "from the first", "from the second", "the end"];
    assert_eq!(scene.town.texts(&lounge), all);
    for (chat, room) in [(&first, &hers), (&second, &his)] {
        let bodies = chat.user.bodies(room).await?;
        let talk: Vec<_> = bodies
            .iter()
            .filter(|body| all.contains(&body.as_str()))
            .collect();
        assert_eq!(talk, all);
    }
    Ok(())
}
