//! Commands of admins: `users`, `logout <mxid>`, `unbridge <room>`.

use crate::scene::{Chat, Result, Scene};

async fn with_admin() -> Result<(Scene, Chat)> {
    let admin = testbed::synapse::shared().await?.user("admin").await?;
    let scene = Scene::with(|setup| setup.permit(&admin.id, "admin")).await?;
    let admin = scene.chat(admin).await?;
    Ok((scene, admin))
}

/// "Admins also have: `users` (who is logged in, and their state)."
#[tokio::test]
async fn users_lists_logins() -> Result {
    let (scene, admin) = with_admin().await?;
    let maria = scene.town.person("maria", "Maria");
    let chat = scene.citizen(&maria).await?;
    let answer = admin.ask("users").await?;
    assert!(answer.body().contains(&chat.user.id), "{}", answer.body());
    assert!(answer.body().contains("maria"), "{}", answer.body());
    let help = admin.ask("help").await?;
    assert!(help.body().contains("unbridge"), "{}", help.body());
    Ok(())
}

/// "`logout <mxid>`"
#[tokio::test]
async fn an_admin_can_log_somebody_out() -> Result {
    let (scene, admin) = with_admin().await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    let bridged = scene.enter(&chat, &lounge).await?;
    let answer = admin.ask(&format!("logout {}", chat.user.id)).await?;
    assert!(answer.body().contains(&chat.user.id), "{}", answer.body());
    chat.user
        .wait_for("to be out of the room", |event| {
            event.room == bridged && event.membership_of(&chat.user.id) == Some("leave")
        })
        .await?;
    let users = admin.ask("users").await?;
    assert!(!users.body().contains(&chat.user.id), "{}", users.body());
    // An unknown one is said to be unknown.
    let nobody = admin.ask("logout @nobody:matrix.test").await?;
    assert!(!nobody.body().is_empty());
    Ok(())
}

/// "`unbridge <room>`"
#[tokio::test]
async fn an_admin_can_end_the_bridging_of_a_room() -> Result {
    let (scene, admin) = with_admin().await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    let bridged = scene.enter(&chat, &lounge).await?;
    admin.ask("unbridge rustics/lounge").await?;
    chat.user
        .wait_for("to be out of the room", |event| {
            event.room == bridged && event.membership_of(&chat.user.id) == Some("leave")
        })
        .await?;
    chat.until_list(&["- rustics/lounge"]).await?;
    // He is still in it on Gitter.
    assert_eq!(scene.town.members(&lounge), ["maria"]);
    Ok(())
}

/// What admins have, others do not.
#[tokio::test]
async fn others_cannot_use_them() -> Result {
    let (scene, admin) = with_admin().await?;
    let maria = scene.town.person("maria", "Maria");
    let citizen = scene.citizen(&maria).await?;
    let other = scene.newcomer("ben").await?;
    let answer = other.ask("users").await?;
    assert!(
        !answer.body().contains(&citizen.user.id),
        "{}",
        answer.body()
    );
    other.ask(&format!("logout {}", citizen.user.id)).await?;
    other.ask("unbridge rustics/lounge").await?;
    let users = admin.ask("users").await?;
    assert!(users.body().contains(&citizen.user.id), "{}", users.body());
    Ok(())
}
