//! A setting that must never be shown.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// A secret from the configuration. Its `Debug` shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// The secret itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// The same, for those who keep it.
    pub(crate) fn to_secret_string(&self) -> SecretString {
        SecretString::from(self.0.clone())
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self(secret.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "(none)"
        } else {
            "(hidden)"
        })
    }
}
