//! Messages that could not be delivered.

use super::count;
use crate::management::notice::{Notice, code, line, strong};

/// One of them.
pub(crate) struct Failure {
    /// The room's address.
    pub(crate) room: String,
    /// Its first words.
    pub(crate) words: String,
    /// Why.
    pub(crate) why: String,
}

/// All of them, numbered.
pub(crate) fn list(failures: &[Failure]) -> Notice {
    if failures.is_empty() {
        return Notice::of(line!["Everything has been delivered: nothing failed."]);
    }
    let lines = failures
        .iter()
        .zip(1..)
        .map(|(failure, number)| {
            (
                number,
                line![
                    strong(&failure.room),
                    ": ",
                    &failure.words,
                    ": ",
                    &failure.why
                ],
            )
        })
        .collect();
    Notice::of(line![
        count(failures.len(), "message", "messages"),
        " could not be delivered:"
    ])
    .numbered(lines)
    .paragraph(line![
        code("retry NUMBER"),
        " tries one again, ",
        code("discard NUMBER"),
        " gives it up."
    ])
}

/// Some are tried again.
pub(crate) fn retrying(number: usize) -> Notice {
    Notice::of(line![
        "I am trying ",
        count(number, "message", "messages"),
        " again."
    ])
}

/// Some are given up.
pub(crate) fn discarded(number: usize) -> Notice {
    Notice::of(line![
        "I have discarded ",
        count(number, "message", "messages"),
        "."
    ])
}

/// There is nothing to retry or discard.
pub(crate) fn nothing() -> Notice {
    Notice::of(line!["There is nothing that failed."])
}

/// The number is none of the list's.
pub(crate) fn no_such(typed: &str, number: usize) -> String {
    format!("“{typed}” is not a number from 1 to {number}, nor “all”; “failed” shows the numbers")
}
