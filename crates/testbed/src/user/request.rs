//! Paths and refusals of the client-server API.

use std::fmt::Write as _;

use serde_json::Value;

/// The homeserver said no, or nothing.
#[derive(Debug)]
pub struct Refused {
    /// HTTP status, 0 if there was no answer.
    pub status: u16,
    /// `errcode` of the Matrix error, or empty.
    pub code: String,
    what: String,
}

impl Refused {
    pub(crate) fn unanswered(path: &str, error: &dyn std::error::Error) -> Self {
        let mut what = format!("{path}: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            let _ = write!(what, ": {error}");
            cause = error.source();
        }
        Self {
            status: 0,
            code: String::new(),
            what,
        }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.what)
    }
}

impl std::error::Error for Refused {}

/// Joins segments to a path, each percent-encoded: room ids and user ids hold `!`, `#`, `:` and `/`.
pub fn path(segments: &[&str]) -> String {
    let encode = |segment: &&str| {
        url::form_urlencoded::byte_serialize(segment.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
    };
    segments.iter().map(encode).collect::<Vec<_>>().join("/")
}

/// The JSON of a 200, or why there is none.
pub(crate) async fn json(
    method: &str,
    path: &str,
    answer: reqwest::Response,
) -> Result<Value, Refused> {
    let status = answer.status();
    let text = answer
        .text()
        .await
        .map_err(|error| Refused::unanswered(path, &error))?;
    let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    if status.is_success() {
        return Ok(value);
    }
    Err(Refused {
        status: status.as_u16(),
        code: value["errcode"].as_str().unwrap_or_default().to_owned(),
        what: format!("{method} {path}: {status}: {text}"),
    })
}
