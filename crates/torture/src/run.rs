//! One seed, from its beginning to its end.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bridge::{
    Bridge, Parts, Random,
    config::{Backfill, Config, DoublePuppet},
};
use remote::EditWindow;
use ruma::OwnedRoomId;
use stage::{
    clock::StageClock,
    network::{self as fake, FakeNetwork},
};
use store::{ItemState, NewLogin, Options, SecretKey, Store};
use tokio_util::sync::CancellationToken;

use crate::{
    check::{Check, Finding, Wrong},
    dice::Dice,
    faults::{Faults, Kind},
    homeserver,
    life::{Life, Onlooker, Trace, Watch},
    network,
    people::{Ledger, People, mxid},
    pusher::Pusher,
    world::{Now, World},
};

/// How a seed came out.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Every step and its time, as one number.
    pub trace: u64,
    /// Every step, if it was asked for ([`Watch::Keep`]).
    pub steps: Vec<String>,
    /// How many lives the bridge had.
    pub lives: u64,
    /// How many messages were written, on both sides.
    pub messages: u64,
    /// What went wrong by the draw.
    pub kinds: BTreeSet<Kind>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Runs a seed, with all the kinds of fault in `only` or, without it, those that the seed draws.
///
/// # Panics
/// When the machine gives neither thread nor file.
pub fn run(seed: u64, only: Option<&BTreeSet<Kind>>, watch: Watch) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    // Made in there, since outside of it the clock is that of the machine.
    runtime.block_on(async { Torture::new(seed, only, watch).run().await })
}

/// The longest that the end may take.
const END: Duration = Duration::from_hours(4);

/// From then on nobody expects a message any more, where there is such a time, in milliseconds.
pub(crate) const MAX_AGE: i64 = 180_000;

struct Torture {
    seed: u64,
    kinds: BTreeSet<Kind>,
    world: Arc<World>,
    /// Draws what is decided once.
    dice: Dice,
    config: Config,
    folder: tempfile::TempDir,
    users: Vec<String>,
    rooms: Vec<String>,
}

