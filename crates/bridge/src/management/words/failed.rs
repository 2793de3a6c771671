//! Messages that could not be delivered.

use super::{count, one_after_the_other};
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

/// The first of them, numbered; there are so many altogether.
pub(crate) fn list(failures: &[Failure], number: usize) -> Notice {
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
    let mut notice = Notice::of(line![
        count(number, "message", "messages"),
        " could not be delivered:"
    ])
    .numbered(lines);
    if number > failures.len() {
        notice = notice.paragraph(line![
            "and ",
            (number - failures.len()).to_string(),
            " more."
        ]);
    }
    notice.paragraph(line![
        code("retry NUMBER"),
        " tries one again, ",
        code("discard NUMBER"),
        " gives it up; several at once are ",
        code("2-5"),
        " or ",
        code("all"),
        "."
    ])
}

/// Some are tried again; others are not, since their rooms are gone. So many are still on the list, with those.
pub(crate) fn retrying(number: usize, others: usize, gone: &[String], left: usize) -> Notice {
    let mut notice = Notice::new();
    if number > 0 {
        notice = notice.paragraph(line![
            "I am trying ",
            count(number, "message", "messages"),
            if number > 1 {
                " again, in their order."
            } else {
                " again."
            }
        ]);
    }
    if others > 0 {
        notice = notice.paragraph(line![
            count(others, "message", "messages"),
            " cannot be tried again, since you are no longer in ",
            one_after_the_other(gone),
            ". ",
            code("discard"),
            " takes them off the list."
        ]);
    }
    if number == 0 {
        return notice;
    }
    numbers_changed(notice, left)
}

/// Some are given up, of which this is the first; so many are still on the list, by other numbers than before.
pub(crate) fn discarded(number: usize, first: &str, left: usize) -> Notice {
    let mut line = line!["I have discarded ", count(number, "message", "messages")];
    if number == 1 {
        line.extend(line![" (", first, ")"]);
    }
    line.extend(line!["."]);
    numbers_changed(Notice::of(line), left)
}

/// Whoever goes by the list he has seen would mean others.
fn numbers_changed(notice: Notice, left: usize) -> Notice {
    if left == 0 {
        return notice;
    }
    notice.paragraph(line![
        count(left, "message is", "messages are"),
        " still on the list, by other numbers than before: ",
        code("failed"),
        " shows them."
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
