//! A Gitter-compatible server in memory, for the demo and for tests.
//!
//! It answers as Gitter 21.15 was recorded to answer: REST, OAuth with a consent page, Bayeux over WebSocket and
//! long-polling, and plain pages on which a person can read and write. It listens on 127.0.0.1 only and forgets everything
//! when it is dropped. `tests/conformance.rs` holds it to the recordings.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use gitter_sandbox::{Sandbox, Visibility};
//!
//! let sandbox = Sandbox::builder().start().await?;
//! let world = sandbox.world();
//! let alice = world.add_user("alice-gh", "Alice");
//! let lobby = world.add_room("acme/lobby", Visibility::Public, alice)?;
//! world.say(alice, lobby, "Hello **world**")?;
//! assert_eq!(world.messages(lobby)?[0].html, "Hello <strong>world</strong>");
//! println!("REST is at {}", sandbox.api_url());
//! # Ok(())
//! # }
//! ```
//!
//! The road of a request: `server` reads it, `faults` may strike, `rest`, `oauth`, `bayeux` or `pages` answers it with what
//! `world` does, and `world`'s announcements go through `bayeux::hub` to whoever subscribed.

mod answer;
mod bayeux;
mod clock;
mod control;
mod faults;
mod ids;
mod inner;
mod oauth;
mod pages;
mod render;
mod rest;
mod sandbox;
mod server;
mod shared;
mod stats;
mod world;

pub use clock::{Clock, VirtualClock};
pub use control::{Control, Faults, Message, OAuthClient};
pub use faults::{Effect, Fault, Fired};
pub use ids::{EventId, GroupId, InvalidId, MessageId, ObjectId, RoomId, UserId};
pub use render::html;
pub use sandbox::{Builder, Sandbox, StartError};
pub use stats::{RequestKind, Stats};
pub use world::Refusal;
pub use world::rooms::Visibility;
