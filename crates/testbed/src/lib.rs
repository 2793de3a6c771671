//! Real parts for tests and the demo: Synapse in a venv, PostgreSQL on a socket, a Matrix user, a browser, a client
//! for it.
//!
//! Everything listens on loopback or on a socket in a directory of its own, and nothing outlives the process which
//! started it, not even when that process is killed (see [`guardian`]).
//! One more part is one more module here: start it with [`process::Process`], give it a directory from [`scratch`],
//! and let [`debian`] see to the packages it needs.

pub mod bridge;
pub mod browser;
pub mod debian;
pub mod guardian;
pub mod http;
pub mod login;
mod logs;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod progress;
pub mod scratch;
pub mod synapse;
pub mod tls;
pub mod user;
pub mod visitor;
pub mod web_client;
