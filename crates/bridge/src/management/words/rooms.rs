//! Rooms: listed, brought here, joined, left.

use remote::Room;

use super::{count, room_link, sentence};
use crate::management::notice::{Line, Notice, code, line, link, quiet_link, strong};

/// All rooms: their addresses, and the Matrix room of those the user has there.
pub(crate) fn list(network: &str, rooms: &[(String, Option<String>)]) -> Notice {
    if rooms.is_empty() {
        return Notice::of(line![
            "You are in no room on ",
            network,
            ". Write ",
            code("gjoin ROOM"),
            " to join one."
        ]);
    }
    let lines = rooms.iter().map(|(address, room)| match room {
        Some(room) => line![quiet_link(address, room_link(room)), " *"],
        None => line![address],
    });
    Notice::of(line![
        "You are in ",
        count(rooms.len(), "room", "rooms"),
        " on ",
        network,
        "; those marked with * you have here, too:"
    ])
    .list(lines.collect())
    .paragraph(line![
        code("invite ROOM"),
        " brings one here, ",
        code("invite all"),
        " brings all of them."
    ])
}

/// An invite was made.
pub(crate) fn invite_sent(address: &str, room: &str) -> Notice {
    Notice::of(line![
        "I have invited you to ",
        link(address, room_link(room)),
        "."
    ])
}

/// He is in it already.
pub(crate) fn already_here(address: &str, room: &str) -> Notice {
    Notice::of(line![
        "You are in that room already: ",
        link(address, room_link(room)),
        "."
    ])
}

/// Many invites are on their way.
pub(crate) fn inviting_all(rooms: usize) -> Notice {
    match rooms {
        0 => Notice::of(line![
            "You have all of your rooms here already, or an invite to them."
        ]),
        _ => Notice::of(line![
            "I am bringing ",
            count(rooms, "room", "rooms"),
            " here and inviting you, one after the other. I tell you when it is done."
        ]),
    }
}

/// How many are still to come.
pub(crate) fn inviting(left: usize) -> Notice {
    match left {
        0 => Notice::of(line!["No room is left to be brought here."]),
        _ => Notice::of(line![
            "I am bringing your rooms here, the most recently active first: ",
            count(left, "room", "rooms"),
            " to go …"
        ]),
    }
}

/// How many invites came out.
pub(crate) fn invited(number: usize, failed: &[(String, String)]) -> Notice {
    let done = Notice::of(match number {
        0 => line!["There was no new invite to make."],
        _ => line![
            "Done: I have invited you to ",
            count(number, "room", "rooms"),
            "."
        ],
    });
    if failed.is_empty() {
        return done;
    }
    let lines: Vec<Line> = failed
        .iter()
        .map(|(address, why)| line![address, ": ", sentence(why)])
        .collect();
    done.paragraph(line!["It did not work for:"]).list(lines)
}

/// How a room that was joined comes to Matrix.
pub(crate) enum Next {
    /// He is in this Matrix room already.
    Here(String),
    /// He has an invite to this one already.
    Invited(String),
    /// By an invite, soon.
    OnItsWay,
    /// When he asks for it.
    Invite,
}

/// Joined on the network.
pub(crate) fn joined(room: &Room, next: &Next) -> Notice {
    let next = match next {
        Next::Here(there) => line![
            " You have it here already: ",
            link(&room.address, room_link(there)),
            "."
        ],
        Next::Invited(there) => line![
            " You have an invite to it: ",
            link(&room.address, room_link(there)),
            "."
        ],
        Next::OnItsWay => line![" An invite to it is on its way."],
        Next::Invite => line![
            " Write ",
            code(format!("invite {}", room.address)),
            " to have it here."
        ],
    };
    Notice::of([line!["Joined ", strong(&room.address), "."], next].concat())
}

/// Left on the network.
pub(crate) fn left(address: &str) -> Notice {
    Notice::of(line!["Left ", strong(address), "."])
}

/// Not in it, so it cannot be left.
pub(crate) fn not_in(network: &str, typed: &str) -> String {
    format!("you are not in “{typed}” on {network}")
}

/// Reason of taking somebody out of a room that he left on the network.
pub(crate) fn left_reason(network: &str) -> String {
    format!("You left this room on {network}")
}

/// How somebody lost a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// He left it on the network itself, or was removed; he could still read it.
    Left,
    /// He was removed from a room that not everybody may read.
    Removed,
    /// He may not read what everybody else may.
    Banned,
    /// It is no more.
    Deleted,
}

/// Reason of taking somebody out of a room that he lost.
pub(crate) fn no_longer_in(network: &str, address: &str, loss: Loss) -> String {
    match loss {
        Loss::Left => format!("You are no longer in {address} on {network}"),
        Loss::Removed => format!("You were removed from {address} on {network}"),
        Loss::Banned => format!("You were banned from {address} on {network}"),
        Loss::Deleted => format!("{address} was deleted on {network}"),
    }
}

/// A room was lost, or left on the network itself.
pub(crate) fn ended(network: &str, address: &str, loss: Loss) -> Notice {
    let what = match loss {
        Loss::Left => line!["You are no longer in ", strong(address), " on ", network],
        Loss::Removed => line!["You were removed from ", strong(address), " on ", network],
        Loss::Banned => line!["You were banned from ", strong(address), " on ", network],
        Loss::Deleted => line![strong(address), " was deleted on ", network],
    };
    let rest = line![", so I have taken you out of its room here."];
    Notice::of([what, rest].concat())
}

/// The Matrix room of a portal is of no use any more.
pub(crate) fn unusable(address: &str) -> Notice {
    Notice::of(line![
        "I can no longer use the room of ",
        strong(address),
        " here: it was deleted, or I was thrown out of it. Write ",
        code(format!("invite {address}")),
        " for a new one, in which you find what you missed."
    ])
}

/// Said in the room of a user whose room on the network is no more.
pub(crate) fn archived(network: &str, address: &str) -> Line {
    line![
        strong(address),
        " was deleted on ",
        network,
        ". What was said stays here for you to read; nothing more can be said. Leave the room when you no longer need it."
    ]
}

/// Everything was read again.
pub(crate) fn synced(network: &str, rooms: usize, here: usize, space: bool) -> Notice {
    let done = Notice::of(line![
        "I have read your ",
        count(rooms, "room", "rooms"),
        " on ",
        network,
        " again, with names, topics and members of the ",
        here.to_string(),
        " you have here."
    ]);
    if space {
        done.paragraph(line!["I have invited you to your space again."])
    } else {
        done
    }
}

/// An admin ended the bridging of a room for some people.
pub(crate) fn unbridged(address: &str, people: usize) -> Notice {
    match people {
        0 => Notice::of(line!["Nobody has ", strong(address), " on Matrix."]),
        _ => Notice::of(line![
            strong(address),
            " is no longer bridged for ",
            count(people, "person", "people"),
            "."
        ]),
    }
}

/// Reason of taking somebody out of a room that an admin unbridged.
pub(crate) const UNBRIDGED: &str = "An admin ended the bridging of this room";
