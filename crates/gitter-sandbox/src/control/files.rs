//! Uploads.

use bytes::Bytes;

use super::Control;
use crate::ids::{MessageId, RoomId, UserId};
use crate::world::Refusal;
use crate::world::files::File;

impl Control<'_> {
    /// Uploads a file, as somebody does who drops it into a room: Gitter then says a message with a link in his name. `mime` is what the server of the files will call it.
    pub fn upload(
        &self,
        user: UserId,
        room: RoomId,
        name: &str,
        mime: &str,
        bytes: impl Into<Bytes>,
    ) -> Result<MessageId, Refusal> {
        let bytes = bytes.into();
        self.act(|world| world.upload(user, room, name, mime, bytes))
            .map(|message| message.id)
    }

    /// Puts a file where uploads are, and gives its address; nobody is told.
    pub fn add_file(
        &self,
        room: RoomId,
        name: &str,
        mime: &str,
        bytes: impl Into<Bytes>,
    ) -> String {
        let bytes = bytes.into();
        self.act(|world| world.store(room, name, mime, bytes))
    }

    /// Makes an address among the uploads lead elsewhere, and gives it.
    pub fn add_detour(&self, room: RoomId, name: &str, to: &str) -> String {
        let file = File::Elsewhere(to.to_owned());
        self.act(|world| world.keep_file(&format!("{room}/tour"), name, file))
    }
}
