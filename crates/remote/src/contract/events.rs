//! What a connected account tells.

use async_trait::async_trait;

use crate::{Event, EventSink, History, SinkClosed, Threads};

use super::ears::{Ears, ending, listening, never_told};
use super::messages::part;
use super::{Broken, Verdict, World, ensure, tester};

pub(super) async fn own(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let me = account.me().await?;
    let room = world.room();
    account.watch(&room);
    let ears = Ears::default();
    listening(&*account, &ears, async {
        ears.connected(0).await?;
        let sent = account.send(&room, &part(world, "hello")?, "key").await?;
        let told = ears
            .until("the own message", 0, |event| match event {
                Event::Message(told) if told.id == sent.id => Some(told.clone()),
                _ => None,
            })
            .await?;
        let sender = told.sender.as_ref().map(|person| &person.id);
        ensure(sender == Some(&me.id), || {
            format!("it is told as {sender:?}'s")
        })?;
        ensure(told.room == room, || format!("it is told in {}", told.room))?;
        ensure(
            told.text == sent.text && told.sent_at == sent.sent_at,
            || format!("{told:?} is not {sent:?}"),
        )
    })
    .await
}

pub(super) async fn others(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let room = world.room();
    account.watch(&room);
    let ears = Ears::default();
    listening(&*account, &ears, async {
        ears.connected(0).await?;
        let id = world.say(&room, "first words", None).await;
        let message = |event: &Event| match event {
            Event::Message(told) if told.id == id => Some(told.clone()),
            _ => None,
        };
        let told = ears.until("the message", 0, message).await?;
        let sender = told.sender.as_ref().map(|person| &person.id);
        ensure(sender == Some(&world.other().id), || format!("it is told as {sender:?}'s"))?;
        ensure(told.edited_at.is_none() && !told.blanked, || format!("told as {told:?}"))?;

        world.edit(&room, &id, "other words").await;
        let changed = ears
            .until("the change", 0, |event| match event {
                Event::Changed(told) if told.id == id && told.edited_at.is_some() => Some(told.clone()),
                _ => None,
            })
            .await?;
        ensure(changed.text != told.text, || "the change changes nothing".to_owned())?;

        world.delete(&room, &id).await;
        ears.until("the deletion", 0, |event| match event {
            Event::Deleted { room: place, message } if *message == id => Some(*place == room),
            Event::Changed(told) if told.id == id && told.blanked => Some(true),
            _ => None,
        })
        .await?;

        if world.network().capabilities().threads == Threads::No {
            return Ok(());
        }
        let parent = world.say(&room, "a question", None).await;
        let reply = world.say(&room, "an answer", Some(&parent)).await;
        let thread = ears
            .until("the answer", 0, |event| match event {
                Event::Message(told) if told.id == reply => Some(told.thread.clone()),
                _ => None,
            })
            .await?;
        ensure(thread.as_ref() == Some(&parent), || format!("the answer is told in thread {thread:?}"))?;
        let edited = |event: &Event| matches!(event, Event::Changed(told) if told.id == parent && told.edited_at.is_some());
        ensure(!ears.heard(0).iter().any(edited), || "an answer made the question look changed".to_owned())
    })
    .await
}

pub(super) async fn watched(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    account.watch(&world.room());
    account.watch(&world.second_room());
    account.unwatch(&world.room());
    let ears = Ears::default();
    listening(&*account, &ears, async {
        ears.connected(0).await?;
        let unheard = world.say(&world.room(), "nobody listens", None).await;
        let heard = world
            .say(&world.second_room(), "somebody listens", None)
            .await;
        ears.until("the message", 0, |event| match event {
            Event::Message(told) if told.id == heard => Some(()),
            _ => None,
        })
        .await?;
        never_told(&ears, &unheard)
    })
    .await
}

pub(super) async fn watched_later(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let room = world.room();
    let cursor = world.say(&room, "start", None).await;
    let ears = Ears::default();
    listening(&*account, &ears, async {
        ears.connected(0).await?;
        let before = ears.count();
        account.watch(&room);
        let id = world.say(&room, "heard?", None).await;
        ears.learns(&*account, &room, &cursor, &id, before).await
    })
    .await
}

async fn broken_off(world: &dyn World, lossy: bool) -> Verdict {
    let account = tester(world).await?;
    let room = world.room();
    account.watch(&room);
    let cursor = world.say(&room, "start", None).await;
    let ears = Ears::default();
    listening(&*account, &ears, async {
        ears.connected(0).await?;
        let before = ears.count();
        world.cut(lossy).await;
        let id = world.say(&room, "is anybody there?", None).await;
        ears.learns(&*account, &room, &cursor, &id, before).await?;
        let later = world.say(&room, "and now?", None).await;
        ears.learns(&*account, &room, &id, &later, before).await
    })
    .await
}

pub(super) async fn cut(world: &dyn World) -> Verdict {
    broken_off(world, false).await
}

pub(super) async fn lossy_cut(world: &dyn World) -> Verdict {
    broken_off(world, true).await
}

pub(super) async fn dropped(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let room = world.room();
    account.watch(&room);
    let cursor = world.say(&room, "start", None).await;
    let ears = Ears::default();
    listening(&*account, &ears, async {
        ears.connected(0).await.map(|_| ())
    })
    .await?;
    let id = world.say(&room, "while it was away", None).await;
    let ears = Ears::default();
    listening(&*account, &ears, async {
        let missed = ears.connected(0).await?;
        let told = account
            .history(&room, &History::After(cursor.clone()), 10)
            .await?;
        ensure(told.iter().any(|message| message.id == id), || {
            "the history lacks it".to_owned()
        })?;
        ensure(missed, || {
            "a new connection does not say that something may have been missed".to_owned()
        })?;
        let later = world.say(&room, "back again", None).await;
        ears.learns(&*account, &room, &id, &later, 0).await
    })
    .await
}

/// Takes nothing.
struct Deaf;

#[async_trait]
impl EventSink for Deaf {
    async fn accept(&mut self, _event: Event) -> Result<(), SinkClosed> {
        Err(SinkClosed)
    }
}

pub(super) async fn sink_closed(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    match ending("nobody takes events", account.run(&mut Deaf)).await? {
        Ok(()) => Ok(()),
        Err(error) => Err(Broken(format!("it ended with {error:?}"))),
    }
}
