//! What waited too long is not sent as if nothing had happened: its sender is asked.

use std::time::Duration;

use homeserver::IncomingEvent;
use ruma::{OwnedRoomId, OwnedUserId, RoomId};
use serde_json::json;
use stage::{ALICE, Stage, network::Failure, talk::asks};

const HOUR: Duration = Duration::from_hours(1);
const WHY: &str = "it waited too long before it could be sent";

/// Alice is in a room, and what waits for an hour is late.
async fn scene() -> (Stage, OwnedRoomId) {
    let mut stage = Stage::with_rooms(&["org/one"]).await;
    stage.config.delivery.max_age = Some(3_600_000);
    stage.restart().await;
    let room = stage.enter("org/one").await;
    (stage, room)
}

async fn failed(stage: &Stage) -> Vec<String> {
    let items = stage.store.failed_items(ALICE).await.unwrap();
    let why = items.into_iter().map(|item| item.why.unwrap_or_default());
    why.collect()
}

fn asked(stage: &Stage, room: &RoomId) -> Vec<String> {
    let mut asked = stage.transcript(room);
    asked.retain(|line| line.starts_with("gitter:") && line.contains("Nobody there may expect"));
    asked
}

/// Alice wrote something then; the bridge is not told.
fn wrote(stage: &Stage, room: &RoomId, text: &str, ts: i64) -> IncomingEvent {
    let alice = OwnedUserId::try_from(ALICE).unwrap();
    let content = json!({"msgtype": "m.text", "body": text});
    let mut homeserver = stage.homeserver.lock();
    homeserver.append(room, &alice, "m.room.message", None, content, ts)
}

