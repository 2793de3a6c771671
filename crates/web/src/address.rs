//! Where the pages stand, as the browser sees it.

use url::Url;

/// The public address cannot carry pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the public address must begin with http:// or https:// and have no query")]
pub struct UnusableAddress;

/// The public address, taken apart. Every link and cookie is made here, so that a path in front is never forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    base: Url,
    prefix: String,
}

impl Address {
    /// Takes `web.public_address`, with or without a slash at its end.
    ///
    /// # Errors
    /// When it is not plain http or https, or has a query or a fragment.
    pub fn new(public: &Url) -> Result<Self, UnusableAddress> {
        let plain = matches!(public.scheme(), "http" | "https")
            && public.has_host()
            && public.query().is_none()
            && public.fragment().is_none();
        if !plain {
            return Err(UnusableAddress);
        }
        Ok(Self {
            base: public.clone(),
            prefix: public.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The path in front of all pages, without a slash at its end; empty when there is none.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether browsers reach us by https, so that cookies can insist on it.
    pub fn is_secure(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// A page's path as the browser has to ask for it. `path` begins with a slash.
    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// A page's whole address. `path` begins with a slash.
    pub fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&self.path(path));
        url
    }

    /// The path that the cookie is limited to.
    pub fn cookie_path(&self) -> &str {
        if self.prefix.is_empty() {
            "/"
        } else {
            &self.prefix
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(public: &str) -> Address {
        Address::new(&Url::parse(public).unwrap()).unwrap()
    }

    #[test]
    fn a_path_in_front_is_kept_once() {
        for public in ["https://example.org/bridge", "https://example.org/bridge/"] {
            let address = address(public);
            assert_eq!(address.path("/login/x"), "/bridge/login/x");
            assert_eq!(
                address.url("/callback").as_str(),
                "https://example.org/bridge/callback"
            );
            assert_eq!(address.cookie_path(), "/bridge");
        }
    }

    #[test]
    fn without_a_path_pages_stand_at_the_root() {
        let address = address("http://localhost:8445");
        assert_eq!(address.path("/"), "/");
        assert_eq!(
            address.url("/callback").as_str(),
            "http://localhost:8445/callback"
        );
        assert_eq!(address.cookie_path(), "/");
        assert!(!address.is_secure());
    }

    #[test]
    fn what_cannot_carry_pages_is_refused() {
        for public in [
            "ftp://example.org",
            "mailto:a@example.org",
            "https://example.org/?a=b",
            "https://example.org/#a",
        ] {
            assert_eq!(
                Address::new(&Url::parse(public).unwrap()),
                Err(UnusableAddress),
                "{public}"
            );
        }
    }
}
