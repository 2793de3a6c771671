//! A homeserver, a Gitter, the program between them, and proxies on the roads.

use std::path::Path;

use anyhow::Context as _;
use gitter_sandbox::{RoomId, Sandbox, UserId, Visibility};
use testbed::bridge::{Bridge, Gitter, Setup};
use testbed::progress::Lines;
use testbed::synapse::{self, Synapse};
use testbed::user::{Dm, User};
use testbed::{login, ports};
use tokio::sync::RwLock;
use url::Url;

use crate::ledger::Ledger;
use crate::proxy::Proxy;

/// How many rooms there are, and how many people on Matrix are in all of them.
const ROOMS: usize = 3;
const MEMBERS: [&str; 2] = ["maria", "otto"];
/// What stands in each room before it begins.
const FIRST_WORDS: &str = "the first words";

/// All that people and blows share. The bridge itself is in the hands of whoever deals the blows.
pub(crate) struct World {
    pub(crate) synapse: Synapse,
    pub(crate) sandbox: Sandbox,
    pub(crate) rooms: Vec<RoomId>,
    pub(crate) members: Vec<Member>,
    /// Somebody who is on Gitter only.
    pub(crate) ben: UserId,
    pub(crate) ledger: Ledger,
    pub(crate) roads: Roads,
    /// Held by whoever asks something of the homeserver, and for writing by whoever kills it: what people say was
    /// either taken or not said.
    pub(crate) homeserver_stands: RwLock<()>,
}

/// Somebody on both sides.
pub(crate) struct Member {
    pub(crate) user: User,
    pub(crate) dm: Dm,
    pub(crate) on_gitter: UserId,
    /// His Matrix rooms, in the order of [`World::rooms`].
    pub(crate) portals: Vec<String>,
}

/// The roads on which something can happen.
pub(crate) struct Roads {
    pub(crate) homeserver_to_bridge: Proxy,
    pub(crate) bridge_to_homeserver: Proxy,
    pub(crate) bridge_to_gitter: Proxy,
}

/// Sets it all up; everybody is in his rooms. `database` is a URI, or else SQLite is used.
pub(crate) async fn build(
    program: &Path,
    database: Option<&str>,
) -> anyhow::Result<(World, Bridge)> {
    let options = synapse::Options {
        slots: 1,
        ..synapse::Options::default()
    };
    let synapse = Synapse::start(options, &Lines).await?;
    let slot = synapse.slot()?;
    // Kills come faster than people start a bridge, and each start asks for rooms and what was missed.
    let sandbox = Sandbox::builder().rate_limit(100_000).start().await?;
    let redirect = format!("{}/callback", slot.address());
    let app = sandbox.world().add_client("Matrix bridge", &redirect);

    let (listens, homeserver, gitter) = (ports::reserve()?, ports::reserve()?, ports::reserve()?);
    let roads = Roads {
        homeserver_to_bridge: Proxy::start(slot.port, listens).await?,
        bridge_to_homeserver: Proxy::start(homeserver, port(synapse.base())?).await?,
        bridge_to_gitter: Proxy::start(gitter, port(sandbox.api_url())?).await?,
    };
    let setup = Gitter {
        web_url: sandbox.web_url().to_string(),
        api_url: through(sandbox.api_url(), gitter)?,
        realtime_url: through(sandbox.realtime_url(), gitter)?,
        files_url: sandbox.files_url().to_string(),
        client_id: app.key,
        client_secret: app.secret,
    };
    let mut setup = Setup::new(program, &synapse, slot, &setup)?
        .set("appservice.port", listens)
        .set(
            "homeserver.address",
            format!("http://127.0.0.1:{homeserver}"),
        )
        .set("logging.level", "debug");
    if let Some(uri) = database {
        setup = setup.database(uri);
    }
    let bridge = setup.start().await?;

    let mut world = World {
        ben: sandbox.world().add_user("ben", "Ben"),
        synapse,
        sandbox,
        rooms: Vec::new(),
        members: Vec::new(),
        ledger: Ledger::default(),
        roads,
        homeserver_stands: RwLock::default(),
    };
    world.populate(&bridge).await?;
    Ok((world, bridge))
}

impl World {
    async fn populate(&mut self, bridge: &Bridge) -> anyhow::Result<()> {
        let gitter = self.sandbox.world();
        let people = MEMBERS.map(|name| gitter.add_user(name, name));
        for number in 0..ROOMS {
            let room = gitter.add_room(&room_name(number), Visibility::Public, self.ben)?;
            for person in people {
                gitter.join(person, room)?;
            }
            gitter.say(self.ben, room, FIRST_WORDS)?;
            self.rooms.push(room);
        }
        for (name, on_gitter) in MEMBERS.into_iter().zip(people) {
            let user = self.synapse.user(name).await?;
            let dm = user.dm(&bridge.slot().bot_id()).await?;
            login::through_pages(&user, &dm, name).await?;
            let mut portals = Vec::new();
            for number in 0..ROOMS {
                let portal = user.wait_for_invite_to(&room_name(number)).await?;
                user.join(&portal).await?;
                user.wait_for("the history", |event| {
                    event.room == portal && event.body() == FIRST_WORDS
                })
                .await?;
                portals.push(portal);
            }
            self.members.push(Member {
                user,
                dm,
                on_gitter,
                portals,
            });
        }
        Ok(())
    }
}

/// What a room is called, by its number.
pub(crate) fn room_name(number: usize) -> String {
    format!("siege/room{number}")
}

fn port(url: &Url) -> anyhow::Result<u16> {
    url.port_or_known_default()
        .with_context(|| format!("no port in {url}"))
}

/// The same address behind a proxy.
fn through(url: &Url, port: u16) -> anyhow::Result<String> {
    let mut url = url.clone();
    let set = url.set_port(Some(port));
    anyhow::ensure!(set.is_ok(), "{url} cannot have a port");
    Ok(url.to_string())
}
