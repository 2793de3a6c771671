//! What a person and an admin hear when something is out of order.

use gitter_sandbox::{Effect, Fault as Trouble};
use remote::contract::World as _;
use remote::{Certainty, Fault, History, LoginError, MessageKind, Network as _, Part, RemoteError};

use crate::world::{CALLBACK, SandboxWorld};

fn part(text: &str) -> Part {
    Part {
        text: text.into(),
        kind: MessageKind::Text,
        thread: None,
        reply_to: None,
    }
}

async fn sending(effect: Effect) -> RemoteError {
    let world = SandboxWorld::new().await;
    world
        .sandbox
        .faults()
        .add(Trouble::new("POST /v1/rooms/*/chatMessages", effect).always());
    world
        .account()
        .send(&world.room(), &part("x"), "key")
        .await
        .expect_err("a fault")
}

#[tokio::test]
async fn what_was_asked_is_counted_for_all_accounts_together() {
    let world = SandboxWorld::new().await;
    let none = world.network.traffic();
    assert_eq!((none.requests, none.refused, none.waits), (0, 0, 0));
    world.account().me().await.expect("an answer");
    world.account().me().await.expect("an answer");
    assert_eq!(world.network.traffic().requests, 2);
}

#[tokio::test]
async fn each_trouble_has_its_words() {
    let mut said = Vec::new();
    for effect in [
        Effect::Status(400),
        Effect::Status(403),
        Effect::Status(404),
        Effect::Status(401),
        Effect::Status(413),
        Effect::Status(308),
        Effect::Status(502),
        Effect::Html(502),
        Effect::Html(200),
        Effect::Html(404),
        Effect::Truncate,
        Effect::DropBefore,
        Effect::DropAfter,
    ] {
        let error = sending(effect.clone()).await;
        said.push(format!(
            "{effect:?}: {error} ({:?}, {:?})",
            error.fault, error.certainty
        ));
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    Status(400): Gitter does not accept this (Rejected, NotDone)
    Status(403): Gitter does not allow you to do this (Forbidden, NotDone)
    Status(404): Gitter knows no such room, person or message, or hides it from you (NotFound, NotDone)
    Status(401): Gitter no longer accepts your login (LoggedOut, NotDone)
    Status(413): This is too long for Gitter (TooLarge, NotDone)
    Status(308): Gitter's address answered with something that is not Gitter's API (Garbled, NotDone)
    Status(502): Gitter is having trouble (error 502) (Unavailable, Unknown)
    Html(502): Gitter is having trouble (error 502) (Unavailable, Unknown)
    Html(200): Gitter's address answered with something that is not Gitter's API (Garbled, Unknown)
    Html(404): Gitter's address answered with something that is not Gitter's API (Garbled, NotDone)
    Truncate: Gitter's answer makes no sense (Garbled, Unknown)
    DropBefore: The connection to Gitter broke before it answered (Unavailable, Unknown)
    DropAfter: The connection to Gitter broke before it answered (Unavailable, Unknown)
    ");
}

#[tokio::test]
async fn nothing_is_carried_out_where_nothing_listens() {
    let world = SandboxWorld::new().await;
    let account = world.account();
    world.sandbox.faults().unplug();
    let error = account
        .history(&world.room(), &History::Newest, 1)
        .await
        .unwrap_err();
    assert_eq!(
        (error.fault, error.certainty),
        (Fault::Unavailable, Certainty::NotDone)
    );
}

#[tokio::test]
async fn an_admin_hears_what_is_wrong() {
    let world = SandboxWorld::new().await;
    let callback = CALLBACK.parse().unwrap();
    let wrong = world.network_with(|config| config.client_secret = "wrong".to_owned().into());
    let checks = wrong.check(&callback).await;
    assert_eq!(
        checks.iter().filter(|check| check.result.is_err()).count(),
        1
    );
    let complaint = checks[2].result.clone().unwrap_err();
    assert!(complaint.advice.contains(CALLBACK), "{complaint:?}");
    let login = world
        .browse(&wrong.login_url(&callback, "state"), true)
        .await;
    let Err(LoginError::Misconfigured(_)) = wrong.finish_login(&callback, &login).await else {
        panic!("accepted")
    };

    let elsewhere =
        world.network_with(|config| config.api_url = config.web_url.join("/login").unwrap());
    let complaint = elsewhere.check(&callback).await[0]
        .result
        .clone()
        .unwrap_err();
    assert!(
        complaint.advice.contains("network.api_url"),
        "{complaint:?}"
    );

    let nowhere = world.network_with(|config| {
        for url in [
            &mut config.web_url,
            &mut config.api_url,
            &mut config.realtime_url,
        ] {
            url.set_port(Some(9)).unwrap();
        }
    });
    let checks = nowhere.check(&callback).await;
    assert!(
        checks.iter().all(|check| check.result.is_err()),
        "{checks:?}"
    );
}

#[tokio::test]
async fn what_is_no_token_is_no_login() {
    let world = SandboxWorld::new().await;
    let person = world.other();
    for nonsense in ["", "two words", "é", "a\nb"] {
        let error = world
            .network
            .account(&person, &nonsense.to_owned().into())
            .err()
            .expect("refused");
        assert_eq!(error.fault, Fault::LoggedOut);
    }
}
