//! How somebody logs in, and what happens when the login ends.

use std::time::Duration;

use bridge::login::{LinkProblem, Started};
use bridge::permissions::Permissions;
use store::{LoginState, PortalState};

use stage::road::{comes_back, connects, last_word, stage, starts, ticket, walks, words};
use stage::{ALICE, Stage};

#[tokio::test(start_paused = true)]
async fn the_whole_road() {
    let (stage, talk, ticket) = stage(&["org/room", "org/other"]).await;
    let logins = stage.bridge.as_ref().unwrap().logins();
    let view = logins.look(&ticket).await.unwrap();
    assert_eq!(
        (view.mxid.as_str(), view.network_name.as_str()),
        (ALICE, "Test")
    );

    let started = starts(&stage, &ticket, None).await.unwrap();
    assert!(started.url.as_str().starts_with(
        "https://test.example/login?callback=https%3A%2F%2Fbridge.example.org%2Fcallback"
    ));
    let pending = comes_back(&stage, &started, "alice").await.unwrap();
    assert_eq!(
        (pending.username.as_str(), pending.display_name.as_str()),
        ("alice", "ALICE")
    );
    assert!(
        stage.store.login_of(ALICE).await.unwrap().is_none(),
        "nothing is stored before it is confirmed"
    );
    let again = comes_back(&stage, &started, "alice").await.unwrap();
    assert!(again == pending, "loading the page again shows the same");

    connects(&stage, &started, &pending).await.unwrap();
    stage
        .until("she is welcomed", async || {
            last_word(&stage, &talk).contains("2 rooms")
        })
        .await;
    stage.quiet().await;
    for address in ["org/room", "org/other"] {
        assert_eq!(stage.portal(address).await.state, PortalState::Invited);
    }
    assert_eq!(logins.look(&ticket).await, Err(LinkProblem::Used));
    assert!(matches!(
        starts(&stage, &ticket, Some(&started.browser)).await,
        Err(LinkProblem::Used)
    ));
    assert_eq!(
        connects(&stage, &started, &pending).await,
        Err(LinkProblem::Used)
    );
}

#[tokio::test(start_paused = true)]
async fn who_lost_the_permission_is_cut_off_until_it_comes_back() {
    let (mut stage, room) = Stage::in_room("org/room").await;
    let permissions = std::mem::take(&mut stage.config.permissions);
    stage.restart().await;
    stage.network.says("bob", "org/room", "are you there?");
    stage.writes(&room, "I am").await;
    stage.quiet().await;
    assert_eq!(
        stage.network.transcript("org/room"),
        ["bob: are you there?"]
    );
    let said = stage.transcript(&room);
    assert!(!said.iter().any(|line| line.contains("there?")), "{said:?}");
    assert!(said.last().unwrap().contains("not permitted"), "{said:?}");

    stage.config.permissions = permissions;
    stage.restart().await;
    stage.quiet().await;
    let said = stage.transcript(&room);
    assert!(said.iter().any(|line| line.contains("there?")), "{said:?}");
    let failed = stage.store.failed_items(ALICE).await.unwrap();
    assert_eq!(failed.len(), 1, "she may try it again");
}

