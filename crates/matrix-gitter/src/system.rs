//! What comes from the machine: wall clock, randomness, HTTP client. Made here and handed to everything else.

use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::exit::{Failure, Status};

/// How long a connection to another server may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a whole request may take. A homeserver that is busy joining a room can take most of a minute.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);
/// Idle connections are kept a little while for the next message and then given back, since each costs memory on both sides.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Milliseconds since 1970-01-01 UTC, by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "the one place that asks the wall clock")]
pub(crate) fn now_millis() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |elapsed| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
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

/// The one HTTP client of the program. Redirects are left to those who ask, since they know where a token may go.
#[expect(clippy::disallowed_methods, reason = "the one place that builds an HTTP client")]
pub(crate) fn http_client() -> Result<reqwest::Client, Failure> {
    reqwest::Client::builder()
        .user_agent(concat!("matrix-gitter/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(4)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| {
            Failure::new(Status::Failed, format!("the HTTP client cannot be set up: {error}"))
        })
}
