//! REST and OAuth, with requests that go wrong.

use gitter::{Draft, Error, MessageQuery, NetworkFault, Nonsense, OAuthError};
use gitter_sandbox::{Effect, Fault};

use super::{Stage, http};

#[tokio::test]
async fn a_walk_through_rest() {
    let stage = Stage::set().await;
    let client = stage.client();
    gitter::ping(client.endpoints(), &http()).await.unwrap();
    gitter::realtime::ping(client.endpoints(), &http())
        .await
        .unwrap();

    let me = client.me().await.unwrap();
    assert_eq!(
        (me.username.as_str(), me.name()),
        ("alice-gh", "Alice Anders")
    );
    let rooms = client.rooms().await.unwrap();
    assert_eq!(rooms.items.len(), 1);
    assert_eq!(rooms.items[0].uri.as_deref(), Some("acme/lobby"));

    let dev = client.resolve("Acme/DEV").await.unwrap();
    assert_eq!((dev.room_member, dev.is_public()), (Some(false), true));
    assert_eq!(client.join(&dev.id).await.unwrap().room_member, Some(true));
    assert_eq!(client.members_up_to(&dev.id, 10).await.unwrap().len(), 2);

    let first = client
        .urgent()
        .send(&dev.id, &Draft::new("first"))
        .await
        .unwrap();
    let second = client
        .send(&dev.id, &Draft::new("second **bold**"))
        .await
        .unwrap();
    assert_eq!(second.html, "second <strong>bold</strong>");
    let reply = Draft {
        parent: Some(first.id.clone()),
        ..Draft::new("reply")
    };
    let reply = client.send(&dev.id, &reply).await.unwrap();
    assert_eq!(reply.parent_id.as_ref(), Some(&first.id));
    let edited = client.edit(&dev.id, &second.id, "changed").await.unwrap();
    assert!(edited.edited_at.is_some());

    let after = client
        .background()
        .messages(&dev.id, &MessageQuery::after(&first.id, 10))
        .await
        .unwrap();
    let texts: Vec<&str> = after
        .items
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    assert_eq!(texts, ["changed", "reply"]);
    let before = client
        .messages(&dev.id, &MessageQuery::before(&second.id, 10))
        .await
        .unwrap();
    assert_eq!(before.items.len(), 1);
    assert_eq!(
        client
            .thread(&dev.id, &first.id, None, None)
            .await
            .unwrap()
            .items
            .len(),
        1
    );

    client.delete(&dev.id, &second.id).await.unwrap();
    assert_eq!(
        client.message(&dev.id, &second.id).await.unwrap_err(),
        Error::NotFound
    );
    client.delete(&dev.id, &first.id).await.unwrap();
    assert!(
        client
            .message(&dev.id, &first.id)
            .await
            .unwrap()
            .is_blanked()
    );
    client.leave(&dev.id, &me.id).await.unwrap();
    assert_eq!(
        client.leave(&dev.id, &me.id).await.unwrap_err(),
        Error::NotFound
    );
    let budget = client.budget().state();
    assert_eq!((budget.refused, budget.limit), (0, 100));
    assert!(budget.left < 85, "each request was counted: {budget:?}");
}

#[tokio::test]
async fn what_was_read_and_who_else_is_there() {
    let stage = Stage::set().await;
    let client = stage.client();
    let heard = stage.say("hello");
    assert_eq!(
        client.unread(&stage.lobby()).await.unwrap().chat,
        [heard.as_str().into()]
    );
    client
        .mark_read(&stage.lobby(), &[heard.into()])
        .await
        .unwrap();
    stage.say("and again");
    client.mark_all_read(&stage.lobby()).await.unwrap();
    assert_eq!(client.unread(&stage.lobby()).await.unwrap().chat, []);

    assert_eq!(
        client.user("bob-gh").await.unwrap().display_name.as_deref(),
        Some("Bob Brown")
    );
    assert_eq!(client.user("no_body").await.unwrap_err(), Error::NotFound);
    let bob = client.resolve("bob-gh").await.unwrap();
    assert!(bob.one_to_one && bob.user.is_some_and(|other| other.username == "bob-gh"));
    assert_eq!(
        client.set_topic(&stage.lobby(), "x").await.unwrap_err(),
        Error::Forbidden
    );
    assert_eq!(client.groups().await.unwrap().skipped(), 0);
}

#[tokio::test]
async fn what_goes_wrong_says_whether_it_may_have_been_carried_out() {
    let stage = Stage::set().await;
    let client = stage.client();
    let path = "POST /v1/rooms/*/chatMessages";
    for (effect, error, maybe, done) in [
        (
            Effect::DropBefore,
            NetworkFault::Lost.into_error(),
            true,
            false,
        ),
        (
            Effect::DropAfter,
            NetworkFault::Lost.into_error(),
            true,
            true,
        ),
        (
            Effect::Html(502),
            Error::ServerFault {
                status: 502,
                effect: gitter::Effect::Unknown,
            },
            true,
            false,
        ),
        (
            Effect::Html(200),
            Error::Protocol {
                what: Nonsense::WebPage(200),
                effect: gitter::Effect::Unknown,
            },
            true,
            false,
        ),
        (
            Effect::Truncate,
            Error::Protocol {
                what: Nonsense::Truncated,
                effect: gitter::Effect::Unknown,
            },
            true,
            true,
        ),
        (Effect::Status(403), Error::Forbidden, false, false),
        (Effect::Status(401), Error::Unauthorised, false, false),
    ] {
        let before = stage.sandbox.world().messages(stage.lobby).unwrap().len();
        stage.sandbox.faults().add(Fault::new(path, effect.clone()));
        let failed = client
            .send(&stage.lobby(), &Draft::new("text"))
            .await
            .unwrap_err();
        assert_eq!(failed, error, "{effect:?}");
        assert_eq!(failed.may_have_been_carried_out(), maybe, "{effect:?}");
        let after = stage.sandbox.world().messages(stage.lobby).unwrap().len();
        assert_eq!(after > before, done, "{effect:?}");
    }
}

trait IntoError {
    fn into_error(self) -> Error;
}

impl IntoError for NetworkFault {
    fn into_error(self) -> Error {
        Error::Network {
            what: self,
            effect: gitter::Effect::Unknown,
        }
    }
}

#[tokio::test]
async fn a_registered_oauth_client_is_known_and_another_is_not() {
    let stage = Stage::set().await;
    let callback = "http://bridge.test/callback";
    let app = stage.sandbox.world().add_client("bridge", callback);
    let oauth = |secret: &str| {
        gitter::OAuth::new(
            &stage.endpoints(),
            http(),
            app.key.clone(),
            secret.to_owned().into(),
        )
    };
    oauth(&app.secret).verify(callback).await.unwrap();
    assert_eq!(
        oauth("wrong").verify(callback).await,
        Err(OAuthError::Client)
    );
}
