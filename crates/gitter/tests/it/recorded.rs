//! Every recorded REST and OAuth case that one of the library's calls can ask.
//!
//! Which call a case belongs to is told from its request, not from its name, so that a case recorded later is tested by
//! itself, or shows up in the list of those left out. The call is made through the real client; what it asked is compared with
//! what was recorded, and what it brought back with the recorded answer.

mod case;
mod left_out;

use std::collections::{BTreeMap, BTreeSet};

use gitter::{Error, Listing, OAuth, OAuthError};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::Url;

use self::case::{Ask, Case, cases};
use self::left_out::LEFT_OUT;
use super::check;
use super::support::Server;

/// Compares a list with the recorded one.
fn list<T>(listing: &Listing<T>, case: &Case, check: impl Fn(&T, &Value)) {
    let recorded = case.json().as_array().unwrap();
    assert_eq!(listing.skipped(), 0);
    assert_eq!(listing.received, recorded.len());
    for (item, json) in listing.items.iter().zip(recorded) {
        check(item, json);
    }
}

/// Makes the call and checks what it brings back.
async fn perform(case: &Case, ask: &Ask, server: &Server) -> Result<(), Error> {
    let client = server.client(case.token().unwrap_or_default());
    match ask {
        Ask::Me => check::user(&client.me().await?, case.json()),
        Ask::Rooms => list(&client.rooms().await?, case, check::room),
        Ask::Room(room) => check::room(&client.room(room).await?, case.json()),
        Ask::Resolve(uri) => check::room(&client.resolve(uri).await?, case.json()),
        Ask::Join(room) => check::room(&client.join(room).await?, case.json()),
        Ask::Leave(room, me) => client.leave(room, me).await?,
        Ask::SetTopic(room, topic) => {
            let room = client.set_topic(room, topic).await?;
            assert_eq!(room.topic, *topic);
            check::room(&room, case.json());
        }
        Ask::Groups => list(&client.groups().await?, case, check::group),
        Ask::Members(room, skip, limit) => {
            list(
                &client.members(room, *skip, *limit).await?,
                case,
                check::user,
            );
        }
        Ask::User(name) => check::profile(&client.user(name).await?, case.json()),
        Ask::Messages(room, which) => {
            list(&client.messages(room, which).await?, case, check::message);
        }
        Ask::Message(room, message) => {
            check::message(&client.message(room, message).await?, case.json());
        }
        Ask::Thread(room, parent, limit) => {
            list(
                &client.thread(room, parent, None, *limit).await?,
                case,
                check::message,
            );
        }
        Ask::Send(room, draft) => {
            let sent = client.send(room, draft).await?;
            assert_eq!(
                (&sent.text, sent.status, &sent.parent_id),
                (&draft.text, draft.status, &draft.parent)
            );
            check::message(&sent, case.json());
        }
        Ask::Edit(room, message, text) => {
            let edited = client.edit(room, message, text).await?;
            assert_eq!((&edited.id, &edited.text), (message, text));
            assert!(edited.edited_at.is_some());
            check::message(&edited, case.json());
        }
        Ask::Delete(room, message) => client.delete(room, message).await?,
        Ask::Unread(room) => {
            let unread = client.unread(room).await?;
            let read = json!({ "chat": unread.chat, "mention": unread.mention });
            assert_eq!(read, *case.json());
        }
        Ask::MarkRead(room, messages) => client.mark_read(room, messages).await?,
        Ask::MarkAllRead(room) => client.mark_all_read(room).await?,
        Ask::Ping => {
            gitter::ping(&server.endpoints, &server.http).await?;
            return Err(Error::Unauthorised);
        }
        Ask::Token(_) | Ask::Authorize(_) | Ask::Callback(_) => unreachable!("see `perform_oauth`"),
    }
    Ok(())
}

