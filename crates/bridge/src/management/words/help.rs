//! Help, and what is said when a command is not understood or does not work.

use super::sentence;
use crate::management::commands::{Group, TABLE, Told};
use crate::management::notice::{Line, Notice, code, line, marked, strong};
use crate::permissions::Level;

/// All commands, grouped.
pub(crate) fn all(network: &str, prefix: &str, level: Level) -> Notice {
    let mut notice = Notice::of(line!["What I can do:"]);
    for (group, heading) in Group::ALL {
        let lines: Vec<_> = TABLE
            .iter()
            .filter(|told| told.group == group && told.level <= level)
            .map(|told| summary(network, told))
            .collect();
        if !lines.is_empty() {
            notice = notice.heading(heading).list(lines);
        }
    }
    notice.paragraph(line![
        "In your bridged rooms, begin with ",
        code(prefix),
        ": ",
        code(format!("{prefix} status")),
        ". Write ",
        code("help COMMAND"),
        " for more about one."
    ])
}

/// One command.
pub(crate) fn one(network: &str, told: &Told) -> Notice {
    let first = Notice::of([summary(network, told), line!["."]].concat());
    told.long.iter().fold(first, |notice, text| {
        notice.paragraph(marked(&text.replace("{network}", network)))
    })
}

fn summary(network: &str, told: &Told) -> Line {
    [
        line![code(usage(told)), ": "],
        marked(&told.short.replace("{network}", network)),
    ]
    .concat()
}

/// Not a command.
pub(crate) fn unknown(word: &str, nearest: Option<&str>) -> Notice {
    match nearest {
        Some(nearest) => Notice::of(line![
            "I do not know “",
            strong(word),
            "”. Did you mean ",
            code(nearest),
            "? ",
            code("help"),
            " lists everything."
        ]),
        None => Notice::of(line![
            "I do not know “",
            strong(word),
            "”. ",
            code("help"),
            " lists what I can do."
        ]),
    }
}

/// A command did not work, for this reason.
pub(crate) fn failed(why: &str) -> Notice {
    Notice::of(line!["That did not work. ", sentence(why)])
}

fn usage(told: &Told) -> String {
    if told.args.is_empty() {
        told.name.to_owned()
    } else {
        format!("{} {}", told.name, told.args)
    }
}
