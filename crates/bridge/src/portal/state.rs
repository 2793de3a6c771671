//! State events of a portal's room.

use homeserver::StateEvent;
use remote::Room;
use ruma::{RoomId, UserId};
use serde_json::{Value, json};

use super::shown;
use crate::Ctx;

/// Level of the user and the ghosts. Name, topic and picture can be changed with it: what the network does not accept is
/// put back, so that it is told why.
const USER: u8 = 0;

/// Level that the user, who has 0, and the ghosts do not have; the bot does, as the room's creator.
const BOT: u8 = 100;

/// Laid over the homeserver's own power levels. It must not name `users`: up to room version 11 the creator
/// has to stand there, from version 12 on it must not, and Synapse (1.163) does the right thing for each
/// only if it is left alone.
pub(super) fn power_levels() -> Value {
    json!({
        "users_default": 0,
        "events_default": 0,
        "state_default": BOT,
        "invite": BOT,
        "kick": BOT,
        "ban": BOT,
        "redact": BOT,
        // Whether a message rings everybody was decided on the network.
        "notifications": {"room": 0},
        "events": {
            "m.room.name": USER,
            "m.room.topic": USER,
            "m.room.avatar": USER,
            "m.room.canonical_alias": BOT,
            "m.room.power_levels": BOT,
            "m.room.history_visibility": BOT,
            "m.room.join_rules": BOT,
            "m.room.guest_access": BOT,
            "m.room.encryption": BOT,
            "m.room.server_acl": BOT,
            "m.room.tombstone": BOT,
            "m.room.pinned_events": BOT,
            "m.space.parent": BOT,
            "m.bridge": BOT,
            "uk.half-shot.bridge": BOT,
        },
    })
}

/// The power levels of a room in which nothing is said any more.
pub(super) fn silent(mut levels: Value) -> Value {
    if let Some(levels) = levels.as_object_mut() {
        levels.insert("events_default".to_owned(), json!(BOT));
        if let Some(events) = levels.get_mut("events").and_then(Value::as_object_mut) {
            for kind in ["m.room.name", "m.room.topic", "m.room.avatar"] {
                events.insert(kind.to_owned(), json!(BOT));
            }
            // What is allowed apart from the rest.
            events.retain(|_, level| level.as_i64() != Some(i64::from(USER)));
        }
    }
    levels
}

/// State that the room has from the start.
pub(super) fn initial(
    world: &Ctx,
    user: &UserId,
    room: &Room,
    avatar: Option<&str>,
) -> Vec<StateEvent> {
    let mut state = vec![
        plain("m.room.join_rules", json!({"join_rule": "invite"})),
        plain(
            "m.room.history_visibility",
            json!({"history_visibility": "shared"}),
        ),
        plain("m.room.guest_access", json!({"guest_access": "forbidden"})),
    ];
    if let Some(avatar) = avatar {
        state.push(plain("m.room.avatar", json!({"url": avatar})));
    }
    state.extend(bridge(world, user, room));
    state
}

/// What says that, and to what, the room is bridged (MSC2346), under its stable and its unstable name.
pub(super) fn bridge(world: &Ctx, user: &UserId, room: &Room) -> [StateEvent; 2] {
    let network = world.network.info();
    let mut channel = json!({"id": room.id, "displayname": shown::name(room)});
    if let Some(link) = &room.link {
        channel["external_url"] = json!(link);
    }
    let content = json!({
        "bridgebot": world.names.bot(),
        "creator": user,
        "protocol": {"id": network.id, "displayname": network.name, "external_url": network.url},
        "channel": channel,
    });
    let key = format!(
        "{}://{}/{}",
        network.id,
        network.url.host_str().unwrap_or_default(),
        room.id
    );
    ["m.bridge", "uk.half-shot.bridge"].map(|kind| StateEvent {
        kind: kind.to_owned(),
        key: key.clone(),
        content: content.clone(),
    })
}

/// Says that the room belongs to a space (Matrix spec, `m.space.parent`).
pub(super) fn parent(world: &Ctx, space: &RoomId) -> StateEvent {
    StateEvent {
        kind: "m.space.parent".to_owned(),
        key: space.to_string(),
        content: json!({"via": [world.config.domain], "canonical": true}),
    }
}

fn plain(kind: &str, content: Value) -> StateEvent {
    StateEvent {
        kind: kind.to_owned(),
        key: String::new(),
        content,
    }
}
