//! Logging in and out.

use store::Login;

use super::{count, greeting, one_after_the_other};
use crate::management::notice::{Notice, code, line, strong};

/// A login link and how long it lives.
pub(super) fn link(link: &str) -> Notice {
    greeting::alone(link).paragraph(line![
        "The link is for you alone. It works once, in the next 10 minutes; ",
        code("login"),
        " makes a new one."
    ])
}

/// Asked for, and nobody is logged in.
pub(crate) fn offer(network: &str, address: &str) -> Notice {
    Notice::of(line![
        "To connect your ",
        network,
        " account, open this link and log in:"
    ])
    .and(link(address))
}

/// Asked for, and somebody is logged in.
pub(crate) fn already(network: &str, login: &Login) -> Notice {
    Notice::of(line![
        "You are logged in to ",
        network,
        " as ",
        strong(format!("@{}", login.username)),
        " already. To switch to another account, write ",
        code("logout"),
        " first."
    ])
}

/// The network no longer accepts the login.
pub(crate) fn expired(network: &str, username: &str, address: &str) -> Notice {
    Notice::of(line![
        network,
        " has ended your login as ",
        strong(format!("@{username}")),
        ". Until you log in again, nothing crosses; what you write in your rooms meanwhile waits, and is sent then. Open this link:"
    ])
    .and(link(address))
}

/// What opens the account cannot be read any more.
pub(crate) fn lost(network: &str, username: &str, address: &str) -> Notice {
    Notice::of(line![
        "I can no longer read my key to your ",
        network,
        " account ",
        strong(format!("@{username}")),
        ". Until you log in again, nothing crosses; what you write in your rooms meanwhile waits, and is sent then. Open this link:"
    ])
    .and(link(address))
}

/// A command needs a login.
pub(crate) fn needed(network: &str, expired: bool) -> Notice {
    let begin = if expired {
        " no longer accepts your login. Write "
    } else {
        " does not know you yet. Write "
    };
    Notice::of(line![network, begin, code("login"), " to log in."])
}

/// Just logged in: he is in `rooms` rooms, and gets an invite to `invited` of them now.
pub(crate) fn welcome(network: &str, login: &Login, rooms: usize, invited: usize) -> Notice {
    let hello = Notice::of(line![
        "You are logged in to ",
        network,
        " as ",
        strong(format!("@{}", login.username)),
        "."
    ]);
    let rooms_there = count(rooms, "room", "rooms");
    match (rooms, invited) {
        (0, _) => hello.paragraph(line![
            "You are in no room there yet. Write ",
            code("gjoin ROOM"),
            " to join one."
        ]),
        (_, 0) => hello.paragraph(line![
            "You are in ",
            rooms_there,
            " there. Write ",
            code("list"),
            " to see them, and ",
            code("invite ROOM"),
            " to bring one here."
        ]),
        _ if invited == rooms => hello.paragraph(line![
            "You are in ",
            rooms_there,
            " there, and I am inviting you to ",
            if rooms == 1 { "it." } else { "all of them." },
            " History and people come in when you accept an invite."
        ]),
        _ => hello
            .paragraph(line![
                "You are in ",
                rooms_there,
                " there, and I am inviting you to ",
                invited.to_string(),
                " of them, the most recently active first. History and people come in when you accept an invite."
            ])
            .paragraph(line![
                "Write ",
                code("list"),
                " to see all, ",
                code("invite ROOM"),
                " to bring another one here, or ",
                code("invite all"),
                "."
            ]),
    }
}

/// What a logout did.
pub(crate) fn out(network: &str, done: &crate::login::LoggedOut) -> Notice {
    let Some(username) = &done.username else {
        return Notice::of(line![
            "You are logged out: there was no login to end. Write ",
            code("login"),
            " to log in."
        ]);
    };
    let mut deeds = vec![format!("deleted your login as @{username}")];
    if done.rooms > 0 {
        let rooms = count(done.rooms, "room", "rooms");
        deeds.push(format!("took you out of {rooms}"));
    }
    if done.items > 0 {
        let messages = count(done.items, "message that was", "messages that were");
        deeds.push(format!("dropped {messages} still waiting"));
    }
    Notice::of(line![strong("You are logged out"), " of ", network, "."]).paragraph(line![
        format!("I {}. On ", one_after_the_other(&deeds)),
        network,
        " itself you stay in your rooms. Write ",
        code("login"),
        " to come back."
    ])
}

/// An admin logged somebody else out.
pub(crate) fn out_other(mxid: &str, done: &crate::login::LoggedOut) -> Notice {
    match &done.username {
        Some(username) => Notice::of(line![
            strong(mxid),
            " is logged out (was @",
            username,
            ", in ",
            count(done.rooms, "bridged room", "bridged rooms"),
            ")."
        ]),
        None => Notice::of(line![strong(mxid), " is not logged in."]),
    }
}

/// Told to him whom an admin logged out.
pub(crate) fn out_by_admin(network: &str) -> Notice {
    Notice::of(line![
        "An admin of this bridge has logged you out of ",
        network,
        ". Write ",
        code("login"),
        " to log in again, if you may."
    ])
}

/// Reason of taking somebody out of his rooms.
pub(crate) fn out_reason(network: &str) -> String {
    format!("Logged out of {network}")
}
