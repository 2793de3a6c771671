//! Sending, reading and finding messages.

use crate::{
    Account, Certainty, Composed, EditWindow, Fault, History, Message, MessageId, MessageKind,
    Outgoing, Part, Preface, RoomId, Threads,
};

use super::{Broken, Verdict, World, ensure, tester};

/// A plain text on its way.
pub(super) fn outgoing(text: &str) -> Outgoing {
    Outgoing {
        kind: MessageKind::Text,
        text: Composed::Plain(text.to_owned()),
        thread: None,
        reply_to: None,
        preface: None,
    }
}

/// The one part of a short text.
pub(super) fn part(world: &dyn World, text: &str) -> Result<Part, Broken> {
    let mut parts = world.network().compose(&outgoing(text));
    let only = parts.pop().filter(|_| parts.is_empty());
    only.ok_or_else(|| Broken(format!("{text:?} does not make one part")))
}

async fn ids(
    account: &dyn Account,
    room: &RoomId,
    which: History,
    limit: usize,
) -> Result<Vec<MessageId>, Broken> {
    let messages = account.history(room, &which, limit).await?;
    let ordered = messages.is_sorted_by_key(|message: &Message| message.sent_at);
    ensure(ordered, || format!("{which:?} is not oldest first"))?;
    ensure(messages.len() <= limit, || {
        format!(
            "{which:?}: {} messages for a limit of {limit}",
            messages.len()
        )
    })?;
    Ok(messages.into_iter().map(|message| message.id).collect())
}

pub(super) async fn composed(world: &dyn World) -> Verdict {
    let network = world.network();
    let account = tester(world).await?;
    let long = "A long story, told again and again. ".repeat(400);
    for text in ["hello", "two\nlines", "# @all *stars* <b>", &long] {
        let parts = network.compose(&outgoing(text));
        ensure(!parts.is_empty(), || format!("{text:?} makes nothing"))?;
        ensure(parts == network.compose(&outgoing(text)), || {
            format!("{text:?} makes something else each time")
        })?;
        for part in &parts {
            account.send(&world.room(), part, "key").await?;
        }
    }
    Ok(())
}

pub(super) async fn prefaced(world: &dyn World) -> Verdict {
    let network = world.network();
    let account = tester(world).await?;
    let room = account.room(&world.room()).await?;
    let sent = account.send(&room.id, &part(world, "old")?, "0").await?;
    let link = network.permalink(&room.address, &sent.id);
    if let Some(link) = &link {
        ensure(link.parse::<url::Url>().is_ok(), || {
            format!("{link} is no address")
        })?;
    }
    let who = "an *old* friend".to_owned();
    let quote = "# once upon a time".to_owned();
    for preface in [
        Preface::Changes { link },
        Preface::Changes { link: None },
        Preface::Answers { who, quote },
    ] {
        for kind in [MessageKind::Text, MessageKind::Emote] {
            let message = Outgoing {
                preface: Some(preface.clone()),
                kind,
                ..outgoing("brand new")
            };
            let parts = network.compose(&message);
            ensure(parts == network.compose(&message), || {
                format!("{preface:?} makes something else each time")
            })?;
            let text: Vec<_> = parts.iter().map(|part| part.text.as_str()).collect();
            ensure(
                text.concat().contains("brand new") && text.concat() != "brand new",
                || format!("{preface:?} becomes {text:?}"),
            )?;
            for part in &parts {
                account.send(&room.id, part, "key").await?;
            }
        }
    }
    Ok(())
}

pub(super) async fn history(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let room = world.room();
    let mut said = Vec::new();
    for number in 0..7 {
        said.push(world.say(&room, &format!("number {number}"), None).await);
    }
    let (Some(first), Some(last)) = (said.first(), said.last()) else {
        return Ok(());
    };
    let newest = ids(&*account, &room, History::Newest, 3).await?;
    let again = ids(&*account, &room, History::NewestAgain, 3).await?;
    ensure(newest == again, || {
        "the newest ones are others the second time".to_owned()
    })?;
    ensure(said.ends_with(&newest) && newest.len() == 3, || {
        format!("the newest three of {said:?}: {newest:?}")
    })?;
    let before = ids(&*account, &room, History::Before(last.clone()), 2).await?;
    ensure(Some(before.as_slice()) == said.get(4..6), || {
        format!("two before the last: {before:?}")
    })?;
    // Page by page, as a room is read after a long time.
    let mut read = vec![first.clone()];
    loop {
        let cursor = read.last().cloned().unwrap_or_else(|| first.clone());
        let page = ids(&*account, &room, History::After(cursor), 2).await?;
        if page.is_empty() {
            break;
        }
        read.extend(page);
        ensure(read.len() <= said.len(), || {
            format!("{read:?} is more than was said")
        })?;
    }
    ensure(read == said, || format!("said {said:?}, read {read:?}"))?;
    let after = ids(&*account, &room, History::After(last.clone()), 100).await?;
    ensure(after.is_empty(), || {
        format!("after the last one came {after:?}")
    })?;
    let many = ids(&*account, &room, History::Newest, 250).await?;
    ensure(said.iter().all(|id| many.contains(id)), || {
        "a high limit loses messages".to_owned()
    })
}

