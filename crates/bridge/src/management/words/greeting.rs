//! Hello, and why not.

use ruma::UserId;
use store::{Login, LoginState};

use crate::management::notice::{Notice, code, line, strong, url};

/// Reason of refused invites and of leaving crowded rooms.
pub(crate) const NOT_ALONE: &str = "I only talk in rooms where I am alone with one person";

/// Reason of leaving a former management room.
pub(crate) const MOVED: &str = "We talk in another room now";

/// Reason of refusing an invite from somebody without permission.
pub(crate) fn not_permitted(network: &str) -> String {
    format!("You are not permitted to use this {network} bridge; ask its admin")
}

/// The first words in a management room.
pub(crate) fn hello(
    network: &str,
    login: Option<&Login>,
    link: Option<&str>,
    encrypted: bool,
) -> Notice {
    let hello = Notice::of(line![
        "Hello! I am the bridge to ",
        network,
        ": with me you chat in your ",
        network,
        " rooms from here, as yourself."
    ]);
    let state = match (login, link) {
        (Some(login), None) => Notice::of(line![
            "You are logged in to ",
            network,
            " as ",
            strong(format!("@{}", login.username)),
            "."
        ]),
        (Some(login), Some(link)) if login.state == LoginState::Expired => Notice::of(line![
            network,
            " no longer accepts your login as ",
            strong(format!("@{}", login.username)),
            ". To go on, open this link and log in again:"
        ])
        .and(super::login::link(link)),
        (_, Some(link)) => Notice::of(line![
            "You are not logged in yet. To begin, open this link:"
        ])
        .and(super::login::link(link)),
        (None, None) => Notice::new(),
    };
    let hints = Notice::of(line![
        "Write ",
        code("list"),
        " to see your rooms there, ",
        code("invite ROOM"),
        " to bring one here, ",
        code("help"),
        " for everything else."
    ]);
    let greeting = hello.and(state).and(hints);
    if encrypted {
        greeting.and(unreadable(true))
    } else {
        greeting
    }
}

/// Others have come into the room.
pub(crate) fn obeys(owner: &UserId) -> Notice {
    Notice::of(line![
        "You are no longer alone here. I go on obeying ",
        strong(owner.as_str()),
        " and nobody else."
    ])
}

/// Too many people for a management room.
pub(crate) fn too_many() -> Notice {
    Notice::of(line![
        NOT_ALONE,
        ", since what I am told there is private. Please start a direct chat with me instead. I am leaving this room."
    ])
}

/// Something came in that is not text.
pub(crate) fn unreadable(encrypted: bool) -> Notice {
    if encrypted {
        Notice::of(line![
            "This room is encrypted, and I cannot read encrypted messages. Please make a room without encryption and invite me there: I will answer you in that one."
        ])
    } else {
        Notice::of(line![
            "I understand text only. Write ",
            code("help"),
            " to see what I can do."
        ])
    }
}

/// Somebody lost his permission.
pub(crate) fn no_longer_permitted(network: &str) -> Notice {
    Notice::of(line![
        "You are not permitted to use this ",
        network,
        " bridge any more; ask its admin. ",
        code("logout"),
        " still works."
    ])
}

/// A link alone, where a client cannot mistake the end of it.
pub(super) fn alone(link: &str) -> Notice {
    Notice::of(line![url(link)])
}
