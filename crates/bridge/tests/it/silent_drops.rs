//! What the network acknowledged and never kept is found out, told, and given back.

use std::time::Duration;

use ruma::RoomId;
use stage::{ALICE, Stage, network::Failure, talk::asks};

/// Until then it is found out.
const A_MINUTE: Duration = Duration::from_mins(1);

async fn failed(stage: &Stage) -> Vec<String> {
    let items = stage.store.failed_items(ALICE).await.unwrap();
    let why = items.into_iter().map(|item| item.why.unwrap_or_default());
    why.collect()
}

fn told(stage: &Stage, room: &RoomId) -> Vec<String> {
    let mut told = stage.transcript(room);
    told.retain(|line| line.starts_with("gitter:") && line.contains("did not arrive"));
    told
}

fn drops(stage: &Stage, count: usize) {
    let failures = std::iter::repeat_n(Failure::Dropped, count);
    stage.network.lock().failures.extend(failures);
}

async fn figures(stage: &Stage) -> (u64, u64) {
    let figures = stage.bridge.as_ref().unwrap().figures().await.unwrap();
    (figures.echoes_missed, figures.dropped)
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_and_never_stored_is_reported_within_a_minute_and_can_be_retried() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.config.status.events = true;
    stage.restart().await;
    drops(&stage, 1);
    let lost = stage.writes(&room, "lost").await.event_id;
    stage.writes(&room, "kept").await;
    stage.quiet().await;
    assert_eq!(told(&stage, &room), Vec::<String>::new());
    stage.wait(A_MINUTE).await;
    assert_eq!(
        told(&stage, &room),
        [
            "gitter: Your message did not arrive: Test accepted it but does not show it. It does so at times. \
             `!gitter retry all` sends it again, `!gitter failed` lists what was not delivered."
        ]
    );
    assert_eq!(
        failed(&stage).await,
        ["Test accepted it and does not show it"]
    );
    assert_eq!(figures(&stage).await, (0, 1));
    let statuses: Vec<_> = {
        let homeserver = stage.homeserver.lock();
        let events = homeserver.rooms[&room].timeline.iter();
        let about = |event: &&homeserver::IncomingEvent| {
            event.content["m.relates_to"]["event_id"] == lost.as_str()
        };
        let statuses = events.filter(|it| it.kind == "com.beeper.message_send_status");
        statuses
            .filter(about)
            .map(|it| it.content["status"].clone())
            .collect()
    };
    assert_eq!(statuses, ["SUCCESS", "FAIL_RETRIABLE"]);

    asks(&mut stage, &room, "!gitter retry all").await;
    stage
        .reads_there("org/one", &["alice: kept", "alice: lost"])
        .await;
    stage.wait(A_MINUTE).await;
    assert_eq!(told(&stage, &room).len(), 1);
    assert!(failed(&stage).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_again_is_told_again() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    drops(&stage, 2);
    stage.writes(&room, "lost").await;
    stage.wait(A_MINUTE).await;
    asks(&mut stage, &room, "!gitter retry 1").await;
    stage.wait(A_MINUTE).await;
    assert_eq!(told(&stage, &room).len(), 2);
    assert_eq!(failed(&stage).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_drop_is_found_out_though_the_bridge_is_killed_meanwhile() {
    for killed_after in [0, 50, 120, 5_000, 19_000, 21_000, 25_000, 32_000] {
        let (mut stage, room) = Stage::in_room("org/one").await;
        drops(&stage, 1);
        stage.writes(&room, "lost").await;
        stage.wait(Duration::from_millis(killed_after)).await;
        stage.kill().await;
        stage.wait(A_MINUTE).await;
        stage.start().await;
        stage.wait(A_MINUTE).await;
        let there = stage.network.transcript("org/one");
        if there.is_empty() {
            assert_eq!(failed(&stage).await.len(), 1, "after {killed_after}");
            assert_eq!(told(&stage, &room).len(), 1, "after {killed_after}");
        } else {
            // Its answer was lost, so it was looked for and sent again.
            assert_eq!(there, ["alice: lost"], "after {killed_after}");
            assert!(failed(&stage).await.is_empty(), "after {killed_after}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_echo_that_nobody_heard_is_no_drop_and_the_history_decides() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().silent = true;
    stage.writes(&room, "one").await;
    stage.writes(&room, "two").await;
    stage.wait(A_MINUTE).await;
    assert_eq!(told(&stage, &room), Vec::<String>::new());
    assert!(failed(&stage).await.is_empty());
    assert_eq!(figures(&stage).await, (2, 0));
    assert!(stage.store.awaited().await.unwrap().is_empty());
    assert_eq!(stage.network.lock().asked_for_one, 0, "one reading told");
}

/// In a busy room it is not among the newest any more.
#[tokio::test(start_paused = true)]
async fn what_stands_further_back_than_the_newest_is_asked_for_and_is_no_drop() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().silent = true;
    stage.writes(&room, "one").await;
    let posted = async || stage.network.lock().posts == 1;
    stage.until("it is posted", posted).await;
    stage.network.lock().silent = false;
    for number in 0..30 {
        stage.network.says("bob", "org/one", &number.to_string());
    }
    stage.wait(A_MINUTE).await;
    assert_eq!(told(&stage, &room), Vec::<String>::new());
    assert!(failed(&stage).await.is_empty());
    assert_eq!(figures(&stage).await, (1, 0));
    assert!(stage.store.awaited().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_deleted_there_at_once_is_no_drop() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.writes(&room, "gone").await;
    let own = stage.writes(&room, "mine").await.event_id;
    stage.quiet().await;
    let message = stage.network.lock().messages[0].clone();
    stage.network.deletes(&message);
    // Her own deletion of it, while nobody listens.
    stage.network.lock().silent = true;
    stage.redacts(&room, &own).await;
    stage.reads_there("org/one", &[]).await;
    stage.wait(A_MINUTE).await;
    assert_eq!(told(&stage, &room), Vec::<String>::new());
    assert!(failed(&stage).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_nobody_heard_of_is_told_as_what_it_may_be() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().silent = true;
    stage.writes(&room, "gone").await;
    stage.quiet().await;
    stage.kill().await;
    stage.network.lock().messages.clear();
    stage.start().await;
    stage.wait(A_MINUTE).await;
    let told = told(&stage, &room);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].contains("Or somebody deleted it there while I was not connected."),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn many_drops_are_one_notice_and_go_out_again_in_their_order() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    drops(&stage, 5);
    for number in 0..5 {
        stage.writes(&room, &number.to_string()).await;
    }
    stage.wait(A_MINUTE).await;
    assert_eq!(failed(&stage).await.len(), 5);
    let told = told(&stage, &room);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("gitter: 5 of your messages did not arrive"));
    asks(&mut stage, &room, "!gitter retry all").await;
    let there: Vec<_> = (0..5).map(|number| format!("alice: {number}")).collect();
    stage.quiet().await;
    assert_eq!(stage.network.transcript("org/one"), there);
}

#[tokio::test(start_paused = true)]
async fn of_a_long_message_only_what_was_dropped_is_sent_again() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.writes(&room, "0123456789abcdefghij0123456789").await;
    let second = async || stage.network.lock().posts == 1;
    stage.until("the second is next", second).await;
    drops(&stage, 1);
    stage.wait(A_MINUTE).await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["alice: 0123456789", "alice: 0123456789"]
    );
    assert_eq!(failed(&stage).await.len(), 1);
    asks(&mut stage, &room, "!gitter retry all").await;
    stage
        .reads_there(
            "org/one",
            &[
                "alice: 0123456789",
                "alice: 0123456789",
                "alice: abcdefghij",
            ],
        )
        .await;
}

/// Seed 7767: a change moves up what stood behind the gap, and its own end is dropped.
#[tokio::test(start_paused = true)]
async fn of_a_change_that_moved_parts_only_what_was_dropped_is_sent_again() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "firstfirstsecondsecothird").await;
    let second = async || stage.network.lock().posts == 1;
    stage.until("the second is next", second).await;
    drops(&stage, 1);
    stage.wait(A_MINUTE).await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["alice: firstfirst", "alice: third"]
    );
    // Two of them meet changes, of which nothing is dropped.
    drops(&stage, 3);
    stage
        .edits(&room, &event.event_id, "FIRSTFIRSTSECONDSECOTHIRD")
        .await;
    stage.wait(A_MINUTE).await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["alice: FIRSTFIRST", "alice: SECONDSECO"]
    );
    assert_eq!(failed(&stage).await.len(), 1);
    asks(&mut stage, &room, "!gitter retry all").await;
    stage
        .reads_there(
            "org/one",
            &["alice: FIRSTFIRST", "alice: SECONDSECO", "alice: THIRD"],
        )
        .await;
    stage.quiet().await;
    assert!(failed(&stage).await.is_empty());
}

