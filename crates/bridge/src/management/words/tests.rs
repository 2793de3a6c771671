//! Everything the bot says, as people see it: first the plain body, then the HTML.

use remote::{Room, RoomId, RoomKind, Standing};
use ruma::user_id;
use store::{Counts, Login, LoginState};

use super::*;
use crate::login::{LoggedOut, Status};
use crate::management::commands::TABLE;
use crate::management::notice::Notice;
use crate::permissions::Level;

const LINK: &str = "https://bridge.example.org/login/6u3QmPQ0cGtXG5j0oQp1QyJ0m2m8r0Jt1sYb0aZ2kXo";
const NETWORK: &str = "Chatter";

fn shown(notices: &[Notice]) -> String {
    let mut out = String::new();
    for notice in notices {
        for content in notice.contents() {
            assert_eq!(content["msgtype"], "m.notice");
            assert_eq!(content["format"], "org.matrix.custom.html");
            out.push_str(content["body"].as_str().unwrap());
            out.push_str("\n  ~ ");
            out.push_str(content["formatted_body"].as_str().unwrap());
            out.push_str("\n\n------\n\n");
        }
    }
    out
}

fn login(state: LoginState) -> Login {
    Login {
        id: 7,
        mxid: "@alice:example.org".to_owned(),
        person_id: "1".to_owned(),
        username: "alice_gh".to_owned(),
        display_name: "Alice".to_owned(),
        state,
        since: 0,
    }
}

fn person(mxid: &str, expired: bool, connection: Option<(Status, Millis)>) -> status::Somebody {
    status::Somebody {
        mxid: mxid.to_owned(),
        username: "somebody".to_owned(),
        permitted: mxid != "@gone:example.org",
        expired,
        connection,
        rooms: 3,
    }
}

fn room(address: &str) -> Room {
    Room {
        id: RoomId::from("1"),
        address: address.to_owned(),
        name: address.to_owned(),
        topic: None,
        avatar: None,
        kind: RoomKind::Public,
        other: None,
        standing: Standing::Member,
        member_count: None,
        active_at: None,
        link: None,
    }
}

#[test]
fn greetings() {
    let (ok, expired) = (login(LoginState::Ok), login(LoginState::Expired));
    insta::assert_snapshot!(shown(&[
        greeting::hello(NETWORK, None, Some(LINK), false),
        greeting::hello(NETWORK, Some(&ok), None, true),
        greeting::hello(NETWORK, Some(&expired), Some(LINK), false),
        greeting::obeys(user_id!("@alice:example.org")),
        greeting::too_many(),
        greeting::unreadable(false),
        greeting::no_longer_permitted(NETWORK),
    ]));
    insta::assert_snapshot!(greeting::not_permitted(NETWORK), @"You are not permitted to use this Chatter bridge; ask its admin");
}

#[test]
fn logins() {
    let ok = login(LoginState::Ok);
    insta::assert_snapshot!(shown(&[
        login::offer(NETWORK, LINK),
        login::already(NETWORK, &ok),
        login::expired(NETWORK, "alice_gh", LINK),
        login::lost(NETWORK, "alice_gh", LINK),
        login::needed(NETWORK, false),
        login::needed(NETWORK, true),
        login::welcome(NETWORK, &ok, 0, 0),
        login::welcome(NETWORK, &ok, 1, 1),
        login::welcome(NETWORK, &ok, 3, 0),
        login::welcome(NETWORK, &ok, 12, 12),
        login::welcome(NETWORK, &ok, 60, 20),
        login::out(NETWORK, &LoggedOut::default()),
        login::out(
            NETWORK,
            &LoggedOut {
                username: Some("alice_gh".to_owned()),
                rooms: 0,
                items: 0
            }
        ),
        login::out(
            NETWORK,
            &LoggedOut {
                username: Some("alice_gh".to_owned()),
                rooms: 1,
                items: 0
            }
        ),
        login::out(
            NETWORK,
            &LoggedOut {
                username: Some("alice_gh".to_owned()),
                rooms: 12,
                items: 1
            }
        ),
        login::out_other(
            "@bob:example.org",
            &LoggedOut {
                username: Some("bob".to_owned()),
                rooms: 2,
                items: 0
            }
        ),
        login::out_other("@bob:example.org", &LoggedOut::default()),
        login::out_by_admin(NETWORK),
    ]));
}

#[test]
fn help_for_everybody() {
    insta::assert_snapshot!(shown(&[
        help::all(NETWORK, "!chatter", Level::User),
        help::all(NETWORK, "!chatter", Level::Admin),
        help::unknown("lsit", Some("list")),
        help::unknown("<weather>", None),
        help::failed("there is no such room on Chatter"),
    ]));
}

#[test]
fn help_for_each_command() {
    insta::assert_snapshot!(shown(
        &TABLE
            .iter()
            .map(|told| help::one(NETWORK, told))
            .collect::<Vec<_>>()
    ));
}

