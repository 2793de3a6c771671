//! People.

use serde::Deserialize;

use super::lenient;
use crate::UserId;

/// A person, as in messages, member lists and `/user/me` (Gitter 21.15, recorded cases `auth_user_me`, `members_list`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Stable id.
    pub id: UserId,
    /// Unique, as typed in mentions (where its case matters); changes when the person is renamed elsewhere.
    pub username: String,
    /// The name people see. Missing in slim forms: use [`User::name`].
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub display_name: Option<String>,
    /// Path of their page: `/` and the username.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub url: Option<String>,
    /// Picture; takes `?s=<pixels>`. The host changes, so compare paths.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub avatar_url: Option<String>,
    /// Picture of 60 pixels; may be a path relative to the web site, see [`Endpoints::absolute`](crate::Endpoints::absolute).
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub avatar_url_small: Option<String>,
    /// Picture of 128 pixels; may be a path relative to the web site.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub avatar_url_medium: Option<String>,
    /// Version of the picture, for some.
    #[serde(default, deserialize_with = "lenient::text")]
    pub gv: Option<String>,
    /// Version of this model.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub v: Option<u64>,
    /// `admin` in a member list, for those who are.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub role: Option<String>,
    /// Online, in a member list.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub online: bool,
    /// Works for Gitter.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub staff: bool,
    /// The account was deleted. Its messages remain, and it can come back with the same id.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub removed: bool,
    /// Where the person logs in, such as `github`; only for oneself.
    #[serde(default, deserialize_with = "lenient::list")]
    pub providers: Vec<String>,
}

impl User {
    /// The name people see; the username where there is no other.
    pub fn name(&self) -> &str {
        self.display_name
            .as_deref()
            .filter(|name| !name.is_empty())
            .unwrap_or(&self.username)
    }

    /// May administer the room whose member list this is from.
    pub fn is_admin(&self) -> bool {
        self.role.as_deref() == Some("admin")
    }
}

/// A person's public profile (Gitter 21.15, recorded case `user_profile`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Stable id; missing for somebody who is on GitHub only.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub id: Option<UserId>,
    /// Username.
    pub username: String,
    /// The name people see.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub display_name: Option<String>,
    /// Has an account at Gitter.
    #[serde(
        default,
        rename = "has_gitter_login",
        deserialize_with = "lenient::or_default"
    )]
    pub has_gitter_login: bool,
    /// The account was deleted.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub removed: bool,
    /// Version of the picture, for some.
    #[serde(default, deserialize_with = "lenient::text")]
    pub gv: Option<String>,
    /// Picture, for others.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub gravatar_image_url: Option<String>,
    /// Page elsewhere.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub profile: Option<String>,
    /// Employer, in the person's words.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub company: Option<String>,
    /// Place, in the person's words.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub location: Option<String>,
    /// Web site.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub website: Option<String>,
}
