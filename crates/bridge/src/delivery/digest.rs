//! What tells that something need not be shown again, since it is shown already.

use remote::{MessageKind, Part};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Of an event's content, without its place among others.
pub(super) fn of_content(content: &Value) -> i64 {
    digest(content.to_string().as_bytes())
}

/// Of a part of a message for the network.
pub(super) fn of_part(part: &Part) -> i64 {
    let kind = match part.kind {
        MessageKind::Text => "text",
        MessageKind::Emote => "emote",
        MessageKind::Notice => "notice",
    };
    digest(format!("{kind} {}", part.text).as_bytes())
}

fn digest(bytes: &[u8]) -> i64 {
    let digest = Sha256::digest(bytes);
    let first = digest.iter().take(8);
    first.fold(0, |number, byte| (number << 8) | i64::from(*byte))
}
