//! Logins: how somebody gets in, and the connection each login keeps.
//!
//! [`Logins`] is the road the web pages walk: a link from the bot, the network's own page, back, confirmed.
//! [`Connections`] holds a task for each login; `rooms` decides which rooms a user is invited to.
//!
//! To add a step to the road: a function in `flow`, its page in `web`, its failures in [`LinkProblem`].

mod connection;
mod connections;
mod expiry;
mod flow;
mod jobs;
mod link;
mod logout;
mod pending;
mod problem;
mod progress;
mod rooms;
mod secret;
mod view;
mod welcome;

pub use connections::{Connections, Status};
pub use expiry::expire;
pub use flow::Logins;
pub use link::callback_url;
pub(crate) use link::new_link;
pub(crate) use logout::{LoggedOut, log_out};
pub use problem::LinkProblem;
pub(crate) use rooms::{compare_again, invite_all, room_added, room_removed};
pub use view::{About, Connected, Pending, Started, TicketView};
