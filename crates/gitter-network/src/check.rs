//! What an admin can get wrong about Gitter, checked from outside.

use gitter::{Endpoints, Error, NetworkFault, OAuth, OAuthError, realtime};
use remote::{Check, Complaint};
use url::Url;

use crate::fault;

/// Looks at all of it.
pub(crate) async fn all(
    endpoints: &Endpoints,
    http: &reqwest::Client,
    oauth: &OAuth,
    callback: &Url,
) -> Vec<Check> {
    let (api, realtime, client) = tokio::join!(
        gitter::ping(endpoints, http),
        realtime::ping(endpoints, http),
        oauth.verify(callback.as_str()),
    );
    vec![
        reachable("Gitter's API", "network.api_url", &endpoints.api_url, api),
        reachable(
            "Gitter's realtime service",
            "network.realtime_url",
            &endpoints.realtime_url,
            realtime,
        ),
        known(endpoints, callback, client),
    ]
}

fn reachable(what: &str, setting: &str, url: &Url, result: Result<(), Error>) -> Check {
    let result = match result {
        Ok(()) => Ok(format!("answers at {url}")),
        Err(error) => {
            let advice = match &error {
                Error::Network {
                    what: NetworkFault::Certificate,
                    ..
                } => certificate(setting, url),
                Error::Network { .. } => {
                    format!("see that {setting} is right and that this machine can reach {url}")
                }
                Error::ServerFault { .. } => {
                    "wait until Gitter has recovered, and check again".to_owned()
                }
                _ => format!("see that {setting} is right; {url} is something else"),
            };
            Err(Complaint {
                only_warning: false,
                problem: fault::from(error).sentence,
                advice,
            })
        }
    };
    Check {
        what: what.to_owned(),
        result,
    }
}

/// What to do about a certificate.
fn certificate(setting: &str, url: &Url) -> String {
    format!(
        "see that {setting} names the host as the certificate of {url} does, and that it has not expired; if an authority of \
         your own signed it, add that to the machine's certificates or name its file in SSL_CERT_FILE"
    )
}

fn known(endpoints: &Endpoints, callback: &Url, result: Result<(), OAuthError>) -> Check {
    let complaint = |only_warning, problem: String, advice: String| {
        Err(Complaint {
            only_warning,
            problem,
            advice,
        })
    };
    let result = match result {
        Ok(()) => Ok(format!(
            "known to Gitter; its redirect URL has to be {callback}"
        )),
        Err(OAuthError::Client) => complaint(
            false,
            "Gitter does not know this OAuth client, or its secret is wrong".to_owned(),
            format!(
                "register an app at Gitter with the redirect URL {callback}, and put its key and secret into network.client_id \
                 and network.client_secret"
            ),
        ),
        Err(OAuthError::Request(
            error @ Error::Network {
                what: NetworkFault::Certificate,
                ..
            },
        )) => complaint(
            false,
            fault::from(error).sentence,
            certificate("network.web_url", &endpoints.web_url),
        ),
        Err(OAuthError::Request(error)) => complaint(
            false,
            fault::from(error).sentence,
            format!(
                "see that network.web_url is right and that this machine can reach {}",
                endpoints.web_url
            ),
        ),
        Err(error @ (OAuthError::Denied | OAuthError::Stale | OAuthError::Rejected { .. })) => {
            complaint(
                true,
                error.to_string(),
                "see that network.web_url leads to a Gitter".to_owned(),
            )
        }
    };
    Check {
        what: "Gitter's OAuth client".to_owned(),
        result,
    }
}
