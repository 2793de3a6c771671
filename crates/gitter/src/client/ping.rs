//! Whether an address is that of a Gitter API.

use http::{Method, header};

use super::{REQUEST, answer, failed};
use crate::http::exchange;
use crate::{Effect, Endpoints, Error};

/// Whether a Gitter API answers at `api_url`. Needs no token and no budget: Gitter refuses `/user/me` without a token in a way
/// of its own (Gitter 21.15, recorded case `auth_no_token`).
///
/// # Errors
/// [`Error::Network`] if nothing answers, [`Error::Protocol`] or another if something else does.
pub async fn ping(endpoints: &Endpoints, http: &reqwest::Client) -> Result<(), Error> {
    let url = Endpoints::below(&endpoints.api_url, &["user", "me"]).ok_or(Error::NotFound)?;
    let request = http
        .request(Method::GET, url)
        .header(header::ACCEPT, "application/json");
    let answer = exchange(request, REQUEST)
        .await
        .map_err(|failure| failed(failure, Effect::None))?;
    match answer::checked(answer, Effect::None) {
        Err(Error::Unauthorised) => Ok(()),
        Err(error) => Err(error),
        // Nobody gets an answer without a token at Gitter.
        Ok(answer) => Err(Error::Protocol {
            what: answer.nonsense(crate::models::Shape::Other),
            effect: Effect::None,
        }),
    }
}
