//! The road of a login, and what happens to it later.

use std::time::Duration;

use bridge::login::{LinkProblem, Pending, Started};
use bridge::permissions::Permissions;
use remote::Event;
use ruma::OwnedRoomId;
use serde_json::json;
use store::{LoginState, PortalState};

use crate::stage::homeserver::BOT;
use crate::stage::{ALICE, Stage, network};

/// Alice talks with the bot.
async fn talking(stage: &mut Stage) -> OwnedRoomId {
    let room = OwnedRoomId::try_from("!talk").unwrap();
    {
        let mut homeserver = stage.homeserver.lock();
        homeserver.rooms.insert(room.clone(), Default::default());
        let content = json!({"membership": "join"});
        homeserver.append(&room, ALICE.try_into().unwrap(), "m.room.member", Some(ALICE), content, 0);
    }
    stage.happens(&room, ALICE, "m.room.member", Some(BOT), json!({"membership": "invite"})).await;
    stage.quiet().await;
    room
}

/// The newest words of the bot.
fn last_word(stage: &Stage, room: &OwnedRoomId) -> String {
    stage.transcript(room).pop().unwrap_or_default()
}

fn words(stage: &Stage, room: &OwnedRoomId) -> usize {
    stage.transcript(room).iter().filter(|line| line.starts_with("gitter: ")).count()
}

/// The ticket of the login link in these words.
fn ticket(words: &str) -> String {
    let (_, rest) = words.split_once("https://bridge.example.org/login/").expect("there is a link");
    rest.split_whitespace().next().unwrap().to_owned()
}

async fn stage(rooms: &[&str]) -> (Stage, OwnedRoomId, String) {
    let mut stage = Stage::new().await;
    stage.network.lock().rooms = rooms.iter().map(|address| network::room(address)).collect();
    stage.start().await;
    let talk = talking(&mut stage).await;
    let ticket = ticket(&last_word(&stage, &talk));
    (stage, talk, ticket)
}

async fn starts(stage: &Stage, ticket: &str, browser: Option<&str>) -> Result<Started, LinkProblem> {
    stage.bridge.as_ref().unwrap().logins().start(ticket, browser).await
}

/// Comes back from the network as this person, in the browser that started.
async fn comes_back(stage: &Stage, started: &Started, who: &str) -> Result<Pending, LinkProblem> {
    let state = started.url.query_pairs().find(|(key, _)| key == "state").unwrap().1.into_owned();
    let query = [("code".to_owned(), who.to_owned()), ("state".to_owned(), state)];
    stage.bridge.as_ref().unwrap().logins().come_back(&query, Some(&started.browser)).await
}

async fn connects(stage: &Stage, started: &Started, pending: &Pending) -> Result<(), LinkProblem> {
    stage.bridge.as_ref().unwrap().logins().connect(&pending.confirm, Some(&started.browser)).await.map(drop)
}

async fn walks(stage: &Stage, ticket: &str, who: &str) -> Result<(), LinkProblem> {
    let started = starts(stage, ticket, None).await?;
    let pending = comes_back(stage, &started, who).await?;
    connects(stage, &started, &pending).await
}

#[tokio::test(start_paused = true)]
async fn the_whole_road() {
    let (stage, talk, ticket) = stage(&["org/room", "org/other"]).await;
    let logins = stage.bridge.as_ref().unwrap().logins();
    let view = logins.look(&ticket).await.unwrap();
    assert_eq!((view.mxid.as_str(), view.network_name.as_str()), (ALICE, "Test"));

    let started = starts(&stage, &ticket, None).await.unwrap();
    assert!(started.url.as_str().starts_with("https://test.example/login?callback=https%3A%2F%2Fbridge.example.org%2Fcallback"));
    let pending = comes_back(&stage, &started, "alice").await.unwrap();
    assert_eq!((pending.username.as_str(), pending.display_name.as_str()), ("alice", "ALICE"));
    assert!(stage.store.login_of(ALICE).await.unwrap().is_none(), "nothing is stored before it is confirmed");
    let again = comes_back(&stage, &started, "alice").await.unwrap();
    assert!(again == pending, "loading the page again shows the same");

    connects(&stage, &started, &pending).await.unwrap();
    stage.until("she is welcomed", async || last_word(&stage, &talk).contains("2 rooms")).await;
    stage.quiet().await;
    for address in ["org/room", "org/other"] {
        assert_eq!(stage.portal(address).await.state, PortalState::Invited);
    }
    assert_eq!(logins.look(&ticket).await, Err(LinkProblem::Used));
    assert!(matches!(starts(&stage, &ticket, Some(&started.browser)).await, Err(LinkProblem::Used)));
    assert_eq!(connects(&stage, &started, &pending).await, Err(LinkProblem::Used));
}

