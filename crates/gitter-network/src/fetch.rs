//! Asking for something at an address that other people chose.

use std::time::Duration;

use http::header;
use remote::{Fault, RemoteError};
use reqwest::Response;
use url::Url;

/// How many redirects are followed.
const HOPS: usize = 5;

/// How long the next piece of an answer may take, its beginning included.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Opens an address, and those it leads to as long as they are allowed. `what` is what is fetched, in words: `The picture`.
pub(crate) async fn open(
    http: &reqwest::Client,
    mut url: Url,
    what: &str,
    accept: &'static str,
    allowed: impl Fn(&Url) -> bool,
) -> Result<Response, RemoteError> {
    for _ in 0..=HOPS {
        if !allowed(&url) || has_credentials(&url) {
            return Err(elsewhere(what));
        }
        let request = http.get(url.clone()).header(header::ACCEPT, accept);
        let response = tokio::time::timeout(PATIENCE, request.send())
            .await
            .map_err(|_| late(what))?
            .map_err(|_| unreachable(what))?;
        let status = response.status();
        if status.is_redirection() {
            let target = response
                .headers()
                .get(header::LOCATION)
                .and_then(|target| target.to_str().ok());
            url = target
                .and_then(|target| url.join(target).ok())
                .ok_or_else(|| elsewhere(what))?;
            continue;
        }
        if status.is_server_error() {
            return Err(RemoteError::new(
                Fault::Unavailable,
                format!("{what} did not come (error {status})"),
            ));
        }
        if !status.is_success() {
            return Err(RemoteError::new(
                Fault::NotFound,
                format!("{what} is not there"),
            ));
        }
        return Ok(response);
    }
    Err(RemoteError::new(
        Fault::Rejected,
        format!("The address of {} leads in circles", what.to_lowercase()),
    ))
}

/// Whether the address has a name or a password in it, which would be sent there. No file or picture of Gitter's has.
pub(crate) fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// It is not where such things are.
pub(crate) fn elsewhere(what: &str) -> RemoteError {
    RemoteError::new(
        Fault::Rejected,
        format!("{what} is not where Gitter has such things"),
    )
}

/// The way there is out of order.
pub(crate) fn unreachable(what: &str) -> RemoteError {
    RemoteError::new(Fault::Unavailable, format!("{what} cannot be fetched"))
}

/// It takes too long.
pub(crate) fn late(what: &str) -> RemoteError {
    RemoteError::new(Fault::Unavailable, format!("{what} takes too long to come"))
}
