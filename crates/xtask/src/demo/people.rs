//! The people on the demo's Gitter, and what they talk about.

use std::time::Duration;

use gitter_sandbox::{RoomId, Sandbox, UserId, Visibility};

use super::stage::Stage;

/// Where most of the talk happens.
pub(super) const LOUNGE: &str = "gardeners/lounge";
const SEEDS: &str = "gardeners/seeds";

/// Long enough to read along, short enough to see that it lives.
const PACE: Duration = Duration::from_secs(9);
/// How long somebody takes to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// Who they are and where they meet.
#[derive(Clone, Copy)]
pub(super) struct People {
    pub(super) dana: UserId,
    pub(super) mira: UserId,
    pub(super) tomas: UserId,
    pub(super) lounge: RoomId,
    pub(super) direct: RoomId,
}

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
    world.say(mira, lounge, "Good morning! Who has watered already?")?;
    world.say(tomas, lounge, "Rain has. @mira, is that cheating?")?;
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
    for (mira, line) in TALK.iter().cycle() {
        tokio::time::sleep(PACE).await;
        let who = if *mira { people.mira } else { people.tomas };
        say(stage, who, people.lounge, line);
    }
}

async fn answer(stage: &Stage) {
    let people = stage.people;
    let mut answered = [0; 2];
    loop {
        tokio::time::sleep(ANSWER).await;
        for (room, answered) in [people.lounge, people.direct]
            .into_iter()
            .zip(&mut answered)
        {
            let Ok(messages) = stage.sandbox.world().messages(room) else {
                continue;
            };
            let hers = messages
                .iter()
                .filter(|message| message.from == people.dana)
                .count();
            if hers > *answered {
                *answered = hers;
                say(
                    stage,
                    people.mira,
                    room,
                    "@dana I read you, loud and clear.",
                );
            }
        }
    }
}

fn say(stage: &Stage, who: UserId, room: RoomId, text: &str) {
    // Whoever plays may remove people and rooms; then they are silent.
    let _ = stage.sandbox.world().say(who, room, text);
}
