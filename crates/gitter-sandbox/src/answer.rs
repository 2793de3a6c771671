//! Requests and answers as plain data, so that everything between them is a function.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::world::Refusal;

/// A request whose body has arrived in full.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// As sent, without the query.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn query(&self, key: &str) -> Option<&str> {
        find(&self.query, key)
    }

    /// The body as form fields.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body)
            .into_owned()
            .collect()
    }

    pub(crate) fn has_type(&self, kind: &str) -> bool {
        self.header(header::CONTENT_TYPE)
            .is_some_and(|value| value.starts_with(kind))
    }

    /// The parts of the path between slashes, decoded.
    pub(crate) fn segments(&self) -> Vec<String> {
        let decode = |part: &str| {
            let pair = format!("x={}", part.replace('+', "%2B"));
            url::form_urlencoded::parse(pair.as_bytes())
                .next()
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        self.path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(decode)
            .collect()
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.header(header::COOKIE)?;
        cookies
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}

/// The value of the first pair with that key.
pub(crate) fn find<'a>(pairs: &'a [(String, String)], key: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(name, _)| name == key)
        .map(|(_, value)| value.as_str())
}

/// What is sent back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn of(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        Self {
            status,
            headers,
            body: body.into(),
        }
    }

    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        Self::of(status, "application/json; charset=utf-8", value.to_string())
    }

    pub(crate) fn ok(value: &Value) -> Self {
        Self::json(StatusCode::OK, value)
    }

    pub(crate) fn success() -> Self {
        Self::ok(&json!({ "success": true }))
    }

    pub(crate) fn html(status: StatusCode, page: impl Into<Bytes>) -> Self {
        Self::of(status, "text/html; charset=utf-8", page)
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// Gitter's error body: the status in words. Server faults carry a number to quote to support.
    pub(crate) fn failure(status: StatusCode, now: Timestamp) -> Self {
        let mut body = json!({ "error": status.canonical_reason().unwrap_or("Unknown") });
        if status.is_server_error() {
            body["uniqueId"] = json!(now.as_millisecond());
        }
        Self::json(status, &body)
    }

    pub(crate) fn refused(refusal: Refusal, now: Timestamp) -> Self {
        let status = match refusal {
            Refusal::Moved => StatusCode::MOVED_PERMANENTLY,
            Refusal::BadRequest => StatusCode::BAD_REQUEST,
            Refusal::Unauthorised => StatusCode::UNAUTHORIZED,
            Refusal::Forbidden => StatusCode::FORBIDDEN,
            Refusal::NotFound => StatusCode::NOT_FOUND,
            Refusal::Conflict => StatusCode::CONFLICT,
            Refusal::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::failure(status, now)
    }

    /// What Express says to a verb it has no handler for.
    pub(crate) fn cannot(method: &Method, path: &str) -> Self {
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n<body>\n<pre>Cannot {method} {}</pre>\n</body>\n</html>\n",
            crate::render::escape(path)
        );
        Self::html(StatusCode::NOT_FOUND, page)
            .with(header::CONTENT_SECURITY_POLICY, "default-src 'self'")
    }

    pub(crate) fn redirect(to: &str) -> Self {
        let shown = crate::render::escape(to);
        let page = format!("<p>Found. Redirecting to <a href=\"{shown}\">{shown}</a></p>");
        Self::html(StatusCode::FOUND, page).with(header::LOCATION, to)
    }

    /// With a header; one whose value cannot stand in a header is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }

    /// With an `ETag`, and without a body if the reader has this version already.
    pub(crate) fn tagged(self, request: &Request) -> Self {
        let readable = request.method == Method::GET || request.method == Method::HEAD;
        if !readable || self.status != StatusCode::OK {
            return self;
        }
        let digest = Sha256::digest(&self.body);
        let digits = digest
            .iter()
            .take(12)
            .flat_map(|byte| [byte >> 4, byte & 15]);
        let short: String = digits
            .filter_map(|digit| char::from_digit(u32::from(digit), 16))
            .collect();
        let tag = format!("W/\"{:x}-{short}\"", self.body.len());
        if request.header(header::IF_NONE_MATCH) == Some(tag.as_str()) {
            let mut unchanged = self;
            unchanged.status = StatusCode::NOT_MODIFIED;
            unchanged.body = Bytes::new();
            unchanged.headers.remove(header::CONTENT_TYPE);
            return unchanged.with(header::ETAG, &tag);
        }
        self.with(header::ETAG, &tag)
    }
}
