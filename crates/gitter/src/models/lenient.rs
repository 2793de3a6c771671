//! Readers for values that may be missing, `null` or not what one would think.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

/// What is wrong with a JSON text. Never carries any of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// It ends too early.
    Truncated,
    /// It is not JSON.
    NotJson,
    /// It is JSON, but not what was asked for.
    Other,
}

impl From<&serde_json::Error> for Shape {
    fn from(error: &serde_json::Error) -> Self {
        use serde_json::error::Category;
        match error.classify() {
            Category::Eof => Self::Truncated,
            Category::Syntax | Category::Io => Self::NotJson,
            Category::Data => Self::Other,
        }
    }
}

/// The value, or the default if it is missing, `null` or something else.
pub(crate) fn or_default<'de, D, T>(input: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = Value::deserialize(input)?;
    Ok(T::deserialize(value).unwrap_or_default())
}

/// The elements that can be read; nothing if it is no list at all.
pub(crate) fn list<'de, D, T>(input: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(match Value::deserialize(input)? {
        Value::Array(elements) => elements
            .into_iter()
            .filter_map(|element| T::deserialize(element).ok())
            .collect(),
        _ => Vec::new(),
    })
}

/// A text; a number counts as its digits.
pub(crate) fn text<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// The elements of a JSON list that can be read, and how many there were.
pub(crate) fn elements<T: DeserializeOwned>(json: &[u8]) -> Result<(Vec<T>, usize), Shape> {
    let raw: Vec<&RawValue> = serde_json::from_slice(json).map_err(|error| Shape::from(&error))?;
    let received = raw.len();
    let items = raw
        .into_iter()
        .filter_map(|one| serde_json::from_str(one.get()).ok())
        .collect();
    Ok((items, received))
}
