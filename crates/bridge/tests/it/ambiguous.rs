//! What was sent and never answered is looked for before anything is sent again; where nobody can tell, its sender decides.

use std::time::Duration;

use ruma::RoomId;
use stage::{
    ALICE, Stage,
    network::Failure,
    talk::{asks, said},
};
use store::{MessageRow, NewLogin, NewPortal};

async fn failed(stage: &Stage) -> Vec<String> {
    let items = stage.store.failed_items(ALICE).await.unwrap();
    let why = items.into_iter().map(|item| item.why.unwrap_or_default());
    why.collect()
}

/// Notices which say that nobody knows.
fn doubts(stage: &Stage, room: &RoomId) -> Vec<String> {
    let mut doubts = stage.transcript(room);
    doubts.retain(|line| line.starts_with("gitter:") && line.contains("may or may not have"));
    doubts
}

/// Moves time on until a failure has struck.
async fn struck(stage: &Stage) {
    let struck = async || stage.network.lock().failures.is_empty();
    stage.until("it is sent", struck).await;
}

/// The user is told that nobody knows; nothing is sent until he says so.
async fn is_asked(stage: &mut Stage, room: &RoomId, there: &[&str], then: &[&str]) {
    stage.reads_there("org/one", there).await;
    let told = doubts(stage, room);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with(
            "gitter: Your message may or may not have reached Test: a message there may be this one, or one that you wrote on \
             Test yourself. Have a look there before you try again: `!gitter retry all` tries again"
        ),
        "{told:?}"
    );
    assert_eq!(failed(stage).await.len(), 1);
    asks(stage, room, "!gitter retry all").await;
    stage.reads_there("org/one", then).await;
    assert!(failed(stage).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn equal_texts_in_a_row_stand_as_often_as_they_were_written_whatever_is_lost_or_killed() {
    use Failure::{AnswerLost, Hangs, Late, Lost};
    for failures in [
        [AnswerLost, AnswerLost],
        [Lost, AnswerLost],
        [Lost, Lost],
        [AnswerLost, Lost],
        [Hangs, Hangs],
        [Late, Hangs],
        [Hangs, Late],
        [Late, Late],
    ] {
        let (mut stage, room) = Stage::in_room("org/one").await;
        stage.network.lock().failures.extend(failures);
        for _ in 0..3 {
            stage.writes(&room, "same").await;
        }
        // What hangs is ended by a kill each time.
        for _ in 0..3 {
            stage.wait(Duration::from_secs(7)).await;
            stage.restart().await;
        }
        stage.reads_there("org/one", &["alice: same"; 3]).await;
        assert_eq!(stage.transcript(&room), ["alice: same"; 3], "{failures:?}");
        assert!(failed(&stage).await.is_empty(), "{failures:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_text_written_there_in_the_same_moment_stands_once_each() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Failure::AnswerLost);
    stage.writes(&room, "same").await;
    struck(&stage).await;
    stage.network.says("alice", "org/one", "same");
    stage.reads_there("org/one", &["alice: same"; 2]).await;
    assert_eq!(
        stage.transcript(&room),
        ["alice: same", "gitter_id-alice: same"]
    );
    assert!(failed(&stage).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_same_text_written_there_before_leaves_it_to_the_sender() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().silent = true;
    stage.network.says("alice", "org/one", "same");
    stage.wait(Duration::from_secs(40)).await;
    stage.network.lock().failures.push_back(Failure::Lost);
    stage.writes(&room, "same").await;
    is_asked(
        &mut stage,
        &room,
        &["alice: same"],
        &["alice: same", "alice: same"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_same_text_written_there_long_after_a_kill_leaves_it_to_the_sender() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Failure::Lost);
    stage.writes(&room, "same").await;
    struck(&stage).await;
    stage.kill().await;
    stage.leap(Duration::from_mins(20)).await;
    stage.network.says("alice", "org/one", "same");
    stage.start().await;
    is_asked(
        &mut stage,
        &room,
        &["alice: same"],
        &["alice: same", "alice: same"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_surely_there_is_found_among_equal_texts() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().silent = true;
    stage.network.says("alice", "org/one", "same");
    stage.wait(Duration::from_secs(40)).await;
    stage.network.lock().failures.push_back(Failure::AnswerLost);
    stage.writes(&room, "same").await;
    stage.reads_there("org/one", &["alice: same"; 2]).await;
    assert_eq!(doubts(&stage, &room), Vec::<String>::new());
    assert!(failed(&stage).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_the_network_stores_with_other_spaces_is_found() {
    for failure in [Failure::AnswerLost, Failure::Hangs] {
        let (mut stage, room) = Stage::in_room("org/one").await;
        stage.network.lock().trims = true;
        stage.network.lock().failures.push_back(failure);
        stage.writes(&room, "0123456 ").await;
        struck(&stage).await;
        stage.restart().await;
        stage.reads_there("org/one", &["alice: 0123456"]).await;
        assert_eq!(stage.transcript(&room), ["alice: 0123456 "]);
        assert!(failed(&stage).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_there_before_it_was_found_is_not_sent_again_unasked() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Failure::Hangs);
    stage.writes(&room, "mien").await;
    let posted = async || stage.network.lock().posts == 1;
    stage.until("it is posted", posted).await;
    stage.kill().await;
    let message = stage.network.lock().messages[0].clone();
    stage.network.edits(&message, "mine");
    stage.start().await;
    is_asked(
        &mut stage,
        &room,
        &["alice: mine"],
        &["alice: mine", "alice: mien"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_sender_gives_up_is_never_sent_again() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().silent = true;
    stage.network.says("alice", "org/one", "same");
    stage.wait(Duration::from_secs(40)).await;
    stage.network.lock().failures.push_back(Failure::Lost);
    let event = stage.writes(&room, "same").await.event_id;
    stage.reads_there("org/one", &["alice: same"]).await;
    assert_eq!(doubts(&stage, &room).len(), 1);
    let before = said(&stage, &room).len();
    stage.redacts(&room, &event).await;
    stage.quiet().await;
    stage.restart().await;
    stage.reads_there("org/one", &["alice: same"]).await;
    assert!(failed(&stage).await.is_empty());
    // Nor can it be taken back, which is said once.
    assert_eq!(
        said(&stage, &room).split_off(before),
        [
            "Nobody knows whether all of what you deleted had reached Test, so what may stand there cannot be taken back from \
             here. If you find it on Test, delete it there."
        ]
    );
    // Of what is known, nothing is said.
    let event = stage.writes(&room, "known").await.event_id;
    stage.quiet().await;
    stage.redacts(&room, &event).await;
    stage.quiet().await;
    stage.network.lock().failures.push_back(Failure::Forbidden);
    let event = stage.writes(&room, "refused").await.event_id;
    stage.quiet().await;
    let before = said(&stage, &room).len();
    stage.redacts(&room, &event).await;
    stage.reads_there("org/one", &["alice: same"]).await;
    assert_eq!(said(&stage, &room).len(), before);
}

#[tokio::test(start_paused = true)]
async fn a_change_does_not_repeat_what_may_be_there() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let failures = [Failure::AnswerLost, Failure::Hangs];
    stage.network.lock().failures.extend(failures);
    let event = stage.writes(&room, "0123456789abcdefghij").await.event_id;
    let posted = async || stage.network.lock().posts == 2;
    stage.until("both parts are posted", posted).await;
    stage.kill().await;
    let second = stage.network.lock().messages[1].clone();
    stage.network.edits(&second, "abcdefghi.");
    stage.start().await;
    stage.quiet().await;
    assert_eq!(doubts(&stage, &room).len(), 1);
    // Whether its second part stands there, nobody knows, so none follows.
    stage.edits(&room, &event, "012345678_abcdefghi_!").await;
    let there = ["alice: 012345678_", "alice: abcdefghi."];
    stage.reads_there("org/one", &there).await;
    assert_eq!(failed(&stage).await.len(), 1, "its sender still decides");
    asks(&mut stage, &room, "!gitter retry all").await;
    let there = [&there[..], &["alice: abcdefghi_", "alice: !"]].concat();
    stage.reads_there("org/one", &there).await;
    assert!(failed(&stage).await.is_empty());
    // From now on, all of it is known again.
    stage.edits(&room, &event, "short").await;
    stage
        .reads_there("org/one", &["alice: short", "alice: abcdefghi."])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_does_not_repeat_what_an_earlier_change_may_have_added() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "0123456789").await.event_id;
    stage.quiet().await;
    stage.network.lock().failures.push_back(Failure::Hangs);
    stage.edits(&room, &event, "0123456789abc").await;
    let posted = async || stage.network.lock().posts == 2;
    stage.until("the added part is posted", posted).await;
    stage.kill().await;
    let second = stage.network.lock().messages[1].clone();
    stage.network.edits(&second, "abd");
    stage.start().await;
    stage.quiet().await;
    stage.edits(&room, &event, "012345678_abcd").await;
    let there = ["alice: 012345678_", "alice: abd"];
    stage.reads_there("org/one", &there).await;
    asks(&mut stage, &room, "!gitter retry all").await;
    let there = [&there[..], &["alice: abcd"]].concat();
    stage.reads_there("org/one", &there).await;
}

#[tokio::test(start_paused = true)]
async fn a_network_whose_clock_is_wrong_is_understood_by_its_answers() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().ahead = -900_000;
    stage.writes(&room, "one").await;
    stage.quiet().await;
    let failures = [Failure::AnswerLost, Failure::Hangs];
    stage.network.lock().failures.extend(failures);
    stage.writes(&room, "two").await;
    stage
        .reads_there("org/one", &["alice: one", "alice: two"])
        .await;
    assert!(failed(&stage).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn clocks_that_are_far_apart_double_nothing() {
    for ahead in [-3_600_000, -600_000, 600_000, 3_600_000] {
        let (mut stage, room) = Stage::in_room("org/one").await;
        stage.network.lock().ahead = ahead;
        stage.network.lock().failures.push_back(Failure::Hangs);
        stage.writes(&room, "once").await;
        let posted = async || stage.network.lock().posts == 1;
        stage.until("it is posted", posted).await;
        stage.restart().await;
        stage.reads_there("org/one", &["alice: once"]).await;
        assert!(doubts(&stage, &room).len() <= 1, "{ahead}");
    }
}

/// Our clock is set while the program runs.
#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_doubles_nothing() {
    for jump in [-3_600_000, 3_600_000] {
        let (mut stage, room) = Stage::in_room("org/one").await;
        stage.writes(&room, "before").await;
        stage.quiet().await;
        stage.network.lock().ahead = jump;
        stage.network.lock().failures.push_back(Failure::AnswerLost);
        stage.writes(&room, "once").await;
        struck(&stage).await;
        let there = ["alice: before", "alice: once"];
        stage.reads_there("org/one", &there).await;
        assert!(doubts(&stage, &room).len() <= 1);
    }
}

/// Two users of Matrix may share an account.
#[tokio::test(start_paused = true)]
async fn what_somebody_else_said_by_the_same_account_is_not_taken_for_it() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().silent = true;
    let hers = stage.network.says("alice", "org/one", "same");
    let carol = NewLogin {
        mxid: "@carol:example.org".to_owned(),
        person_id: "id-alice".to_owned(),
        username: "alice".to_owned(),
        display_name: "Alice".to_owned(),
        credentials: "token".to_owned().into(),
        now: stage.now(),
    };
    let login = stage.store.put_login(&carol).await.unwrap();
    let alices = stage.portal("org/one").await;
    let portal = NewPortal {
        login_id: login.id,
        mxid: login.mxid,
        remote_room: alices.remote_room,
        address: alices.shown.address,
        name: alices.shown.name,
        topic: None,
        kind: alices.kind,
        other_person: None,
    };
    let portal = stage.store.put_portal(&portal).await.unwrap();
    let row = MessageRow {
        portal_id: portal.id,
        remote_id: hers.id.to_string(),
        part: 0,
        event_id: "$hers".to_owned(),
        room_id: "!hers".to_owned(),
        sender: "id-alice".to_owned(),
        by_us: true,
        as_user: false,
        sent_at: hers.sent_at,
        edited_at: None,
        thread: None,
        deleted: false,
        digest: None,
        awaited_since: None,
    };
    stage.store.put_messages(&[row]).await.unwrap();
    stage.network.lock().failures.push_back(Failure::Lost);
    stage.writes(&room, "same").await;
    stage
        .reads_there("org/one", &["alice: same", "alice: same"])
        .await;
    assert!(failed(&stage).await.is_empty());
}

/// Seed 21875: only what was posted can be looked for.
#[tokio::test(start_paused = true)]
async fn the_rest_of_a_change_is_no_doubt_where_only_a_change_in_place_was_not_answered() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "short").await.event_id;
    stage.quiet().await;
    stage.network.lock().silent = true;
    let his = stage.network.says("alice", "org/one", "his own");
    stage.network.edits(&his, "his own!");
    let failures = [Failure::AnswerLost; 3];
    stage.network.lock().failures.extend(failures);
    stage.edits(&room, &event, "0123456789abc").await;
    stage
        .reads_there(
            "org/one",
            &["alice: 0123456789", "alice: his own!", "alice: abc"],
        )
        .await;
    assert_eq!(doubts(&stage, &room), Vec::<String>::new());
    assert!(failed(&stage).await.is_empty());
}