async fn perform_oauth(case: &Case, ask: &Ask, server: &Server) {
    let answered = |key: &str| case.json()[key].as_str().map(str::to_owned);
    match ask {
        Ask::Token(form) => {
            let oauth = server.oauth(&form["client_id"], &form["client_secret"]);
            let result = oauth
                .token(&form["code"].clone().into(), &form["redirect_uri"])
                .await;
            let expected = match (case.response.status, answered("error").as_deref()) {
                (200, None) => Ok(answered("access_token").unwrap()),
                (403, Some("invalid_grant")) => Err(OAuthError::Stale),
                (401, Some("server_error")) => Err(OAuthError::Client),
                other => panic!("no error is known for {other:?}"),
            };
            assert_eq!(
                result.map(|token| token.expose_secret().to_owned()),
                expected
            );
        }
        Ask::Authorize(query) => {
            let oauth = server.oauth(&query["client_id"], "");
            let url = oauth.authorize_url(&query["redirect_uri"], &query["state"]);
            assert_eq!(url.path(), case.url().path());
            assert_eq!(
                url.query_pairs().into_owned().collect::<BTreeMap<_, _>>(),
                *query
            );
        }
        Ask::Callback(location) => {
            let location = Url::parse(location).unwrap();
            let query: Vec<(String, String)> = location.query_pairs().into_owned().collect();
            let code = OAuth::code(
                query
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_str())),
            );
            match query.iter().find(|(key, _)| key == "code") {
                Some((_, sent)) => assert_eq!(code.unwrap().expose_secret(), sent),
                None => assert_eq!(code.unwrap_err(), OAuthError::Denied),
            }
        }
        _ => unreachable!("see `perform`"),
    }
}

#[tokio::test]
async fn every_recorded_case_is_asked_as_recorded_and_understood() {
    let left_out: BTreeSet<&str> = LEFT_OUT
        .iter()
        .flat_map(|(_, cases)| *cases)
        .copied()
        .collect();
    let server = Server::start().await;
    let (mut asked, mut not_asked) = (0, BTreeSet::new());
    let cases = cases();
    for case in &cases {
        let Some(ask) = case.ask() else {
            not_asked.insert(case.name.as_str());
            continue;
        };
        asked += 1;
        eprintln!("{}: {ask:?}", case.name);
        server.answers([case.answer()]);
        if let Ask::Token(_) | Ask::Authorize(_) | Ask::Callback(_) = ask {
            perform_oauth(case, &ask, &server).await;
        } else if case.response.status == 429 {
            refused(case, &ask, &server).await;
        } else {
            assert_eq!(
                perform(case, &ask, &server).await.err(),
                case.expected(&ask)
            );
        }
        match server.asked().as_slice() {
            [] => assert!(matches!(ask, Ask::Authorize(_) | Ask::Callback(_))),
            [first, again @ ..] => {
                case.compare(first);
                assert_eq!(again.len(), if case.response.status == 429 { 2 } else { 0 });
            }
        }
    }
    assert_eq!(
        not_asked, left_out,
        "cases without a call, and the list of those left out"
    );
    assert_eq!((asked, not_asked.len(), cases.len()), (197, 110, 307));
}

/// A 429 is waited out twice, and then told.
async fn refused(case: &Case, ask: &Ask, server: &Server) {
    let counters = std::sync::Arc::new(gitter::Counters::default());
    let client = server.client(case.token().unwrap());
    let client = client.counted_by(counters.clone());
    let budget = client.clone();
    let call: tokio::task::JoinHandle<Result<(), Error>> = match ask {
        Ask::Me => tokio::spawn(async move { client.me().await.map(drop) }),
        Ask::Send(room, draft) => {
            let (room, draft) = (room.clone(), draft.clone());
            tokio::spawn(async move { client.send(&room, &draft).await.map(drop) })
        }
        other => panic!("no call is made for {other:?}"),
    };
    for times in 1..=2 {
        while budget.budget().state().refused < times {
            tokio::task::yield_now().await;
        }
        assert_eq!(budget.budget().state().left, 0);
        // Only the waiting is skipped: under paused time a real socket would look idle.
        tokio::time::pause();
        tokio::time::advance(std::time::Duration::from_secs(62)).await;
        tokio::time::resume();
    }
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
    assert!(!error.may_have_been_carried_out());
    assert_eq!((counters.sent(), counters.refused()), (3, 3));
    assert_eq!((counters.waits(), counters.waiting()), (2, 0));
    assert!(counters.waited().as_secs() >= 60);
}

#[tokio::test]
async fn every_recorded_refusal_of_a_token_says_whose_turn_it_is() {
    let server = Server::start().await;
    let oauth = server.oauth("client", "secret");
    let mut told = BTreeMap::new();
    for case in cases() {
        if case.name.starts_with("oauth_token_") && case.response.status != 200 {
            server.answers([case.answer()]);
            let error = oauth
                .token(&"code".to_owned().into(), "http://bridge.test/callback")
                .await
                .unwrap_err();
            told.insert(case.name, error.to_string());
        }
    }
    insta::assert_yaml_snapshot!(told);
}
