//! What Gitter's API talks about: people, rooms, messages.
//!
//! Gitter leaves out what is not set, and its values are now and then of another type than one would think. So a field
//! that is missing, `null` or of the wrong type is `None`, empty or `false`; fields that are not listed here are
//! ignored; only an object without what makes it one (its id, say) cannot be read. In a [`Listing`] such an object is
//! left out and counted.
//!
//! To add a field: here, with the recorded case that shows it, through one of the readers in `lenient`. To add a model: a
//! file below `models/`.

mod event;
pub(crate) mod lenient;
mod listing;
mod message;
mod room;
mod user;

pub use event::Event;
pub use listing::Listing;
pub use message::{Draft, Issue, MAX_TEXT, Mention, Message, MessagePatch, Unread, VirtualUser};
pub use room::{Backend, Group, Room, RoomPatch};
pub use user::{Profile, User};

pub(crate) use lenient::Shape;
