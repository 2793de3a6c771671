//! The body of a request as one JSON object, whatever form it came in.

use serde_json::{Map, Value};

use crate::answer::Request;
use crate::world::Refusal;

/// JSON and forms are read; anything else counts as no body at all.
pub(super) fn read(request: &Request) -> Result<Value, Refusal> {
    if request.has_type("application/json") && !request.body.is_empty() {
        let value: Value =
            serde_json::from_slice(&request.body).map_err(|_| Refusal::BadRequest)?;
        // Express takes nothing but objects and lists.
        return if value.is_object() || value.is_array() {
            Ok(value)
        } else {
            Err(Refusal::BadRequest)
        };
    }
    let mut fields = Map::new();
    if request.has_type("application/x-www-form-urlencoded") {
        fields.extend(
            request
                .form()
                .into_iter()
                .map(|(key, value)| (key, Value::String(value))),
        );
    }
    Ok(Value::Object(fields))
}

/// A value as JavaScript turns it into text. None for what is missing or null; an object trips Gitter.
pub(super) fn as_text(value: Option<&Value>) -> Result<Option<String>, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Array(items)) => {
            let items: Result<Vec<_>, _> = items.iter().map(|item| as_text(Some(item))).collect();
            let items: Vec<String> = items?.into_iter().map(Option::unwrap_or_default).collect();
            Ok(Some(items.join(",")))
        }
        Some(Value::Object(_)) => Err(Refusal::Internal),
        Some(other) => Ok(Some(other.to_string())),
    }
}
