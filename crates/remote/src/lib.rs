//! The contract between the bridge and a remote network: a small trait plus plain data, no I/O.
//!
//! A network (Gitter today, an account on another Matrix homeserver next) implements [`Network`] and
//! [`Account`]; the bridge knows nothing else of it. What a network can and cannot do is data it
//! states, [`Capabilities`], never something the bridge assumes.
//!
//! To add a network: a crate of its own that implements the two traits, and one line of wiring in the
//! program. The checks in `contract` (a feature of this crate, for a
//! network's own tests) run any implementation through what the bridge relies on.

mod attachment;
mod capability;
#[cfg(feature = "contract")]
pub mod contract;
mod error;
mod event;
mod id;
mod model;
mod network;
mod outgoing;
pub mod text;

pub use attachment::{Attachment, Download, Pieces};
pub use capability::{Capabilities, Echoes, EditWindow, Threads};
pub use error::{Certainty, Fault, RemoteError};
pub use event::{Event, EventSink, SinkClosed};
pub use id::{MessageId, PersonId, RoomId};
pub use model::{
    Avatar, Image, Member, Message, MessageKind, Millis, Person, Room, RoomKind, Standing,
};
pub use network::{
    Account, Check, Complaint, Credentials, History, Login, LoginError, Network, NetworkInfo,
    ReadUpTo, RoomChange, Traffic,
};
pub use outgoing::{Composed, Outgoing, Part, Preface, Said};
pub use text::RichText;