pub(super) async fn threads(world: &dyn World) -> Verdict {
    if world.network().capabilities().threads == Threads::No {
        return Ok(());
    }
    let account = tester(world).await?;
    let room = world.room();
    let parent = world.say(&room, "a question", None).await;
    let reply = world.say(&room, "an answer", Some(&parent)).await;
    let mut part = part(world, "mine too")?;
    part.thread = Some(parent.clone());
    let own = account.send(&room, &part, "key").await?;
    ensure(own.thread.as_ref() == Some(&parent), || {
        format!("sent into {:?}", own.thread)
    })?;
    let after = account
        .history(&room, &History::After(parent.clone()), 10)
        .await?;
    for id in [reply, own.id] {
        let found = after.iter().find(|message| message.id == id);
        let found = found.ok_or_else(|| Broken(format!("history lacks {id}, said in a thread")))?;
        ensure(found.thread.as_ref() == Some(&parent), || {
            format!("{id} is in {:?}", found.thread)
        })?;
    }
    Ok(())
}

pub(super) async fn edited(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let room = world.room();
    let sent = account
        .send(&room, &part(world, "first try")?, "key")
        .await?;
    ensure(sent.edited_at.is_none(), || {
        "changed before it was changed".to_owned()
    })?;
    if world.network().capabilities().edits != EditWindow::Never {
        let changed = account
            .edit(&room, &sent.id, &part(world, "second try")?)
            .await?;
        ensure(changed.id == sent.id && changed.edited_at.is_some(), || {
            format!("changed into {changed:?}")
        })?;
    }
    if world.network().capabilities().deletions {
        account.delete(&room, &sent.id).await?;
        let left = account.history(&room, &History::Newest, 10).await?;
        let stands = left
            .iter()
            .any(|message| message.id == sent.id && !message.blanked);
        ensure(!stands, || "deleted, but it stands".to_owned())?;
    }
    Ok(())
}

pub(super) async fn found(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let room = world.room();
    let start = world.say(&room, "start", None).await;
    let text = "Same *words* @here #1 <b>";
    let changed = part(world, "something else")?;
    let part = part(world, text)?;
    let nothing = account
        .find_sent(&room, &part, Some(&start), 0, &[])
        .await?;
    ensure(nothing.is_none(), || {
        format!("found before it was sent: {nothing:?}")
    })?;
    let foreign = world.say(&room, &part.text, None).await;
    let nothing = account
        .find_sent(&room, &part, Some(&start), 0, &[])
        .await?;
    ensure(nothing.is_none(), || {
        format!("the other one's {foreign} was taken for an own one")
    })?;

    let first = account.send(&room, &part, "1").await?;
    let second = account.send(&room, &part, "2").await?;
    let found = async |after: Option<&MessageId>, not_before, known: &[MessageId]| {
        let found = account
            .find_sent(&room, &part, after, not_before, known)
            .await?;
        Ok::<_, Broken>(found.map(|message| message.id))
    };
    let either = found(Some(&start), first.sent_at, &[]).await?;
    let fits = either
        .as_ref()
        .is_some_and(|id| *id == first.id || *id == second.id);
    ensure(fits, || format!("two were sent, {either:?} was found"))?;
    let other = found(Some(&start), first.sent_at, std::slice::from_ref(&first.id)).await?;
    ensure(other.as_ref() == Some(&second.id), || {
        format!("the first is known; found {other:?}")
    })?;
    let none = found(
        Some(&start),
        first.sent_at,
        &[first.id.clone(), second.id.clone()],
    )
    .await?;
    ensure(none.is_none(), || format!("both are known; found {none:?}"))?;
    let none = found(Some(&second.id), first.sent_at, &[]).await?;
    ensure(none.is_none(), || {
        format!("nothing came after the second; found {none:?}")
    })?;
    let none = found(Some(&start), second.sent_at + 3_600_000, &[]).await?;
    ensure(none.is_none(), || {
        format!("nothing was sent an hour later; found {none:?}")
    })?;
    let known = std::slice::from_ref(&first.id);
    let some = found(None, first.sent_at, known).await?;
    ensure(some.as_ref() == Some(&second.id), || {
        format!("without a cursor: found {some:?}")
    })?;
    if world.network().capabilities().edits == EditWindow::Never {
        return Ok(());
    }
    account.edit(&room, &second.id, &changed).await?;
    let perhaps = account
        .find_sent(&room, &part, Some(&start), first.sent_at, known)
        .await?;
    let is_it = |it: &Message| it.id == second.id && it.edited_at.is_some();
    ensure(perhaps.as_ref().is_some_and(is_it), || {
        format!("the second was changed; found {perhaps:?}")
    })
}

pub(super) async fn lost_answer(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let room = world.room();
    let start = world.say(&room, "start", None).await;
    let part = part(world, "is it there?")?;
    world.lose_next_answer().await;
    match account.send(&room, &part, "1").await {
        Err(error) if error.certainty == Certainty::Unknown && error.is_transient() => {}
        other => return Err(Broken(format!("a lost answer came out as {other:?}"))),
    }
    let found = account
        .find_sent(&room, &part, Some(&start), 0, &[])
        .await?;
    ensure(found.is_some(), || "what was sent is not found".to_owned())
}

pub(super) async fn single(world: &dyn World) -> Verdict {
    let account = tester(world).await?;
    let room = world.room();
    let said = world.say(&room, "one of many", None).await;
    let found = account.message(&room, &said).await?;
    ensure(found.id == said, || format!("{} for {said}", found.id))?;
    match account.message(&room, &world.missing_message()).await {
        Err(error) if error.fault == Fault::NotFound => {}
        other => {
            return Err(Broken(format!(
                "a missing message is not told to be missing: {other:?}"
            )));
        }
    }
    Ok(())
}
