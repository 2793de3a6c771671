//! What a user has read.

use testbed::user::path;

use crate::gathering::Gathering;
use crate::scene::{Chat, Result};

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
