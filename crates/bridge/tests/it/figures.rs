//! The figures for the metrics move as they promise.

use std::time::Duration;

use bridge::{BOUNDS, Figures};
use homeserver::{Appservice as _, Transaction};
use remote::Event;

use stage::{Stage, network::Failure};

async fn figures(stage: &Stage) -> Figures {
    stage.bridge.as_ref().unwrap().figures().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn messages_are_counted_with_the_time_that_they_took() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.quiet().await;
    let before = figures(&stage).await;
    assert_eq!(before.portals, 1);
    assert_eq!(before.logins, (1, 0));
    assert_eq!(before.connections, (1, 0, 0));
    let written = stage.writes(&room, "one").await;
    stage.quiet().await;
    stage.edits(&room, &written.event_id, "two").await;
    stage.quiet().await;
    stage.redacts(&room, &written.event_id).await;
    let said = stage.network.says("bob", "org/one", "three");
    stage.quiet().await;
    stage.network.edits(&said, "four");
    stage.network.deletes(&said);
    stage.quiet().await;

    let after = figures(&stage).await;
    let (to_remote, to_matrix) = (&after.to_remote, &after.to_matrix);
    let more = |it: &bridge::WayFigures, was: &bridge::WayFigures| {
        it.delivered.count() - was.delivered.count()
    };
    assert_eq!(more(to_remote, &before.to_remote), 3);
    assert_eq!(
        more(to_matrix, &before.to_matrix),
        3,
        "and no echo of what she wrote"
    );
    assert_eq!((to_remote.waiting, to_matrix.waiting), (0, 0));
    assert_eq!((to_remote.oldest, to_matrix.oldest), (0, 0));
    assert_eq!((to_remote.failed, to_remote.retries), (0, 0));
    assert_eq!(to_matrix.duplicates, 0, "echoes are none");

    // The next one takes twenty seconds and a bit.
    stage
        .network
        .lock()
        .failures
        .extend([Failure::Unavailable; 5]);
    stage.writes(&room, "slow").await;
    stage.quiet().await;
    let last = figures(&stage).await;
    assert_eq!(last.to_remote.retries, 5);
    let between = |figures: &Figures| -> u64 {
        let buckets = figures.to_remote.delivered.buckets.iter().zip(BOUNDS);
        let slow = buckets.filter(|(_, end)| (30_000..=60_000).contains(end));
        slow.map(|(count, _)| count).sum()
    };
    assert_eq!((between(&after), between(&last)), (0, 1));
    assert!(last.to_remote.delivered.sum - after.to_remote.delivered.sum > 15_000);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_counted_with_its_age() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.quiet().await;
    stage.homeserver.lock().stuck = Some("set_display_name");
    stage.network.says("bob", "org/one", "zero");
    stage.wait(Duration::from_secs(3)).await;
    let waiting = figures(&stage).await;
    assert_eq!(
        (waiting.to_remote.waiting, waiting.to_matrix.waiting),
        (0, 1)
    );
    assert!((2_500..3_500).contains(&waiting.to_matrix.oldest));
    stage.homeserver.lock().stuck = None;
    stage.quiet().await;

    stage.network.lock().failures.push_back(Failure::Hangs);
    stage.writes(&room, "one").await;
    stage
        .until("it is posted", async || stage.network.lock().posts == 1)
        .await;
    stage.writes(&room, "two").await;
    stage.wait(Duration::from_secs(30)).await;
    let waiting = figures(&stage).await.to_remote;
    assert_eq!(waiting.waiting, 2);
    assert!((30_000..32_000).contains(&waiting.oldest), "{waiting:?}");
}

#[tokio::test(start_paused = true)]
async fn trouble_is_counted_by_what_became_of_it() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.extend([
        Failure::AnswerLost,
        Failure::Lost,
        Failure::Unavailable,
        Failure::Forbidden,
    ]);
    stage.writes(&room, "found").await;
    stage.writes(&room, "sent again after being put off").await;
    stage.writes(&room, "refused").await;
    stage.quiet().await;
    let figures = figures(&stage).await;
    assert_eq!(figures.resolved, (1, 1, 0));
    // Twice an answer was lost, once the network was out of order, and once it was too early to send again.
    assert_eq!(figures.to_remote.retries, 3);
    assert_eq!(figures.to_remote.failed, 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_lane_stumbled_over_is_forgotten_when_it_waits_for_a_login() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.quiet().await;
    stage
        .network
        .lock()
        .failures
        .extend([Failure::Unavailable; 50]);
    stage.writes(&room, "one").await;
    stage
        .until("it stumbles", async || figures(&stage).await.stumbling == 1)
        .await;
    stage.network.revoke();
    stage.network.lock().failures.clear();
    stage
        .until("its lane rests", async || figures(&stage).await.lanes == 0)
        .await;
    assert_eq!(figures(&stage).await.stumbling, 0);
    let left = stage.store.count_items(stage::ALICE).await.unwrap();
    assert_eq!(left.waiting + left.attempting, 1, "it still waits");
}

#[tokio::test(start_paused = true)]
async fn what_comes_again_is_counted() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let written = stage.writes(&room, "once").await;
    let said = stage.network.says("bob", "org/one", "once too");
    stage.quiet().await;
    let before = figures(&stage).await;
    let again = Transaction {
        events: vec![written],
        ..Transaction::default()
    };
    let bridge = stage.bridge.clone().unwrap();
    bridge.transaction("again", again).await.unwrap();
    drop(bridge);
    stage.network.tell(Event::Message(Box::new(said)));
    stage.quiet().await;
    let after = figures(&stage).await;
    assert_eq!(after.to_remote.duplicates - before.to_remote.duplicates, 1);
    assert_eq!(after.to_matrix.duplicates - before.to_matrix.duplicates, 1);
}

#[tokio::test(start_paused = true)]
async fn logins_and_connections_are_counted_by_state() {
    let (stage, _) = Stage::in_room("org/one").await;
    stage.network.revoke();
    stage
        .until("the login expires", async || {
            figures(&stage).await.logins == (0, 1)
        })
        .await;
    assert_eq!(figures(&stage).await.connections, (0, 0, 0));
}
