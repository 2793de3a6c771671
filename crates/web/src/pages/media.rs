//! A file on Matrix, for whoever has its link.
//!
//! What it is comes from strangers. So a browser is told to show only what it cannot run, to guess nothing, and to keep whatever it
//! shows away from everything else of this site.

use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE, RETRY_AFTER,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bridge::media::{MediaFile, MediaProblem, MediaRange, MediaRequest};

use super::problem;
use crate::Shared;

/// What browsers show, and cannot run. All else is offered for saving.
const SHOWN: [&str; 24] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/apng",
    "image/bmp",
    "audio/mpeg",
    "audio/mp4",
    "audio/aac",
    "audio/ogg",
    "audio/opus",
    "audio/webm",
    "audio/wav",
    "audio/wave",
    "audio/x-wav",
    "audio/flac",
    "audio/x-flac",
    "video/mp4",
    "video/webm",
    "video/ogg",
    "video/quicktime",
    "video/x-m4v",
    "text/plain",
];

/// A file does not change, but it can be taken back. So a browser keeps it and asks before it shows it again, which is answered
/// from the database, without a request to the homeserver.
const KEEP: &str = "private, no-cache";

const POLICY: &str = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'";

pub(crate) async fn show_named(
    State(shared): State<Shared>,
    // The name is there for looks; another one leads to the same file.
    Path((secret, _name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    answer(&shared, &secret, &headers).await
}

pub(crate) async fn show(
    State(shared): State<Shared>,
    Path(secret): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(&shared, &secret, &headers).await
}

async fn answer(shared: &Shared, secret: &str, headers: &HeaderMap) -> Response {
    // What is no secret of ours cannot stand in a header either.
    let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if !secret.bytes().all(sound) {
        return problem::no_file(shared, MediaProblem::Unknown);
    }
    let tag = format!("\"{secret}\"");
    let request = MediaRequest {
        // A part of another file than the one it has is of no use to a browser. What tells a file by its date, or only nearly, is not
        // sure enough (RFC 9110, section 13.1.5).
        range: text(headers, RANGE)
            .filter(|_| !headers.contains_key(IF_RANGE) || text(headers, IF_RANGE) == Some(&tag))
            .and_then(range),
        has_it: text(headers, IF_NONE_MATCH).is_some_and(|list| has(list, &tag)),
    };
    let mut response = match shared.backend.media(secret, request).await {
        Ok(Some(file)) => serve(file),
        Ok(None) => StatusCode::NOT_MODIFIED.into_response(),
        Err(problem) => return refuse(shared, problem),
    };
    set(&mut response, ETAG, &tag);
    set(&mut response, CACHE_CONTROL, KEEP);
    set(&mut response, ACCEPT_RANGES, "bytes");
    set(&mut response, CONTENT_SECURITY_POLICY, POLICY);
    // The network's pages show pictures in place.
    let elsewhere = HeaderName::from_static("cross-origin-resource-policy");
    set(&mut response, elsewhere, "cross-origin");
    let robots = HeaderName::from_static("x-robots-tag");
    set(&mut response, robots, "noindex, noarchive");
    response
}

fn serve(file: MediaFile) -> Response {
    let mime = file.mime.as_deref().unwrap_or_default();
    let plain = mime.split(';').next().unwrap_or_default().trim();
    let shown = SHOWN.into_iter().find(|it| plain.eq_ignore_ascii_case(it));
    let mut response = Body::from_stream(file.body).into_response();
    let kind = match shown {
        Some("text/plain") => "text/plain; charset=utf-8",
        Some(kind) => kind,
        None => "application/octet-stream",
    };
    set(&mut response, CONTENT_TYPE, kind);
    let how = if shown.is_some() {
        "inline"
    } else {
        "attachment"
    };
    set(
        &mut response,
        CONTENT_DISPOSITION,
        &disposition(how, &file.name),
    );
    if let Some(length) = file.length {
        set(&mut response, CONTENT_LENGTH, &length.to_string());
    }
    if let Some(range) = file.range {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let value = format!("bytes {}-{}/{}", range.first, range.last, range.total);
        set(&mut response, CONTENT_RANGE, &value);
    }
    response
}

fn refuse(shared: &Shared, problem: MediaProblem) -> Response {
    let mut response = problem::no_file(shared, problem);
    match problem {
        MediaProblem::NoSuchPart(total) => {
            set(&mut response, CONTENT_RANGE, &format!("bytes */{total}"));
        }
        MediaProblem::Busy | MediaProblem::OutOfOrder => set(&mut response, RETRY_AFTER, "60"),
        _ => {}
    }
    response
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a list of tags (RFC 9110, section 13.1.2) has this one.
fn has(list: &str, tag: &str) -> bool {
    list.split(',')
        .map(|it| it.trim().trim_start_matches("W/"))
        .any(|it| it == tag || it == "*")
}

/// The one part that is asked for. Several at once, and what makes no sense, is passed over: then the whole file is the answer
/// (RFC 9110, section 14.2).
fn range(header: &str) -> Option<MediaRange> {
    let (first, last) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        return Some(MediaRange::Last(number(last)?));
    }
    let first = number(first)?;
    if last.is_empty() {
        return Some(MediaRange::From(first, None));
    }
    let last = number(last)?;
    (first <= last).then_some(MediaRange::From(first, Some(last)))
}

/// Digits and nothing else: Rust reads a `+` in front, too.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// `Content-Disposition` with a name of any characters (RFC 6266, section 4.3; RFC 8187).
fn disposition(how: &str, name: &str) -> String {
    let sound = |c: &char| !c.is_control() && !matches!(c, '/' | '\\') && !turns(*c);
    let name: String = name.chars().filter(sound).take(200).collect();
    let plain = |c: char| {
        if c.is_ascii_graphic() || c == ' ' {
            c
        } else {
            '_'
        }
    };
    let ascii: String = name.chars().filter(|c| *c != '"').map(plain).collect();
    let mut whole = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            whole.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(whole, "%{byte:02X}");
        }
    }
    format!("{how}; filename=\"{ascii}\"; filename*=UTF-8''{whole}")
}