#[tokio::test(start_paused = true)]
async fn no_other_browser_can_finish_it() {
    let (stage, _, ticket) = stage(&[]).await;
    let started = starts(&stage, &ticket, None).await.unwrap();
    let other = Started { browser: "A".repeat(43), ..started.clone() };
    assert!(matches!(starts(&stage, &ticket, Some(&other.browser)).await, Err(LinkProblem::OtherBrowser)));
    assert!(matches!(starts(&stage, &ticket, None).await, Err(LinkProblem::OtherBrowser)));
    assert!(matches!(comes_back(&stage, &other, "alice").await, Err(LinkProblem::OtherBrowser)));
    let pending = comes_back(&stage, &started, "alice").await.unwrap();
    assert_eq!(connects(&stage, &other, &pending).await, Err(LinkProblem::OtherBrowser));
    connects(&stage, &started, &pending).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_same_browser_may_begin_again() {
    let (stage, _, ticket) = stage(&[]).await;
    let first = starts(&stage, &ticket, None).await.unwrap();
    let stale = comes_back(&stage, &first, "alice").await.unwrap();
    let second = starts(&stage, &ticket, Some(&first.browser)).await.unwrap();
    assert_eq!(second.browser, first.browser);
    assert!(matches!(comes_back(&stage, &first, "alice").await, Err(LinkProblem::Stale)));
    assert_eq!(connects(&stage, &first, &stale).await, Err(LinkProblem::Used));
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
    assert_eq!(connects(&stage, &started, &pending).await, Err(LinkProblem::Expired));
    assert_eq!(logins.look("something else").await, Err(LinkProblem::Unknown));
    assert!(stage.store.login_of(ALICE).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_uses_the_link_up() {
    let (stage, _, ticket) = stage(&[]).await;
    let started = starts(&stage, &ticket, None).await.unwrap();
    let logins = stage.bridge.as_ref().unwrap().logins();
    let state = started.url.query_pairs().find(|(key, _)| key == "state").unwrap().1.into_owned();
    let query = [("error".to_owned(), "access_denied".to_owned()), ("state".to_owned(), state)];
    assert!(matches!(logins.come_back(&query, Some(&started.browser)).await, Err(LinkProblem::Refused)));
    assert_eq!(logins.look(&ticket).await, Err(LinkProblem::Used));
}

#[tokio::test(start_paused = true)]
async fn permission_is_asked_again() {
    let (mut stage, _, ticket) = stage(&[]).await;
    let started = starts(&stage, &ticket, None).await.unwrap();
    stage.config.permissions = Permissions::default();
    stage.restart().await;
    assert!(matches!(comes_back(&stage, &started, "alice").await, Err(LinkProblem::NotPermitted)));
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
    assert!(comes_back(&stage, &late, "bob").await.is_err(), "a login makes other links worthless");
    stage.quiet().await;

    stage.network.revoke();
    stage.until("she is told", async || last_word(&stage, &talk).contains("has ended your login")).await;
    stage.network.lock().revoked = false;
    let third = ticket(&last_word(&stage, &talk));
    let problem = walks(&stage, &third, "bob").await.unwrap_err();
    assert_eq!(problem, LinkProblem::OtherAccount { connected: "alice".to_owned(), offered: "bob".to_owned() });
    assert_eq!(stage.login().await.username, "alice");
}

#[tokio::test(start_paused = true)]
async fn an_expired_login_is_told_once_and_resumes() {
    let (mut stage, talk, first) = stage(&["org/room"]).await;
    walks(&stage, &first, "alice").await.unwrap();
    let room = stage.enter("org/room").await;
    stage.quiet().await;

    stage.network.revoke();
    stage.until("it is noticed", async || stage.login().await.state == LoginState::Expired).await;
    stage.until("she is told", async || last_word(&stage, &talk).contains("has ended your login")).await;
    let told = words(&stage, &talk);
    stage.writes(&room, "wait").await;
    stage.wait(Duration::from_mins(2)).await;
    stage.restart().await;
    stage.wait(Duration::from_mins(2)).await;
    assert_eq!(words(&stage, &talk), told, "{:#?}", stage.transcript(&talk));
    assert!(stage.network.transcript("org/room").is_empty());

    stage.network.lock().revoked = false;
    let again = ticket(&last_word(&stage, &talk));
    walks(&stage, &again, "alice").await.unwrap();
    stage.quiet().await;
    assert_eq!(stage.network.transcript("org/room"), ["alice: wait"]);
    assert!(last_word(&stage, &talk).contains("You are logged in"), "{}", last_word(&stage, &talk));
    stage.network.says("bob", "org/room", "there you are");
    stage.quiet().await;
    assert!(stage.transcript(&room).iter().any(|line| line.ends_with("there you are")));
}

#[tokio::test(start_paused = true)]
async fn only_so_many_rooms_come_by_themselves() {
    let mut stage = Stage::new().await;
    stage.config.invites.max = 2;
    let active = |address, at| remote::Room { active_at: Some(at), ..network::room(address) };
    stage.network.lock().rooms = vec![active("org/old", 1), active("org/new", 3), active("org/middle", 2)];
    stage.start().await;
    let talk = talking(&mut stage).await;
    walks(&stage, &ticket(&last_word(&stage, &talk)), "alice").await.unwrap();
    stage.until("she is invited", async || stage.store.portals_of(ALICE).await.unwrap().len() == 3).await;
    stage.quiet().await;
    assert!(last_word(&stage, &talk).contains("2 of them"));
    stage.restart().await;
    stage.wait(Duration::from_secs(10)).await;
    for (address, state) in [
        ("org/new", PortalState::Invited),
        ("org/middle", PortalState::Invited),
        ("org/old", PortalState::Declined),
    ] {
        assert_eq!(stage.portal(address).await.state, state, "{address}");
    }
    assert!(stage.portal("org/old").await.room_id.is_none());

    stage.writes(&talk, "invite all").await;
    stage.until("all are there", async || last_word(&stage, &talk).contains("invited you to 1 room")).await;
    assert_eq!(stage.portal("org/old").await.state, PortalState::Invited);
    stage.writes(&talk, "invite all").await;
    stage.quiet().await;
    assert!(last_word(&stage, &talk).contains("all of your rooms here already"));
}

#[tokio::test(start_paused = true)]
async fn invites_go_on_after_a_crash() {
    let addresses: Vec<_> = (0..12).map(|number| format!("org/room{number}")).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    let (mut stage, talk, ticket) = stage(&addresses).await;
    walks(&stage, &ticket, "alice").await.unwrap();
    let invited = async |stage: &Stage| {
        let portals = stage.store.portals_of(ALICE).await.unwrap();
        portals.iter().filter(|portal| portal.state == PortalState::Invited).count()
    };
    stage.until("some are there", async || invited(&stage).await >= 3).await;
    assert!(invited(&stage).await < 12);
    stage.restart().await;
    stage.until("all are there", async || invited(&stage).await == 12).await;
    assert_eq!(words(&stage, &talk), 2, "greeted once, welcomed once: {:#?}", stage.transcript(&talk));
    let rooms = stage.homeserver.lock().rooms.len();
    assert!(rooms <= 12 + 3, "{rooms} rooms: the talk, the space, at most one that was being made");
}

#[tokio::test(start_paused = true)]
async fn rooms_come_and_go_with_the_network() {
    let (mut stage, talk, ticket) = stage(&["org/room"]).await;
    walks(&stage, &ticket, "alice").await.unwrap();
    let room = stage.enter("org/room").await;
    stage.quiet().await;

    let other = network::room("org/other");
    stage.network.lock().rooms.push(other.clone());
    stage.network.tell(Event::RoomAdded(Box::new(other)));
    stage.until("she is invited", async || stage.store.portals_of(ALICE).await.unwrap().len() == 2).await;
    stage.quiet().await;
    assert_eq!(stage.portal("org/other").await.state, PortalState::Invited);

    stage.network.lock().rooms.remove(0);
    stage.network.tell(Event::RoomRemoved("room-org/room".into()));
    stage.until("she is taken out", async || !stage.homeserver.lock().rooms[&room].joined().contains(ALICE)).await;
    stage.until("she is told", async || last_word(&stage, &talk).contains("no longer in org/room")).await;

    // The same while the bridge is down.
    stage.kill().await;
    stage.network.lock().rooms = vec![network::room("org/third")];
    stage.start().await;
    stage.until("she is told", async || last_word(&stage, &talk).contains("no longer in org/other")).await;
    stage.until("she is invited", async || stage.store.portals_of(ALICE).await.unwrap().len() == 3).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_declined_stays_declined() {
    let (mut stage, _, ticket) = stage(&["org/room"]).await;
    walks(&stage, &ticket, "alice").await.unwrap();
    stage.until("she is invited", async || {
        stage.store.portals_of(ALICE).await.unwrap().iter().any(|portal| portal.state == PortalState::Invited)
    })
    .await;
    stage.quiet().await;
    let room = OwnedRoomId::try_from(stage.portal("org/room").await.room_id.unwrap()).unwrap();
    stage.member(&room, "leave").await;
    stage.quiet().await;
    assert_eq!(stage.portal("org/room").await.state, PortalState::Declined);
    stage.network.tell(Event::RoomAdded(Box::new(network::room("org/room"))));
    stage.restart().await;
    stage.wait(Duration::from_secs(10)).await;
    assert_eq!(stage.portal("org/room").await.state, PortalState::Declined);
}
