//! What the tester has read.

use crate::{Event, ReadUpTo, Threads};

use super::ears::{Ears, listening};
use super::{Verdict, World, ensure, tester};

pub(super) async fn marked(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let room = world.room();
    let mut said = Vec::new();
    for text in ["one", "two", "three"] {
        said.push(world.say(&room, text, None).await);
    }
    let [first, second, third] = said.as_slice() else {
        return Ok(());
    };
    let up_to = ReadUpTo {
        message: second.clone(),
        thread: None,
    };
    // A second time, since whoever lost the answer asks again.
    for _ in 0..2 {
        account.mark_read(&room, &up_to).await?;
        let unread = world.unread(&room).await;
        ensure(!unread.contains(first) && !unread.contains(second), || {
            "what was read is still unread".to_owned()
        })?;
        ensure(unread.contains(third), || {
            "what was not read counts as read".to_owned()
        })?;
    }
    Ok(())
}

pub(super) async fn threads(world: &dyn World) -> Verdict {
    if world.network().capabilities().threads == Threads::No {
        return Ok(());
    }
    let account = tester(world).await?;
    let room = world.room();
    let question = world.say(&room, "a question", None).await;
    let other = world.say(&room, "something else", None).await;
    let answer = world.say(&room, "an answer", Some(&question)).await;
    let up_to = ReadUpTo {
        message: answer.clone(),
        thread: Some(question),
    };
    account.mark_read(&room, &up_to).await?;
    let unread = world.unread(&room).await;
    ensure(!unread.contains(&answer), || {
        "the answer is still unread".to_owned()
    })?;
    ensure(unread.contains(&other), || {
        "what stands outside the thread counts as read".to_owned()
    })
}

pub(super) async fn told(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let room = world.room();
    account.watch(&room);
    let ears = Ears::default();
    listening(&*account, &ears, async {
        ears.connected(0).await?;
        let message = world.say(&room, "read me", None).await;
        let heard = ears.count();
        let up_to = ReadUpTo {
            message: message.clone(),
            thread: None,
        };
        account.mark_read(&room, &up_to).await?;
        ears.until("Read", heard, |event| match event {
            Event::Read { room: place, up_to } if *place == room => up_to
                .as_ref()
                .is_none_or(|up_to| *up_to == message)
                .then_some(()),
            _ => None,
        })
        .await
    })
    .await
}
