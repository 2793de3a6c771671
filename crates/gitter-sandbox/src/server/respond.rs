//! One request: read it, let a fault strike, find who answers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::line::Line;
use crate::answer::{Answer, Request};
use crate::bayeux::{self, LEGACY_TIMEOUT, TIMEOUT};
use crate::faults::Effect;
use crate::inner::Inner;
use crate::shared::Shared;
use crate::stats::RequestKind;
use crate::{oauth, pages, rest};

/// The connection is to be dropped without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped")]
pub(crate) struct Dropped;

/// Answers a request; an error drops the connection.
pub(super) async fn respond(
    shared: Arc<Shared>,
    line: Arc<Line>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Dropped> {
    let (mut parts, body) = request.into_parts();
    let upgrade = parts.extensions.remove::<OnUpgrade>();
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let mut request = Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: url::form_urlencoded::parse(query).into_owned().collect(),
        headers: parts.headers,
        body: Bytes::new(),
    };
    request.body = match Limited::new(body, rest::LARGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        // Too long, which is all that matters about it from here on; or cut off, and then nobody waits for an answer.
        Err(_) => Bytes::from(vec![b' '; rest::LARGEST_BODY + 1]),
    };
    let effect = {
        let mut inner = shared.lock();
        count(&mut inner, &request);
        inner.faults.strike(request.method.as_str(), &request.path)
    };
    let answer = match effect {
        None => answer(&shared, &line, &request, upgrade).await,
        Some(effect) => answer_with(&shared, &line, &request, upgrade, effect).await,
    };
    answer.map(into_response).ok_or(Dropped)
}

fn count(inner: &mut Inner, request: &Request) {
    let kind = RequestKind {
        account: rest::account(&inner.world, request),
        method: request.method.to_string(),
        route: rest::label(&request.path),
    };
    *inner.stats.requests.entry(kind).or_default() += 1;
}

/// Answers with something going wrong; None drops the connection.
async fn answer_with(
    shared: &Arc<Shared>,
    line: &Arc<Line>,
    request: &Request,
    upgrade: Option<OnUpgrade>,
    effect: Effect,
) -> Option<Answer> {
    let status = |status| StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    match effect {
        Effect::Status(number) => Some(Answer::failure(status(number), shared.lock().world.now())),
        Effect::Html(number) => {
            let page = "<html>\r\n<head><title>Trouble</title></head>\r\n<body><center><h1>Trouble</h1></center><hr><center>nginx</center></body>\r\n</html>\r\n";
            Some(Answer::of(status(number), "text/html", page))
        }
        Effect::Truncate => {
            let mut answer = answer(shared, line, request, upgrade).await?;
            answer.body.truncate(answer.body.len() / 2);
            Some(answer)
        }
        Effect::Delay(time) => {
            tokio::time::sleep(time).await;
            answer(shared, line, request, upgrade).await
        }
        Effect::DelayAnswer(time) => {
            let answer = answer(shared, line, request, upgrade).await;
            tokio::time::sleep(time).await;
            answer
        }
        Effect::DropBefore => None,
        Effect::DropAfter => {
            let _lost = answer(shared, line, request, upgrade).await;
            None
        }
        Effect::Hang => std::future::pending().await,
    }
}

async fn answer(
    shared: &Arc<Shared>,
    line: &Arc<Line>,
    request: &Request,
    upgrade: Option<OnUpgrade>,
) -> Option<Answer> {
    let timeout = match request.path.as_str() {
        "/bayeux" => Some(TIMEOUT),
        "/faye" => Some(LEGACY_TIMEOUT),
        _ => None,
    };
    let Some(timeout) = timeout else {
        return Some(shared.act(|inner| answer_at_once(inner, request)));
    };
    if let Some(key) = request.headers.get(header::SEC_WEBSOCKET_KEY) {
        let accept = derive_accept_key(key.as_bytes());
        open_socket(shared, line, upgrade?, timeout);
        return Some(
            Answer::empty(StatusCode::SWITCHING_PROTOCOLS)
                .with(header::CONNECTION, "Upgrade")
                .with(header::UPGRADE, "websocket")
                .with(header::SEC_WEBSOCKET_ACCEPT, &accept),
        );
    }
    bayeux::poll::answer(shared, request, timeout).await
}

fn open_socket(shared: &Arc<Shared>, line: &Arc<Line>, upgrade: OnUpgrade, timeout: Duration) {
    let (task, cut, over) = (Arc::clone(shared), line.cut.clone(), line.upgrade());
    shared.spawn(async move {
        let _over = over.drop_guard();
        // A caller who goes away in the middle of the upgrade has no socket.
        if let Ok(upgraded) = upgrade.await {
            bayeux::socket::serve(task, upgraded, timeout, cut).await;
        }
    });
}

/// Everything but realtime is a function of the state and the request.
fn answer_at_once(inner: &mut Inner, request: &Request) -> Answer {
    if let Some(answer) = rest::answer(inner, request) {
        return answer;
    }
    if let Some(answer) = rest::answer_private(inner, request) {
        return answer;
    }
    if let Some(answer) = oauth::answer(inner, request) {
        return answer;
    }
    if request.method == Method::GET && request.path == "/api" {
        return Answer::empty(StatusCode::FOUND)
            .with(header::LOCATION, "https://developer.gitter.im");
    }
    pages::answer(inner, request)
}

fn into_response(answer: Answer) -> hyper::Response<Full<Bytes>> {
    let writes_nothing =
        answer.status == StatusCode::NO_CONTENT || answer.status == StatusCode::SWITCHING_PROTOCOLS;
    let mut response = hyper::Response::new(Full::new(if writes_nothing {
        Bytes::new()
    } else {
        answer.body
    }));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
        .headers_mut()
        .insert(header::SERVER, HeaderValue::from_static("gitter-sandbox"));
    response
}
