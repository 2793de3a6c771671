//! Identifiers of Gitter: opaque strings.
//!
//! Most are 24 hexadecimal digits, but not all: the sender of a message that came from Matrix has an id such as
//! `matrix-alice:example.org` (Gitter 21.15, recorded case `msg_send_virtualuser_bridge`). So nothing here looks inside.
//!
//! To add one, add a line to the `ids!` call at the end.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// Wraps an id as Gitter gave it.
            pub fn new(id: impl Into<Box<str>>) -> Self {
                Self(id.into())
            }

            /// The id as Gitter gave it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.into())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id.into())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )*};
}

ids! {
    /// A person. Stays the same when the person is renamed.
    UserId;
    /// A room. Stays the same when the room is renamed.
    RoomId;
    /// A message. Later messages have greater ids, but two sent within a second may be the other way round.
    MessageId;
    /// A community, to which rooms belong.
    GroupId;
    /// An entry of a room's activity feed.
    EventId;
}
