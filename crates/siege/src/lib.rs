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

use std::collections::BTreeSet;
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
    /// Of how many messages nobody can tell whether they arrived, of which their sender was told.
    pub undecided: usize,
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
        let (undecided, settled) = (self.undecided, self.settled.as_secs_f32());
        writeln!(
            out,
            "(settled in {settled:.0} s; undecided, and told so: {undecided})"
        )?;
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
    let (mut findings, settled, undecided) = settle(&world).await?;
    findings.extend(unclean);
    let told = told(&world, &mut findings, &undecided).await;
    Ok(Report {
        blows,
        messages: talk.said(),
        findings,
        undecided: undecided.len(),
        told,
        settled,
    })
}

/// Waits until both sides are the same, and stay so; gives what is not, how long that took, and the numbers of the messages of
/// which the bot does not know whether they arrived.
async fn settle(world: &World) -> anyhow::Result<(Vec<Finding>, Duration, BTreeSet<usize>)> {
    let start = Instant::now();
    let mut undecided = BTreeSet::new();
    while start.elapsed() < SETTLES {
        if check::compare(world, &undecided).await?.is_empty() {
            let settled = start.elapsed();
            sleep(STAYS).await;
            let findings = check::compare(world, &undecided).await?;
            return Ok((findings, settled, undecided));
        }
        sleep(Duration::from_secs(2)).await;
        for member in &world.members {
            let failed = ask(member, "failed").await.unwrap_or_default();
            undecided.extend(failed.lines().filter_map(undecided_in));
        }
    }
    let findings = check::compare(world, &undecided).await?;
    Ok((findings, start.elapsed(), undecided))
}

/// The number of the message in a line of `failed` that says nobody can tell whether it arrived: the answer to it was lost, and its
/// sender wrote and changed something on Gitter at that moment.
fn undecided_in(line: &str) -> Option<usize> {
    let (said, _) = line.split_once(": a message there may be this one")?;
    let (_, text) = said.rsplit_once(": ")?;
    ledger::read(text).map(|(number, _)| number)
}

/// Asks the bot what it gave up, and, if anything is wrong, how things are.
async fn told(
    world: &World,
    findings: &mut Vec<Finding>,
    undecided: &BTreeSet<usize>,
) -> Vec<String> {
    let is_listed = |line: &str| {
        let numbered = line.split_once(". ").map(|(number, _)| number);
        numbered.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    let is_lost = |line: &str| {
        is_listed(line) && undecided_in(line).is_none_or(|number| !undecided.contains(&number))
    };
    let mut told = Vec::new();
    for member in &world.members {
        let who = &member.user.id;
        let (wrong, what) = match ask(member, "failed").await {
            Ok(failed) if failed.lines().any(is_lost) => {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_bot_cannot_tell_is_read_from_its_list() {
        let line = "3. siege/room0: m01614 v1: a message there may be this one, or one that you wrote on Gitter yourself";
        assert_eq!(undecided_in(line), Some(1614));
        assert_eq!(
            undecided_in("2. siege/room2: m00683 v0: the homeserver did not accept it"),
            None
        );
    }
}
