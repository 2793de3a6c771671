//! Files that people on a network attach to their messages.

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::RemoteError;

/// A file that a message of the network links to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its address, exactly as the link in the text has it; the same address is the same file.
    pub url: String,
    /// What it is called, as far as the network knows.
    #[serde(default)]
    pub name: Option<String>,
}

/// A file that begins to come.
pub struct Download {
    /// How long it is in bytes, if its server says so. What comes may be shorter, never longer.
    pub length: Option<u64>,
    /// The bytes.
    pub pieces: Box<dyn Pieces>,
}

/// The pieces of a file, in order.
#[async_trait]
pub trait Pieces: Send {
    /// The next one, not empty; `None` at the end. Comes back within a minute.
    async fn next(&mut self) -> Result<Option<Bytes>, RemoteError>;
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
