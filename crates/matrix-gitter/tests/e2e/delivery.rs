//! "Accepted means stored … each message arrives once, in order per room and direction."

use std::time::Duration;

use gitter_sandbox::Effect;

use crate::gathering::Gathering;
use crate::scene::{Result, Scene};

fn numbered(count: usize, what: &str) -> Vec<String> {
    (0..count)
        .map(|number| format!("{what} {number}"))
        .collect()
}

/// In order, both ways at once.
#[tokio::test]
async fn many_messages_keep_their_order() -> Result {
    let Gathering {
        scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    for number in 0..25 {
        chat.user.say(&room, &format!("hers {number}")).await?;
        scene.town.say(&ben, &lounge, &format!("his {number}"));
    }
    scene.town.hears(&lounge, "hers 24").await?;
    chat.hears(&room, "his 24").await?;
    let texts = scene.town.texts(&lounge);
    let hers: Vec<_> = texts
        .iter()
        .filter(|text| text.starts_with("hers"))
        .cloned()
        .collect();
    assert_eq!(hers, numbered(25, "hers"));
    let bodies = chat.user.bodies(&room).await?;
    let his: Vec<_> = bodies
        .iter()
        .filter(|body| body.starts_with("his"))
        .cloned()
        .collect();
    assert_eq!(his, numbered(25, "his"));
    assert_eq!(bodies.len(), 50);
    Ok(())
}

/// What was said while the bridge was down arrives when it is back, once and in order.
#[tokio::test]
async fn what_was_said_meanwhile_arrives_after_a_restart() -> Result {
    let Gathering {
        mut scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    chat.user.say(&room, "hers 0").await?;
    scene.town.hears(&lounge, "hers 0").await?;
    scene.bridge.stop().await?;
    for number in 1..6 {
        chat.user.say(&room, &format!("hers {number}")).await?;
        scene.town.say(&ben, &lounge, &format!("his {number}"));
    }
    scene.bridge.start_again().await?;
    chat.hears(&room, "his 5").await?;
    scene.town.hears(&lounge, "hers 5").await?;
    let texts = scene.town.texts(&lounge);
    let hers: Vec<_> = texts
        .iter()
        .filter(|text| text.starts_with("hers"))
        .cloned()
        .collect();
    assert_eq!(hers, numbered(6, "hers"));
    let bodies = chat.user.bodies(&room).await?;
    let his: Vec<_> = bodies
        .iter()
        .filter(|body| body.starts_with("his"))
        .cloned()
        .collect();
    assert_eq!(his, ["his 1", "his 2", "his 3", "his 4", "his 5"]);
    Ok(())
}

/// "SIGKILL at any moment loses nothing": killed while messages go both ways, several times.
#[tokio::test]
async fn killed_in_the_middle_nothing_is_lost_or_doubled() -> Result {
    let Gathering {
        mut scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    chat.user.say(&room, "ready").await?;
    scene.town.hears(&lounge, "ready").await?;
    for round in 0..3 {
        for number in round * 6..(round + 1) * 6 {
            chat.user.say(&room, &format!("hers {number}")).await?;
            scene.town.say(&ben, &lounge, &format!("his {number}"));
        }
        scene.bridge.kill().await?;
        scene.bridge.start_again().await?;
    }
    chat.hears(&room, "his 17").await?;
    scene.town.hears(&lounge, "hers 17").await?;
    let texts = scene.town.texts(&lounge);
    let hers: Vec<_> = texts
        .iter()
        .filter(|text| text.starts_with("hers"))
        .cloned()
        .collect();
    assert_eq!(hers, numbered(18, "hers"));
    let bodies = chat.user.bodies(&room).await?;
    let his: Vec<_> = bodies
        .iter()
        .filter(|body| body.starts_with("his"))
        .cloned()
        .collect();
    assert_eq!(his, numbered(18, "his"));
    Ok(())
}

/// The homeserver is killed while it has not yet sent everything, and never sends that: the bridge reads it.
#[tokio::test]
async fn a_killed_homeserver_loses_nothing() -> Result {
    let scene = Scene::with_own_homeserver().await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    for round in 0..3 {
        for number in round * 10..(round + 1) * 10 {
            chat.user.say(&room, &format!("hers {number}")).await?;
        }
        scene.synapse.kill().await?;
        scene.synapse.start_again().await?;
    }
    chat.user.say(&room, "hers 30").await?;
    scene.town.hears(&lounge, "hers 30").await?;
    assert_eq!(scene.town.texts(&lounge), numbered(31, "hers"));
    Ok(())
}

/// The answer to a POST is lost although Gitter stored the message: it is not sent twice.
#[tokio::test]
async fn a_lost_answer_does_not_double_a_message() -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    chat.user.say(&room, "ready").await?;
    scene.town.hears(&lounge, "ready").await?;
    scene.town.lose_next_answer(&lounge);
    chat.user.say(&room, "once").await?;
    chat.user.say(&room, "the end").await?;
    scene.town.hears(&lounge, "the end").await?;
    assert_eq!(scene.town.texts(&lounge), ["ready", "once", "the end"]);
    Ok(())
}

/// Gitter is in trouble for a while: messages wait, in order, and arrive.
#[tokio::test]
async fn trouble_at_gitter_only_delays() -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    chat.user.say(&room, "ready").await?;
    scene.town.hears(&lounge, "ready").await?;
    scene.town.refuse_next_message(&lounge, 503);
    chat.user.say(&room, "one").await?;
    chat.user.say(&room, "two").await?;
    scene.town.hears(&lounge, "two").await?;
    assert_eq!(scene.town.texts(&lounge), ["ready", "one", "two"]);
    Ok(())
}

/// All realtime sockets are cut: what was said meanwhile comes, once.
#[tokio::test]
async fn a_cut_socket_loses_nothing() -> Result {
    let Gathering {
        scene,
        ben,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    scene.town.say(&ben, &lounge, "his 0");
    chat.hears(&room, "his 0").await?;
    scene.town.cut_sockets();
    for number in 1..5 {
        scene.town.say(&ben, &lounge, &format!("his {number}"));
    }
    chat.hears(&room, "his 4").await?;
    assert_eq!(chat.user.bodies(&room).await?, numbered(5, "his"));
    Ok(())
}

/// Gitter acknowledges a message and keeps nothing of it, as it does with accounts that it has flagged. That is found out though the bridge is
/// killed meanwhile, is told, and `retry` sends it.
#[tokio::test]
async fn what_gitter_drops_without_a_word_is_told_and_can_be_retried() -> Result {
    let Gathering {
        mut scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    chat.user.say(&room, "ready").await?;
    scene.town.hears(&lounge, "ready").await?;
    scene.town.drop_next_message();
    chat.user.say(&room, "dropped").await?;
    chat.user.say(&room, "kept").await?;
    scene.town.hears(&lounge, "kept").await?;
    scene.bridge.kill().await?;
    scene.bridge.start_again().await?;
    let bot = scene.bot();
    let told = chat
        .user
        .wait_for("word of what was dropped", |event| {
            event.room == room
                && event.is_message_of(&bot)
                && event.body().contains("did not arrive")
        })
        .await?;
    assert!(
        told.body()
            .contains("Gitter accepted it but does not show it")
    );
    assert_eq!(scene.town.texts(&lounge), ["ready", "kept"]);
    chat.ask_for("failed", "1. rustics/lounge: dropped:")
        .await?;
    chat.ask_for("retry 1", "trying 1 message").await?;
    scene.town.hears(&lounge, "dropped").await?;
    assert_eq!(scene.town.texts(&lounge), ["ready", "kept", "dropped"]);
    Ok(())
}

/// What was written hours ago, while the bridge was down, is not sent out of the blue: one notice asks, `retry all` sends it in order.
#[tokio::test]
async fn what_waited_too_long_is_asked_about_and_sent_when_told() -> Result {
    const HOURS: i64 = 3_600_000;
    let Gathering {
        mut scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    chat.user.say(&room, "ready").await?;
    let ready = scene.town.hears(&lounge, "ready").await?;
    scene.bridge.stop().await?;
    for (text, ago) in [("one", 3), ("two", 2)] {
        let then = ready.sent_ms - ago * HOURS;
        scene.say_at(&chat.user.id, &room, text, then).await?;
    }
    chat.user.say(&room, "just now").await?;
    scene.bridge.start_again().await?;
    scene.town.hears(&lounge, "just now").await?;
    assert_eq!(scene.town.texts(&lounge), ["ready", "just now"]);
    let bot = scene.bot();
    let asked = chat
        .user
        .wait_for("a question", |event| {
            event.room == room && event.is_message_of(&bot) && event.body().contains("retry all")
        })
        .await?;
    let body = asked.body();
    assert!(
        body.starts_with("2 of your messages waited, the oldest for 3 hours, before"),
        "{body}"
    );
    chat.ask_for("retry all", "trying 2 messages").await?;
    scene.town.hears(&lounge, "two").await?;
    assert_eq!(
        scene.town.texts(&lounge),
        ["ready", "just now", "one", "two"]
    );
    Ok(())
}

/// "graceful stop finishes what is in flight": an answer that comes in time is waited for, one that does not is looked for at
/// the next start. Either way the message stands once, and what waited behind it comes after it.
#[tokio::test]
async fn a_stop_in_the_middle_of_a_slow_post_sends_it_once() -> Result {
    let Gathering {
        mut scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    chat.user.say(&room, "ready").await?;
    scene.town.hears(&lounge, "ready").await?;
    for (text, time) in [
        ("in time", Duration::from_secs(3)),
        ("too late", Duration::from_secs(30)),
    ] {
        scene.town.slow_next_answer(&lounge, time);
        chat.user.say(&room, text).await?;
        // It stands there, and the bridge does not know it yet.
        scene.town.hears(&lounge, text).await?;
        chat.user.say(&room, &format!("after {text}")).await?;
        scene.bridge.stop().await?;
        scene.bridge.start_again().await?;
        scene.town.hears(&lounge, &format!("after {text}")).await?;
    }
    assert_eq!(
        scene.town.texts(&lounge),
        [
            "ready",
            "in time",
            "after in time",
            "too late",
            "after too late"
        ]
    );
    Ok(())
}

/// Synapse that was restarted while the bridge was down sends nothing of what waits for it, not even after a ping, until
/// something new happens. The bridge reads it from the rooms.
#[tokio::test]
async fn a_backlog_that_a_restarted_homeserver_keeps_back_arrives() -> Result {
    let mut scene = Scene::with_own_homeserver().await?;
    let maria = scene.town.person("maria", "Maria");
    let lounge = scene.town.room("rustics/lounge", &[&maria]);
    let chat = scene.citizen(&maria).await?;
    let room = scene.enter(&chat, &lounge).await?;
    chat.user.say(&room, "hers 0").await?;
    scene.town.hears(&lounge, "hers 0").await?;
    scene.bridge.stop().await?;
    for number in 1..6 {
        chat.user.say(&room, &format!("hers {number}")).await?;
    }
    scene.synapse.stop().await?;
    scene.synapse.start_again().await?;
    scene.bridge.start_again().await?;
    scene.town.hears(&lounge, "hers 5").await?;
    chat.user.say(&room, "hers 6").await?;
    scene.town.hears(&lounge, "hers 6").await?;
    assert_eq!(scene.town.texts(&lounge), numbered(7, "hers"));
    Ok(())
}

/// A page in place of an answer, an answer that breaks off, and an address that has moved.
#[tokio::test]
async fn what_is_no_answer_of_gitters_only_delays() -> Result {
    let Gathering {
        scene,
        lounge,
        chat,
        room,
        ..
    } = Gathering::start().await?;
    for (number, effect) in [Effect::Html(200), Effect::Truncate, Effect::Status(308)]
        .into_iter()
        .enumerate()
    {
        let text = format!("hers {number}");
        scene.town.spoil_next_message(&lounge, effect);
        chat.user.say(&room, &text).await?;
        scene.town.hears(&lounge, &text).await?;
    }
    chat.user.say(&room, "hers 3").await?;
    scene.town.hears(&lounge, "hers 3").await?;
    assert_eq!(scene.town.texts(&lounge), numbered(4, "hers"));
    Ok(())
}
