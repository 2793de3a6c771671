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
    pub(crate) now: Millis,
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
    Notice::of(line!["How things are:"]).list(lines)
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
