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
