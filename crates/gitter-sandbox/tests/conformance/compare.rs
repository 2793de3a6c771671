//! Whether an answer is the recorded one: the same keys and types, the same values where they are not ids or times.

use serde_json::Value;

/// Fields whose values have to be the recorded ones; others need only the same type.
const EXACT: &[&str] = &[
    "admin",
    "announcement",
    "channel",
    "DEPRECATED",
    "interval",
    "reconnect",
    "subscription",
    "timeout",
    "displayName",
    "error",
    "error_description",
    "event",
    "githubType",
    "group",
    "has_gitter_login",
    "initial",
    "lurk",
    "name",
    "notification",
    "number",
    "oneToOne",
    "operation",
    "public",
    "removed",
    "repo",
    "role",
    "roomMember",
    "screenName",
    "security",
    "service",
    "status",
    "success",
    "successful",
    "text",
    "token_type",
    "type",
    "unread",
    "uri",
    "url",
    "username",
];

/// What differs, and where.
pub(crate) fn differences(recorded: &Value, given: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", "", recorded, given, &mut found);
    found
}

fn compare(path: &str, key: &str, recorded: &Value, given: &Value, found: &mut Vec<String>) {
    match (recorded, given) {
        (Value::Object(recorded), Value::Object(given)) => {
            for (key, value) in recorded {
                match given.get(key) {
                    Some(other) => compare(&format!("{path}.{key}"), key, value, other, found),
                    None => found.push(format!("{path}.{key} is missing")),
                }
            }
            found.extend(
                given
                    .keys()
                    .filter(|key| !recorded.contains_key(*key))
                    .map(|key| format!("{path}.{key} is new")),
            );
        }
        (Value::Array(recorded), Value::Array(given)) => {
            if recorded.len() != given.len() {
                found.push(format!(
                    "{path} has {} items instead of {}",
                    given.len(),
                    recorded.len()
                ));
            }
            for (at, (recorded, given)) in recorded.iter().zip(given).enumerate() {
                compare(&format!("{path}[{at}]"), key, recorded, given, found);
            }
        }
        (recorded, given) if kind(recorded) != kind(given) => {
            found.push(format!("{path} is {given} instead of {recorded}"));
        }
        // An address holds the host, which differs.
        (Value::String(recorded), Value::String(given))
            if key == "url" && recorded.contains("://") && given.contains("://") => {}
        (recorded, given) if EXACT.contains(&key) && recorded != given => {
            found.push(format!("{path} is {given} instead of {recorded}"));
        }
        _ => {}
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
