//! Rooms and the communities they belong to.

use jiff::Timestamp;
use serde::Deserialize;

use super::{User, lenient};
use crate::{GroupId, RoomId};

/// A room, as its caller sees it (Gitter 21.15, recorded cases `rooms_list`, `rooms_show_member`, `rooms_show_onetoone`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// Stable id.
    pub id: RoomId,
    /// A label for people, not an address: name of the community and last part of the uri, or the other one's display name.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub name: Option<String>,
    /// `org/room`; a one-to-one has none.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub uri: Option<String>,
    /// Path on the web site: `/` and the uri, or the other one's username.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub url: Option<String>,
    /// Plain text as typed; empty where there is none.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub topic: String,
    /// A conversation of two.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub one_to_one: bool,
    /// The other one, in a one-to-one.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub user: Option<User>,
    /// How many members; a cached figure which may be off.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub user_count: Option<u64>,
    /// Picture.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub avatar_url: Option<String>,
    /// How many unread messages the caller has here.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub unread_items: Option<u64>,
    /// In how many of them he is mentioned.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub mentions: Option<u64>,
    /// When the caller last looked; missing if never, or if the room is hidden.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub last_access_time: Option<Timestamp>,
    /// Place among the caller's favourites.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub favourite: Option<u64>,
    /// The caller has muted it.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub lurk: bool,
    /// Whether everybody can read it. Missing in some old shapes: use [`Room::is_public`].
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub public: Option<bool>,
    /// `PUBLIC`, `PRIVATE` or `INHERITED`: an old guess. A one-to-one has none.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub security: Option<String>,
    /// Old guess at the kind, such as `REPO_CHANNEL`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub github_type: Option<String>,
    /// Whether the caller is in it. Missing where the room is not told to anybody in particular.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub room_member: Option<bool>,
    /// What the caller may do; only where Gitter thinks it is asked for.
    #[serde(default, deserialize_with = "lenient::or_default")]
    permissions: Option<Permissions>,
    /// Its community.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub group_id: Option<GroupId>,
    /// Its community, when the room was shown, resolved or joined.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub group: Option<Group>,
    /// What decides who may enter, when the room was shown, joined or updated.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub backend: Option<Backend>,
    /// The repository that belongs to it, `owner/repo`: what `#12` in it refers to.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub associated_repo: Option<String>,
    /// Tags.
    #[serde(default, deserialize_with = "lenient::list")]
    pub tags: Vec<String>,
    /// Where one has to log in to write, such as `github`; nobody is kept out if empty.
    #[serde(default, deserialize_with = "lenient::list")]
    pub providers: Vec<String>,
    /// Version of this model.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub v: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
struct Permissions {
    #[serde(default, deserialize_with = "lenient::or_default")]
    admin: bool,
}

impl Room {
    /// Whether everybody can read it.
    pub fn is_public(&self) -> bool {
        self.public
            .unwrap_or(!self.one_to_one && self.security.as_deref() == Some("PUBLIC"))
    }

    /// Whether the caller may administer it; `None` where Gitter did not say.
    pub fn is_admin(&self) -> Option<bool> {
        self.permissions.map(|permissions| permissions.admin)
    }
}

/// What changed in a room, told by realtime (Gitter 21.15, recorded sessions `ws_room_channels`, `ws_removed`).
/// What is `None` stayed as it was.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomPatch {
    /// Which.
    pub id: RoomId,
    /// New topic; empty if it was taken away.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub topic: Option<String>,
    /// Unread messages of the user.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub unread_items: Option<u64>,
    /// Mentions among them.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub mentions: Option<u64>,
    /// When the user last looked.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub last_access_time: Option<Timestamp>,
    /// Muted or no longer so.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub lurk: Option<bool>,
}

/// A community (Gitter 21.15, recorded case `groups_list`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Stable id.
    pub id: GroupId,
    /// Name for people.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub name: Option<String>,
    /// First part of the uris of its rooms.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub uri: Option<String>,
    /// Its page.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub home_uri: Option<String>,
    /// What it belongs to elsewhere.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub backed_by: Option<Backend>,
    /// Picture.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub avatar_url: Option<String>,
}

/// What a room or a community belongs to elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backend {
    /// Such as `GH_REPO`, `GL_GROUP`, `GROUP`; `None` if nothing.
    #[serde(default, rename = "type", deserialize_with = "lenient::or_default")]
    pub kind: Option<String>,
    /// Path there, `owner/repo`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub link_path: Option<String>,
}
