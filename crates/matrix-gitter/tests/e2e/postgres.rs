//! The same on PostgreSQL: login, rooms, talk, restart.

use crate::scene::{Result, Scene};

#[tokio::test]
async fn the_whole_road_on_postgresql() -> Result {
    let database = testbed::postgres::database().await?;
    let mut scene = Scene::with(|setup| setup.database(&database)).await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    scene.town.say(&ben, &lounge, "long ago");
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    chat.hears(&room, "long ago").await?;
    chat.user.say(&room, "good morning").await?;
    scene.town.hears(&lounge, "good morning").await?;

    scene.bridge.kill().await?;
    chat.user.say(&room, "anybody?").await?;
    scene.town.say(&ben, &lounge, "me");
    scene.bridge.start_again().await?;
    scene.town.hears(&lounge, "anybody?").await?;
    chat.hears(&room, "me").await?;
    assert_eq!(chat.list().await?, ["- rustics/lounge *"]);
    chat.ask_for("logout", "You are logged out").await?;
    let mut texts = scene.town.texts(&lounge);
    texts.sort();
    assert_eq!(texts, ["anybody?", "good morning", "long ago", "me"]);
    Ok(())
}
