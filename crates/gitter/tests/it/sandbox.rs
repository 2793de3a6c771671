//! Against the Gitter in memory: a walk through REST, and realtime over both transports, with everything that happens to
//! connections.

mod realtime;
mod rest;

use std::sync::Arc;

use gitter::{Client, Clock, Endpoints, RoomId};
use gitter_sandbox::{Sandbox, Visibility};
use jiff::Timestamp;

use super::support::http;

/// A sandbox with two people in a room, and another room nobody of them is in.
struct Stage {
    sandbox: Sandbox,
    alice: gitter_sandbox::UserId,
    bob: gitter_sandbox::UserId,
    lobby: gitter_sandbox::RoomId,
}

impl Stage {
    async fn set() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let world = sandbox.world();
        let alice = world.add_user("alice-gh", "Alice Anders");
        let bob = world.add_user("bob-gh", "Bob Brown");
        let lobby = world
            .add_room("acme/lobby", Visibility::Public, bob)
            .unwrap();
        world.add_room("acme/dev", Visibility::Public, bob).unwrap();
        world.join(alice, lobby).unwrap();
        Self {
            sandbox,
            alice,
            bob,
            lobby,
        }
    }

    fn endpoints(&self) -> Arc<Endpoints> {
        Arc::new(Endpoints {
            web_url: self.sandbox.web_url().clone(),
            api_url: self.sandbox.api_url().clone(),
            realtime_url: self.sandbox.realtime_url().clone(),
        })
    }

    fn token(&self) -> String {
        self.sandbox.world().personal_token(self.alice).unwrap()
    }

    fn client(&self) -> Client {
        Client::new(self.endpoints(), http(), clock(), self.token().into())
    }

    fn lobby(&self) -> RoomId {
        self.lobby.to_string().into()
    }

    fn say(&self, text: &str) -> String {
        self.sandbox
            .world()
            .say(self.bob, self.lobby, text)
            .unwrap()
            .to_string()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox goes by the system's clock"
)]
fn clock() -> Clock {
    Arc::new(Timestamp::now)
}
