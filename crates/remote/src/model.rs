//! What exists on a remote network: people, rooms, messages.
//!
//! Plain data that can be stored and read back (`serde`), since queues of it live in the database: give a
//! new field a `#[serde(default)]`, so that rows written by an older version can still be read.

use serde::{Deserialize, Serialize};

use crate::{Attachment, MessageId, PersonId, RichText, RoomId};

/// Milliseconds since 1970-01-01 UTC, as Matrix counts them.
pub type Millis = i64;

/// A picture of a person or a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Avatar {
    /// What tells this picture from another one; equal keys mean that nothing has to be fetched again.
    pub key: String,
    /// Where [`Account::avatar`](crate::Account::avatar) fetches it from. Only the network reads it.
    pub url: String,
}

/// Bytes of a picture, with the MIME type that its content shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The file.
    pub bytes: Vec<u8>,
    /// Such as `image/png`.
    pub mime: String,
}

/// Somebody on the remote network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Stable id.
    pub id: PersonId,
    /// The name people are mentioned and addressed by, without `@`. May change.
    pub username: String,
    /// The name people see. Equal to `username` where the network knows no other.
    pub display_name: String,
    /// Their picture, if there is one.
    #[serde(default)]
    pub avatar: Option<Avatar>,
}

/// A person's place in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub person: Person,
    /// May moderate the room.
    #[serde(default)]
    pub admin: bool,
}

/// Whom a room is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// Anybody can read it.
    Public,
    /// Only its members can read it.
    Private,
    /// A conversation of exactly two people.
    OneToOne,
}

/// What the account may do in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Not in it (though perhaps able to read it).
    Outside,
    /// In it.
    Member,
    /// In it, and may moderate it.
    Admin,
}

/// A room as the logged-in account sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Stable id.
    pub id: RoomId,
    /// What a person types to name it and what `list` shows: `org/room`, or `@username` for a one-to-one.
    pub address: String,
    /// What the Matrix room is called: the address, or the other person's display name for a one-to-one.
    pub name: String,
    /// Free text; `None` where there is none.
    #[serde(default)]
    pub topic: Option<String>,
    /// Its picture.
    #[serde(default)]
    pub avatar: Option<Avatar>,
    /// Whom it is for.
    pub kind: RoomKind,
    /// The other one, in a one-to-one.
    #[serde(default)]
    pub other: Option<Person>,
    /// What the account is there.
    pub standing: Standing,
    /// How many people are in it, as far as the network knows.
    #[serde(default)]
    pub member_count: Option<u64>,
    /// When something last happened there or the user last looked, whichever the network knows: for the order of invites.
    #[serde(default)]
    pub active_at: Option<Millis>,
    /// Where a browser shows it.
    #[serde(default)]
    pub link: Option<String>,
}

/// How a message is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Said.
    Text,
    /// Done (`/me waves`).
    Emote,
    /// Said by a machine.
    Notice,
}

/// A message, as it stands now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Where it stands.
    pub room: RoomId,
    /// Who wrote it. `None` when the account is gone and nothing of it is left.
    #[serde(default)]
    pub sender: Option<Person>,
    /// When the network took it.
    pub sent_at: Millis,
    /// Said, done, or by a machine.
    pub kind: MessageKind,
    /// What it says.
    pub text: RichText,
    /// When its text was last changed; `None` if never.
    #[serde(default)]
    pub edited_at: Option<Millis>,
    /// The message whose thread it belongs to.
    #[serde(default)]
    pub thread: Option<MessageId>,
    /// The message it answers, where the network knows replies apart from threads.
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// Its text was taken away but it still stands (a thread's parent, say): for the reader it is deleted.
    #[serde(default)]
    pub blanked: bool,
    /// Files of the network's own that the text links to, in the order of their links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}
