//! What a user has read.

use testbed::bridge::Setup;
use testbed::user::path;

use crate::gathering::Gathering;
use crate::puppeting::is_in;
use crate::scene::{Chat, Result, Scene};

/// Sends a read receipt as clients do.
async fn reads(chat: &Chat, room: &str, event: &str, kind: &str) -> Result {
    let path = path(&["v3", "rooms", room, "receipt", kind, event]);
    let body = serde_json::json!({ "thread_id": "main" });
    chat.user
        .call(reqwest::Method::POST, &path, Some(&body))
        .await?;
    Ok(())
}

/// "his Matrix read receipt marks the messages read on Gitter"
#[tokio::test]
async fn what_is_read_on_matrix_is_read_on_gitter() -> Result {
    let Gathering {
        scene,
        maria,
        ben,
        lounge,
        chat,
        room,
    } = Gathering::start().await?;
    let mut said = Vec::new();
    for text in ["one", "two", "three"] {
        said.push(scene.town.say(&ben, &lounge, text));
    }
    let second = chat.hears(&room, "two").await?;
    let third = chat.hears(&room, "three").await?;
    assert_eq!(
        scene.town.unread(&maria, &lounge),
        said,
        "that the bridge has carried them does not count as reading"
    );
    reads(&chat, &room, second.id(), "m.read").await?;
    scene
        .town
        .until_unread(&maria, &lounge, &[&said[2]])
        .await?;
    reads(&chat, &room, third.id(), "m.read").await?;
    scene.town.until_unread(&maria, &lounge, &[]).await
}

/// "the user's own reading on Gitter moves his Matrix read marker …"
#[tokio::test]
async fn with_puppeting_what_is_read_on_gitter_is_read_on_matrix() -> Result {
    let scene = Scene::with(Setup::with_puppets).await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
    let chat = scene.citizen(&maria).await?;
    let room = is_in(&chat, &lounge).await?;
    scene.town.say(&ben, &lounge, "one");
    scene.town.say(&ben, &lounge, "two");
    let last = chat.hears(&room, "two").await?;
    scene.town.read_all(&maria, &lounge).await?;
    chat.until_read_by(&room, &chat.user.id, last.id()).await?;
    // Which is no reading of hers on Matrix.
    let unread = scene.town.say(&ben, &lounge, "three");
    chat.hears(&room, "three").await?;
    assert_eq!(scene.town.unread(&maria, &lounge), [unread]);
    Ok(())
}

/// "… only when double puppeting is set up"
#[tokio::test]
async fn without_puppeting_reading_on_gitter_changes_nothing() -> Result {
    let Gathering {
        scene,
        maria,
        ben,
        lounge,
        chat,
        room,
    } = Gathering::start().await?;
    scene.town.say(&ben, &lounge, "one");
    chat.hears(&room, "one").await?;
    scene.town.read_all(&maria, &lounge).await?;
    // Told after it.
    scene.town.say(&ben, &lounge, "two");
    chat.hears(&room, "two").await?;
    assert_eq!(chat.user.read_by(&room, &chat.user.id).await?, None);
    Ok(())
}

/// "the bridge must not make the user look active in rooms he isn't reading"
#[tokio::test]
async fn who_is_bridged_is_not_seen_on_gitter() -> Result {
    let Gathering {
        scene,
        maria,
        ben,
        lounge,
        chat,
        room,
    } = Gathering::start().await?;
    scene.town.say(&ben, &lounge, "is she here?");
    chat.hears(&room, "is she here?").await?;
    scene.town.until_unseen(&maria).await
}
