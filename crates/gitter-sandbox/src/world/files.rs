//! Uploaded files. Gitter keeps them on a host of their own (`files.gitter.im`), this sandbox below `/_files`.

use bytes::Bytes;
use http::{StatusCode, header};

use super::World;
use crate::answer::Answer;

/// An upload, or what stands in its place.
#[derive(Clone, Debug)]
pub(crate) enum File {
    /// The bytes, and what their server calls them.
    Stored { mime: String, bytes: Bytes },
    /// A redirect.
    Elsewhere(String),
}

impl World {
    /// Keeps a file and gives its address. `before` are the segments in front of the name.
    pub(crate) fn keep_file(&mut self, before: &str, name: &str, file: File) -> String {
        let path = format!("{before}/{name}");
        let encode = |segment: &str| -> String {
            let encoded: String =
                url::form_urlencoded::byte_serialize(segment.as_bytes()).collect();
            encoded.replace('+', "%20")
        };
        let shown: Vec<_> = path.split('/').map(encode).collect();
        self.files.insert(path, file);
        format!("{}/_files/{}", self.web_url, shown.join("/"))
    }

    /// Answers a request for a file. Thumbnails are not made smaller here.
    pub(crate) fn file(&self, path: &[&str]) -> Answer {
        let wanted = path.join("/").replace("/thumb/", "/");
        match self.files.get(&wanted) {
            None => Answer::of(
                StatusCode::FORBIDDEN,
                "application/xml",
                "<Error><Code>AccessDenied</Code></Error>",
            ),
            Some(File::Elsewhere(target)) => Answer::redirect(target),
            Some(File::Stored { mime, bytes }) => {
                let mut answer = Answer::empty(StatusCode::OK).with(header::CONTENT_TYPE, mime);
                answer.body = bytes.clone();
                answer
            }
        }
    }
}
