//! Uploaded files. Gitter keeps them on a host of their own (`files.gitter.im`), this sandbox below `/_files`.

use bytes::Bytes;
use http::{StatusCode, header};

use super::{Draft, Message, Refusal, World};
use crate::answer::Answer;
use crate::ids::{RoomId, UserId};

/// An upload, or what stands in its place.
#[derive(Clone, Debug)]
pub(crate) enum File {
    /// The bytes, and what their server calls them.
    Stored { mime: String, bytes: Bytes },
    /// A redirect.
    Elsewhere(String),
}

impl World {
    /// Stores a file and says a message with a link to it, pictures with their thumbnail (Gitter 21.15,
    /// `server/api/private/transloadit.js`).
    pub(crate) fn upload(
        &mut self,
        user: UserId,
        room: RoomId,
        name: &str,
        mime: &str,
        bytes: Bytes,
    ) -> Result<Message, Refusal> {
        self.enterable(room, user)?;
        let url = self.store(room, name, mime, bytes);
        let text = if mime.starts_with("image/") {
            let (before, file) = url.rsplit_once('/').unwrap_or_default();
            format!("[![{name}]({before}/thumb/{file})]({url})")
        } else {
            format!("[{name}]({url})")
        };
        let draft = Draft {
            text,
            ..Draft::default()
        };
        self.send(room, user, draft)
    }

    /// Keeps an upload to a room and gives its address.
    pub(crate) fn store(&mut self, room: RoomId, name: &str, mime: &str, bytes: Bytes) -> String {
        let token = self.new_id().to_string();
        let token = token
            .get(token.len().saturating_sub(4)..)
            .unwrap_or_default();
        let file = File::Stored {
            mime: mime.to_owned(),
            bytes,
        };
        self.keep_file(&format!("{room}/{token}"), name, file)
    }

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