#[test]
fn rooms_there_and_here() {
    let matrix_room = "!hWqsA08:example.org";
    insta::assert_snapshot!(shown(&[
        rooms::list(NETWORK, &[]),
        rooms::list(
            NETWORK,
            &[
                ("@bob".to_owned(), None),
                ("org/room".to_owned(), Some(matrix_room.to_owned())),
                (
                    "Org/under_score".to_owned(),
                    Some("!withoutDomain".to_owned())
                ),
            ],
        ),
        rooms::invite_sent("org/room", matrix_room),
        rooms::already_here("org/room", matrix_room),
        rooms::inviting_all(0),
        rooms::inviting_all(37),
        rooms::inviting(0),
        rooms::inviting(37),
        rooms::invited(37, &[]),
        rooms::invited(
            1,
            &[(
                "org/room".to_owned(),
                "the homeserver did not accept it".to_owned()
            )]
        ),
        rooms::invited(0, &[]),
        rooms::joined(&room("org/room"), &rooms::Next::OnItsWay),
        rooms::joined(&room("org/room"), &rooms::Next::Invite),
        rooms::joined(&room("org/room"), &rooms::Next::Here("!abc".to_owned())),
        rooms::joined(&room("org/room"), &rooms::Next::Invited("!abc".to_owned())),
        rooms::left("org/room"),
        rooms::ended(NETWORK, "org/room", rooms::Loss::Left),
        rooms::ended(NETWORK, "org/room", rooms::Loss::Removed),
        rooms::ended(NETWORK, "org/room", rooms::Loss::Banned),
        rooms::ended(NETWORK, "org/room", rooms::Loss::Deleted),
        Notice::of(rooms::archived(NETWORK, "org/room")),
        rooms::synced(NETWORK, 60, 20, false),
        rooms::synced(NETWORK, 1, 1, true),
        rooms::unbridged("org/room", 0),
        rooms::unbridged("org/room", 1),
        rooms::unbridged("org/room", 5),
    ]));
}

fn reasons() -> Vec<status::Why> {
    use status::Why;
    let why = || "Chatter does not answer".to_owned();
    let trouble = |attempted| Why::Trouble {
        why: why(),
        since: 3_500_000,
        attempted,
    };
    vec![
        Why::LoggedOut,
        Why::NotPermitted,
        Why::Away,
        Why::Until {
            why: "Chatter asks to wait a minute".to_owned(),
            until: 3_640_000,
        },
        trouble(true),
        trouble(false),
        Why::UnderWay,
    ]
}

fn waits(why: status::Why) -> status::Waits {
    let whither = match why {
        status::Why::Away => status::Whither::Matrix,
        _ => status::Whither::Remote,
    };
    status::Waits {
        room: (!matches!(why, status::Why::UnderWay)).then(|| "org/room".to_owned()),
        whither,
        number: 2,
        since: 3_480_000,
        why,
    }
}

#[test]
fn states() {
    let (ok, expired) = (login(LoginState::Ok), login(LoginState::Expired));
    let well = status::State {
        network: NETWORK,
        login: &ok,
        connection: Some((Status::Connected, 3_000_000)),
        rooms: (20, 0),
        counts: Counts {
            waiting: 0,
            attempting: 0,
            failed: 0,
            oldest: None,
        },
        waits: Vec::new(),
        more: 0,
        now: 3_600_000,
    };
    let badly = || status::State {
        network: NETWORK,
        login: &ok,
        connection: Some((
            Status::Broken {
                why: "Chatter does not answer".to_owned(),
            },
            3_570_000,
        )),
        rooms: (1, 1),
        counts: Counts {
            waiting: 3,
            attempting: 1,
            failed: 2,
            oldest: Some(3_480_000),
        },
        waits: reasons().into_iter().map(waits).collect(),
        more: 3,
        now: 3_600_000,
    };
    let out = status::State {
        login: &expired,
        connection: None,
        ..badly()
    };
    let people = [
        person("@alice:example.org", false, Some((Status::Connected, 0))),
        person("@bob:example.org", true, None),
        person("@carol:example.org", false, Some((Status::Connecting, 0))),
        person("@gone:example.org", false, None),
    ];
    insta::assert_snapshot!(shown(&[
        status::state(&well),
        status::state(&badly()),
        status::state(&out),
        status::nobody(NETWORK),
        status::version("matrix-chatter 0.1.0 (abc1234)"),
        status::users(&[], 0),
        status::users(&people, 7_200_000),
    ]));
}

#[test]
fn failures() {
    let failure = |room: &str, words: &str, why: &str| failed::Failure {
        room: room.to_owned(),
        words: words.to_owned(),
        why: why.to_owned(),
    };
    insta::assert_snapshot!(shown(&[
        failed::list(&[], 0),
        failed::list(
            &[
                failure("org/room", "Hello everybody …", "you may not write there"),
                failure("@bob", "<b>", "the message is too long"),
            ],
            9
        ),
        failed::retrying(1, 0, &[], 1),
        failed::retrying(3, 2, &["org/gone".to_owned(), "@ann".to_owned()], 2),
        failed::discarded(1, "org/room: Hello", 0),
        failed::discarded(2, "org/room: Hello", 3),
        failed::nothing(),
    ]));
    insta::assert_snapshot!(failed::no_such("x", 2), @"“x” is not a number from 1 to 2, nor “all”; “failed” shows the numbers");
}

#[test]
fn time_is_told_roughly() {
    for (millis, told) in [
        (0, "a moment"),
        (999, "a moment"),
        (1_000, "1 second"),
        (119_000, "1 minute"),
        (7_200_000, "2 hours"),
        (86_400_000, "1 day"),
        (-5, "a moment"),
    ] {
        assert_eq!(ago(0, millis), told, "{millis}");
    }
}

#[test]
fn sentences_begin_and_end_as_such() {
    assert_eq!(sentence("there is no such room"), "There is no such room.");
    assert_eq!(sentence("Done."), "Done.");
    assert_eq!(sentence(""), "");
}
