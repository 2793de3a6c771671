//! How things are.

use remote::Millis;
use store::{Counts, Login, LoginState};

use super::{ago, count};
use crate::login::Status;
use crate::management::notice::{Line, Notice, Piece, code, line, strong};

/// How a user's bridge is.
pub(crate) struct State<'a> {
    pub(crate) network: &'a str,
    pub(crate) login: &'a Login,
    pub(crate) connection: Option<(Status, Millis)>,
    /// Rooms he is in on Matrix, and rooms he is invited to.
    pub(crate) rooms: (usize, usize),
    pub(crate) counts: Counts,
    /// Where something waits, that with the oldest first; and in how many rooms more.
    pub(crate) waits: Vec<Waits>,
    pub(crate) more: usize,
    pub(crate) now: Millis,
}

/// What waits in a room, in one direction.
pub(crate) struct Waits {
    /// The room's address, if it is known.
    pub(crate) room: Option<String>,
    pub(crate) whither: Whither,
    pub(crate) number: usize,
    pub(crate) since: Millis,
    pub(crate) why: Why,
}

/// Where something is on its way to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whither {
    Remote,
    Matrix,
}

/// Why it is not there yet.
pub(crate) enum Why {
    /// The user has to log in again.
    LoggedOut,
    /// He is not permitted to use the bridge any more.
    NotPermitted,
    /// He is not in the room.
    Away,
    /// Not before that time, for a reason.
    Until { why: String, until: Millis },
    /// Something fails, since then. `attempted`: it may have arrived.
    Trouble {
        why: String,
        since: Millis,
        attempted: bool,
    },
    /// For no reason but that it takes its time.
    UnderWay,
}

/// Somebody's state.
pub(crate) fn state(state: &State<'_>) -> Notice {
    let lines = vec![
        account(state),
        connection(state),
        rooms(state),
        queue(state),
        failed(state),
    ];
    let notice = Notice::of(line!["How things are:"]).list(lines);
    if state.waits.is_empty() {
        return notice;
    }
    let mut lines: Vec<_> = state.waits.iter().map(|it| waits(it, state)).collect();
    if state.more > 0 {
        lines.push(line![
            "and in ",
            count(state.more, "more place", "more places")
        ]);
    }
    notice.paragraph(line!["What waits, and why:"]).list(lines)
}

fn waits(it: &Waits, state: &State<'_>) -> Line {
    let (network, now) = (state.network, state.now);
    let room = it.room.as_deref().unwrap_or("a room that is gone");
    let whither = match it.whither {
        Whither::Remote => network,
        Whither::Matrix => "Matrix",
    };
    let mut line = line![
        strong(room),
        ": ",
        count(it.number, "message", "messages"),
        " to ",
        whither,
        ", for ",
        ago(it.since, now),
        ": "
    ];
    match &it.why {
        Why::LoggedOut => line.extend(line![
            network,
            " ended your login; write ",
            code("login"),
            ", and I go on"
        ]),
        Why::NotPermitted => line.extend(line![
            "you are not permitted to use this bridge any more; ask its admin"
        ]),
        Why::Away => line.extend(line!["it is shown once you are in the room"]),
        Why::Until { why, until } => line.extend(line![why, "; I go on in ", ago(now, *until)]),
        Why::Trouble {
            why,
            since,
            attempted,
        } => {
            let found_out = if *attempted && it.whither == Whither::Remote {
                ", and find out first whether the first one arrived"
            } else {
                ""
            };
            line.extend(line![
                why,
                " (for ",
                ago(*since, now),
                "); I keep trying",
                found_out
            ]);
        }
        Why::UnderWay => line.extend(line!["on its way"]),
    }
    line
}

fn account(state: &State<'_>) -> Line {
    let person = strong(format!("@{}", state.login.username));
    let since = ago(state.login.since, state.now);
    match state.login.state {
        LoginState::Ok => line![
            "Login: you are ",
            person,
            " on ",
            state.network,
            ", for ",
            since
        ],
        LoginState::Expired => line![
            "Login: ",
            state.network,
            " ended your login as ",
            person,
            " ",
            since,
            " ago; write ",
            code("login")
        ],
    }
}

fn connection(state: &State<'_>) -> Line {
    match &state.connection {
        None => line!["Connection: none, until you log in again"],
        Some((Status::Connecting, _)) => line!["Connection: being made"],
        Some((Status::Connected, since)) => {
            line!["Connection: stands, for ", ago(*since, state.now)]
        }
        Some((Status::Broken { why }, since)) => {
            line![
                "Connection: broken for ",
                ago(*since, state.now),
                " (",
                why,
                "); I keep trying"
            ]
        }
    }
}

fn rooms(state: &State<'_>) -> Line {
    let (here, invited) = state.rooms;
    let mut line = line!["Rooms: you have ", count(here, "room", "rooms"), " here"];
    if invited > 0 {
        line.push(Piece::from(format!(
            ", and {} you have not answered",
            count(invited, "invite", "invites")
        )));
    }
    line
}

fn queue(state: &State<'_>) -> Line {
    let waiting = usize::try_from(state.counts.waiting + state.counts.attempting).unwrap_or(0);
    if waiting == 0 {
        return line!["Queue: empty, everything has been delivered"];
    }
    let mut line = line!["Queue: ", count(waiting, "message waits", "messages wait")];
    if let Some(oldest) = state.counts.oldest {
        line.push(Piece::from(format!(
            ", the oldest for {}",
            ago(oldest, state.now)
        )));
    }
    line
}

fn failed(state: &State<'_>) -> Line {
    let failed = usize::try_from(state.counts.failed).unwrap_or(0);
    if failed == 0 {
        return line!["Failed: nothing"];
    }
    line![
        "Failed: ",
        count(failed, "message", "messages"),
        "; ",
        code("failed"),
        " shows them"
    ]
}

/// Nobody is logged in.
pub(crate) fn nobody(network: &str) -> Notice {
    Notice::of(line![
        "You are not logged in to ",
        network,
        ". Write ",
        code("login"),
        " to log in."
    ])
}

/// Which version this is.
pub(crate) fn version(version: &str) -> Notice {
    Notice::of(line!["This is ", version, "."])
}

/// A login, as admins see it.
pub(crate) struct Somebody {
    pub(crate) mxid: String,
    pub(crate) username: String,
    /// He may use the bridge.
    pub(crate) permitted: bool,
    pub(crate) expired: bool,
    pub(crate) connection: Option<(Status, Millis)>,
    pub(crate) rooms: usize,
}

/// Everybody who is logged in.
pub(crate) fn users(people: &[Somebody], now: Millis) -> Notice {
    if people.is_empty() {
        return Notice::of(line!["Nobody is logged in."]);
    }
    let lines = people.iter().map(|person| {
        let connection = match &person.connection {
            _ if !person.permitted => "not permitted any more, so nothing crosses".to_owned(),
            _ if person.expired => "has to log in again".to_owned(),
            None | Some((Status::Connecting, _)) => "connecting".to_owned(),
            Some((Status::Connected, since)) => format!("connected for {}", ago(*since, now)),
            Some((Status::Broken { why }, since)) => {
                format!("connection broken for {} ({why})", ago(*since, now))
            }
        };
        let rooms = count(person.rooms, "room", "rooms");
        line![
            strong(&person.mxid),
            " is @",
            &person.username,
            ": ",
            connection,
            ", ",
            rooms
        ]
    });
    Notice::of(line![
        count(people.len(), "person is", "people are"),
        " logged in:"
    ])
    .list(lines.collect())
}
