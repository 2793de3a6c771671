//! The cookie that ties a login to the browser which started it.

use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};

use crate::Address;

/// The value the browser brought along, if any.
pub(crate) fn read<'a>(jar: &'a CookieJar, address: &Address) -> Option<&'a str> {
    jar.get(name(address)).map(Cookie::value)
}

/// Sets the cookie. It ends with the browser's session; what it unlocks ends long before.
pub(crate) fn write(jar: CookieJar, address: &Address, value: String) -> CookieJar {
    let cookie = Cookie::build((name(address), value))
        .path(address.cookie_path().to_owned())
        .http_only(true)
        .secure(address.is_secure())
        // The network's redirect to our callback is a navigation from another site: `Strict` would lose the cookie there.
        .same_site(SameSite::Lax)
        .build();
    jar.add(cookie)
}

/// Browsers themselves enforce what these prefixes promise (RFC 6265bis, section 4.1.3): https, and no neighbour that sets it.
fn name(address: &Address) -> &'static str {
    match (address.is_secure(), address.prefix().is_empty()) {
        (true, true) => "__Host-bridge-login",
        (true, false) => "__Secure-bridge-login",
        (false, _) => "bridge-login",
    }
}
