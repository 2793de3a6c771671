//! What comes from the machine: wall clock, randomness, HTTP client. Made here and handed to everything else.

use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::exit::{Failure, Status};

/// Milliseconds since 1970-01-01 UTC, by the machine's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the wall clock"
)]
pub(crate) fn now_millis() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |elapsed| {
        i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
    })
}

/// The clock that the bridge is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl bridge::Clock for SystemClock {
    fn now(&self) -> remote::Millis {
        now_millis()
    }
}

/// A generator seeded by the operating system; good for secrets.
pub(crate) fn random() -> StdRng {
    StdRng::from_os_rng()
}

/// What every request says of us.
const USER_AGENT: &str = concat!("matrix-gitter/", env!("CARGO_PKG_VERSION"));
/// How long a connection to the homeserver may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Idle connections are kept a little while for the next message and then given back, since each costs memory on both sides.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// The HTTP client for the homeserver. It follows no redirects, which would carry the token elsewhere.
pub(crate) fn homeserver_http() -> Result<reqwest::Client, Failure> {
    let builder = builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(8)
        .redirect(reqwest::redirect::Policy::none());
    build(builder)
}

/// The HTTP client for the remote network, set as its library wants it.
pub(crate) fn network_http(network: &gitter_network::Config) -> Result<reqwest::Client, Failure> {
    build(gitter_network::configure(builder(), network))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that makes HTTP clients"
)]
fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder().user_agent(USER_AGENT)
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, Failure> {
    builder.build().map_err(|error| {
        Failure::new(
            Status::Failed,
            format!("the HTTP client cannot be set up: {error}"),
        )
    })
}
