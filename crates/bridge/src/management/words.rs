//! Everything the bot says in management rooms and in answer to commands, in one place to be read at one go.
//!
//! Friendly, short, exact. Commands stand in `code`, what to do next comes last. The snapshots of `tests.rs` show each
//! of these as people see them. To add one: a function in the file it belongs to, and its line in `tests.rs`.

pub(crate) mod failed;
pub(crate) mod greeting;
pub(crate) mod help;
pub(crate) mod login;
pub(crate) mod rooms;
pub(crate) mod status;

#[cfg(test)]
mod tests;

use remote::Millis;

/// A number of things, such as `1 room` or `2 rooms`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Puts commas and an `and` between.
pub(crate) fn one_after_the_other(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [one, other] => format!("{one} and {other}"),
        [before @ .., last] => format!("{}, and {last}", before.join(", ")),
    }
}

/// How long ago something was, roughly.
pub(crate) fn ago(since: Millis, now: Millis) -> String {
    const UNITS: [(i64, &str, &str); 4] = [
        (86_400, "day", "days"),
        (3_600, "hour", "hours"),
        (60, "minute", "minutes"),
        (1, "second", "seconds"),
    ];
    let seconds = (now - since).max(0) / 1000;
    UNITS
        .iter()
        .find(|(size, ..)| seconds >= *size)
        .map_or_else(
            || "a moment".to_owned(),
            |(size, one, many)| count(usize::try_from(seconds / size).unwrap_or(0), one, many),
        )
}

/// A matrix.to link to a room we are in.
pub(crate) fn room_link(room: &str) -> String {
    ruma::RoomId::parse(room)
        .map_or_else(|_| room.to_owned(), |room| room.matrix_to_uri().to_string())
}

/// Begins with a capital letter and ends with a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim_end_matches(['.', ' ']);
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    format!("{}{}.", first.to_uppercase(), chars.as_str())
}
