//! Each figure.

use std::path::Path;
use std::time::Duration;

use gitter_sandbox::RoomId;
use tokio::time::Instant;

use super::costs::{cpu, memory, requests};
use super::world::{Member, World};

/// More than anything here asks for.
const UNLIMITED: u32 = 1_000_000;
/// How many requests per minute Gitter allows.
const AS_GITTER: u32 = 100;
/// How often a latency is measured.
const SAMPLES: usize = 51;
/// For how long the bridge is left alone after its start. For its first ten seconds it reads the timeline before it takes
/// what a homeserver sends, which is no steady state.
const SETTLES: Duration = Duration::from_secs(15);

pub(super) struct Idle {
    pub(super) start: Duration,
    pub(super) memory: u64,
}

/// Median time from start to ready of seven starts, and memory some seconds later.
pub(super) async fn start_and_idle(program: &Path) -> anyhow::Result<Idle> {
    let mut world = World::start(program, UNLIMITED, 20).await?;
    let mut starts = Vec::new();
    for _ in 0..7 {
        world.bridge.stop().await?;
        let start = Instant::now();
        world.bridge.start_again().await?;
        starts.push(start.elapsed());
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    Ok(Idle {
        start: median(starts),
        memory: memory(world.bridge.pid())?,
    })
}

pub(super) struct Login {
    pub(super) requests: u64,
    pub(super) refused: u64,
}

/// Requests from login until all invites are out.
pub(super) async fn login(program: &Path, rooms: usize) -> anyhow::Result<Login> {
    let world = World::start(program, AS_GITTER, 20).await?;
    world.people_and_rooms(rooms)?;
    world.sandbox.reset_stats();
    let member = world.member().await?;
    while member.user.rooms_by_membership("invite").await?.len() < 20 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    member.settle().await?;
    let stats = world.sandbox.stats();
    Ok(Login {
        requests: stats.of_account("maria"),
        refused: stats.too_many,
    })
}

/// Memory with one user in 20 rooms.
pub(super) async fn twenty_rooms(program: &Path) -> anyhow::Result<u64> {
    let world = World::start(program, UNLIMITED, 20).await?;
    let (_, rooms) = world.people_and_rooms(20)?;
    let mut member = world.member().await?;
    member.enter(&rooms).await?;
    member.settle().await?;
    memory(world.bridge.pid())
}

pub(super) struct Traffic {
    pub(super) to_gitter: Way,
    pub(super) to_matrix: Way,
    pub(super) memory: u64,
}

/// One direction.
pub(super) struct Way {
    /// For 1000 messages.
    pub(super) cpu: Duration,
    pub(super) homeserver_requests: f64,
    pub(super) added: Duration,
    direct: Duration,
}

impl Way {
    /// How many times as long as a direct send a bridged one takes.
    pub(super) fn ratio(&self) -> f64 {
        (self.direct + self.added).as_secs_f64() / self.direct.as_secs_f64().max(1e-6)
    }
}

/// So many messages each way, in one room, as quickly as the homeserver takes them.
pub(super) async fn traffic(program: &Path, messages: usize) -> anyhow::Result<Traffic> {
    let world = World::start(program, UNLIMITED, 20).await?;
    let (ben, rooms) = world.people_and_rooms(2)?;
    let mut member = world.member().await?;
    member.enter(&rooms).await?;
    member.settle().await?;
    tokio::time::sleep(SETTLES).await;
    let (quiet, busy) = (&member.rooms[0], &member.rooms[1]);

    let mut to_gitter = latency_to_gitter(&world, &member, quiet).await?;
    let mut to_matrix = latency_to_matrix(&world, &member, quiet, ben).await?;

    let meter = Meter::read(&world)?;
    for number in 0..messages {
        member.user.say(&busy.1, &format!("hers {number}")).await?;
    }
    until_on_gitter(&world, busy.0, &format!("hers {}", messages - 1)).await?;
    meter.compare(&world, messages, &mut to_gitter)?;

    let meter = Meter::read(&world)?;
    for number in 0..messages {
        world
            .sandbox
            .world()
            .say(ben, busy.0, &format!("his {number}"))?;
        // Faster than the homeserver could take them; this only keeps the sandbox from hurrying far ahead.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let last = format!("his {}", messages - 1);
    member
        .user
        .wait_for("the last message", |event| event.body() == last)
        .await?;
    meter.compare(&world, messages, &mut to_matrix)?;
    Ok(Traffic {
        to_gitter,
        to_matrix,
        memory: memory(world.bridge.pid())?,
    })
}

/// The state of the counters before a run.
struct Meter {
    cpu: Duration,
    requests: usize,
}

impl Meter {
    fn read(world: &World) -> anyhow::Result<Self> {
        let prefix = &world.bridge.slot().bot;
        Ok(Self {
            cpu: cpu(world.bridge.pid())?,
            requests: requests(&world.synapse.log(), prefix),
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of some thousands")]
    fn compare(&self, world: &World, messages: usize, way: &mut Way) -> anyhow::Result<()> {
        let now = Self::read(world)?;
        way.cpu = now
            .cpu
            .saturating_sub(self.cpu)
            .mul_f64(1000.0 / messages as f64);
        way.homeserver_requests = (now.requests - self.requests) as f64 / messages as f64;
        Ok(())
    }
}

/// From pressing Enter until Gitter has it, less what the homeserver takes to say that it has it.
async fn latency_to_gitter(
    world: &World,
    member: &Member,
    (room, bridged): &(RoomId, String),
) -> anyhow::Result<Way> {
    let (mut direct, mut whole) = (Vec::new(), Vec::new());
    for number in 0..SAMPLES {
        let text = format!("latency there {number}");
        let start = Instant::now();
        member.user.say(bridged, &text).await?;
        direct.push(start.elapsed());
        until_on_gitter(world, *room, &text).await?;
        whole.push(start.elapsed());
    }
    Ok(way(direct, whole))
}

/// From Gitter having it until the user's client sees it, less what a message of another Matrix user takes.
async fn latency_to_matrix(
    world: &World,
    member: &Member,
    (room, _): &(RoomId, String),
    ben: gitter_sandbox::UserId,
) -> anyhow::Result<Way> {
    let other = world.synapse.user("other").await?;
    let dm = other.start_dm(&member.user.id).await?;
    member
        .user
        .wait_for_invite("the other's invite", |event| event.sender() == other.id)
        .await?;
    member.user.join(&dm.room).await?;
    let (mut direct, mut whole) = (Vec::new(), Vec::new());
    for number in 0..SAMPLES {
        let text = format!("latency direct {number}");
        let start = Instant::now();
        let (sent, seen) = tokio::join!(
            other.say(&dm.room, &text),
            member
                .user
                .wait_for("a direct message", |event| event.body() == text)
        );
        sent?;
        seen?;
        direct.push(start.elapsed());

        let text = format!("latency here {number}");
        let start = Instant::now();
        world.sandbox.world().say(ben, *room, &text)?;
        member
            .user
            .wait_for("a bridged message", |event| event.body() == text)
            .await?;
        whole.push(start.elapsed());
    }
    Ok(way(direct, whole))
}

fn way(direct: Vec<Duration>, whole: Vec<Duration>) -> Way {
    let (direct, whole) = (median(direct), median(whole));
    Way {
        cpu: Duration::ZERO,
        homeserver_requests: 0.0,
        added: whole.saturating_sub(direct),
        direct,
    }
}

async fn until_on_gitter(world: &World, room: RoomId, text: &str) -> anyhow::Result<()> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_mins(3) {
        let messages = world.sandbox.world().messages(room)?;
        if messages.iter().rev().any(|message| message.text == text) {
            return Ok(());
        }
        // A full room takes a while to read, an almost empty one does not.
        let pause = if messages.len() > 200 { 50 } else { 1 };
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    anyhow::bail!("{text:?} did not reach Gitter within three minutes")
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
