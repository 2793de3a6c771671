//! Compares what was read with the JSON it was read from, field by field and by other means than the library's.

use gitter::{Group, Message, Profile, Room, User};
use jiff::Timestamp;
use serde_json::Value;

/// A text of the JSON, or `None` where it is missing or something else.
fn text(json: &Value, key: &str) -> Option<String> {
    json.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn flag(json: &Value, key: &str) -> bool {
    json.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn number(json: &Value, key: &str) -> Option<u64> {
    json.get(key).and_then(Value::as_u64)
}

fn time(json: &Value, key: &str) -> Option<Timestamp> {
    text(json, key).map(|time| time.parse().unwrap())
}

fn length(json: &Value, key: &str) -> usize {
    json.get(key).and_then(Value::as_array).map_or(0, Vec::len)
}

pub(crate) fn user(user: &User, json: &Value) {
    assert_eq!(Some(user.id.as_str()), json["id"].as_str());
    assert_eq!(Some(user.username.as_str()), json["username"].as_str());
    assert_eq!(user.display_name, text(json, "displayName"));
    assert_eq!(user.url, text(json, "url"));
    assert_eq!(user.avatar_url, text(json, "avatarUrl"));
    assert_eq!(user.avatar_url_small, text(json, "avatarUrlSmall"));
    assert_eq!(user.avatar_url_medium, text(json, "avatarUrlMedium"));
    assert_eq!(user.gv, text(json, "gv"));
    assert_eq!(user.v, number(json, "v"));
    assert_eq!(
        user.is_admin(),
        text(json, "role").as_deref() == Some("admin")
    );
    assert_eq!(user.removed, flag(json, "removed"));
    assert_eq!(user.providers.len(), length(json, "providers"));
    assert!(!user.name().is_empty());
}

pub(crate) fn profile(profile: &Profile, json: &Value) {
    assert_eq!(
        profile.id.as_ref().map(|id| id.as_str().to_owned()),
        text(json, "id")
    );
    assert_eq!(Some(profile.username.as_str()), json["username"].as_str());
    assert_eq!(profile.display_name, text(json, "displayName"));
    assert_eq!(profile.has_gitter_login, flag(json, "has_gitter_login"));
    assert_eq!(profile.gv, text(json, "gv"));
    assert_eq!(profile.gravatar_image_url, text(json, "gravatarImageUrl"));
    assert_eq!(profile.company, text(json, "company"));
}

pub(crate) fn group(group: &Group, json: &Value) {
    assert_eq!(Some(group.id.as_str()), json["id"].as_str());
    assert_eq!(group.name, text(json, "name"));
    assert_eq!(group.uri, text(json, "uri"));
    assert_eq!(group.avatar_url, text(json, "avatarUrl"));
    assert_eq!(
        group
            .backed_by
            .as_ref()
            .and_then(|backend| backend.kind.clone()),
        json.get("backedBy")
            .and_then(|backend| text(backend, "type"))
    );
}

pub(crate) fn room(room: &Room, json: &Value) {
    assert_eq!(Some(room.id.as_str()), json["id"].as_str());
    assert_eq!(room.name, text(json, "name"));
    assert_eq!(room.uri, text(json, "uri"));
    assert_eq!(room.url, text(json, "url"));
    assert_eq!(room.topic, text(json, "topic").unwrap_or_default());
    assert_eq!(room.one_to_one, flag(json, "oneToOne"));
    assert_eq!(room.user.is_some(), json.get("user").is_some());
    if let Some(other) = &room.user {
        user(other, &json["user"]);
    }
    assert_eq!(room.one_to_one, room.uri.is_none());
    assert_eq!(room.user_count, number(json, "userCount"));
    assert_eq!(room.avatar_url, text(json, "avatarUrl"));
    assert_eq!(room.unread_items, number(json, "unreadItems"));
    assert_eq!(room.mentions, number(json, "mentions"));
    assert_eq!(room.last_access_time, time(json, "lastAccessTime"));
    assert_eq!(room.favourite, number(json, "favourite"));
    assert_eq!(room.lurk, flag(json, "lurk"));
    assert_eq!(room.is_public(), flag(json, "public"));
    assert_eq!(room.security, text(json, "security"));
    assert_eq!(
        room.room_member,
        json.get("roomMember").and_then(Value::as_bool)
    );
    let admin = json
        .get("permissions")
        .and_then(|permissions| permissions["admin"].as_bool());
    assert_eq!(room.is_admin(), admin);
    assert_eq!(
        room.group_id.as_ref().map(|id| id.as_str().to_owned()),
        text(json, "groupId")
    );
    assert_eq!(
        room.group.is_some(),
        json.get("group").is_some_and(Value::is_object)
    );
    if let Some(of) = &room.group {
        group(of, &json["group"]);
    }
    assert_eq!(room.associated_repo, text(json, "associatedRepo"));
    assert_eq!(room.tags.len(), length(json, "tags"));
    assert_eq!(room.v, number(json, "v"));
}

pub(crate) fn message(message: &Message, json: &Value) {
    assert_eq!(Some(message.id.as_str()), json["id"].as_str());
    assert_eq!(message.text, text(json, "text").unwrap());
    assert_eq!(message.html, text(json, "html").unwrap());
    assert_eq!(Some(message.sent), time(json, "sent"));
    assert_eq!(message.edited_at, time(json, "editedAt"));
    assert_eq!(message.from_user.is_some(), json.get("fromUser").is_some());
    if let Some(sender) = &message.from_user {
        user(sender, &json["fromUser"]);
    }
    assert_eq!(message.unread, json.get("unread").and_then(Value::as_bool));
    assert_eq!(message.read_by, number(json, "readBy"));
    assert_eq!(message.mentions.len(), length(json, "mentions"));
    for (mention, json) in message
        .mentions
        .iter()
        .zip(json["mentions"].as_array().unwrap())
    {
        assert_eq!(
            Some(mention.screen_name.as_str()),
            json["screenName"].as_str()
        );
        assert_eq!(
            mention.user_id.as_ref().map(|id| id.as_str().to_owned()),
            text(json, "userId")
        );
        assert_eq!(mention.user_ids.len(), length(json, "userIds"));
        assert_eq!(mention.group, flag(json, "group"));
        assert_eq!(mention.announcement, flag(json, "announcement"));
    }
    assert_eq!(message.issues.len(), length(json, "issues"));
    for (issue, json) in message
        .issues
        .iter()
        .zip(json["issues"].as_array().unwrap())
    {
        assert_eq!(issue.number, text(json, "number"));
        assert_eq!(issue.repo, text(json, "repo"));
    }
    assert_eq!(message.urls().count(), length(json, "urls"));
    for (url, json) in message.urls().zip(json["urls"].as_array().unwrap()) {
        assert_eq!(Some(url), json["url"].as_str());
    }
    assert_eq!(
        message.parent_id.as_ref().map(|id| id.as_str().to_owned()),
        text(json, "parentId")
    );
    assert_eq!(
        message.thread_message_count,
        number(json, "threadMessageCount")
    );
    assert_eq!(message.status, flag(json, "status"));
    assert_eq!(message.v, number(json, "v"));
    assert_eq!(
        message.virtual_user.is_some(),
        json.get("virtualUser").is_some()
    );
    if let Some(author) = &message.virtual_user {
        assert_eq!(
            Some(author.kind.as_str()),
            json["virtualUser"]["type"].as_str()
        );
        assert_eq!(
            Some(author.external_id.as_str()),
            json["virtualUser"]["externalId"].as_str()
        );
    }
    assert_eq!(message.is_blanked(), json["text"] == "");
}
