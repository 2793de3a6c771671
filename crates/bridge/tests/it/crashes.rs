//! What may break, at the worst moment.

use std::time::Duration;

use homeserver::{Appservice as _, Transaction};
use store::ItemState;

use stage::{
    ALICE, Stage,
    homeserver::Failure as Homeserver,
    network::{self, Failure as Network},
};

#[tokio::test(start_paused = true)]
async fn killed_between_the_post_and_its_record() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Network::Hangs);
    stage.writes(&room, "once").await;
    stage
        .until("it is posted", async || stage.network.lock().posts == 1)
        .await;
    stage.restart().await;
    stage.quiet().await;
    stage.writes(&room, "twice").await;
    stage.quiet().await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["alice: once", "alice: twice"]
    );
    assert_eq!(
        stage.transcript(&room),
        ["alice: once", "alice: twice"],
        "no echo was shown"
    );
}

#[tokio::test(start_paused = true)]
async fn killed_between_two_parts() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage
        .network
        .lock()
        .failures
        .extend([Network::Unavailable, Network::Hangs]);
    stage.writes(&room, "0123456789abcdefghij0123456789").await;
    stage
        .until("the first is posted", async || {
            stage.network.lock().posts == 1
        })
        .await;
    stage.restart().await;
    stage.network.lock().failures.push_back(Network::AnswerLost);
    stage.quiet().await;
    assert_eq!(
        stage.network.transcript("org/one"),
        [
            "alice: 0123456789",
            "alice: abcdefghij",
            "alice: 0123456789"
        ]
    );
    assert_eq!(stage.transcript(&room).len(), 1, "no echo was shown");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_does_not_double_the_message() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage
        .network
        .lock()
        .failures
        .extend([Network::AnswerLost, Network::Lost, Network::AnswerLost]);
    stage.writes(&room, "same").await;
    stage.writes(&room, "same").await;
    stage.quiet().await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["alice: same", "alice: same"]
    );
    assert_eq!(stage.transcript(&room), ["alice: same", "alice: same"]);
}