impl Torture {
    fn new(seed: u64, only: Option<&BTreeSet<Kind>>, watch: Watch) -> Self {
        let dice = Dice::new(seed, 0);
        // Drawn apart, so that a kind that is added leaves those seeds as they are that do not draw it.
        let added = Dice::new(seed, 6);
        let mut kinds = BTreeSet::new();
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            let drawn = match place {
                0..17 => dice.below(100) < 40,
                _ => added.below(100) < 25,
            };
            let is_off = Kind::OFF.iter().any(|(off, _)| *off == kind);
            let wanted = only.map_or(drawn && !is_off, |only| only.contains(&kind));
            if wanted {
                kinds.insert(kind);
            }
        }
        let chance = [5, 20, 60, 150][dice.index(4)];
        let clock = Arc::new(StageClock::default());
        let faults = Faults::new(
            kinds.clone(),
            chance,
            Dice::new(seed, 1),
            clock.clone(),
            Trace::new(watch),
        );
        let mut network = FakeNetwork::new(clock.clone());
        network.capabilities.edits = EditWindow::Always;
        network.capabilities.reread = 100;
        let rooms: Vec<String> = (0..=dice.below(4)).map(|it| format!("r{it}")).collect();
        let users: Vec<String> = (0..=dice.below(3)).map(|it| format!("u{it}")).collect();
        network.lock().rooms = rooms.iter().map(|room| fake::room(room)).collect();
        let mut config = stage::config();
        config.backfill = Backfill {
            initial: 5,
            missed: 1_000,
        };
        config.members_initial = 0;
        if dice.below(4) == 0 {
            config.status.events = true;
            config.status.receipts = true;
        }
        if kinds.contains(&Kind::Age) {
            config.delivery.max_age = Some(MAX_AGE);
        }
        let puppets = dice.below(4) == 0;
        if puppets {
            config.double_puppet = DoublePuppet::On;
        }
        let world = Arc::new(World::new(network, clock, faults));
        world.homeserver.lock().puppets = puppets;
        Self {
            seed,
            kinds,
            world,
            dice,
            config,
            folder: folder(),
            users,
            rooms,
        }
    }

    async fn run(self) -> Report {
        let this = Arc::new(self);
        let store = open(&this.folder.path().join("bridge.db")).in_steps(Arc::new(Onlooker));
        for user in &this.users {
            this.log_in(user, &store).await;
        }
        store.close().await;
        drop(store);
        let calm = CancellationToken::new();
        let lives = tokio::spawn(this.clone().live(calm.clone()));
        let pusher = Pusher::new(this.world.clone(), Dice::new(this.seed, 2));
        let pusher = tokio::spawn(pusher.run());
        let mut findings = Vec::new();
        let mut messages = 0;
        if let Some(portals) = this.enter().await {
            let people = Arc::new(People {
                world: this.world.clone(),
                ledger: Arc::new(Ledger::default()),
                users: this.users.clone(),
                rooms: this.rooms.clone(),
                portals,
            });
            // A room that reads as empty is taken for a fault of the network, and nobody deletes this.
            for room in &this.rooms {
                people.native_says("zoe", room);
            }
            this.world.faults.reign(true);
            this.time_of_faults(&people, &calm).await;
            this.world.faults.reign(false);
            calm.cancel();
            if let Some(now) = this.world.living() {
                now.life.spare();
            }
            findings = this.end(&people).await;
            messages = people.ledger.lock().len() as u64;
            messages += this.world.network.lock().messages.len() as u64;
        } else {
            findings.push(Finding {
                wrong: Wrong::Broken,
                what: "the rooms were never opened".to_owned(),
            });
        }
        pusher.abort();
        lives.abort();
        let lives = lives.await.err().map_or(0, |_| this.world.lives());
        findings.sort();
        if let Some(now) = this.world.replace(None) {
            now.life.end();
        }
        Report {
            seed: this.seed,
            trace: this.world.faults.sum(),
            steps: this.world.faults.steps(),
            lives,
            messages,
            kinds: this.kinds.clone(),
            findings,
        }
    }

    async fn log_in(&self, user: &str, store: &Store) -> Option<store::Login> {
        let person = fake::person(user);
        let new = NewLogin {
            mxid: mxid(user).to_string(),
            person_id: person.id.to_string(),
            username: person.username,
            display_name: person.display_name,
            credentials: "token".to_owned().into(),
            now: self.world.now(),
        };
        store.put_login(&new).await.ok()
    }

    /// One life of the bridge after the other.
    async fn live(self: Arc<Self>, calm: CancellationToken) {
        let (world, faults) = (&self.world, &self.world.faults);
        let dice = Dice::new(self.seed, 3);
        loop {
            let kills = faults.has(Kind::Kills);
            let fuse = match dice.below(5) {
                _ if !kills => u64::MAX,
                0 => 1 + dice.below(40),
                1 | 2 => 1 + dice.below(300),
                _ => 1 + dice.below(2_500),
            };
            let life = Life::new(faults.clone(), fuse);
            let plain = open(&self.folder.path().join("bridge.db"));
            world.count();
            let bridge = Bridge::new(Parts {
                config: self.config.clone(),
                store: plain.clone().in_steps(life.clone()),
                homeserver: Arc::new(homeserver::Road {
                    world: world.clone(),
                    life: life.clone(),
                }),
                network: Arc::new(network::Road {
                    world: world.clone(),
                    life: life.clone(),
                }),
                clock: world.clock.clone(),
                random: Random::from_seed(dice.seed()),
            })
            .expect("the configuration is good");
            faults.note(&format_args!("a life begins"));
            let store = plain.in_steps(Arc::new(Onlooker));
            world.replace(Some(Now {
                life: life.clone(),
                bridge: bridge.clone(),
                store: store.clone(),
            }));
            let until_stop = async {
                if faults.drawn(Kind::Stops) {
                    tokio::time::sleep(dice.time(Duration::from_mins(2))).await;
                    if faults.has(Kind::Stops) {
                        return;
                    }
                }
                std::future::pending::<()>().await;
            };
            // First killed in the midst of its time, once the faults begin.
            let until_kill = async {
                if faults.drawn(Kind::Kills) && !kills {
                    loop {
                        tokio::time::sleep(dice.time(Duration::from_secs(10))).await;
                        if faults.has(Kind::Kills) {
                            return;
                        }
                        if calm.is_cancelled() {
                            break;
                        }
                    }
                }
                std::future::pending::<()>().await;
            };
            let lived = async {
                if bridge.start().await.is_err() {
                    faults.note(&format_args!("cannot start"));
                    return;
                }
                tokio::select! {
                    biased;
                    () = until_kill => {}
                    () = until_stop => {
                        faults.note(&format_args!("stops"));
                        bridge.stop(Duration::from_secs(8)).await;
                    }
                }
            };
            tokio::select! {
                biased;
                () = life.over() => {}
                () = lived => {}
            }
            life.end();
            drop(world.replace(None));
            drop(bridge);
            // Whoever was dropped is gone when he has had a turn.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            self.was_about_to_post(&store).await;
            store.close().await;
            faults.note(&format_args!("a life has ended"));
            let longest = if dice.below(10) == 0 { 900 } else { 20 };
            tokio::time::sleep(dice.time(Duration::from_secs(longest))).await;
        }
    }

    /// Notes what a bridge that died had marked as about to be posted.
    async fn was_about_to_post(&self, store: &Store) {
        for lane in store.waiting_lanes().await.unwrap_or_default() {
            if let Ok(Some(item)) = store.next_item(&lane).await
                && item.state == ItemState::Attempting
            {
                self.world.faults.facts.interrupted(&item.key);
            }
        }
    }

    /// Everybody enters all rooms.
    async fn enter(&self) -> Option<Vec<((String, String), OwnedRoomId)>> {
        for _ in 0..10_000 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            People::enter(&self.world, &self.users);
            let Some(now) = self.world.living() else {
                continue;
            };
            let mut portals = Vec::new();
            for user in &self.users {
                for room in &self.rooms {
                    let id = format!("room-{room}");
                    let portal = now.store.portal_of(mxid(user).as_str(), &id).await.ok()?;
                    if let Some(portal) = portal.filter(|portal| portal.opened)
                        && let Some(id) =
                            portal.room_id.and_then(|id| OwnedRoomId::try_from(id).ok())
                    {
                        portals.push(((user.clone(), room.clone()), id));
                    }
                }
            }
            if portals.len() == self.users.len() * self.rooms.len() {
                return Some(portals);
            }
        }
        None
    }

    /// People write, and things go wrong.
    async fn time_of_faults(&self, people: &Arc<People>, calm: &CancellationToken) {
        let dice = &self.dice;
        let gap = Duration::from_millis([300, 3_000, 20_000][dice.index(3)]);
        let mut everybody = Vec::new();
        for (index, user) in self.users.iter().enumerate() {
            let dice = Dice::new(self.seed, 100 + index as u64);
            let deeds = 5 + dice.below(20);
            let user = people.clone().user(user.clone(), dice, deeds, gap);
            everybody.push(tokio::spawn(user));
        }
        let natives = ["dave".to_owned(), "erin".to_owned()];
        for (index, native) in natives.into_iter().chain(self.users.clone()).enumerate() {
            let dice = Dice::new(self.seed, 200 + index as u64);
            let deeds = dice.below(15);
            let native = people.clone().native(native, dice, deeds, gap);
            everybody.push(tokio::spawn(native));
        }
        let trouble = async {
            tokio::join!(
                self.homeserver_comes_and_goes(Dice::new(self.seed, 4)),
                self.logins_are_revoked(Dice::new(self.seed, 5)),
            );
        };
        let all = async {
            for one in everybody {
                // Panics are told by themselves.
                one.await.ok();
            }
        };
        tokio::select! {
            biased;
            () = calm.cancelled() => {}
            () = trouble => {}
            () = all => {}
        }
        tokio::time::sleep(dice.time(Duration::from_mins(1))).await;
        self.world.up.set(true);
        for user in &self.users {
            self.let_in(user);
        }
    }

    async fn homeserver_comes_and_goes(&self, dice: Dice) {
        let (world, faults) = (&self.world, &self.world.faults);
        let mut kinds = Vec::new();
        for kind in [Kind::HomeserverAway, Kind::HomeserverKilled] {
            if faults.drawn(kind) {
                kinds.push(kind);
            }
        }
        if kinds.is_empty() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(dice.time(Duration::from_mins(1))).await;
            let kind = kinds[dice.index(kinds.len())];
            faults.note(&format_args!("{kind:?}"));
            world.up.set(false);
            let longest = match (kind, dice.below(8)) {
                (Kind::HomeserverAway, 0) => 3_600,
                (Kind::HomeserverAway, _) => 60,
                _ => 10,
            };
            tokio::time::sleep(dice.time(Duration::from_secs(longest))).await;
            if kind == Kind::HomeserverKilled {
                world.homeserver.lock().txns.clear();
                world.up.again();
                // It does not remember for how long it wanted to wait.
                world.pinged.notify_one();
            } else {
                world.up.set(true);
            }
            faults.note(&format_args!("the homeserver is back"));
        }
    }

    async fn logins_are_revoked(&self, dice: Dice) {
        let (world, faults) = (&self.world, &self.world.faults);
        if !faults.drawn(Kind::Revoked) {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(dice.time(Duration::from_secs(90))).await;
            let user = &self.users[dice.index(self.users.len())];
            faults.note(&format_args!("{user} is revoked"));
            world.network.revoke_of(&fake::person(user));
            tokio::time::sleep(dice.time(Duration::from_mins(1))).await;
            self.let_in(user);
            self.logs_in_again(user).await;
        }
    }

    fn let_in(&self, user: &str) {
        let person = fake::person(user);
        self.world.network.lock().revoked_of.remove(&person.id);
    }

    /// A user walks the road of a login again, until it worked.
    async fn logs_in_again(&self, user: &str) {
        loop {
            if let Some(now) = self.world.living()
                && let Some(login) = self.log_in(user, &now.store).await
            {
                let world = now.bridge.world();
                let started = tokio::select! {
                    biased;
                    () = now.life.over() => false,
                    started = world.connections.start(world, &login) => started.is_ok(),
                };
                if started {
                    self.world.faults.note(&format_args!("{user} is logged in"));
                    return;
                }
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Waits until all is done, and compares.
    async fn end(&self, people: &People) -> Vec<Finding> {
        while self.world.living().is_none() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        for user in &self.users {
            self.logs_in_again(user).await;
        }
        tokio::time::sleep(Duration::from_mins(2)).await;
        // What nobody noticed is noticed by the next thing that happens.
        for room in &self.rooms {
            people.native_says("dave", room);
            for user in &self.users {
                people.says(user, room, 1, None);
            }
        }
        self.quiet().await;
        let mut check = Check::new(people);
        if self.world.faults.drawn(Kind::Dropped) {
            self.drops_in_peace(people, &mut check).await;
        }
        if let Some(now) = self.world.living() {
            // Whoever has something given back has a look, and decides.
            for (user, commands) in check.decisions(&now.store).await {
                for command in commands {
                    people.commands(&user, &command);
                    tokio::time::sleep(Duration::from_secs(10)).await;
                }
            }
        }
        let waiting = self.quiet().await;
        let Some(now) = self.world.living() else {
            return vec![Finding {
                wrong: Wrong::Broken,
                what: "the bridge does not live".to_owned(),
            }];
        };
        let mut findings = check.run(&now.store).await;
        for lane in waiting {
            findings.push(Finding {
                wrong: Wrong::Stuck,
                what: lane.to_string(),
            });
        }
        findings
    }

    /// Waits until nothing waits; gives the lanes in which something still does.
    async fn quiet(&self) -> Vec<store::Lane> {
        let mut quiet = 0;
        let mut waited = Duration::ZERO;
        let step = Duration::from_secs(5);
        let mut waiting = Vec::new();
        while quiet < 24 && waited < END {
            tokio::time::sleep(step).await;
            waited += step;
            if let Some(now) = self.world.living() {
                waiting = now.store.waiting_lanes().await.unwrap_or_default();
                let told = self.world.told.load(Ordering::Relaxed);
                quiet = if waiting.is_empty() && told {
                    quiet + 1
                } else {
                    0
                };
            }
        }
        waiting
    }

    /// While nothing else is wrong, what the network drops has to be found out within a minute.
    async fn drops_in_peace(&self, people: &People, check: &mut Check<'_>) {
        let mut numbers = Vec::new();
        for room in &self.rooms {
            for user in &self.users {
                let number = people.says(user, room, 1, None);
                self.world.faults.facts.doom(number);
                numbers.push(number);
            }
        }
        tokio::time::sleep(Duration::from_mins(1)).await;
        if let Some(now) = self.world.living() {
            check.are_given_back(&numbers, &now.store).await;
        }
    }
}

/// On tmpfs where there is one.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() {
        PathBuf::from(memory)
    } else {
        std::env::temp_dir()
    };
    tempfile::Builder::new()
        .prefix("torture")
        .tempdir_in(place)
        .expect("a folder")
}

/// Opens the database, in a thread of its own and before anything else happens.
fn open(file: &Path) -> Store {
    let options = Options {
        uri: format!("sqlite:{}", file.display()).into(),
        max_connections: 1,
    };
    std::thread::scope(|scope| {
        let opened = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(Store::open(&options, &SecretKey::new([1; 32])))
        });
        opened
            .join()
            .expect("no panic")
            .expect("the database opens")
    })
}