/// What was shortened once, and then got longer again, was not sent.
#[tokio::test(start_paused = true)]
async fn of_a_change_that_grew_again_what_was_dropped_is_sent_again() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "0123456789abc").await.event_id;
    stage.quiet().await;
    stage.edits(&room, &event, "short").await;
    stage.reads_there("org/one", &["alice: short"]).await;
    // One of them meets a change, of which nothing is dropped.
    drops(&stage, 2);
    stage.edits(&room, &event, "0123456789abc").await;
    stage.wait(A_MINUTE).await;
    assert_eq!(stage.network.transcript("org/one"), ["alice: 0123456789"]);
    asks(&mut stage, &room, "!gitter retry all").await;
    stage
        .reads_there("org/one", &["alice: 0123456789", "alice: abc"])
        .await;
}

/// Seed 4954: as long as it is not known what became of the rest, the gap is not told.
#[tokio::test(start_paused = true)]
async fn what_was_dropped_of_a_change_that_is_under_way_is_sent_again() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let event = stage.writes(&room, "short").await.event_id;
    stage.quiet().await;
    // The first meets the change in place, of which nothing is dropped.
    let failures = [Failure::Dropped, Failure::Dropped, Failure::Hangs];
    stage.network.lock().failures.extend(failures);
    stage.edits(&room, &event, "0123456789abcdefghij!").await;
    stage.wait(A_MINUTE).await;
    stage.restart().await;
    stage
        .reads_there("org/one", &["alice: 0123456789", "alice: !"])
        .await;
    stage.wait(A_MINUTE).await;
    assert_eq!(failed(&stage).await.len(), 1);
    asks(&mut stage, &room, "!gitter retry all").await;
    stage
        .reads_there(
            "org/one",
            &["alice: 0123456789", "alice: !", "alice: abcdefghij"],
        )
        .await;
}

