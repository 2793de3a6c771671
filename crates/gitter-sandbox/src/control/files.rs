//! Uploads.

use bytes::Bytes;

use super::Control;
use crate::ids::{MessageId, RoomId, UserId};
use crate::world::Refusal;
use crate::world::files::File;

impl Control<'_> {
    /// Uploads a file, as somebody does who drops it into a room: Gitter then says a message with a link in his name, pictures with
    /// their thumbnail (Gitter 21.15, `server/api/private/transloadit.js`). `mime` is what the server of the files will call it.
    pub fn upload(
        &self,
        user: UserId,
        room: RoomId,
        name: &str,
        mime: &str,
        bytes: impl Into<Bytes>,
    ) -> Result<MessageId, Refusal> {
        let url = self.add_file(room, name, mime, bytes);
        let text = if mime.starts_with("image/") {
            let (before, file) = url.rsplit_once('/').unwrap_or_default();
            format!("[![{name}]({before}/thumb/{file})]({url})")
        } else {
            format!("[{name}]({url})")
        };
        self.say(user, room, &text)
    }

    /// Puts a file where uploads are, and gives its address; nobody is told.
    pub fn add_file(
        &self,
        room: RoomId,
        name: &str,
        mime: &str,
        bytes: impl Into<Bytes>,
    ) -> String {
        let file = File::Stored {
            mime: mime.to_owned(),
            bytes: bytes.into(),
        };
        self.act(|world| {
            let token = world.new_id().to_string();
            let token = token
                .get(token.len().saturating_sub(4)..)
                .unwrap_or_default();
            world.keep_file(&format!("{room}/{token}"), name, file)
        })
    }

    /// Makes an address among the uploads lead elsewhere, and gives it.
    pub fn add_detour(&self, room: RoomId, name: &str, to: &str) -> String {
        let file = File::Elsewhere(to.to_owned());
        self.act(|world| world.keep_file(&format!("{room}/tour"), name, file))
    }
}
