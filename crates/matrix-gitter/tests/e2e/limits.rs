//! On a homeserver with the rate limits it comes with.

use crate::scene::{Result, Scene};

/// A login with twenty rooms, their invites, history and talk: the limits are for people, not for a bridge whose
/// registration says `rate_limited: false`, and where they hold all the same it waits.
#[tokio::test]
async fn stock_limits_stop_nothing() -> Result {
    let scene = Scene::with_stock_limits().await?;
    let (maria, ben) = scene.town.maria_and_ben();
    let rooms: Vec<_> = (0..20)
        .map(|number| {
            let name = format!("rustics/room{number:02}");
            let room = scene.town.room(&name, &[&maria, &ben]);
            for line in 0..30 {
                scene.town.say(&ben, &room, &format!("line {line}"));
            }
            room
        })
        .collect();
    let chat = scene.citizen(&maria).await?;
    for room in &rooms {
        chat.user.wait_for_invite_to(&room.name).await?;
    }
    // People have their limits; some rooms show it.
    for room in rooms.iter().take(5) {
        let bridged = scene.enter(&chat, room).await?;
        chat.hears(&bridged, "line 29").await?;
        for line in 30..50 {
            scene.town.say(&ben, room, &format!("line {line}"));
        }
        chat.hears(&bridged, "line 49").await?;
        let conversation = chat.conversation(&bridged).await?;
        let said: Vec<_> = conversation.iter().map(|(_, body)| body.clone()).collect();
        let all: Vec<_> = (0..50).map(|line| format!("line {line}")).collect();
        assert_eq!(said, all);
    }
    let first = scene.enter(&chat, &rooms[5]).await?;
    chat.user.say(&first, "hello").await?;
    scene.town.hears(&rooms[5], "hello").await?;
    let list = chat.list().await?;
    assert_eq!(list.len(), 20, "{list:?}");
    assert_eq!(
        list.iter().filter(|line| line.ends_with(" *")).count(),
        6,
        "{list:?}"
    );
    chat.ask_for("failed", "").await?;
    Ok(())
}
