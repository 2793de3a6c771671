//! Login links: a ticket that opens the login page for one Matrix user, for ten minutes.

use remote::Millis;
use ruma::UserId;
use url::Url;

use super::secret;
use crate::{Error, World};

/// How long a link works.
const LIFE: Millis = 10 * 60 * 1000;

/// How long an expired ticket is remembered, so that its page can say that it expired.
const REMEMBERED: Millis = 24 * 60 * 60 * 1000;

/// Makes a link for this user. Earlier ones stay valid for their time: one may stand in a message that is sent twice.
pub(crate) async fn new_link(world: &World, user: &UserId) -> Result<String, Error> {
    let now = world.now();
    world.store.drop_expired_tickets(now - REMEMBERED).await?;
    let ticket = secret::draw(&world.random);
    world
        .store
        .add_ticket(&secret::hash(&ticket), user.as_str(), now + LIFE)
        .await?;
    Ok(page(
        &world.config.public_address,
        &format!("/login/{ticket}"),
    ))
}

/// The page to which the network sends the browser back; the admin registers it there. `public_address` is that of
/// the configuration.
pub fn callback_url(public_address: &Url) -> Url {
    let mut url = public_address.clone();
    url.set_path(&format!(
        "{}/callback",
        public_address.path().trim_end_matches('/')
    ));
    url
}

fn page(public_address: &Url, path: &str) -> String {
    format!("{}{path}", public_address.as_str().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_a_path_in_front() {
        for (public, callback) in [
            ("https://example.org", "https://example.org/callback"),
            (
                "https://example.org/bridge",
                "https://example.org/bridge/callback",
            ),
            (
                "https://example.org/bridge/",
                "https://example.org/bridge/callback",
            ),
            ("http://localhost:8445/", "http://localhost:8445/callback"),
        ] {
            let public = Url::parse(public).unwrap();
            assert_eq!(callback_url(&public).as_str(), callback);
            assert_eq!(page(&public, "/callback"), callback);
        }
    }
}
