//! Where a Gitter is.
//!
//! The public service had its parts on hosts of their own; a self-hosted one has them on one. So all are settings.

use std::sync::Arc;

use jiff::Timestamp;
use url::Url;

/// Tells the time. Handed in, so that tests control it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where the parts of a Gitter are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The web site, below which OAuth is: `https://gitter.im`.
    pub web_url: Url,
    /// The REST API with its version: `https://api.gitter.im/v1`.
    pub api_url: Url,
    /// Bayeux, `ws` or `wss` (long-polling uses the same with `http` or `https`): `wss://ws.gitter.im/bayeux`.
    pub realtime_url: Url,
}

impl Endpoints {
    /// A URL as Gitter gives it, perhaps relative to the web site (as pictures of people without one are); `None` if it is
    /// none, or not of the web.
    pub fn absolute(&self, url: &str) -> Option<Url> {
        let url = self.web_url.join(url).ok()?;
        matches!(url.scheme(), "http" | "https").then_some(url)
    }

    /// A URL below one of these. `None` if a segment would lead elsewhere.
    pub(crate) fn below(base: &Url, segments: &[&str]) -> Option<Url> {
        if segments
            .iter()
            .any(|segment| matches!(*segment, "" | "." | ".."))
        {
            return None;
        }
        let mut url = base.clone();
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(segments);
        Some(url)
    }

    /// The realtime URL for HTTP requests.
    pub(crate) fn realtime_http(&self) -> Url {
        let mut url = self.realtime_url.clone();
        let scheme = match url.scheme() {
            "ws" => "http",
            "wss" => "https",
            _ => return url,
        };
        // Cannot fail: all four are "special" schemes, between which a URL may change.
        let _ = url.set_scheme(scheme);
        url
    }
}
