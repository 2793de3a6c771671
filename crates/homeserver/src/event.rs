//! Events as the homeserver sends them.
//!
//! They come from anybody's client, so nothing about them is taken for granted. One more field to be read is one more
//! field in [`IncomingEvent`] and in `Wire`.

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::Deserialize;
use serde_json::Value;

/// One event of a room (Matrix spec, client-server API, "Room event format").
#[derive(Clone, Debug, PartialEq)]
pub struct IncomingEvent {
    /// Its id.
    pub event_id: OwnedEventId,
    /// Where it happened. Opaque: room version 12 has ids without a domain.
    pub room_id: OwnedRoomId,
    /// Who sent it.
    pub sender: OwnedUserId,
    /// Event type, such as `m.room.message`.
    pub kind: String,
    /// `Some` for state, even if empty.
    pub state_key: Option<String>,
    /// When it was sent as its homeserver says, in milliseconds since 1970; 0 if it does not say.
    pub ts: i64,
    /// Always an object.
    pub content: Value,
    /// What a redaction takes back. It stands beside `content` up to room version 10, and inside since.
    pub redacts: Option<OwnedEventId>,
    /// What the homeserver adds, such as `prev_content`; `Null` if nothing.
    pub unsigned: Value,
}

/// Something that is no event we could work with. It does not carry the event, which may hold a person's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MalformedEvent(&'static str);

#[derive(Deserialize)]
struct Wire {
    event_id: Value,
    room_id: Option<Value>,
    sender: Value,
    #[serde(rename = "type")]
    kind: Value,
    state_key: Option<Value>,
    origin_server_ts: Option<Value>,
    content: Value,
    redacts: Option<Value>,
    #[serde(default)]
    unsigned: Value,
}

impl IncomingEvent {
    /// Reads one event. `room` is where it happened if the event itself does not say, as in some answers.
    pub fn parse(json: &str, room: Option<&ruma::RoomId>) -> Result<Self, MalformedEvent> {
        let no_event = MalformedEvent("not an object with the fields of an event");
        // Serde would take a list for an object whose fields come without names.
        if !json.trim_start().starts_with('{') {
            return Err(no_event);
        }
        let wire: Wire = serde_json::from_str(json).map_err(|_| no_event)?;
        let room_id = match (&wire.room_id, room) {
            (Some(id), _) => id_text(id).and_then(|id| id.try_into().ok()),
            (None, room) => room.map(ToOwned::to_owned),
        };
        if !wire.content.is_object() {
            return Err(MalformedEvent("the content is not an object"));
        }
        let state_key = match wire.state_key {
            None => None,
            Some(Value::String(key)) => Some(key),
            Some(_) => return Err(MalformedEvent("the state key is not a text")),
        };
        let redacts = wire
            .redacts
            .as_ref()
            .or_else(|| wire.content.get("redacts"));
        Ok(Self {
            event_id: id_text(&wire.event_id)
                .and_then(|id| id.try_into().ok())
                .ok_or(MalformedEvent("the event id is none"))?,
            room_id: room_id.ok_or(MalformedEvent("the room id is none"))?,
            sender: id_text(&wire.sender)
                .and_then(|id| id.try_into().ok())
                .ok_or(MalformedEvent("the sender is no user id"))?,
            kind: text(&wire.kind)
                .ok_or(MalformedEvent("the type is not a text"))?
                .to_owned(),
            state_key,
            ts: wire
                .origin_server_ts
                .as_ref()
                .and_then(Value::as_i64)
                .unwrap_or(0),
            redacts: redacts.and_then(id_text).and_then(|id| id.try_into().ok()),
            content: wire.content,
            unsigned: wire.unsigned,
        })
    }
}

fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

/// An id, which other homeservers choose. Not with control characters: PostgreSQL takes no NUL, so a transaction with
/// one would come back for ever, and others could forge lines of the log. Nor longer than ids are (Matrix spec, appendices,
/// "Identifier Grammar"), since an index of it cannot hold more than some kilobytes.
fn id_text(value: &Value) -> Option<&str> {
    text(value).filter(|id| id.len() <= LONGEST_ID && !id.contains(char::is_control))
}