#[tokio::test(start_paused = true)]
async fn trouble_makes_the_lane_wait_and_order_holds() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage
        .network
        .lock()
        .failures
        .extend([Network::Unavailable; 8]);
    stage.writes(&room, "one").await;
    stage.writes(&room, "two").await;
    stage
        .until("the user is told", async || {
            stage.transcript(&room).len() == 3
        })
        .await;
    assert!(stage.network.transcript("org/one").is_empty());
    assert!(
        stage
            .transcript(&room)
            .last()
            .unwrap()
            .starts_with("gitter: Your message waits: Test is having trouble.")
    );
    stage.quiet().await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["alice: one", "alice: two"]
    );
    assert_eq!(stage.transcript(&room).len(), 3, "it was said once");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_told_and_kept_and_can_be_retried() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Network::Forbidden);
    stage.writes(&room, "no").await;
    stage.writes(&room, "yes").await;
    stage.quiet().await;
    assert_eq!(stage.network.transcript("org/one"), ["alice: yes"]);
    let failed = stage.store.failed_items(ALICE).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (failed[0].state, failed[0].why.as_deref()),
        (ItemState::Failed, Some("you may not write there"))
    );
    let notice = stage
        .transcript(&room)
        .into_iter()
        .find(|line| line.starts_with("gitter:"))
        .unwrap();
    assert!(
        notice.starts_with(
            "gitter: Your message was not delivered to Test: you may not write there."
        ),
        "{notice}"
    );

    assert!(stage.store.retry_item(failed[0].id).await.unwrap());
    bridge::lanes::nudge(stage.bridge.as_ref().unwrap().world(), &failed[0].lane);
    stage.quiet().await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["alice: yes", "alice: no"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_login_that_expires_pauses_its_lanes_until_it_is_renewed() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.revoke();
    stage.writes(&room, "patience").await;
    stage
        .until("it has expired", async || {
            stage.login().await.state == store::LoginState::Expired
        })
        .await;
    stage.wait(Duration::from_mins(2)).await;
    assert_eq!(
        stage
            .bridge
            .as_ref()
            .unwrap()
            .world()
            .store
            .count_items(ALICE)
            .await
            .unwrap()
            .failed,
        0
    );
    assert!(stage.network.transcript("org/one").is_empty());
    assert_eq!(
        stage
            .bridge
            .as_ref()
            .unwrap()
            .figures()
            .await
            .unwrap()
            .lanes,
        0,
        "no task waits for it"
    );

    stage.network.lock().revoked = false;
    stage.network.says("bob", "org/one", "missed");
    let login = stage.log_in().await;
    let world = stage.bridge.as_ref().unwrap().world().clone();
    world.connections.start(&world, &login).await.unwrap();
    drop(world);
    stage.quiet().await;
    assert!(
        stage
            .network
            .transcript("org/one")
            .contains(&"alice: patience".to_owned())
    );
    assert_eq!(
        stage.transcript(&room),
        ["alice: patience", "gitter_id-bob: missed"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_said_while_the_bridge_was_down_is_caught_up_with() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "before");
    stage.shows(&room, &["gitter_id-bob: before"]).await;
    stage.kill().await;
    stage.network.says("bob", "org/one", "while it was down");
    stage.start().await;
    stage.network.says("bob", "org/one", "after");
    stage.quiet().await;
    assert_eq!(
        stage.transcript(&room),
        [
            "gitter_id-bob: before",
            "gitter_id-bob: while it was down",
            "gitter_id-bob: after"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn when_too_much_was_missed_the_newest_are_shown_and_the_gap_is_told() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "before");
    stage.shows(&room, &["gitter_id-bob: before"]).await;
    stage.kill().await;
    for number in 0..100 {
        stage.network.says("bob", "org/one", &number.to_string());
    }
    stage.start().await;
    stage.quiet().await;
    let shown = stage.transcript(&room);
    assert_eq!(shown.len(), 1 + 20 + 1 + 20);
    assert_eq!(shown[20], "gitter_id-bob: 19");
    assert!(
        shown[21].starts_with("gitter: More was said here"),
        "{}",
        shown[21]
    );
    assert_eq!(
        (shown[22].as_str(), shown[41].as_str()),
        ("gitter_id-bob: 80", "gitter_id-bob: 99")
    );
}

#[tokio::test(start_paused = true)]
async fn the_homeserver_may_fail_in_any_way_without_doubling_anything() {
    use Homeserver::{AnswerLost, Forbidden, Lost, Restart};

    let (stage, room) = Stage::in_room("org/one").await;
    let mut expected = Vec::new();
    // A restart counts only where it has stored the event just then: before, there is nothing to forget.
    for (number, failures) in [
        &[Lost][..],
        &[AnswerLost],
        &[Restart],
        &[Forbidden],
        &[Lost, Restart, Lost],
        &[Lost, AnswerLost, Forbidden],
    ]
    .into_iter()
    .enumerate()
    {
        stage.homeserver.lock().failures.extend(failures);
        for text in ["a", "b"] {
            let text = format!("{number}{text}");
            stage.network.says("bob", "org/one", &text);
            expected.push(format!("gitter_id-bob: {text}"));
        }
        stage.quiet().await;
        assert!(stage.homeserver.lock().failures.is_empty(), "{number}");
        assert_eq!(stage.transcript(&room), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn killed_while_the_homeserver_restarts() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "zero");
    stage.quiet().await;
    stage
        .homeserver
        .lock()
        .failures
        .push_back(Homeserver::Restart);
    stage.network.says("bob", "org/one", "one");
    stage
        .until("it was sent", async || stage.transcript(&room).len() == 2)
        .await;
    stage.restart().await;
    stage.quiet().await;
    assert_eq!(
        stage.transcript(&room),
        ["gitter_id-bob: zero", "gitter_id-bob: one"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_ghost_that_was_thrown_out_comes_back() {
    let (stage, room) = Stage::in_room("org/one").await;
    stage.network.says("bob", "org/one", "one");
    stage.quiet().await;
    let bob = "@gitter_id-bob:example.org";
    let sender = ruma::OwnedUserId::try_from("@admin:example.org").unwrap();
    let content = serde_json::json!({"membership": "leave"});
    stage
        .homeserver
        .lock()
        .append(&room, &sender, "m.room.member", Some(bob), content, 0);
    stage.network.says("bob", "org/one", "two");
    stage
        .shows(&room, &["gitter_id-bob: one", "gitter_id-bob: two"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn killed_again_and_again_nothing_is_lost_or_doubled() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    for number in 0..12 {
        stage.writes(&room, &format!("mine {number}")).await;
        stage
            .network
            .says("bob", "org/one", &format!("his {number}"));
        // Each time at another moment.
        stage.wait(Duration::from_millis(number * 17)).await;
        stage.restart().await;
    }
    stage.quiet().await;
    let ours: Vec<_> = stage
        .network
        .transcript("org/one")
        .into_iter()
        .filter(|line| line.starts_with("alice"))
        .collect();
    assert_eq!(
        ours,
        (0..12)
            .map(|number| format!("alice: mine {number}"))
            .collect::<Vec<_>>()
    );
    let shown = stage.transcript(&room);
    let his: Vec<_> = shown
        .iter()
        .filter(|line| line.starts_with("gitter"))
        .cloned()
        .collect();
    assert_eq!(
        his,
        (0..12)
            .map(|number| format!("gitter_id-bob: his {number}"))
            .collect::<Vec<_>>()
    );
    assert_eq!(shown.len(), 24);
    assert_eq!(network::person("bob").username, "bob");
}

#[tokio::test(start_paused = true)]
async fn transactions_wait_until_the_homeserver_was_greeted() {
    let bridge = Stage::new().await.build();
    let transaction = || Transaction::default();
    assert!(bridge.transaction("1", transaction()).await.is_err());
    bridge.ping_received(None);
    assert!(bridge.transaction("1", transaction()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_homeserver_is_asked_for_its_backlog_at_the_start_and_after_a_refusal() {
    let mut stage = Stage::new().await;
    let pings = |stage: &Stage| std::mem::take(&mut stage.homeserver.lock().pings);
    let bridge = stage.build();
    let refused = bridge.transaction("1", Transaction::default()).await;
    assert!(refused.is_err(), "nobody has greeted the homeserver yet");
    stage.wait(Duration::from_secs(1)).await;
    assert_eq!(pings(&stage), 1, "by itself it would try again in minutes");
    drop(bridge);
    stage.start().await;
    stage.wait(Duration::from_mins(1)).await;
    assert_eq!(pings(&stage), 1, "it may have waited for that");
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_homeserver_that_does_not_answer() {
    let mut stage = Stage::new().await;
    stage.homeserver.lock().stuck = Some("set_display_name");
    stage.start().await;
    stage
        .until("the bot is being dressed", async || {
            stage.homeserver.lock().requests.contains(&"profile")
        })
        .await;
    let bridge = stage.bridge.take().expect("a bridge runs");
    // Time stands still from here on: a stop that waits for anything but the database never ends.
    let stop = tokio::spawn(async move { bridge.stop(Duration::from_secs(8)).await });
    while !stop.is_finished() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_that_rotted_holds_up_nobody_and_can_be_tried_again() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    stage.network.lock().failures.push_back(Network::Hangs);
    stage.writes(&room, "first").await;
    stage
        .until("it is posted", async || stage.network.lock().posts == 1)
        .await;
    stage.writes(&room, "second").await;
    stage.writes(&room, "third").await;
    stage.kill().await;
    stage
        .meddle("UPDATE items SET state = 'rotten' WHERE payload LIKE '%second%'")
        .await;
    stage.start().await;
    stage.quiet().await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["alice: first", "alice: third"]
    );
    let failed = stage.store.failed_items(ALICE).await.unwrap();
    assert_eq!(
        failed[0].why.as_deref(),
        Some("the bridge can no longer read it")
    );
    let told = stage.transcript(&room);
    assert!(
        told.iter().any(|line| line.contains("no longer read")),
        "{told:?}"
    );
    assert!(stage.store.retry_item(failed[0].id).await.unwrap());
    stage.restart().await;
    stage.quiet().await;
    assert_eq!(
        stage.network.transcript("org/one"),
        ["alice: first", "alice: third", "alice: second"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_portal_that_rotted_holds_up_no_other() {
    let mut stage = Stage::with_rooms(&["org/one", "org/two"]).await;
    let one = stage.enter("org/one").await;
    let two = stage.enter("org/two").await;
    stage.quiet().await;
    stage.kill().await;
    stage
        .meddle("UPDATE portals SET state = 'rotten' WHERE address = 'org/one'")
        .await;
    stage.start().await;
    stage.writes(&one, "into dark").await;
    stage.network.says("bob", "org/two", "hi");
    stage.writes(&two, "hello").await;
    stage.quiet().await;
    let heard = stage.transcript(&two);
    assert!(heard.iter().any(|line| line.ends_with(": hi")), "{heard:?}");
    assert_eq!(
        stage.network.transcript("org/two"),
        ["bob: hi", "alice: hello"]
    );
    assert!(stage.network.transcript("org/one").is_empty());
    let failed = stage.store.failed_items(ALICE).await.unwrap();
    assert_eq!(failed.len(), 1, "it is not lost");
    stage.kill().await;
    stage
        .meddle("UPDATE portals SET state = 'joined' WHERE address = 'org/one'")
        .await;
    assert!(stage.store.retry_item(failed[0].id).await.unwrap());
    stage.start().await;
    stage.quiet().await;
    assert_eq!(stage.network.transcript("org/one"), ["alice: into dark"]);
}
