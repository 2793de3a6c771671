//! What most tests begin with: Maria, who uses the bridge, and Ben, who has only Gitter, in one room.
//!
//! A test that needs other rooms, or people who have not come so far, begins with a [`Scene`].

use crate::scene::{Chat, Result, Scene};
use crate::town::{Person, Room};

/// Maria and Ben in `rustics/lounge`. Tests take it apart.
pub(crate) struct Gathering {
    pub(crate) scene: Scene,
    pub(crate) maria: Person,
    pub(crate) ben: Person,
    /// On Gitter.
    pub(crate) lounge: Room,
    /// Maria, who is logged in.
    pub(crate) chat: Chat,
    /// On Matrix, where she is in it.
    pub(crate) room: String,
}

impl Gathering {
    /// With the configuration as it comes.
    pub(crate) async fn start() -> Result<Self> {
        Self::on(Scene::start().await?).await
    }

    /// On a scene of the test's own.
    pub(crate) async fn on(scene: Scene) -> Result<Self> {
        let (maria, ben) = scene.town.maria_and_ben();
        let lounge = scene.town.room("rustics/lounge", &[&maria, &ben]);
        let chat = scene.citizen(&maria).await?;
        let room = scene.enter(&chat, &lounge).await?;
        Ok(Self {
            scene,
            maria,
            ben,
            lounge,
            chat,
            room,
        })
    }
}
