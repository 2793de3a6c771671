//! A homeserver, a Gitter, a bridge between them, and a user logged in.

use std::path::Path;
use std::time::Duration;

use gitter_sandbox::{RoomId, Sandbox, UserId, Visibility};
use testbed::bridge::{Bridge, Gitter, Setup};
use testbed::login;
use testbed::progress::Lines;
use testbed::synapse::{Options, Synapse};
use testbed::user::{Dm, User};

/// All of it.
pub(super) struct World {
    pub(super) bridge: Bridge,
    pub(super) sandbox: Sandbox,
    pub(super) synapse: Synapse,
}

/// Somebody on both sides.
pub(super) struct Member {
    pub(super) user: User,
    dm: Dm,
    pub(super) rooms: Vec<(RoomId, String)>,
}

impl World {
    /// `limit` is how many requests Gitter allows per minute; `invites`, how many rooms one is invited to.
    pub(super) async fn start(program: &Path, limit: u32, invites: usize) -> anyhow::Result<Self> {
        let synapse = Synapse::start(
            Options {
                slots: 1,
                ..Options::default()
            },
            &Lines,
        )
        .await?;
        let slot = synapse.slot()?;
        let sandbox = Sandbox::builder().rate_limit(limit).start().await?;
        let redirect = format!("{}/callback", slot.address());
        let app = sandbox.world().add_client("Matrix bridge", &redirect);
        let gitter = Gitter {
            web_url: sandbox.web_url().to_string(),
            api_url: sandbox.api_url().to_string(),
            realtime_url: sandbox.realtime_url().to_string(),
            files_url: sandbox.files_url().to_string(),
            client_id: app.key,
            client_secret: app.secret,
        };
        let bridge = Setup::new(program, &synapse, slot, &gitter)?
            .set("logging.level", "info")
            .set("bridge.invites.max", invites)
            .start()
            .await?;
        Ok(Self {
            bridge,
            sandbox,
            synapse,
        })
    }

    /// Makes this many rooms with two people in each, one of whom it gives.
    pub(super) fn people_and_rooms(&self, count: usize) -> anyhow::Result<(UserId, Vec<RoomId>)> {
        let world = self.sandbox.world();
        let (maria, ben) = (
            world.add_user("maria", "Maria"),
            world.add_user("ben", "Ben"),
        );
        let mut rooms = Vec::new();
        for number in 0..count {
            let room = world.add_room(&room_name(number), Visibility::Public, ben)?;
            world.join(maria, room)?;
            world.say(ben, room, "the first words")?;
            rooms.push(room);
        }
        Ok((ben, rooms))
    }

    /// Logs a user in as Maria.
    pub(super) async fn member(&self) -> anyhow::Result<Member> {
        let user = self.synapse.user("anna").await?;
        let dm = user.dm(&self.bridge.slot().bot_id()).await?;
        login::through_pages(&user, &dm, "maria").await?;
        Ok(Member {
            user,
            dm,
            rooms: Vec::new(),
        })
    }
}

impl Member {
    /// Accepts the invites to these rooms, and waits until their history is there.
    pub(super) async fn enter(&mut self, rooms: &[RoomId]) -> anyhow::Result<()> {
        for (number, room) in rooms.iter().enumerate() {
            let bridged = self.user.wait_for_invite_to(&room_name(number)).await?;
            self.user.join(&bridged).await?;
            self.user
                .wait_for("the history", |event| {
                    event.room == bridged && event.body() == "the first words"
                })
                .await?;
            self.rooms.push((*room, bridged));
        }
        Ok(())
    }

    /// Waits until nothing happens any more: the bot has answered what was asked last, and some seconds have passed.
    pub(super) async fn settle(&self) -> anyhow::Result<()> {
        self.user.ask(&self.dm, "status").await?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        Ok(())
    }
}

fn room_name(number: usize) -> String {
    format!("bench/room{number:02}")
}
