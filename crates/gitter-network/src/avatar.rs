//! Fetching pictures, from nowhere but where Gitter's pictures are.
//!
//! The address comes from other people, so it could lead into the network the bridge runs in. Only these are asked: the configured
//! hosts and what is below the web site's (Gitter spreads pictures over `avatars-01` and so on), and the sites from which Gitter takes its
//! people's pictures. That goes for each redirect too, and none of their names may lead into a private network (`guard`). To add such a site: a line in [`PUBLIC`].

use std::time::Duration;

use gitter::Endpoints;
use remote::{Fault, Image, RemoteError};
use url::{Host, Url};

use crate::fetch;

/// Sites that serve people's pictures, themselves and all below them; by `https` only.
const PUBLIC: [&str; 7] = [
    "githubusercontent.com",
    "github.com",
    "gitlab.com",
    "gravatar.com",
    "twimg.com",
    "googleusercontent.com",
    "licdn.com",
];

/// How long it may take in all.
const PATIENCE: Duration = Duration::from_secs(30);

/// The side of a picture in pixels, where Gitter is asked.
const SIZE: &str = "256";

const WHAT: &str = "The picture";

/// Fetches a picture of at most `max_bytes`.
pub(crate) async fn fetch(
    http: &reqwest::Client,
    endpoints: &Endpoints,
    url: &str,
    max_bytes: usize,
) -> Result<Image, RemoteError> {
    let fetched = tokio::time::timeout(PATIENCE, follow(http, endpoints, url, max_bytes)).await;
    fetched.unwrap_or_else(|_| Err(fetch::late(WHAT)))
}

async fn follow(
    http: &reqwest::Client,
    endpoints: &Endpoints,
    url: &str,
    max_bytes: usize,
) -> Result<Image, RemoteError> {
    let mut url = endpoints
        .absolute(url)
        .ok_or_else(|| fetch::elsewhere(WHAT))?;
    if is_own(&url, endpoints) && !url.query_pairs().any(|(name, _)| name == "s") {
        url.query_pairs_mut().append_pair("s", SIZE);
    }
    let known = |url: &Url| is_own(url, endpoints) || is_public(url);
    let response = fetch::open(http, url, WHAT, "image/*", known).await?;
    read(response, max_bytes).await
}

async fn read(mut response: reqwest::Response, max_bytes: usize) -> Result<Image, RemoteError> {
    let too_large = || RemoteError::new(Fault::TooLarge, "The picture is too large");
    let said = response.content_length().unwrap_or_default();
    if usize::try_from(said).is_ok_and(|said| said > max_bytes) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|_| fetch::unreachable(WHAT))?
    {
        if bytes.len() + chunk.len() > max_bytes {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    let mime = mime(&bytes)
        .ok_or_else(|| RemoteError::new(Fault::Rejected, "What came is not a picture"))?;
    Ok(Image {
        bytes,
        mime: mime.to_owned(),
    })
}

/// What the first bytes say, since what the server says may be anything. No SVG: that is a program.
fn mime(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => None,
    }
}

/// Whether the address belongs to this Gitter: one of its origins, or a host below the web site's.
pub(crate) fn is_own(url: &Url, endpoints: &Endpoints) -> bool {
    let origin = url.origin();
    if origin == endpoints.web_url.origin() || origin == endpoints.api_url.origin() {
        return true;
    }
    match (url.host(), endpoints.web_url.host()) {
        (Some(Host::Domain(host)), Some(Host::Domain(site))) => {
            is_below(host, site)
                && url.scheme() == endpoints.web_url.scheme()
                && url.port().is_none()
        }
        _ => false,
    }
}

fn is_public(url: &Url) -> bool {
    let Some(Host::Domain(host)) = url.host() else {
        return false;
    };
    url.scheme() == "https"
        && url.port().is_none()
        && PUBLIC
            .iter()
            .any(|site| host == *site || is_below(host, site))
}

fn is_below(host: &str, site: &str) -> bool {
    host.strip_suffix(site)
        .is_some_and(|front| front.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(endpoints: &Endpoints, url: &str) -> bool {
        let url = url.parse().unwrap();
        is_own(&url, endpoints) || is_public(&url)
    }

    #[test]
    fn pictures_come_from_known_places_only() {
        let public = Endpoints {
            web_url: "https://gitter.im".parse().unwrap(),
            api_url: "https://api.gitter.im/v1".parse().unwrap(),
            realtime_url: "wss://ws.gitter.im/bayeux".parse().unwrap(),
        };
        for url in [
            "https://gitter.im/api/private/user-avatar/x",
            "https://avatars-05.gitter.im/gh/uv/3/x",
            "https://avatars2.githubusercontent.com/u/1?v=4",
            "https://secure.gravatar.com/avatar/x",
            "https://gitlab.com/uploads/-/system/user/avatar/3/avatar.png",
            "https://pbs.twimg.com/profile_images/4/d_bigger.png",
        ] {
            assert!(allowed(&public, url), "{url}");
        }
        for url in [
            "http://avatars2.githubusercontent.com/u/1",
            "https://githubusercontent.com.evil.example/",
            "https://evilgitter.im/",
            "https://gitter.im:8443/",
            "http://gitter.im/",
            "http://127.0.0.1/",
            "https://[::1]/",
            "http://169.254.169.254/latest",
            "https://localhost/",
        ] {
            assert!(!allowed(&public, url), "{url}");
        }
        let local = Endpoints {
            web_url: "http://127.0.0.1:5000".parse().unwrap(),
            api_url: "http://127.0.0.1:5000/api/v1".parse().unwrap(),
            realtime_url: "ws://127.0.0.1:5000/bayeux".parse().unwrap(),
        };
        assert!(allowed(
            &local,
            "http://127.0.0.1:5000/api/private/avatars/g/u/x"
        ));
        assert!(!allowed(&local, "http://127.0.0.1:5001/"));
    }

    #[test]
    fn a_picture_is_known_by_its_first_bytes() {
        assert_eq!(mime(b"\x89PNG\r\n\x1a\n"), Some("image/png"));
        assert_eq!(mime(b"RIFF\x00\x00\x00\x00WEBPVP8 "), Some("image/webp"));
        assert_eq!(mime(b"<svg xmlns="), None);
        assert_eq!(mime(b""), None);
    }
}
