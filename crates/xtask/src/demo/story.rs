//! The story of the demo, walked by itself: as a Matrix client and a browser would.

mod changes;

use std::time::Duration;

use anyhow::Context as _;
use gitter_sandbox::RoomId;
use testbed::login;
use testbed::user::{Dm, Event};

use super::people;
use super::stage::{Stage, bot, ghost};

/// Walks it; an error says which part failed and what was seen instead.
pub(super) async fn walk(stage: &Stage) -> anyhow::Result<()> {
    println!();
    let dm = meet_the_bot(stage).await.context("meeting the bot")?;
    log_in(stage, &dm).await.context("logging in")?;
    let lounge = enter(stage, people::LOUNGE)
        .await
        .context("entering the lounge")?;
    talk(stage, &lounge)
        .await
        .context("talking in the lounge")?;
    changes::walk(stage, &lounge)
        .await
        .context("changing things in the lounge")?;
    let direct = enter(stage, "Mira Novak")
        .await
        .context("entering the one-to-one")?;
    talk_privately(stage, &direct)
        .await
        .context("talking to Mira alone")?;
    look_around(stage, &dm).await.context("asking the bot")?;
    show_matrix(stage, "The bot", &dm.room).await?;
    show_matrix(stage, people::LOUNGE, &lounge).await?;
    show_gitter(stage, people::LOUNGE, stage.people.lounge)?;
    show_matrix(stage, "Mira Novak", &direct).await?;
    leave(stage, &dm, &lounge).await.context("logging out")?;
    println!("\nThe whole story works.");
    Ok(())
}

async fn meet_the_bot(stage: &Stage) -> anyhow::Result<Dm> {
    let dm = stage.dana.dm(&bot()).await?;
    let greeting = heard(stage, &dm.room, &bot(), "the greeting", |_| true).await?;
    done(&format!("the bot greets: {}", first_line(greeting.body())));
    Ok(dm)
}

async fn log_in(stage: &Stage, dm: &Dm) -> anyhow::Result<()> {
    let end = login::through_pages(&stage.dana, dm, "dana").await?;
    done(&format!(
        "logged in through the pages: {}",
        first_line(&end.text)
    ));
    Ok(())
}

async fn enter(stage: &Stage, name: &str) -> anyhow::Result<String> {
    let room = stage.dana.wait_for_invite_to(name).await?;
    stage.dana.join(&room).await?;
    done(&format!("invited to {name}, and joined"));
    Ok(room)
}

async fn talk(stage: &Stage, lounge: &str) -> anyhow::Result<()> {
    let people = stage.people;
    let tomas = ghost(people.tomas);
    heard(stage, lounge, &tomas, "the history", |event| {
        event.body().contains("cheating")
    })
    .await?;
    done("what was said before is there");
    let html = "I watered <strong>twice</strong>.";
    stage
        .dana
        .say_html(lounge, "I watered twice.", html)
        .await?;
    on_gitter(stage, people.lounge, "I watered **twice**.").await?;
    done("Dana writes from Matrix, and is Dana on Gitter");
    stage.sandbox.world().say(
        people.mira,
        people.lounge,
        "@dana then **you** were the rain!",
    )?;
    let mira = ghost(people.mira);
    let answer = heard(stage, lounge, &mira, "Mira's answer", |event| {
        event.body().contains("the rain")
    })
    .await?;
    let mentioned = &answer.content()["m.mentions"]["user_ids"][0];
    anyhow::ensure!(
        *mentioned == stage.dana.id,
        "Dana was not mentioned: {}",
        answer.json
    );
    done("Mira answers on Gitter, and Dana is mentioned on Matrix");
    Ok(())
}

async fn talk_privately(stage: &Stage, room: &str) -> anyhow::Result<()> {
    let mira = ghost(stage.people.mira);
    heard(stage, room, &mira, "Mira's question", |event| {
        event.body().contains("Saturday")
    })
    .await?;
    stage.dana.say(room, "Yes, with pumpkins.").await?;
    on_gitter(stage, stage.people.direct, "Yes, with pumpkins.").await?;
    done("a one-to-one works too");
    Ok(())
}

async fn look_around(stage: &Stage, dm: &Dm) -> anyhow::Result<()> {
    stage
        .dana
        .ask_for(dm, "list", &format!("- {} *", people::LOUNGE))
        .await?;
    stage.dana.ask_for(dm, "status", "dana").await?;
    done("the bot lists her rooms and tells her state");
    Ok(())
}

async fn leave(stage: &Stage, dm: &Dm, lounge: &str) -> anyhow::Result<()> {
    stage
        .dana
        .ask_for(dm, "logout", "You are logged out")
        .await?;
    let id = &stage.dana.id;
    stage
        .dana
        .wait_for("to be out of the lounge", |event| {
            event.room == lounge && event.membership_of(id) == Some("leave")
        })
        .await?;
    done("logged out, and out of the bridged rooms");
    Ok(())
}

async fn heard(
    stage: &Stage,
    room: &str,
    sender: &str,
    what: &str,
    wanted: impl Fn(&Event) -> bool,
) -> anyhow::Result<Event> {
    stage
        .dana
        .wait_for(what, |event| {
            event.room == room && event.is_message_of(sender) && wanted(event)
        })
        .await
}

async fn on_gitter(stage: &Stage, room: RoomId, text: &str) -> anyhow::Result<()> {
    for _ in 0..600 {
        let messages = stage.sandbox.world().messages(room)?;
        let count = messages
            .iter()
            .filter(|message| message.text == text)
            .count();
        anyhow::ensure!(count <= 1, "{text:?} came {count} times");
        if let Some(message) = messages.iter().find(|message| message.text == text) {
            let own = message.from == stage.people.dana;
            anyhow::ensure!(own, "{text:?} came from {}", message.username);
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("{text:?} did not reach Gitter within a minute")
}

async fn show_matrix(stage: &Stage, name: &str, room: &str) -> anyhow::Result<()> {
    println!("\n  {name}, on Matrix");
    for event in stage.dana.timeline(room).await? {
        if event.kind() == "m.room.message" {
            let who = stage.dana.profile(event.sender()).await.unwrap_or_default();
            line(
                who["displayname"].as_str().unwrap_or(event.sender()),
                event.body(),
            );
        }
    }
    Ok(())
}

fn show_gitter(stage: &Stage, name: &str, room: RoomId) -> anyhow::Result<()> {
    println!("\n  {name}, on Gitter");
    for message in stage.sandbox.world().messages(room)? {
        line(&message.username, &message.text);
    }
    Ok(())
}

fn line(who: &str, text: &str) {
    for (number, part) in text.lines().enumerate() {
        let who = if number == 0 { who } else { "" };
        println!("  {who:>22} │ {part}");
    }
}

fn first_line(text: &str) -> &str {
    text.lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
}

fn done(what: &str) {
    println!("✓ {what}");
}