#[tokio::test(start_paused = true)]
async fn what_waited_too_long_is_not_sent_late_and_one_notice_asks_what_to_do() {
    let (mut stage, room) = scene().await;
    stage.network.lock().down = true;
    for number in 0..3 {
        stage.writes(&room, &number.to_string()).await;
        stage.leap(Duration::from_mins(10)).await;
    }
    stage.leap(HOUR * 2).await;
    stage.wait(Duration::from_mins(2)).await;
    assert!(failed(&stage).await.is_empty(), "the way is still closed");
    assert_eq!(asked(&stage, &room), Vec::<String>::new());
    stage.writes(&room, "fresh").await;
    stage.network.lock().down = false;
    stage.reads_there("org/one", &["alice: fresh"]).await;
    assert_eq!(failed(&stage).await, [WHY; 3]);
    assert_eq!(
        asked(&stage, &room),
        [
            "gitter: 3 of your messages waited, the oldest for 2 hours, before I could send them to Test. Nobody there may expect them any \
             more, so I have not. `!gitter retry all` sends them now, in their order, `!gitter discard all` gives them up, \
             `!gitter failed` lists what was not delivered."
        ]
    );
    asks(&mut stage, &room, "!gitter retry all").await;
    let there = ["alice: fresh", "alice: 0", "alice: 1", "alice: 2"];
    stage.reads_there("org/one", &there).await;
    assert!(failed(&stage).await.is_empty());
    assert_eq!(asked(&stage, &room).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_written_while_the_bridge_was_down_is_as_old_as_it_is() {
    let (mut stage, room) = scene().await;
    stage.kill().await;
    let long_ago = wrote(&stage, &room, "long ago", stage.now());
    stage.leap(HOUR * 2).await;
    let just_now = wrote(&stage, &room, "just now", stage.now() - 60_000);
    stage.start().await;
    stage.push(vec![long_ago, just_now]).await;
    stage.reads_there("org/one", &["alice: just now"]).await;
    assert_eq!(failed(&stage).await, [WHY]);
    assert!(asked(&stage, &room)[0].starts_with("gitter: Your message waited for 2 hours before"));
}

#[tokio::test(start_paused = true)]
async fn a_backlog_that_comes_one_by_one_is_asked_about_once() {
    let (mut stage, room) = scene().await;
    stage.kill().await;
    let backlog: Vec<_> = (0..5)
        .map(|number| wrote(&stage, &room, &number.to_string(), stage.now() + number))
        .collect();
    stage.leap(HOUR * 2).await;
    stage.start().await;
    for event in backlog {
        stage.push(vec![event]).await;
        stage.wait(Duration::from_secs(2)).await;
    }
    stage.reads_there("org/one", &[]).await;
    assert_eq!(failed(&stage).await, [WHY; 5]);
    let asked = asked(&stage, &room);
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].starts_with("gitter: 5 of your messages"));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_off_makes_no_message_late() {
    let (mut stage, room) = scene().await;
    stage.writes(&room, "now").await;
    stage.quiet().await;
    let slow = wrote(&stage, &room, "slow", stage.now() - 5 * 3_600_000);
    stage.push(vec![slow]).await;
    let fast = wrote(&stage, &room, "fast", stage.now() + 5 * 3_600_000);
    stage.push(vec![fast]).await;
    stage
        .reads_there("org/one", &["alice: now", "alice: slow", "alice: fast"])
        .await;
    assert_eq!(asked(&stage, &room), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_everything_is_sent_however_late() {
    let (mut stage, room) = scene().await;
    stage.config.delivery.max_age = None;
    stage.restart().await;
    stage.network.lock().down = true;
    stage.writes(&room, "late").await;
    stage.leap(HOUR * 100).await;
    stage.network.lock().down = false;
    stage.reads_there("org/one", &["alice: late"]).await;
}

#[tokio::test(start_paused = true)]
async fn changes_and_deletions_of_what_arrived_are_carried_out_however_late() {
    let (mut stage, room) = scene().await;
    let changed = stage.writes(&room, "first").await.event_id;
    let withdrawn = stage.writes(&room, "second").await.event_id;
    stage.quiet().await;
    stage.network.lock().down = true;
    stage.edits(&room, &changed, "third").await;
    stage.redacts(&room, &withdrawn).await;
    stage.leap(HOUR * 2).await;
    stage.network.lock().down = false;
    stage.quiet().await;
    let there = stage.network.transcript("org/one");
    // Too late to be changed in place.
    assert_eq!(there.len(), 2, "{there:?}");
    assert!(there[1].ends_with("third"), "{there:?}");
    assert!(failed(&stage).await.is_empty());
    assert_eq!(asked(&stage, &room), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_is_set_aside_can_be_changed_and_withdrawn_before_and_after() {
    let (mut stage, room) = scene().await;
    stage.network.lock().down = true;
    let mut events = Vec::new();
    for text in ["one", "two", "three", "four", "five"] {
        events.push(stage.writes(&room, text).await.event_id);
    }
    stage.edits(&room, &events[0], "one!").await;
    stage.redacts(&room, &events[1]).await;
    stage.leap(HOUR * 2).await;
    stage.network.lock().down = false;
    stage.quiet().await;
    assert_eq!(failed(&stage).await, [WHY; 4]);
    assert!(asked(&stage, &room)[0].starts_with("gitter: 4 of your messages waited"));
    stage.edits(&room, &events[2], "three!").await;
    stage.redacts(&room, &events[3]).await;
    stage.quiet().await;
    asks(&mut stage, &room, "!gitter retry all").await;
    stage
        .reads_there("org/one", &["alice: one!", "alice: three!", "alice: five"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_sent_is_looked_for_however_late() {
    for (failure, arrives) in [(Failure::AnswerLost, true), (Failure::Lost, false)] {
        let (mut stage, room) = scene().await;
        stage.network.lock().failures.push_back(failure);
        stage.writes(&room, "once").await;
        let tried = async || stage.network.lock().failures.is_empty();
        stage.until("it is tried", tried).await;
        stage.network.lock().down = true;
        stage.leap(HOUR * 2).await;
        stage.network.lock().down = false;
        stage.quiet().await;
        let there = stage.network.transcript("org/one");
        assert_eq!(there.len(), usize::from(arrives), "{failure:?}: {there:?}");
        assert_eq!(failed(&stage).await.len(), usize::from(!arrives));
        assert_eq!(asked(&stage, &room).len(), usize::from(!arrives));
    }
}

#[tokio::test(start_paused = true)]
async fn a_kill_while_they_are_set_aside_neither_sends_nor_loses_nor_asks_twice() {
    for killed_after in [0, 1, 5, 20, 50, 100, 200] {
        let (mut stage, room) = scene().await;
        stage.network.lock().down = true;
        for number in 0..3 {
            stage.writes(&room, &number.to_string()).await;
        }
        stage.leap(HOUR * 2).await;
        stage.network.lock().down = false;
        stage.kill().await;
        stage.start().await;
        for _ in 0..killed_after {
            tokio::task::yield_now().await;
        }
        stage.restart().await;
        stage.reads_there("org/one", &[]).await;
        assert_eq!(failed(&stage).await, [WHY; 3], "after {killed_after}");
        assert_eq!(asked(&stage, &room).len(), 1, "after {killed_after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_beginning_stands_there_gets_its_end_however_late() {
    let (mut stage, room) = scene().await;
    stage.writes(&room, "0123456789abcdefghij").await;
    let begun = async || stage.network.lock().posts == 1;
    stage.until("its first part is there", begun).await;
    stage.network.lock().down = true;
    stage.leap(HOUR * 2).await;
    stage.network.lock().down = false;
    stage
        .reads_there("org/one", &["alice: 0123456789", "alice: abcdefghij"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_discarded_is_never_sent() {
    let (mut stage, room) = scene().await;
    stage.network.lock().down = true;
    stage.writes(&room, "late").await;
    stage.leap(HOUR * 2).await;
    stage.network.lock().down = false;
    stage.quiet().await;
    asks(&mut stage, &room, "!gitter discard all").await;
    stage.restart().await;
    stage.reads_there("org/one", &[]).await;
    assert!(failed(&stage).await.is_empty());
}

/// The queue goes out, one message every ten minutes, so many of them.
async fn drains(stage: &Stage, messages: usize) {
    for _ in 0..messages {
        let before = stage.network.lock().posts;
        stage.network.lock().down = false;
        stage
            .until("one goes out", async || stage.network.lock().posts > before)
            .await;
        stage.network.lock().down = true;
        stage.leap(Duration::from_mins(10)).await;
    }
}

async fn writes_many(stage: &mut Stage, room: &RoomId, number: usize) -> Vec<String> {
    stage.network.lock().down = true;
    let texts: Vec<_> = (0..number).map(|it| it.to_string()).collect();
    for text in &texts {
        stage.writes(room, text).await;
    }
    texts.iter().map(|text| format!("alice: {text}")).collect()
}

fn refs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

#[tokio::test(start_paused = true)]
async fn a_long_queue_that_goes_out_is_not_late() {
    let (mut stage, room) = scene().await;
    let all = writes_many(&mut stage, &room, 60).await;
    drains(&stage, 7).await;
    stage.restart().await;
    drains(&stage, 7).await;
    stage.network.lock().down = false;
    stage.reads_there("org/one", &refs(&all)).await;
    assert_eq!(asked(&stage, &room), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_long_queue_that_stands_still_is_late() {
    let (mut stage, room) = scene().await;
    let all = writes_many(&mut stage, &room, 60).await;
    drains(&stage, 7).await;
    stage.leap(HOUR).await;
    stage.network.lock().down = false;
    stage.quiet().await;
    let there = stage.network.transcript("org/one");
    assert!((7..all.len()).contains(&there.len()), "{there:?}");
    assert_eq!(failed(&stage).await.len(), all.len() - there.len());
    assert_eq!(asked(&stage, &room).len(), 1);
    asks(&mut stage, &room, "!gitter retry all").await;
    stage.reads_there("org/one", &refs(&all)).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_message_takes_nothing_late_along() {
    let (mut stage, room) = scene().await;
    stage.writes(&room, "0123456789abcdefghij").await;
    let begun = async || stage.network.lock().posts == 1;
    stage.until("its first part is there", begun).await;
    stage.network.lock().down = true;
    stage.writes(&room, "late").await;
    stage.leap(HOUR * 2).await;
    stage.network.lock().down = false;
    stage
        .reads_there("org/one", &["alice: 0123456789", "alice: abcdefghij"])
        .await;
    assert_eq!(failed(&stage).await, [WHY]);
    assert_eq!(asked(&stage, &room).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_change_takes_nothing_late_along() {
    let (mut stage, room) = scene().await;
    let event = stage.writes(&room, "first").await.event_id;
    stage.quiet().await;
    stage.network.lock().down = true;
    stage.edits(&room, &event, "second").await;
    stage.writes(&room, "late").await;
    stage.leap(HOUR * 2).await;
    stage.network.lock().down = false;
    stage.quiet().await;
    let there = stage.network.transcript("org/one");
    assert_eq!(there.len(), 2, "{there:?}");
    assert!(there[1].ends_with("second"), "{there:?}");
    assert_eq!(failed(&stage).await, [WHY]);
    assert_eq!(asked(&stage, &room).len(), 1);
}
