//! The personal space.

use crate::scene::{Result, Scene};

/// "With `bridge.space` the user is invited to a private space named `Gitter` that lists his bridged rooms."
#[tokio::test]
async fn the_space_lists_his_rooms() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    let space = chat.user.wait_for_invite_to("Gitter").await?;
    chat.user.join(&space).await?;
    let create = chat.user.state(&space, "m.room.create", "").await?;
    assert_eq!(create["type"], "m.space");
    let rules = chat.user.state(&space, "m.room.join_rules", "").await?;
    assert_eq!(rules["join_rule"], "invite");
    let child = chat
        .user
        .wait_for("the room in the space", |event| {
            event.room == space
                && event.kind() == "m.space.child"
                && event.state_key() == Some(room.as_str())
        })
        .await?;
    assert!(
        child.content()["via"]
            .as_array()
            .is_some_and(|via| !via.is_empty())
    );

    // A room he leaves is taken off the list.
    chat.user.leave(&room).await?;
    chat.user
        .wait_for("the room to go from the space", |event| {
            event.room == space
                && event.kind() == "m.space.child"
                && event.state_key() == Some(room.as_str())
                && event.content().get("via").is_none()
        })
        .await?;
    Ok(())
}

/// "`space: true`" can be turned off.
#[tokio::test]
async fn without_the_setting_there_is_no_space() -> Result {
    let scene = Scene::with(|setup| setup.set("bridge.space", false)).await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    scene.enter(&chat, &lounge).await?;
    chat.ask("status").await?;
    let seen = chat.user.seen().await?;
    assert!(!seen.iter().any(|event| event.content()["name"] == "Gitter"));
    Ok(())
}

/// "room tombstones/upgrades followed": the space's, too.
#[tokio::test]
async fn a_replaced_space_is_followed() -> Result {
    let scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    let space = chat.user.wait_for_invite_to("Gitter").await?;
    chat.user.join(&space).await?;
    let replacement = scene.upgrade(&space, "12").await?;
    chat.user
        .wait_for("an invite into the new space", |event| {
            event.room == replacement && event.membership_of(&chat.user.id) == Some("invite")
        })
        .await?;
    chat.user.join(&replacement).await?;
    let child = chat
        .user
        .state(&replacement, "m.space.child", &room)
        .await?;
    assert!(child["via"].is_array(), "{child}");
    // The bridge looks after this one now.
    chat.user.leave(&room).await?;
    chat.user
        .wait_for("the room to go from the new space", |event| {
            event.room == replacement
                && event.kind() == "m.space.child"
                && event.state_key() == Some(room.as_str())
                && event.content().get("via").is_none()
        })
        .await?;
    Ok(())
}
