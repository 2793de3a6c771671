//! Our side of Matrix: appservice endpoints, registration, a client that speaks as bot or ghost, or as a user who lets it.
//!
//! - [`Homeserver`]: what the bridge asks of its homeserver, as a trait, so that a simulated one can stand in.
//! - [`Client`]: that trait over HTTP, with retries which never do a thing twice.
//! - [`appservice`]: what the homeserver asks of us, as an axum router in front of an [`Appservice`].
//! - [`registration`]: the file that makes the homeserver know us.
//!
//! Ids are opaque: a room id of room version 12 has no domain part.
//! One more request is one more method of [`Homeserver`], one [`RequestKind`] and its call in `client/`.

pub mod appservice;
mod client;
mod error;
mod event;
mod homeserver;
mod media;
mod model;
pub mod registration;

pub use appservice::{Appservice, Transaction, Unavailable};
pub use client::{Client, Counters, Patience, RequestKind, Settings};
pub use error::Error;
pub use event::{IncomingEvent, LONGEST_ID, MalformedEvent};
pub use homeserver::Homeserver;
pub use media::{ByteRange, ByteStream, ContentRange, Download, Upload};
pub use model::{
    Actor, Direction, InDoubt, Membership, NewEvent, NewRoom, NewState, PUPPET_KEY, Profile,
    RoomMember, StateEvent, TimelinePage,
};
pub use registration::Registration;
