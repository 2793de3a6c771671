//! Whether a request really comes from our homeserver.

use http::{HeaderMap, Uri, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::problem::Problem;

/// Checks the token in the `Authorization` header, or in the query where older homeservers put it.
///
/// Digests are compared, not the tokens, so that not even the length can be measured.
pub(super) fn check(headers: &HeaderMap, uri: &Uri, token: &SecretString) -> Result<(), Problem> {
    let header = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, given)| given.trim().to_owned());
    let given = header.or_else(|| {
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .find(|(key, _)| key == "access_token")
            .map(|(_, value)| value.into_owned())
    });
    let given = given.ok_or_else(Problem::no_token)?;
    let expected = Sha256::digest(token.expose_secret());
    let same: bool = Sha256::digest(&given)
        .as_slice()
        .ct_eq(expected.as_slice())
        .into();
    if same {
        Ok(())
    } else {
        Err(Problem::wrong_token())
    }
}
