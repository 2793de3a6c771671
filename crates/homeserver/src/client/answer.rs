//! What the homeserver answered, read with distrust.

use std::error::Error as _;
use std::time::Duration;

use http::{StatusCode, header};
use serde_json::Value;

use crate::Error;

/// The most we read of an answer, in bytes. The members of the largest rooms stay far below.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// The most we keep of an error's words, in characters.
const MAX_WORDS: usize = 300;

/// A failed attempt, and how long the homeserver wants us to wait.
pub(super) struct Fault {
    pub(super) error: Error,
    pub(super) wait: Option<Duration>,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { error, wait: None }
    }
}

/// The JSON of a good answer, or what went wrong.
pub(super) async fn read(mut response: reqwest::Response) -> Result<Value, Fault> {
    let status = response.status();
    let header_wait = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse().ok())
        .map(Duration::from_secs);
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_ANSWER => {
                return Err(Error::Garbled("more than 64 MiB".to_owned()).into());
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Err(unreachable(&error)),
        }
    }
    let json: Option<Value> = serde_json::from_slice(&body).ok();
    if status.is_success() {
        return json.ok_or_else(|| Error::Garbled(format!("{status}, but no JSON")).into());
    }
    Err(refusal(status, header_wait, json.as_ref()))
}

fn refusal(status: StatusCode, header_wait: Option<Duration>, json: Option<&Value>) -> Fault {
    let field = |name: &str| json.and_then(|json| json.get(name));
    if status == StatusCode::TOO_MANY_REQUESTS {
        // `retry_after_ms` is the older way to say it, and the finer one.
        let wait = field("retry_after_ms")
            .and_then(Value::as_u64)
            .map(Duration::from_millis)
            .or(header_wait);
        return Fault {
            error: Error::RateLimited { retry_after: wait },
            wait,
        };
    }
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return Error::TooLarge.into();
    }
    let mut message = field("error")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    // A ping that failed tells here what the homeserver saw of us.
    if let Some(seen) = field("status").and_then(Value::as_u64) {
        message = format!("{message} (it got status {seen} from us)");
    }
    if message.is_empty() {
        status
            .canonical_reason()
            .unwrap_or("no reason given")
            .clone_into(&mut message);
    }
    Fault {
        error: Error::Refused {
            status: status.as_u16(),
            errcode: field("errcode")
                .and_then(Value::as_str)
                .unwrap_or("M_UNKNOWN")
                .to_owned(),
            message: message.chars().take(MAX_WORDS).collect(),
        },
        wait: header_wait.filter(|_| status.is_server_error()),
    }
}

/// No answer, or only the beginning of one. The reason holds neither URL nor token.
pub(super) fn unreachable(error: &reqwest::Error) -> Fault {
    let mut reason = if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "cannot connect".to_owned()
    } else {
        "the connection broke".to_owned()
    };
    // The innermost cause is what helps: "Connection refused", "dns error", a certificate's fault.
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.source().is_none() {
            reason = format!("{reason}: {inner}");
        }
        cause = inner.source();
    }
    Error::Unreachable {
        reason,
        sent: !error.is_connect(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_body_says_more_exactly_how_long_to_wait() {
        let header = Some(Duration::from_secs(2));
        let body = json!({"retry_after_ms": 1500});
        let wait = |header, body: Option<&Value>| {
            refusal(StatusCode::TOO_MANY_REQUESTS, header, body).wait
        };
        assert_eq!(wait(header, Some(&body)), Some(Duration::from_millis(1500)));
        assert_eq!(
            wait(header, Some(&json!({"retry_after_ms": "soon"}))),
            header
        );
        assert_eq!(wait(header, None), header);
        assert_eq!(wait(None, None), None);
    }

    #[test]
    fn keeps_only_the_beginning_of_long_words() {
        let body = json!({"errcode": "M_FORBIDDEN", "error": "ü".repeat(9000)});
        let Error::Refused { message, .. } =
            refusal(StatusCode::FORBIDDEN, None, Some(&body)).error
        else {
            panic!("no refusal");
        };
        assert_eq!(message.chars().count(), MAX_WORDS);
    }
}
