//! Answers that Gitter never gives, but what stands between it and us does.

use gitter::{
    Client, Draft, Effect, Error, MAX_ANSWER, MessageId, MessageQuery, NetworkFault, Nonsense,
    OAuthError, RoomId,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::support::{Answer, Server, clock, endpoints, http};

const PAGE: &str = "<!DOCTYPE html><title>Sign in to the Wi-Fi</title>";

fn room() -> RoomId {
    "6b031054e820fa4e246d01cd".into()
}

/// What reading and what writing come to with this answer.
async fn both(answer: Answer) -> (Error, Error) {
    let server = Server::start().await;
    let client = server.client("token");
    server.answers([answer]);
    let read = client.me().await.unwrap_err();
    let written = client.send(&room(), &Draft::new("text")).await.unwrap_err();
    assert!(!read.may_have_been_carried_out());
    (read, written)
}

#[tokio::test]
async fn a_web_page_is_no_answer_and_logs_nobody_out() {
    for status in [200, 401, 403, 404, 418] {
        let (read, written) = both(Answer::new(status, "text/html; charset=utf-8", PAGE)).await;
        let what = Nonsense::WebPage(status);
        assert_eq!(
            read,
            Error::Protocol {
                what,
                effect: Effect::None
            }
        );
        // Refused, it was not carried out; with 200, who knows.
        assert_eq!(written.may_have_been_carried_out(), status == 200);
    }
}

/// Where Gitter's answer has nothing in it that would have to be read.
#[tokio::test]
async fn a_web_page_is_no_deed_done() {
    let server = Server::start().await;
    let client = server.client("token");
    let (room, message) = (room(), MessageId::from("5531a0c015522ed4b3df4f4c"));
    server.answers([Answer::new(200, "text/html", PAGE)]);
    for done in [
        client.delete(&room, &message).await,
        client
            .leave(&room, &"5531a0c015522ed4b3df4f4d".into())
            .await,
        client
            .mark_read(&room, std::slice::from_ref(&message))
            .await,
        client.mark_all_read(&room).await,
    ] {
        let expected = Error::Protocol {
            what: Nonsense::WebPage(200),
            effect: Effect::Unknown,
        };
        assert_eq!(done, Err(expected));
    }
}

#[tokio::test]
async fn a_refusal_that_is_not_gitters_is_not_taken_for_one() {
    for body in ["", "Not Found", "[]", "{}", "null"] {
        let (read, _) = both(Answer::new(404, "text/plain", body)).await;
        assert!(matches!(read, Error::Protocol { .. }), "{body:?}: {read:?}");
    }
    let (read, _) = both(Answer::json(404, r#"{"error":"Not Found"}"#)).await;
    assert_eq!(read, Error::NotFound);
}

#[tokio::test]
async fn json_that_is_cut_off_or_something_else_is_said_to_be_so() {
    for (body, what) in [
        (r#"{"id":"5531a0c015522ed4"#, Nonsense::Truncated),
        ("", Nonsense::Truncated),
        ("OK", Nonsense::NotJson(200)),
        ("[]", Nonsense::OtherShape),
        (r#"{"success":true}"#, Nonsense::OtherShape),
    ] {
        let (read, written) = both(Answer::json(200, body)).await;
        assert_eq!(
            read,
            Error::Protocol {
                what,
                effect: Effect::None
            }
        );
        assert_eq!(
            written,
            Error::Protocol {
                what,
                effect: Effect::Unknown
            }
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = Server::start().await;
    let client = server.client("token");
    for status in [302, 307, 308] {
        let mut answer = Answer::new(status, "text/plain", "");
        answer.headers.push((
            "Location".to_owned(),
            "http://127.0.0.1:1/v1/user/me".to_owned(),
        ));
        server.answers([answer]);
        let error = client.me().await.unwrap_err();
        assert_eq!(
            error,
            Error::Protocol {
                what: Nonsense::Redirect(status),
                effect: Effect::None
            }
        );
        assert_eq!(server.asked().len(), 1);
    }
    // Gitter's own 301 says that a room was renamed, and leads nowhere.
    server.answers([Answer::json(301, r#"{"error":"Moved Permanently"}"#)]);
    assert_eq!(client.resolve("org/old").await.unwrap_err(), Error::Moved);
}

#[tokio::test]
async fn a_failing_server_may_have_carried_out_what_was_written() {
    for status in [500, 502, 503, 504] {
        let (read, written) = both(Answer::new(status, "text/html", PAGE)).await;
        assert_eq!(
            read,
            Error::ServerFault {
                status,
                effect: Effect::None
            }
        );
        assert!(written.may_have_been_carried_out());
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let (read, written) = both(Answer::json(200, vec![b' '; MAX_ANSWER + 1])).await;
    assert_eq!(
        read,
        Error::Protocol {
            what: Nonsense::TooLong,
            effect: Effect::None
        }
    );
    assert!(written.may_have_been_carried_out());
}

#[tokio::test]
async fn one_bad_element_does_not_lose_the_rest() {
    let server = Server::start().await;
    let client = server.client("token");
    let good = r#"{"id":"b","sent":"2026-11-22T15:55:20.829Z","text":"x","html":"x","meta":{},"editedAt":null,
        "fromUser":null,"mentions":[{"screenName":"all","group":true,"announcement":true,"userIds":["u"]},7],"urls":{},
        "issues":[{"number":12}],"readBy":"many","future":{"field":1}}"#;
    let list = format!(r#"[{{"id":"a","sent":"yesterday"}},7,null,{{"text":"no id"}},{good}]"#);
    server.answers([Answer::json(200, list)]);
    let listing = client
        .messages(&room(), &MessageQuery::newest(5))
        .await
        .unwrap();
    assert_eq!((listing.received, listing.skipped()), (5, 4));
    let [message] = listing.items.as_slice() else {
        panic!("{listing:?}")
    };
    assert_eq!(message.id, MessageId::from("b"));
    assert_eq!(
        (message.edited_at, &message.from_user, message.read_by),
        (None, &None, None)
    );
    assert_eq!(message.urls().count(), 0);
    assert_eq!(message.issues[0].number.as_deref(), Some("12"));
    let [mention] = message.mentions.as_slice() else {
        panic!("{message:?}")
    };
    assert!(mention.group && mention.announcement && mention.user_id.is_none());
    assert!(
        !format!("{message:?}").contains("text"),
        "no text in debug output"
    );
}

#[tokio::test]
async fn members_are_paged_and_nobody_comes_twice() {
    let page = |ids: std::ops::Range<u32>| {
        let users: Vec<String> = ids
            .map(|id| format!(r#"{{"id":"{id}","username":"user-{id}"}}"#))
            .collect();
        Answer::json(200, format!("[{}]", users.join(",")))
    };
    let server = Server::start().await;
    let client = server.client("token");
    // Somebody left between the pages: the second one begins with one seen already.
    server.answers([page(0..100), page(99..130)]);
    let members = client.members_up_to(&room(), 250).await.unwrap();
    assert_eq!(members.len(), 130);
    let queries: Vec<String> = server
        .asked()
        .iter()
        .map(|asked| asked.uri.query().unwrap().to_owned())
        .collect();
    assert_eq!(queries, ["skip=0&limit=100", "skip=100&limit=100"]);

    server.answers([page(0..30)]);
    assert_eq!(client.members_up_to(&room(), 30).await.unwrap().len(), 30);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn nothing_leaves_the_api_by_way_of_an_id() {
    let server = Server::start().await;
    let client = server.client("token");
    for id in ["", ".", ".."] {
        assert_eq!(client.room(&id.into()).await.unwrap_err(), Error::NotFound);
    }
    assert!(server.asked().is_empty());
    server.answers([Answer::json(404, r#"{"error":"Not Found"}"#)]);
    assert_eq!(
        client.room(&"../user/me?x#y".into()).await.unwrap_err(),
        Error::NotFound
    );
    assert_eq!(
        server.asked()[0].uri.to_string(),
        "/v1/rooms/..%2Fuser%2Fme%3Fx%23y"
    );
}

#[tokio::test]
async fn nothing_is_sent_for_an_empty_list_of_what_was_read() {
    let server = Server::start().await;
    server
        .client("token")
        .mark_read(&room(), &[])
        .await
        .unwrap();
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_profile_of_nobody_is_not_found() {
    let server = Server::start().await;
    server.answers([Answer::new(200, "text/plain", "OK")]);
    assert_eq!(
        server.client("token").user("nobody").await.unwrap_err(),
        Error::NotFound
    );
}

#[tokio::test]
async fn where_nothing_listens_nothing_was_carried_out() {
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let client = Client::new(
        endpoints(&address.to_string()),
        http(),
        clock(),
        "token".to_owned().into(),
    );
    let error = client.send(&room(), &Draft::new("text")).await.unwrap_err();
    assert_eq!(
        error,
        Error::Network {
            what: NetworkFault::Connect,
            effect: Effect::None
        }
    );
    let endpoints = endpoints(&address.to_string());
    let unreachable = Error::Network {
        what: NetworkFault::Connect,
        effect: Effect::None,
    };
    assert_eq!(
        gitter::ping(&endpoints, &http()).await,
        Err(unreachable.clone())
    );
    assert_eq!(
        gitter::realtime::ping(&endpoints, &http()).await,
        Err(unreachable)
    );
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_open_whether_it_was_carried_out() {
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let read = socket.read(&mut request).await.unwrap();
                assert!(read > 0);
                socket.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let client = Client::new(
            endpoints(&address.to_string()),
            http(),
            clock(),
            "token".to_owned().into(),
        );
        let error = client.send(&room(), &Draft::new("text")).await.unwrap_err();
        assert_eq!(
            error,
            Error::Network {
                what: NetworkFault::Lost,
                effect: Effect::Unknown
            }
        );
        let error = client.me().await.unwrap_err();
        assert_eq!(
            error,
            Error::Network {
                what: NetworkFault::Lost,
                effect: Effect::None
            }
        );
    }
}

#[tokio::test]
async fn something_that_is_not_gitter_is_noticed() {
    let server = Server::start().await;
    for answer in [
        Answer::new(200, "text/html", PAGE),
        Answer::new(404, "text/html", PAGE),
        Answer::json(200, "{}"),
        Answer::json(401, r#"{"errcode":"M_MISSING_TOKEN"}"#),
    ] {
        server.answers([answer]);
        let error = gitter::ping(&server.endpoints, &server.http)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
        let error = gitter::realtime::ping(&server.endpoints, &server.http)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
        let oauth = server.oauth("client", "secret");
        let error = oauth
            .verify("http://bridge.test/callback")
            .await
            .unwrap_err();
        assert!(
            matches!(error, OAuthError::Request(Error::Protocol { .. })),
            "{error:?}"
        );
    }
    server.answers([Answer::json(
        200,
        r#"[{"id":"1","channel":"/meta/handshake","error":"401::Access token required","successful":false}]"#,
    )]);
    gitter::realtime::ping(&server.endpoints, &server.http)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_oauth_client_can_be_verified_without_anybody_logging_in() {
    let server = Server::start().await;
    let oauth = server.oauth("client", "secret");
    server.answers([Answer::json(
        403,
        r#"{"error":"invalid_grant","error_description":"Invalid authorization code"}"#,
    )]);
    oauth.verify("http://bridge.test/callback").await.unwrap();
    server.answers([Answer::json(
        401,
        r#"{"error":"server_error","error_description":"Unauthorized"}"#,
    )]);
    assert_eq!(
        oauth.verify("http://bridge.test/callback").await,
        Err(OAuthError::Client)
    );
}

#[test]
fn pictures_without_a_host_are_on_the_web_site() {
    let endpoints = endpoints("gitter.test");
    let absolute = |url| endpoints.absolute(url).map(String::from);
    assert_eq!(
        absolute("/api/private/user-avatar/alice?s=60").as_deref(),
        Some("http://gitter.test/api/private/user-avatar/alice?s=60")
    );
    assert_eq!(
        absolute("https://example.org/a.png").as_deref(),
        Some("https://example.org/a.png")
    );
    assert_eq!(absolute("javascript:alert(1)"), None);
}