#[tokio::test(start_paused = true)]
async fn no_other_browser_can_finish_it() {
    let (stage, _, ticket) = stage(&[]).await;
    let started = starts(&stage, &ticket, None).await.unwrap();
    let other = Started {
        browser: "A".repeat(43),
        ..started.clone()
    };
    assert!(matches!(
        starts(&stage, &ticket, Some(&other.browser)).await,
        Err(LinkProblem::OtherBrowser)
    ));
    assert!(matches!(
        starts(&stage, &ticket, None).await,
        Err(LinkProblem::OtherBrowser)
    ));
    assert!(matches!(
        comes_back(&stage, &other, "alice").await,
        Err(LinkProblem::OtherBrowser)
    ));
    let pending = comes_back(&stage, &started, "alice").await.unwrap();
    assert_eq!(
        connects(&stage, &other, &pending).await,
        Err(LinkProblem::OtherBrowser)
    );
    connects(&stage, &started, &pending).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_same_browser_may_begin_again() {
    let (stage, _, ticket) = stage(&[]).await;
    let first = starts(&stage, &ticket, None).await.unwrap();
    let outdated = comes_back(&stage, &first, "alice").await.unwrap();
    let second = starts(&stage, &ticket, Some(&first.browser)).await.unwrap();
    assert_eq!(second.browser, first.browser);
    assert!(matches!(
        comes_back(&stage, &first, "alice").await,
        Err(LinkProblem::Stale)
    ));
    assert_eq!(
        connects(&stage, &first, &outdated).await,
        Err(LinkProblem::Used)
    );
    let pending = comes_back(&stage, &second, "alice").await.unwrap();
    connects(&stage, &second, &pending).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_link_lives_ten_minutes() {
    let (stage, _, ticket) = stage(&[]).await;
    let started = starts(&stage, &ticket, None).await.unwrap();
    let pending = comes_back(&stage, &started, "alice").await.unwrap();
    stage.wait(Duration::from_mins(10)).await;
    let logins = stage.bridge.as_ref().unwrap().logins();
    assert_eq!(logins.look(&ticket).await, Err(LinkProblem::Expired));
    assert_eq!(
        connects(&stage, &started, &pending).await,
        Err(LinkProblem::Expired)
    );
    assert_eq!(
        logins.look("something else").await,
        Err(LinkProblem::Unknown)
    );
    assert!(stage.store.login_of(ALICE).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_uses_the_link_up() {
    let (stage, _, ticket) = stage(&[]).await;
    let started = starts(&stage, &ticket, None).await.unwrap();
    let logins = stage.bridge.as_ref().unwrap().logins();
    let carried = started
        .url
        .query_pairs()
        .find(|(key, _)| key == "state")
        .unwrap()
        .1
        .into_owned();
    let query = [
        ("error".to_owned(), "access_denied".to_owned()),
        ("state".to_owned(), carried),
    ];
    assert!(matches!(
        logins.come_back(&query, Some(&started.browser)).await,
        Err(LinkProblem::Refused)
    ));
    assert_eq!(logins.look(&ticket).await, Err(LinkProblem::Used));
}

#[tokio::test(start_paused = true)]
async fn permission_is_asked_again() {
    let (mut stage, _, ticket) = stage(&[]).await;
    let started = starts(&stage, &ticket, None).await.unwrap();
    stage.config.permissions = Permissions::default();
    stage.restart().await;
    assert!(matches!(
        comes_back(&stage, &started, "alice").await,
        Err(LinkProblem::NotPermitted)
    ));
}

#[tokio::test(start_paused = true)]
async fn another_account_needs_a_logout_first() {
    let (mut stage, talk, first) = stage(&[]).await;
    let second = {
        stage.writes(&talk, "login").await;
        stage.quiet().await;
        ticket(&last_word(&stage, &talk))
    };
    let late = starts(&stage, &second, None).await.unwrap();
    walks(&stage, &first, "alice").await.unwrap();
    assert!(
        comes_back(&stage, &late, "bob").await.is_err(),
        "a login makes other links worthless"
    );
    stage.quiet().await;

    stage.network.revoke();
    stage
        .until("she is told", async || {
            last_word(&stage, &talk).contains("has ended your login")
        })
        .await;
    stage.network.lock().revoked = false;
    let third = ticket(&last_word(&stage, &talk));
    let problem = walks(&stage, &third, "bob").await.unwrap_err();
    assert_eq!(
        problem,
        LinkProblem::OtherAccount {
            connected: "alice".to_owned(),
            offered: "bob".to_owned()
        }
    );
    assert_eq!(stage.login().await.username, "alice");
}

#[tokio::test(start_paused = true)]
async fn an_expired_login_is_told_once_and_resumes() {
    let (mut stage, talk, first) = stage(&["org/room"]).await;
    walks(&stage, &first, "alice").await.unwrap();
    let room = stage.enter("org/room").await;
    stage.quiet().await;

    stage.network.revoke();
    stage
        .until("it is noticed", async || {
            stage.login().await.state == LoginState::Expired
        })
        .await;
    stage
        .until("she is told", async || {
            last_word(&stage, &talk).contains("has ended your login")
        })
        .await;
    let told = words(&stage, &talk);
    stage.writes(&room, "wait").await;
    stage.wait(Duration::from_mins(2)).await;
    // A homeserver that was restarted does not know either that it was said.
    stage.homeserver.lock().txns.clear();
    stage.restart().await;
    stage.wait(Duration::from_mins(2)).await;
    assert_eq!(words(&stage, &talk), told, "{:#?}", stage.transcript(&talk));
    assert!(stage.network.transcript("org/room").is_empty());

    stage.network.lock().revoked = false;
    let again = ticket(&last_word(&stage, &talk));
    walks(&stage, &again, "alice").await.unwrap();
    stage.quiet().await;
    assert_eq!(stage.network.transcript("org/room"), ["alice: wait"]);
    assert!(
        last_word(&stage, &talk).contains("You are logged in"),
        "{}",
        last_word(&stage, &talk)
    );
    stage.network.says("bob", "org/room", "there you are");
    stage.quiet().await;
    assert!(
        stage
            .transcript(&room)
            .iter()
            .any(|line| line.ends_with("there you are"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_cannot_be_unsealed_asks_for_a_new_login_and_others_go_on() {
    let (mut stage, talk, first) = stage(&["org/room"]).await;
    walks(&stage, &first, "alice").await.unwrap();
    let room = stage.enter("org/room").await;
    let bob = store::NewLogin {
        mxid: "@bob:example.org".to_owned(),
        person_id: "id-bob".to_owned(),
        username: "bob".to_owned(),
        display_name: "BOB".to_owned(),
        credentials: "token".to_owned().into(),
        now: stage.now(),
    };
    let bob = stage.store.put_login(&bob).await.unwrap();
    stage.quiet().await;
    stage.kill().await;
    stage
        .meddle("UPDATE logins SET credentials = X'00112233' WHERE username = 'alice'")
        .await;
    stage.start().await;
    stage
        .until("she is asked to log in again", async || {
            last_word(&stage, &talk).contains("can no longer read my key")
        })
        .await;
    let connections = &stage.bridge.as_ref().unwrap().world().connections;
    assert!(connections.account(bob.id).is_some(), "he is not concerned");
    stage.writes(&room, "you there?").await;
    stage.wait(Duration::from_mins(1)).await;
    assert!(stage.network.transcript("org/room").is_empty());

    let again = ticket(&last_word(&stage, &talk));
    walks(&stage, &again, "alice").await.unwrap();
    stage.quiet().await;
    assert_eq!(stage.network.transcript("org/room"), ["alice: you there?"]);
    assert!(stage.store.failed_items(ALICE).await.unwrap().is_empty());
}
