//! A client library for the API of Gitter: REST, Bayeux realtime, OAuth.
//!
//! - [`Client`]: one account's REST calls, kept within Gitter's rate limit ([`Budget`]), with models in which absent is
//!   `None` and an [`Error`] that says what the caller can do about it.
//! - [`realtime`]: one connection per account that tells what happens in all its rooms.
//! - [`OAuth`]: from a link to an access token.
//!
//! Gitter's public service closed in 2023; this speaks to self-hosted servers, and was written against recordings of one
//! (Gitter 21.15), which are its tests.
//!
//! The HTTP client and the clock are handed in. Build the HTTP client with [`configure`], since the library relies on what
//! that sets:
//!
//! ```
//! use std::sync::Arc;
//! use gitter::{Client, Draft, Endpoints, MessageQuery, RoomId};
//!
//! # #[expect(clippy::disallowed_methods, reason = "an example has to build a client somewhere")]
//! # fn build() -> Result<reqwest::Client, reqwest::Error> {
//! let http = gitter::configure(reqwest::Client::builder()).build()?;
//! # Ok(http) }
//! # async fn example(http: reqwest::Client, clock: gitter::Clock) -> Result<(), Box<dyn std::error::Error>> {
//! let endpoints = Arc::new(Endpoints {
//!     web_url: "https://gitter.example.org".parse()?,
//!     api_url: "https://gitter.example.org/api/v1".parse()?,
//!     realtime_url: "wss://gitter.example.org/bayeux".parse()?,
//! });
//! let client = Client::new(endpoints, http, clock, "the access token".to_owned().into());
//!
//! let me = client.me().await?;
//! let room = client.resolve("org/room").await?;
//! client.join(&room.id).await?;
//! let sent = client.urgent().send(&room.id, &Draft::new("Hello")).await?;
//! let history = client.background().messages(&room.id, &MessageQuery::before(&sent.id, 100)).await?;
//! println!("{} sees {} messages", me.name(), history.items.len());
//! # Ok(()) }
//! ```
//!
//! To add a call: a method in the file below `client/` that fits, and its recorded cases in `tests/recorded.rs`.

mod budget;
mod client;
mod counters;
mod endpoints;
mod error;
mod http;
mod id;
mod models;
pub mod oauth;
pub mod realtime;

pub use budget::{Budget, BudgetState, Priority};
pub use client::{Client, MessageQuery, ping};
pub use counters::Counters;
pub use endpoints::{Clock, Endpoints};
pub use error::{Effect, Error, NetworkFault, Nonsense};
pub use http::{MAX_ANSWER, configure};
pub use id::{EventId, GroupId, MessageId, RoomId, UserId};
pub use models::{
    Backend, Draft, Event, Group, Issue, Listing, MAX_TEXT, Mention, Message, MessagePatch,
    Profile, Room, RoomPatch, Unread, User, VirtualUser,
};
pub use oauth::{OAuth, OAuthError};
