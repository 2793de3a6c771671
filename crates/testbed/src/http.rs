//! The one place where the test bed makes HTTP clients.

use std::time::Duration;

use anyhow::Context as _;

/// A client which follows no redirect by itself and waits up to 90 s.
///
/// Each test needs one of its own: pooled connections end with the runtime they were made on.
#[expect(
    clippy::disallowed_methods,
    reason = "a test bed has nobody to hand it one"
)]
pub fn client() -> anyhow::Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(90))
        .no_proxy()
        .user_agent("matrix-gitter-testbed")
        .build()
        .context("cannot make an HTTP client")
}

/// Random bytes as hexadecimal digits: names and secrets which differ from test to test.
#[expect(
    clippy::disallowed_methods,
    reason = "a test bed has nobody to hand it a generator"
)]
pub fn random_hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    rand::Rng::fill(&mut rand::rng(), random.as_mut_slice());
    hex::encode(random)
}
