//! Being seen.

use super::{Call, Client};
use crate::Error;
use crate::realtime::SocketId;

impl Client {
    /// Says that the person does not look at the room to which this socket subscribed last, so that others no longer see him there.
    ///
    /// # Errors
    /// [`Error::BadRequest`] if Gitter does not know the socket (any more), which then shows nobody.
    pub async fn look_away(&self, socket: &SocketId) -> Result<(), Error> {
        #[derive(serde::Serialize)]
        struct Body<'a> {
            #[serde(rename = "socketId")]
            socket: &'a str,
            on: u8,
        }
        let body = Body {
            socket: &socket.0,
            on: 0,
        };
        self.call(Call::post(&["eyeballs"], &body)?).await?.done()
    }
}
