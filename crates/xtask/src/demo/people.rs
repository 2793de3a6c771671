//! The people on the demo's Gitter, and what they talk about.

use std::collections::HashSet;
use std::time::Duration;

use gitter_sandbox::{RoomId, Sandbox, UserId, Visibility};

use super::stage::Stage;

/// Where most of the talk happens.
pub(super) const LOUNGE: &str = "gardeners/lounge";
const SEEDS: &str = "gardeners/seeds";

/// Long enough to read along, short enough to see that it lives.
const PACE: Duration = Duration::from_secs(9);
/// Once everything was said: often enough to see that it lives, and whoever plays is not talked down.
const SLOW_PACE: Duration = Duration::from_secs(90);
/// How long somebody takes to answer.
const THOUGHT: Duration = Duration::from_secs(2);

/// Who they are and where they meet.
#[derive(Clone, Copy)]
pub(super) struct People {
    pub(super) dana: UserId,
    pub(super) mira: UserId,
    pub(super) tomas: UserId,
    pub(super) lounge: RoomId,
    pub(super) direct: RoomId,
}

/// What Mira and Dana show around.
pub(super) const TOMATOES: &[u8] = include_bytes!("tomatoes.png");

const TALK: [(bool, &str); 12] = [
    (true, "The first tomatoes are **red**. All three of them."),
    (false, "Mine are still green, and so is my face."),
    (
        true,
        "Have you tried talking to them? `while !ripe { talk(); }`",
    ),
    (false, "I did. One of them is called Ferris now."),
    (true, "A crab among tomatoes :crab:"),
    (false, "> ripe\n\nDefine *ripe*."),
    (true, "Falls off by itself, but *before* the snails notice."),
    (false, "So never."),
    (
        true,
        "There is a list of what works against snails: https://en.wikipedia.org/wiki/Duck",
    ),
    (false, "A duck!"),
    (true, "Two ducks. One alone gets bored and writes issues."),
    (false, "Closing as *works as intended*."),
];

const ANSWERS: [&str; 5] = [
    "@dana I read you, loud and clear.",
    "@dana Say that again, the snails were chewing.",
    "Noted, *and* underlined.",
    "@dana You should write a book. Or at least a README.",
    "True for tomatoes, too.",
];

/// Puts people and their latest talk into an empty Gitter.
pub(super) fn move_in(sandbox: &Sandbox) -> anyhow::Result<People> {
    let world = sandbox.world();
    let dana = world.add_user("dana", "Dana");
    let mira = world.add_user("mira", "Mira Novak");
    let tomas = world.add_user("tomas_gitlab", "Tomás");
    let lounge = world.add_room(LOUNGE, Visibility::Public, mira)?;
    world.set_topic(lounge, "Everything that grows")?;
    let seeds = world.add_room(SEEDS, Visibility::Private, tomas)?;
    world.set_topic(seeds, "Swap, do not shop")?;
    for room in [lounge, seeds] {
        for person in [mira, tomas, dana] {
            world.join(person, room)?;
        }
    }
    let direct = world.one_to_one(mira, dana)?;
    let question = world.say(mira, lounge, "Good morning! Who has watered already?")?;
    world.say(tomas, lounge, "Rain has. @mira, is that cheating?")?;
    let plan = world.say(tomas, lounge, "Today: weed, then tea.")?;
    world.edit(lounge, plan, "Today:\n\n1. tea\n2. *perhaps* weed")?;
    world.reply(mira, lounge, question, "It counts if you looked on.")?;
    world.upload(mira, lounge, "tomatoes.png", "image/png", TOMATOES)?;
    world.say(tomas, seeds, "I have pumpkin seeds for whoever asks first.")?;
    world.say(mira, direct, "Are you coming on Saturday?")?;
    Ok(People {
        dana,
        mira,
        tomas,
        lounge,
        direct,
    })
}

/// Lets them talk until it is dropped, and answer Dana when she speaks.
pub(super) async fn keep_talking(stage: &Stage) {
    tokio::join!(chat(stage), answer(stage));
}

async fn chat(stage: &Stage) {
    let people = stage.people;
    for (count, (mira, line)) in TALK.iter().cycle().enumerate() {
        let fresh = count < TALK.len();
        tokio::time::sleep(if fresh { PACE } else { SLOW_PACE }).await;
        let who = if *mira { people.mira } else { people.tomas };
        say(stage, who, people.lounge, line);
    }
}

/// Mira answers what Dana says, in the thread in which she says it.
async fn answer(stage: &Stage) {
    let people = stage.people;
    let mut answers = ANSWERS.iter().cycle();
    let mut answered = HashSet::new();
    loop {
        tokio::time::sleep(THOUGHT).await;
        for room in [people.lounge, people.direct] {
            let Ok(messages) = stage.sandbox.world().messages(room) else {
                continue;
            };
            let hers = messages
                .iter()
                .filter(|message| message.from == people.dana && answered.insert(message.id));
            // One answer to all she said meanwhile.
            let Some(last) = hers.last() else { continue };
            let text = answers.next().copied().unwrap_or_default();
            let world = stage.sandbox.world();
            let _ = match last.parent {
                Some(parent) => world.reply(people.mira, room, parent, text),
                None => world.say(people.mira, room, text),
            };
        }
    }
}

fn say(stage: &Stage, who: UserId, room: RoomId, text: &str) {
    // Whoever plays may remove people and rooms; then they are silent.
    let _ = stage.sandbox.world().say(who, room, text);
}
