//! The one file of a form (RFC 7578).

use bytes::Bytes;
use http::header;

use crate::answer::Request;

/// What somebody chose on his disk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) mime: String,
    pub(super) bytes: Bytes,
}

/// The first file that was chosen.
pub(super) fn read(request: &Request) -> Option<Upload> {
    let kind = request.header(header::CONTENT_TYPE)?;
    let boundary = kind.split("boundary=").nth(1)?.trim_matches('"');
    let (open, close) = (format!("--{boundary}\r\n"), format!("\r\n--{boundary}"));
    let body = &request.body;
    let mut at = 0;
    while let Some(start) = find(body, at, open.as_bytes()) {
        let start = start + open.len();
        let content = find(body, start, b"\r\n\r\n")? + 4;
        let end = find(body, content, close.as_bytes())?;
        let head = std::str::from_utf8(body.get(start..content)?).ok()?;
        let name = head
            .split("filename=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .filter(|name| !name.is_empty());
        if let Some(name) = name {
            let kind = head.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case("content-type")
                    .then(|| value.trim().to_owned())
            });
            return Some(Upload {
                // It becomes a part of an address.
                name: name.replace('/', "_"),
                mime: kind.unwrap_or_else(|| "application/octet-stream".to_owned()),
                bytes: body.slice(content..end),
            });
        }
        at = end + 2;
    }
    None
}

fn find(text: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    let rest = text.get(from..)?;
    let at = rest
        .windows(wanted.len())
        .position(|window| window == wanted)?;
    Some(from + at)
}
