//! The promise of delivery held against real parts: a real Synapse, the real program, a sandbox Gitter, proxies between
//! them, and people who write, change, delete and answer on both sides, while the program is killed at any moment.
//!
//! `cargo xtask torture --real` runs it; the end-to-end tests run a small one. What is dealt out is in [`blows`], who writes
//! what in [`people`], and what has to come out in [`check`]. Unlike the simulation's, a seed here repeats only what
//! is thrown: real parts take as long as they take.

mod blows;
mod check;
mod dice;
mod ledger;
mod people;
mod proxy;
mod world;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use testbed::progress::Progress;
use tokio::time::{Instant, sleep, timeout};

pub use blows::Blows;
pub use check::{Finding, Wrong};

use dice::Dice;
use people::Talk;
use world::{Member, World};

/// How long everything may take to be in order once nothing goes wrong any more. The bridge's longest pause between two
/// attempts is a minute.
const SETTLES: Duration = Duration::from_mins(4);
/// For how long it has to stay in order: what is doubled may come late.
const STAYS: Duration = Duration::from_secs(20);

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program, `matrix-gitter`.
    pub program: PathBuf,
    /// How often it is killed.
    pub kills: usize,
    /// What the dice begin with.
    pub seed: u64,
    /// After so long no more blows are dealt.
    pub longest: Duration,
    /// URI of an empty database; SQLite in a directory of its own, if there is none.
    pub database: Option<String>,
}

/// What came out.
#[derive(Debug)]
pub struct Report {
    /// What was dealt out.
    pub blows: Blows,
    /// How many messages were said on both sides.
    pub messages: usize,
    /// What is wrong; nothing, if the promise was kept.
    pub findings: Vec<Finding>,
    /// What the bot says of messages it gave up and, if anything is wrong, of how things are.
    pub told: Vec<String>,
    /// How long both sides took to be the same after the last blow.
    pub settled: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Blows {
            kills,
            stops,
            homeserver_kills,
            troubles,
        } = self.blows;
        writeln!(
            out,
            "{kills} kills and {stops} stops of the bridge, {homeserver_kills} kills of the homeserver, {troubles} other \
             troubles; {} messages said, with changes, deletions and threads",
            self.messages
        )?;
        for wrong in [
            Wrong::Lost,
            Wrong::Doubled,
            Wrong::Reordered,
            Wrong::Stale,
            Wrong::GivenUp,
            Wrong::Broken,
        ] {
            let count = self.findings.iter().filter(|it| it.wrong == wrong).count();
            write!(out, "{wrong:?}: {count}  ")?;
        }
        writeln!(out, "(settled in {:.0} s)", self.settled.as_secs_f32())?;
        for finding in &self.findings {
            writeln!(out, "  {finding}")?;
        }
        for told in &self.told {
            writeln!(out, "  the bot: {told}")?;
        }
        Ok(())
    }
}

/// Runs it to its end.
///
/// # Errors
/// If a part cannot be set up, or the homeserver does not do what it is asked.
pub async fn run(options: &Options, progress: &dyn Progress) -> anyhow::Result<Report> {
    let (world, mut bridge) = world::build(&options.program, options.database.as_deref()).await?;
    progress.say("everybody is in his rooms");
    let talk = Talk::default();
    let until = Instant::now() + options.longest;
    let dice: Vec<Dice> = (0..8).map(|whose| Dice::new(options.seed, whose)).collect();
    let [for_blows, first, second, third, fourth, ..] = dice.as_slice() else {
        anyhow::bail!("too few dice");
    };
    let otto = world.members.get(1).context("two members")?.on_gitter;
    let dealing = async {
        let blows = blows::deal(&world, &mut bridge, options.kills, until, for_blows).await;
        talk.end();
        blows
    };
    let ((blows, unclean), ..) = tokio::try_join!(
        dealing,
        people::on_matrix(&world, &talk, 0, first),
        people::on_matrix(&world, &talk, 1, second),
        people::on_gitter(&world, &talk, world.ben, third),
        people::on_gitter(&world, &talk, otto, fourth),
    )?;
    progress.say(&format!(
        "{} messages said; waiting until both sides are the same",
        talk.said()
    ));
    let (mut findings, settled) = settle(&world).await?;
    findings.extend(unclean);
    let told = told(&world, &mut findings).await;
    Ok(Report {
        blows,
        messages: talk.said(),
        findings,
        told,
        settled,
    })
}

/// Waits until both sides are the same, and stay so.
async fn settle(world: &World) -> anyhow::Result<(Vec<Finding>, Duration)> {
    let start = Instant::now();
    while start.elapsed() < SETTLES {
        if check::compare(world).await?.is_empty() {
            let settled = start.elapsed();
            sleep(STAYS).await;
            return Ok((check::compare(world).await?, settled));
        }
        sleep(Duration::from_secs(2)).await;
    }
    Ok((check::compare(world).await?, start.elapsed()))
}

/// Asks the bot what it gave up, and, if anything is wrong, how things are.
async fn told(world: &World, findings: &mut Vec<Finding>) -> Vec<String> {
    let mut told = Vec::new();
    for member in &world.members {
        let who = &member.user.id;
        let (wrong, what) = match ask(member, "failed").await {
            Ok(failed) if failed.lines().any(|line| line.starts_with("1.")) => {
                told.push(format!("{who}: {failed}"));
                (Wrong::GivenUp, format!("something of {who}"))
            }
            Ok(_) => continue,
            Err(error) => (Wrong::Broken, format!("the bot and {who}: {error:#}")),
        };
        findings.push(Finding { wrong, what });
    }
    if !findings.is_empty() {
        for member in &world.members {
            if let Ok(status) = ask(member, "status").await {
                told.push(format!("{}: {status}", member.user.id));
            }
        }
    }
    told
}

async fn ask(member: &Member, command: &str) -> anyhow::Result<String> {
    let answer = timeout(SETTLES, member.user.ask(&member.dm, command)).await;
    let answer = answer.with_context(|| format!("no answer to {command:?}"))??;
    Ok(answer.body().to_owned())
}
