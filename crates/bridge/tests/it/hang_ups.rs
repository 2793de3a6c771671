//! Whoever asked does not wait for the answer: homeservers and browsers hang up, and what they asked for is then
//! dropped at whichever await it stands.

use std::task::{Context, Waker};
use std::time::Duration;

use bridge::login::Started;
use homeserver::{Appservice as _, Transaction};
use store::PortalState;

use stage::road::{comes_back, connects, last_word, starts};
use stage::{ALICE, Stage, road};

/// Begins something, and loses interest after so many steps. Between two of them the database, which works in a
/// thread of its own, has time to do what it was told.
fn hangs_up<T>(asked: impl Future<Output = T>, steps: usize) {
    let mut asked = std::pin::pin!(asked);
    for _ in 0..steps {
        let mut nobody = Context::from_waker(Waker::noop());
        if asked.as_mut().poll(&mut nobody).is_ready() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(start_paused = true)]
async fn a_homeserver_that_hangs_up_and_repeats_has_everything_delivered_once() {
    let (mut stage, room) = Stage::in_room("org/one").await;
    let mut expected = Vec::new();
    for steps in 1..8 {
        let text = steps.to_string();
        let event = {
            let now = stage.now();
            let content = serde_json::json!({"msgtype": "m.text", "body": text});
            let alice = ALICE.try_into().unwrap();
            let mut homeserver = stage.homeserver.lock();
            homeserver.append(&room, alice, "m.room.message", None, content, now)
        };
        let transaction = Transaction {
            events: vec![event.clone()],
            ..Transaction::default()
        };
        let bridge = stage.bridge.clone().unwrap();
        hangs_up(bridge.transaction("dropped", transaction), steps);
        drop(bridge);
        stage.push(vec![event]).await;
        expected.push(format!("alice: {text}"));
        stage
            .until("it is delivered", async || {
                stage.network.transcript("org/one") == expected
            })
            .await;
        // No task is left that would look into the lane by itself.
        stage.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_browser_closed_while_connecting_leaves_a_login_that_works() {
    let (stage, talk, ticket) = road::stage(&["org/room"]).await;
    let started = starts(&stage, &ticket, None).await.unwrap();
    let pending = comes_back(&stage, &started, "alice").await.unwrap();
    hangs_up(connects(&stage, &started, &pending), 5);
    stage
        .until("she is welcomed", async || {
            last_word(&stage, &talk).contains("You are logged in")
        })
        .await;
    stage.quiet().await;
    assert_eq!(stage.portal("org/room").await.state, PortalState::Invited);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_loaded_twice_at_once_shows_the_same() {
    let (stage, _, ticket) = road::stage(&[]).await;
    let started = starts(&stage, &ticket, None).await.unwrap();
    let (one, other) = tokio::join!(
        comes_back(&stage, &started, "alice"),
        comes_back(&stage, &started, "alice")
    );
    assert!(one.unwrap() == other.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_loaded_again_while_it_loads_shows_what_came() {
    let (stage, _, ticket) = road::stage(&[]).await;
    let started = starts(&stage, &ticket, None).await.unwrap();
    reloads(&stage, &started).await;
    comes_back(&stage, &started, "alice").await.unwrap();
}

/// Drops the request while what the browser brought is being exchanged.
async fn reloads(stage: &Stage, started: &Started) {
    let exchanging = async {
        while stage.network.exchanges() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = exchanging => {}
        _ = comes_back(stage, started, "alice") => panic!("it is answered already"),
    }
}