/// Seed 1650: it was taken back, with its change, while its sender was being told.
#[tokio::test(start_paused = true)]
async fn what_is_taken_back_while_its_loss_is_told_is_never_sent_again() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    // The first part stays, and so does the change in place.
    let event = stage.writes(&room, "0123456789abc").await.event_id;
    let second = async || stage.network.lock().posts == 1;
    stage.until("the second is next", second).await;
    drops(&stage, 1);
    let posted = async || stage.network.lock().posts == 2;
    stage.until("it is dropped", posted).await;
    stage.edits(&room, &event, "0123456789abc!").await;
    stage.homeserver.lock().stuck = Some("send");
    stage.wait(A_MINUTE).await;
    stage.redacts(&room, &event).await;
    stage.wait(Duration::from_secs(5)).await;
    stage.homeserver.lock().stuck = None;
    stage.wait(A_MINUTE).await;
    assert!(failed(&stage).await.is_empty());
    asks(&mut stage, &room, "!gitter retry all").await;
    stage.reads_there("org/one", &[]).await;
}

/// The beginning, of which the change was to be made, is not there; what stood behind it does not stay.
#[tokio::test(start_paused = true)]
async fn of_a_message_that_was_dropped_in_part_and_shortened_nothing_old_stays() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    drops(&stage, 1);
    let event = stage.writes(&room, "0123456789abc").await.event_id;
    stage.reads_there("org/one", &["alice: abc"]).await;
    stage.edits(&room, &event, "short").await;
    stage.wait(A_MINUTE).await;
    asks(&mut stage, &room, "!gitter retry all").await;
    stage.reads_there("org/one", &["alice: short"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_dropped_is_given_back_as_it_reads_now_and_can_be_withdrawn() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    drops(&stage, 3);
    let changed = stage.writes(&room, "first").await.event_id;
    let later = stage.writes(&room, "second").await.event_id;
    let withdrawn = stage.writes(&room, "third").await.event_id;
    stage.quiet().await;
    // Changed before it is found out, and after.
    stage.edits(&room, &changed, "first!").await;
    stage.wait(A_MINUTE).await;
    stage.edits(&room, &later, "second!").await;
    stage.redacts(&room, &withdrawn).await;
    stage.quiet().await;
    asks(&mut stage, &room, "!gitter retry all").await;
    stage
        .reads_there("org/one", &["alice: first!", "alice: second!"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_dropped_and_taken_back_is_nobodys_business() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    drops(&stage, 1);
    let own = stage.writes(&room, "lost").await.event_id;
    stage.quiet().await;
    stage.redacts(&room, &own).await;
    stage.wait(A_MINUTE).await;
    assert_eq!(told(&stage, &room), Vec::<String>::new());
    assert!(failed(&stage).await.is_empty());
    assert!(stage.store.awaited().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn with_trouble_at_the_network_a_drop_is_found_out_when_that_is_over() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    drops(&stage, 1);
    stage.writes(&room, "lost").await;
    stage.quiet().await;
    stage.network.revoke();
    stage
        .until("it has expired", async || {
            stage.login().await.state == store::LoginState::Expired
        })
        .await;
    stage.wait(A_MINUTE * 3).await;
    assert!(failed(&stage).await.is_empty(), "nobody can know");
    stage.network.lock().revoked = false;
    let login = stage.log_in().await;
    let world = stage.bridge.as_ref().unwrap().world().clone();
    world.connections.start(&world, &login).await.unwrap();
    drop(world);
    stage.wait(A_MINUTE).await;
    assert_eq!(failed(&stage).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn when_all_is_well_nothing_is_asked() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let before = stage.network.lock().histories;
    for number in 0..10 {
        stage.writes(&room, &number.to_string()).await;
    }
    stage.wait(A_MINUTE).await;
    let asked = {
        let network = stage.network.lock();
        (network.histories - before, network.asked_for_one)
    };
    assert_eq!(asked, (0, 0));
    assert!(stage.store.awaited().await.unwrap().is_empty());
    assert_eq!(figures(&stage).await, (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_network_that_keeps_what_it_acknowledges_is_believed() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.kill().await;
    stage.network.capabilities.echoes = None;
    stage.start().await;
    drops(&stage, 1);
    stage.writes(&room, "elsewhere").await;
    stage.wait(A_MINUTE).await;
    assert!(failed(&stage).await.is_empty());
    assert!(stage.store.awaited().await.unwrap().is_empty());
}