/// Characters that change the direction of writing, and so make `exe.png` of `gnp.exe`.
fn turns(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_is_understood() {
        for (header, expected) in [
            ("bytes=0-4", Some(MediaRange::From(0, Some(4)))),
            ("bytes=7-", Some(MediaRange::From(7, None))),
            ("bytes=-3", Some(MediaRange::Last(3))),
            ("bytes=4-0", None),
            ("bytes=0-1,3-4", None),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("bytes=+1-4", None),
            ("bytes=--4", None),
            ("bytes=-+4", None),
            ("bytes=1-2-3", None),
            ("bytes=-0", Some(MediaRange::Last(0))),
            ("bytes=-99999999999999999999", None),
            ("bytes=0-99999999999999999999", None),
            (
                "bytes=18446744073709551615-",
                Some(MediaRange::From(u64::MAX, None)),
            ),
            ("bytes=99999999999999999999-", None),
            ("lines=0-4", None),
            ("", None),
        ] {
            assert_eq!(range(header), expected, "{header}");
        }
    }

    #[test]
    fn any_name_can_stand_in_the_header() {
        for (name, expected) in [
            (
                "cat.png",
                "inline; filename=\"cat.png\"; filename*=UTF-8''cat.png",
            ),
            (
                "a \"b\"\r\nc/d\\e.txt",
                "inline; filename=\"a bcde.txt\"; filename*=UTF-8''a%20%22b%22cde.txt",
            ),
            (
                "gr\u{fc}n\u{202e}gpj.exe",
                "inline; filename=\"gr_ngpj.exe\"; filename*=UTF-8''gr%C3%BCngpj.exe",
            ),
            ("", "inline; filename=\"\"; filename*=UTF-8''"),
        ] {
            assert_eq!(disposition("inline", name), expected);
            HeaderValue::from_str(expected).unwrap();
        }
    }

    #[test]
    fn tags_are_compared() {
        for list in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert!(has(list, "\"a\""), "{list}");
        }
        assert!(!has("\"ab\"", "\"a\"") && !has("", "\"a\""));
    }
}
