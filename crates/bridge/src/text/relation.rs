//! How an event relates to others (Matrix spec, client-server API, "Forming relationships between events").
//!
//! Clients write what they like there, so whatever has not the right form is not there, and nothing relates to itself.

use homeserver::LONGEST_ID;
use ruma::{EventId, OwnedEventId};
use serde_json::Value;

/// What an event says of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relation {
    /// It is a new version of this one.
    pub replaces: Option<OwnedEventId>,
    /// It belongs to the thread of this one.
    pub thread: Option<OwnedEventId>,
    /// It answers this one.
    pub answers: Option<OwnedEventId>,
    /// It stands behind this one in its thread; old clients show that as an answer, which it is none (Matrix spec v1.4, "Fallback
    /// for unthreaded clients").
    pub follows: Option<OwnedEventId>,
}

/// Reads the relations of the event `own`.
pub fn relation(own: &EventId, content: &Value) -> Relation {
    let Some(it) = content.get("m.relates_to") else {
        return Relation::default();
    };
    let id = |value: Option<&Value>| {
        let id = value.and_then(Value::as_str)?;
        OwnedEventId::try_from(id)
            .ok()
            .filter(|id| id != own && id.as_str().len() <= LONGEST_ID)
            .filter(|id| !id.as_str().contains(char::is_control))
    };
    let target = || id(it.get("event_id"));
    let answered = id(it.pointer("/m.in_reply_to/event_id"));
    let kind = it.get("rel_type").and_then(Value::as_str);
    let mut relation = Relation::default();
    match kind {
        Some("m.replace") => relation.replaces = target(),
        Some("m.thread") => {
            relation.thread = target();
            let falls_back = it.get("is_falling_back").and_then(Value::as_bool) == Some(true);
            if falls_back {
                relation.follows = answered;
            } else {
                relation.answers = answered;
            }
        }
        _ => relation.answers = answered,
    }
    relation
}

/// Whether an event is a new version of another one, or pretends to be.
pub fn is_edit(content: &Value) -> bool {
    content
        .pointer("/m.relates_to/rel_type")
        .and_then(Value::as_str)
        == Some("m.replace")
}

/// The content of an event after a change: the new one, which stands where the old one stood (Matrix spec v1.4, "Applying
/// `m.new_content`"). `None` if there is no new one.
pub fn changed(old: &Value, edit: &Value) -> Option<Value> {
    let mut new = edit.get("m.new_content")?.as_object()?.clone();
    new.remove("m.relates_to");
    if let Some(place) = old.get("m.relates_to") {
        new.insert("m.relates_to".to_owned(), place.clone());
    }
    Some(Value::Object(new))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(relates_to: &Value) -> Relation {
        let own = <&EventId>::try_from("$own").unwrap();
        relation(own, &json!({ "m.relates_to": relates_to }))
    }

    fn id(id: &str) -> Option<OwnedEventId> {
        id.try_into().ok()
    }

    #[test]
    fn relations_are_read() {
        let edit = read(&json!({"rel_type": "m.replace", "event_id": "$a"}));
        assert_eq!(edit.replaces, id("$a"));
        let fallback = json!({
            "rel_type": "m.thread", "event_id": "$a", "is_falling_back": true, "m.in_reply_to": {"event_id": "$b"},
        });
        let thread = read(&fallback);
        assert_eq!(
            (thread.thread, thread.answers, thread.follows),
            (id("$a"), None, id("$b"))
        );
        let answer =
            json!({"rel_type": "m.thread", "event_id": "$a", "m.in_reply_to": {"event_id": "$b"}});
        let thread = read(&answer);
        assert_eq!(
            (thread.thread, thread.answers, thread.follows),
            (id("$a"), id("$b"), None)
        );
        let answer = read(&json!({"m.in_reply_to": {"event_id": "$b"}}));
        assert_eq!(answer.answers, id("$b"));
    }

    #[test]
    fn what_makes_no_sense_relates_to_nothing() {
        for odd in [
            json!(null),
            json!(7),
            json!([]),
            json!("$a"),
            json!({}),
            json!({"rel_type": 7, "event_id": "$a"}),
            json!({"rel_type": "m.replace"}),
            json!({"rel_type": "m.replace", "event_id": 7}),
            json!({"rel_type": "m.replace", "event_id": "a"}),
            json!({"rel_type": "m.replace", "event_id": "$own"}),
            json!({"rel_type": "m.thread", "event_id": "$own"}),
            json!({"rel_type": "m.thread", "event_id": "$\u{0}"}),
            json!({"rel_type": "m.replace", "event_id": format!("${}", "a".repeat(255))}),
            json!({"m.in_reply_to": {"event_id": "$own"}}),
            json!({"m.in_reply_to": "$a"}),
            json!({"m.in_reply_to": {"event_id": {}}}),
        ] {
            assert_eq!(read(&odd), Relation::default(), "{odd}");
        }
    }

    #[test]
    fn a_change_stands_where_the_old_text_stood() {
        let old = json!({"body": "old", "m.relates_to": {"m.in_reply_to": {"event_id": "$b"}}});
        let edit = json!({
            "body": "* new",
            "m.new_content": {"body": "new", "m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}},
            "m.relates_to": {"rel_type": "m.replace", "event_id": "$a"},
        });
        let new = changed(&old, &edit).unwrap();
        assert_eq!(
            new,
            json!({"body": "new", "m.relates_to": {"m.in_reply_to": {"event_id": "$b"}}})
        );
        for odd in [json!({}), json!({"m.new_content": "new"})] {
            assert_eq!(changed(&old, &odd), None);
        }
    }
}
