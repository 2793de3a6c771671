//! `failed`, `retry` and `discard`, and what `status` says of what waits.

use std::time::Duration;

use ruma::OwnedRoomId;
use stage::{
    Stage,
    network::{Failure, person},
    talk::{asks, talking},
};

/// Alice talks with the bot, is in these rooms, and in each of them something failed.
async fn failing(rooms: &[&str]) -> (Stage, OwnedRoomId, Vec<OwnedRoomId>) {
    let (mut stage, talk) = talking(rooms).await;
    let mut entered = Vec::new();
    for address in rooms {
        entered.push(stage.enter(address).await);
    }
    for number in 0..2 {
        for (address, room) in rooms.iter().zip(&entered) {
            stage.network.lock().failures.push_back(Failure::Forbidden);
            stage.writes(room, &format!("{address} {number}")).await;
            stage.quiet().await;
        }
    }
    (stage, talk, entered)
}

fn listed(answer: &str) -> Vec<String> {
    let lines = answer.lines().filter(|line| line.contains(". org/"));
    lines.map(ToOwned::to_owned).collect()
}

/// The line of `status` about a room.
async fn line_of(stage: &mut Stage, talk: &OwnedRoomId, room: &str) -> String {
    let answer = asks_now(stage, talk, "status").await;
    let line = answer.lines().find(|line| line.contains(room));
    line.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// Asks though something waits.
async fn asks_now(stage: &mut Stage, room: &OwnedRoomId, text: &str) -> String {
    let before = stage::talk::said(stage, room).len();
    stage.writes(room, text).await;
    let answered = async || stage::talk::said(stage, room).len() > before;
    stage.until("the bot answers", answered).await;
    stage::talk::said(stage, room).swap_remove(before)
}

#[tokio::test(start_paused = true)]
async fn what_failed_in_several_rooms_is_listed_after_a_restart_and_retried_in_its_order() {
    let (mut stage, talk, _) = failing(&["org/one", "org/two"]).await;
    stage.restart().await;
    let refused = "you may not write there";
    let answer = asks(&mut stage, &talk, "failed").await;
    let expected = [
        format!("1. org/one: org/one 0: {refused}"),
        format!("2. org/two: org/two 0: {refused}"),
        format!("3. org/one: org/one 1: {refused}"),
        format!("4. org/two: org/two 1: {refused}"),
    ];
    assert_eq!(listed(&answer), expected);
    let answer = asks(&mut stage, &talk, "retry all").await;
    assert!(
        answer.contains("4 messages again, in their order"),
        "{answer}"
    );
    for room in ["org/one", "org/two"] {
        let there = [format!("alice: {room} 0"), format!("alice: {room} 1")];
        assert_eq!(stage.network.transcript(room), there);
    }
}

#[tokio::test(start_paused = true)]
async fn several_numbers_are_tried_or_given_up_at_once_and_wrong_ones_change_nothing() {
    let (mut stage, talk, _) = failing(&["org/one", "org/two"]).await;
    for wrong in [
        "retry 5",
        "retry 0",
        "discard 1-9",
        "discard x",
        "retry 2-1",
    ] {
        let answer = asks(&mut stage, &talk, wrong).await;
        assert!(answer.contains("is not a number from 1 to 4"), "{answer}");
    }
    assert_eq!(listed(&asks(&mut stage, &talk, "failed").await).len(), 4);
    asks(&mut stage, &talk, "retry 3, 1").await;
    let there = ["alice: org/one 0", "alice: org/one 1"];
    stage.reads_there("org/one", &there).await;
    let answer = asks(&mut stage, &talk, "discard 2").await;
    assert!(
        answer.contains("1 message (org/two: org/two 1)") && answer.contains("1 message is still"),
        "{answer}"
    );
    let answer = asks(&mut stage, &talk, "discard 1-1").await;
    assert!(
        answer.contains("discarded 1 message (org/two: org/two 0)"),
        "{answer}"
    );
    stage.reads_there("org/two", &[]).await;
    let answer = asks(&mut stage, &talk, "retry 1").await;
    assert!(answer.contains("nothing that failed"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn what_failed_in_a_room_that_is_gone_is_told_to_be_hopeless() {
    let (mut stage, talk, _) = failing(&["org/one", "org/two"]).await;
    asks(&mut stage, &talk, "gpart org/one").await;
    let answer = asks(&mut stage, &talk, "retry all").await;
    assert!(answer.contains("trying 2 messages again"), "{answer}");
    assert!(
        answer.contains("2 messages cannot be tried again, since you are no longer in org/one"),
        "{answer}"
    );
    let there = ["alice: org/two 0", "alice: org/two 1"];
    stage.reads_there("org/two", &there).await;
    stage.reads_there("org/one", &[]).await;
    let answer = asks(&mut stage, &talk, "discard all").await;
    assert!(answer.contains("discarded 2 messages"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn status_says_that_the_network_is_away_since_when() {
    let (mut stage, talk) = talking(&["org/one"]).await;
    let room = stage.enter("org/one").await;
    stage.network.lock().down = true;
    stage.writes(&room, "one").await;
    stage.writes(&room, "two").await;
    stage.wait(Duration::from_mins(2)).await;
    let line = line_of(&mut stage, &talk, "org/one: ").await;
    assert_eq!(
        line,
        "- org/one: 2 messages to Test, for 2 minutes: Test cannot be reached (for 2 minutes); I keep trying"
    );
    stage.network.lock().down = false;
    stage.quiet().await;
    let answer = asks(&mut stage, &talk, "status").await;
    assert!(!answer.contains("What waits"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn status_says_that_nobody_knows_yet_whether_it_arrived() {
    let (mut stage, talk) = talking(&["org/one"]).await;
    let room = stage.enter("org/one").await;
    stage.network.lock().failures.push_back(Failure::Lost);
    stage.writes(&room, "one").await;
    let tried = async || stage.network.lock().failures.is_empty();
    stage.until("it is tried", tried).await;
    stage.wait(Duration::from_secs(1)).await;
    let line = line_of(&mut stage, &talk, "org/one: ").await;
    assert!(
        line.ends_with("I keep trying, and find out first whether the first one arrived"),
        "{line}"
    );
}

#[tokio::test(start_paused = true)]
async fn status_says_that_the_budget_is_used_up_until_when() {
    let (mut stage, talk) = talking(&["org/one"]).await;
    let room = stage.enter("org/one").await;
    let limited = Failure::Limited(Duration::from_secs(50));
    stage.network.lock().failures.push_back(limited);
    stage.writes(&room, "one").await;
    let tried = async || stage.network.lock().failures.is_empty();
    stage.until("it is tried", tried).await;
    stage.wait(Duration::from_secs(9)).await;
    let line = line_of(&mut stage, &talk, "org/one: ").await;
    assert!(
        line.contains("Test asks to wait; I go on in 40 seconds"),
        "{line}"
    );
    stage.reads_there("org/one", &["alice: one"]).await;
}

#[tokio::test(start_paused = true)]
async fn status_says_that_a_login_is_needed() {
    let (mut stage, talk) = talking(&["org/one"]).await;
    let room = stage.enter("org/one").await;
    stage.network.revoke_of(&person("alice"));
    stage.writes(&room, "one").await;
    let expired = async || stage.login().await.state == store::LoginState::Expired;
    stage.until("it has expired", expired).await;
    stage.wait(Duration::from_secs(5)).await;
    let line = line_of(&mut stage, &talk, "org/one: ").await;
    assert!(
        line.ends_with("Test ended your login; write `login`, and I go on"),
        "{line}"
    );
}

#[tokio::test(start_paused = true)]
async fn status_says_that_the_homeserver_does_not_take_it() {
    let (mut stage, talk) = talking(&["org/one"]).await;
    let room = stage.enter("org/one").await;
    let lost = stage::homeserver::Failure::Lost;
    stage.homeserver.lock().failures.push_back(lost);
    stage.network.says("bob", "org/one", "hello");
    let tried = async || stage.homeserver.lock().failures.is_empty();
    stage.until("it is tried", tried).await;
    let line = line_of(&mut stage, &talk, "org/one: ").await;
    assert!(
        line.starts_with("- org/one: 1 message to Matrix, for ")
            && line.contains(": the homeserver does not answer (for "),
        "{line}"
    );
    stage.shows(&room, &["gitter_id-bob: hello"]).await;
}

/// Homeservers refuse the answer at first, and the command is carried out once more.
#[tokio::test(start_paused = true)]
async fn a_command_that_has_to_be_repeated_concerns_nothing_more() {
    for (command, there) in [("discard 1", 0), ("retry 1", 1)] {
        for killed in [false, true] {
            let (mut stage, talk, _) = failing(&["org/one"]).await;
            stage.homeserver.lock().stuck = Some("send");
            stage.writes(&talk, command).await;
            stage.wait(Duration::from_secs(2)).await;
            if killed {
                stage.restart().await;
            }
            let broken = stage::homeserver::Failure::Broken;
            stage.homeserver.lock().failures.push_back(broken);
            stage.homeserver.lock().stuck = None;
            stage.quiet().await;
            let answer = stage::talk::said(&stage, &talk).pop().unwrap();
            assert!(answer.contains("1 message"), "{answer}");
            let there_now = stage.network.transcript("org/one").len();
            assert_eq!(there_now, there, "{command}, killed: {killed}");
            assert_eq!(
                stage.store.failed_items(stage::ALICE).await.unwrap().len(),
                1
            );
        }
    }
}

/// Whoever has left the room hears of it where he talks with the bot.
#[tokio::test(start_paused = true)]
async fn what_fails_after_its_room_was_left_is_told_where_it_is_read() {
    let (mut stage, talk) = talking(&["org/one"]).await;
    let room = stage.enter("org/one").await;
    let failures = [
        Failure::Limited(Duration::from_secs(30)),
        Failure::Forbidden,
    ];
    stage.network.lock().failures.extend(failures);
    stage.writes(&room, "one").await;
    let limited = async || stage.network.lock().failures.len() == 1;
    stage.until("it is tried", limited).await;
    let answer = asks_now(&mut stage, &talk, "gpart org/one").await;
    assert!(answer.contains("Left"), "{answer}");
    stage.quiet().await;
    let told = stage::talk::said(&stage, &talk).pop().unwrap();
    assert!(
        told.starts_with(
            "org/one: Your message was not delivered to Test: you may not write there. "
        ),
        "{told}"
    );
}

/// Nobody thought of each reason why something cannot be carried, and each is told.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_carried_for_whatever_reason_is_told() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "one").await.event_id;
    stage.quiet().await;
    stage.kill().await;
    stage.meddle("UPDATE messages SET sent_at = 'rotten'").await;
    stage.start().await;
    stage.edits(&room, &event, "two").await;
    stage.writes(&room, "behind").await;
    stage
        .reads_there("org/one", &["alice: one", "alice: behind"])
        .await;
    let told = stage::talk::said(&stage, &room);
    assert_eq!(
        told,
        [
            "What you wrote was not delivered: the bridge's database is out of order. `!gitter retry all` tries again, \
             `!gitter failed` lists what was not delivered."
        ]
    );
    let answer = asks(&mut stage, &room, "!gitter failed").await;
    assert!(answer.contains("1. org/one: * two"), "{answer}");
}

/// The bridge's clock was ahead when a pause was noted.
#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_back_holds_up_no_lane() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let limited = Failure::Limited(Duration::from_secs(30));
    stage.network.lock().failures.push_back(limited);
    stage.writes(&room, "one").await;
    let tried = async || stage.network.lock().failures.is_empty();
    stage.until("it is tried", tried).await;
    stage.wait(Duration::from_secs(1)).await;
    stage.kill().await;
    stage
        .meddle("UPDATE items SET not_before = not_before + 86400000")
        .await;
    stage.start().await;
    stage.reads_there("org/one", &["alice: one"]).await;
    // What a network asks for is bounded, too.
    let limited = Failure::Limited(Duration::from_hours(1_000));
    stage.network.lock().failures.push_back(limited);
    stage.writes(&room, "two").await;
    stage.wait_long(Duration::from_mins(59)).await;
    assert_eq!(stage.network.lock().posts, 1);
    stage.wait_long(Duration::from_mins(2)).await;
    stage
        .reads_there("org/one", &["alice: one", "alice: two"])
        .await;
}
