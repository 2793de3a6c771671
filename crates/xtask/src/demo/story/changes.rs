//! The part of the story in which things change: an edit, a thread, a deletion and a picture, each way.

use std::time::Duration;

use anyhow::Context as _;
use gitter_sandbox::Message;
use serde_json::json;
use testbed::http;

use super::{done, heard};
use crate::demo::people::TOMATOES;
use crate::demo::stage::{Stage, ghost};

pub(super) async fn walk(stage: &Stage, lounge: &str) -> anyhow::Result<()> {
    from_gitter(stage, lounge).await.context("from Gitter")?;
    from_matrix(stage, lounge).await.context("from Matrix")
}

async fn from_gitter(stage: &Stage, lounge: &str) -> anyhow::Result<()> {
    let (people, world) = (stage.people, stage.sandbox.world());
    let mira = ghost(people.mira);
    let first = world.say(people.mira, people.lounge, "The frist tomato!")?;
    let original = heard(stage, lounge, &mira, "the first tomato", |event| {
        event.body() == "The frist tomato!"
    })
    .await?;
    world.edit(people.lounge, first, "The **first** tomato!")?;
    let edit = heard(stage, lounge, &mira, "the edit", |event| {
        event.content()["m.relates_to"]["rel_type"] == "m.replace"
    })
    .await?;
    anyhow::ensure!(
        edit.content()["m.relates_to"]["event_id"] == original.id()
            && edit.content()["m.new_content"]["body"] == "The first tomato!",
        "the edit is {}",
        edit.json
    );
    done("Mira edits on Gitter, and her message changes on Matrix");

    world.reply(people.tomas, people.lounge, first, "Red already?")?;
    let answer = heard(
        stage,
        lounge,
        &ghost(people.tomas),
        "the answer in the thread",
        |event| event.body() == "Red already?",
    )
    .await?;
    let relation = &answer.content()["m.relates_to"];
    anyhow::ensure!(
        relation["rel_type"] == "m.thread" && relation["event_id"] == original.id(),
        "the answer is {}",
        answer.json
    );
    done("Tomás answers in a thread on Gitter, and it is a thread on Matrix");

    let slip = world.say(people.tomas, people.lounge, "my password is hunter2")?;
    let shown = heard(stage, lounge, &ghost(people.tomas), "the slip", |event| {
        event.body().contains("hunter2")
    })
    .await?;
    world.delete(people.lounge, slip)?;
    let dana = &stage.dana;
    dana.wait_for("the slip to go", |event| {
        event.kind() == "m.room.redaction" && event.content()["redacts"] == shown.id()
    })
    .await?;
    done("Tomás deletes on Gitter, and it is gone on Matrix");

    let upload = world.upload(
        people.mira,
        people.lounge,
        "tomatoes.png",
        "image/png",
        TOMATOES,
    )?;
    let picture = heard(stage, lounge, &mira, "the picture", |event| {
        event.msgtype() == "m.image"
            && event.content()["im.gitter.message"]["id"] == upload.to_string()
    })
    .await?;
    let mxc = picture.content()["url"].as_str().unwrap_or_default();
    let (mime, bytes) = dana.download(mxc).await?;
    anyhow::ensure!(
        mime == "image/png" && bytes == TOMATOES,
        "the picture came as {} bytes of {mime}",
        bytes.len()
    );
    done("Mira uploads a picture on Gitter, and Matrix shows it");
    Ok(())
}

async fn from_matrix(stage: &Stage, lounge: &str) -> anyhow::Result<()> {
    let (people, dana) = (stage.people, &stage.dana);
    let event = dana.say(lounge, "Mine are blue.").await?;
    let said = on_gitter(stage, "Dana's message", |message| {
        message.text == "Mine are blue."
    })
    .await?;
    let edit = json!({
        "msgtype": "m.text",
        "body": "* Mine are green.",
        "m.new_content": { "msgtype": "m.text", "body": "Mine are green." },
        "m.relates_to": { "rel_type": "m.replace", "event_id": event },
    });
    dana.send(lounge, "m.room.message", &edit).await?;
    on_gitter(stage, "Dana's edit", |message| {
        message.id == said.id && message.text == "Mine are green."
    })
    .await?;
    done("Dana edits on Matrix, and her message changes on Gitter");

    let answer = json!({
        "msgtype": "m.text",
        "body": "Green is the new red.",
        "m.relates_to": {
            "rel_type": "m.thread", "event_id": event, "is_falling_back": true,
            "m.in_reply_to": { "event_id": event },
        },
    });
    let answer = dana.send(lounge, "m.room.message", &answer).await?;
    on_gitter(stage, "Dana's answer in the thread", |message| {
        message.parent == Some(said.id) && message.text == "Green is the new red."
    })
    .await?;
    done("Dana answers in a thread on Matrix, and it is a thread on Gitter");

    dana.redact(lounge, &answer).await?;
    gone(stage, |message| message.text == "Green is the new red.").await?;
    done("Dana deletes on Matrix, and it is gone on Gitter");

    let mxc = dana.upload("tomatoes.png", "image/png", TOMATOES).await?;
    dana.send_file(lounge, "m.image", "tomatoes.png", &mxc)
        .await?;
    let picture = on_gitter(stage, "Dana's picture", |message| {
        message.from == people.dana && message.text.contains("/media/")
    })
    .await?;
    let link = picture.text.split("](").nth(1).unwrap_or_default();
    let link = link.split(')').next().unwrap_or_default();
    let answer = http::client()?.get(link).send().await?;
    anyhow::ensure!(
        answer.status().is_success() && answer.bytes().await? == TOMATOES,
        "the link does not show the picture: {link}"
    );
    done("Dana sends a picture on Matrix, and Gitter shows it to everybody");
    Ok(())
}

async fn on_gitter(
    stage: &Stage,
    what: &str,
    wanted: impl Fn(&Message) -> bool,
) -> anyhow::Result<Message> {
    for _ in 0..PATIENCE {
        let messages = stage.sandbox.world().messages(stage.people.lounge)?;
        if let Some(found) = messages.into_iter().find(|message| wanted(message)) {
            return Ok(found);
        }
        tokio::time::sleep(STEP).await;
    }
    anyhow::bail!("{what} did not reach Gitter within a minute")
}

async fn gone(stage: &Stage, wanted: impl Fn(&Message) -> bool) -> anyhow::Result<()> {
    for _ in 0..PATIENCE {
        let messages = stage.sandbox.world().messages(stage.people.lounge)?;
        if !messages.iter().any(&wanted) {
            return Ok(());
        }
        tokio::time::sleep(STEP).await;
    }
    anyhow::bail!("it still stands on Gitter after a minute")
}

const STEP: Duration = Duration::from_millis(100);
const PATIENCE: u32 = 600;