/// Bytes.
pub const LONGEST_ID: usize = 255;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "event_id": "$a", "room_id": "!hWqsNoDomain", "sender": "@alice:example.org", "type": "m.room.message",
            "origin_server_ts": 1_700_000_000_000_i64, "content": {"msgtype": "m.text", "body": "hi"},
        })
    }

    #[test]
    fn reads_an_event_of_room_version_12() {
        let event = IncomingEvent::parse(&good().to_string(), None).unwrap();
        assert_eq!(event.room_id, "!hWqsNoDomain");
        assert_eq!(event.ts, 1_700_000_000_000);
        assert_eq!(event.state_key, None);
        assert_eq!(event.unsigned, Value::Null);
    }

    #[test]
    fn finds_what_a_redaction_takes_back_in_both_places() {
        for at_top in [true, false] {
            let mut json = good();
            if at_top {
                json["redacts"] = json!("$b");
            } else {
                json["content"]["redacts"] = json!("$b");
            }
            let event = IncomingEvent::parse(&json.to_string(), None).unwrap();
            assert_eq!(event.redacts.unwrap(), "$b");
        }
    }

    #[test]
    fn an_empty_state_key_is_state() {
        let mut json = good();
        json["state_key"] = json!("");
        let event = IncomingEvent::parse(&json.to_string(), None).unwrap();
        assert_eq!(event.state_key.as_deref(), Some(""));
    }

    #[test]
    fn refuses_wrong_types_everywhere() {
        for field in [
            "event_id",
            "room_id",
            "sender",
            "type",
            "state_key",
            "content",
        ] {
            for wrong in [json!(7), json!([]), json!(false)] {
                let mut json = good();
                json[field] = wrong;
                assert!(
                    IncomingEvent::parse(&json.to_string(), None).is_err(),
                    "{field}"
                );
            }
        }
        for missing in ["event_id", "room_id", "sender", "type", "content"] {
            let mut json = good();
            json.as_object_mut().unwrap().remove(missing);
            assert!(
                IncomingEvent::parse(&json.to_string(), None).is_err(),
                "{missing}"
            );
        }
        let list = r#"["$a", "!r", "@a:b", "m", "", 1, {}, null, null]"#;
        for bad in ["", "null", "[]", "\"text\"", "7", "{", list] {
            assert!(IncomingEvent::parse(bad, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_hold_no_control_characters() {
        for (field, start) in [("event_id", "$a"), ("room_id", "!a"), ("sender", "@a")] {
            for odd in ["\0", "\n", "\u{1b}[31m"] {
                let mut json = good();
                json[field] = json!(format!("{start}{odd}:example.org"));
                assert!(
                    IncomingEvent::parse(&json.to_string(), None).is_err(),
                    "{field}"
                );
            }
        }
    }

    #[test]
    fn ids_are_no_longer_than_they_may_be() {
        for (length, fine) in [(LONGEST_ID, true), (LONGEST_ID + 1, false)] {
            let mut json = good();
            let long = format!("${}", "a".repeat(length - 1));
            json["redacts"] = json!(long);
            let event = IncomingEvent::parse(&json.to_string(), None).unwrap();
            assert_eq!(event.redacts.is_some(), fine);
            json["event_id"] = json!(long);
            assert_eq!(IncomingEvent::parse(&json.to_string(), None).is_ok(), fine);
        }
    }

    #[test]
    fn survives_deep_nesting() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let json = good().to_string().replace("\"hi\"", &deep);
        assert!(IncomingEvent::parse(&json, None).is_err());
    }

    #[test]
    fn odd_but_harmless_fields_do_not_matter() {
        let mut json = good();
        json["origin_server_ts"] = json!("yesterday");
        json["redacts"] = json!({});
        let event = IncomingEvent::parse(&json.to_string(), None).unwrap();
        assert_eq!((event.ts, event.redacts), (0, None));
    }
}
