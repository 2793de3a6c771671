//! What the web pages are told.

use remote::NetworkInfo;
use ruma::OwnedUserId;
use url::Url;

/// The same for everybody.
#[derive(Clone, Debug)]
pub struct About {
    /// What the network is called.
    pub network: NetworkInfo,
    /// The bot to write to.
    pub bot: OwnedUserId,
    /// Origins that a login passes through, beside our own.
    pub login_origins: Vec<String>,
}

/// Whose login link it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketView {
    /// The Matrix user who will get access.
    pub mxid: String,
    /// To what.
    pub network_name: String,
}

/// A login that was started.
#[derive(Clone, PartialEq, Eq)]
pub struct Started {
    /// The network's page to send the browser to.
    pub url: Url,
    /// The value for the browser's cookie; a secret.
    pub browser: String,
}

/// A login that waits for its confirmation. Nothing is stored yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Pending {
    /// The Matrix user who will get access.
    pub mxid: String,
    /// The name people see on the network.
    pub display_name: String,
    /// Username there, without `@`.
    pub username: String,
    /// What the confirmation has to bring along; a secret.
    pub confirm: String,
}

/// A login that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The Matrix user who has access now.
    pub mxid: String,
    /// Username on the network, without `@`.
    pub username: String,
    /// The bot to write to.
    pub bot: OwnedUserId,
}
