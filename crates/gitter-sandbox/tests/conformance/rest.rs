//! The REST and OAuth cases, group by group, each in a world that is as the recorded one was.

use std::collections::BTreeSet;
use std::time::Duration;

use gitter_sandbox::Visibility;

use crate::case::{Case, client, read};
use crate::stage::Stage;

/// Cases that only make sense after others; the file has them in the order of their names.
const AFTER: &[(&str, &str)] = &[
    ("generic_etag_304", "generic_etag_first"),
    ("msg_edit", "msg_send_for_edit"),
    ("msg_edit_again", "msg_edit"),
    ("msg_edit_same", "msg_edit_again"),
    ("msg_edit_empty", "msg_edit_same"),
    ("msg_edit_missing", "msg_edit_empty"),
    ("msg_edit_other", "msg_edit_missing"),
    ("msg_edit_other_room", "msg_edit_missing"),
    ("msg_edit_patch", "msg_edit_missing"),
    ("msg_edit_too_long", "msg_edit_missing"),
    ("msg_show_edited", "msg_edit_missing"),
    ("msg_delete_other_nonadmin", "msg_send_for_delete"),
    ("msg_delete_own", "msg_delete_other_nonadmin"),
    ("msg_delete_again", "msg_delete_own"),
    ("msg_edit_deleted", "msg_delete_own"),
    ("msg_show_deleted", "msg_delete_own"),
    ("msg_delete_as_admin", "msg_send_for_admin_delete"),
    ("msg_delete_thread_reply", "msg_edit_thread_reply"),
    (
        "msg_show_thread_parent_after_delete",
        "msg_delete_thread_reply",
    ),
    (
        "msg_delete_thread_parent",
        "msg_show_thread_parent_after_delete",
    ),
    ("hist_marker_first_unread", "hist_default"),
    ("unread_mark_read", "hist_seen_by_dave"),
    ("unread_mark_read", "hist_marker_first_unread"),
    ("unread_mark_read", "unread_list"),
    ("unread_list_after", "unread_mark_read"),
    ("unread_mark_all", "unread_list_after"),
    ("unread_list_after_all", "unread_mark_all"),
    ("members_add", "members_list_private_nonmember"),
    ("members_leave_again", "members_leave_self"),
    ("members_leave_by_username", "members_list"),
    ("members_leave_by_username", "members_list_lean"),
    ("members_remove_by_admin", "members_add"),
    ("members_remove_again", "members_remove_by_admin"),
    ("msg_delete_601s_old", "msg_edit_601s_old"),
    ("rate_exceeded", "rate_first"),
    ("rate_exceeded_post", "rate_exceeded"),
    ("rate_exceeded_other_client", "rate_exceeded"),
    ("room_ban", "room_bans"),
    ("room_ban", "room_events"),
    ("room_ban", "members_remove_other_nonadmin"),
    ("room_ban", "members_list_lean"),
    ("banned_join", "room_ban"),
    ("banned_read", "room_ban"),
    ("banned_send", "room_ban"),
    ("room_bans_after", "room_ban"),
    ("room_favourite", "room_ban"),
    ("room_unban", "room_bans_after"),
    ("room_unban", "banned_join"),
    ("room_unban", "banned_read"),
    ("room_unban", "banned_send"),
    ("rooms_show_after_leave", "members_leave_self"),
    ("msg_send_after_leave", "members_leave_self"),
    ("room_update_topic", "rooms_show_after_leave"),
    ("room_update_tags", "room_update_topic"),
    ("room_update_empty", "room_update_tags"),
    ("room_mode_mute", "room_update_empty"),
    ("room_hide", "room_mode_mute"),
    ("rooms_list_after", "room_hide"),
    ("rooms_list_after", "room_favourite"),
    ("group_room_create", "rooms_list_after"),
    ("group_room_create_app", "rooms_list_after"),
    ("group_room_create_dup", "group_room_create"),
    ("oauth_token_code_reused", "oauth_token_ok"),
    ("oauth_token_missing_code", "oauth_decision_allow"),
];

/// Cases, the first and the last of which are named, and the world they are asked in.
struct Group {
    first: &'static str,
    last: &'static str,
    rate_limit: u32,
    prepare: fn(&mut Stage),
}

const GROUPS: &[Group] = &[
    Group {
        first: "auth_bad_token",
        last: "user_unread_aggregated",
        rate_limit: 10_000,
        prepare: something_unread,
    },
    Group {
        first: "join_room",
        last: "join_room_unknown",
        rate_limit: 10_000,
        prepare: nothing,
    },
    Group {
        first: "msg_send_codeblock",
        last: "thread_list_after_parent_delete",
        rate_limit: 10_000,
        prepare: something_unread,
    },
    Group {
        first: "hist_empty_room",
        last: "hist_empty_room",
        rate_limit: 10_000,
        prepare: nothing,
    },
    Group {
        first: "hist_after",
        last: "msg_edit_590s_old",
        rate_limit: 10_000,
        prepare: quiet_history,
    },
    Group {
        first: "banned_join",
        last: "group_room_create_dup",
        rate_limit: 10_000,
        prepare: much_to_manage,
    },
    Group {
        first: "rate_exceeded",
        last: "rate_first",
        rate_limit: 100,
        prepare: nothing,
    },
    Group {
        first: "room_delete",
        last: "room_show_deleted",
        rate_limit: 10_000,
        prepare: a_room_to_delete,
    },
    Group {
        first: "oauth_authorize_dialog",
        last: "oauth_authorize_no_response_type",
        rate_limit: 10_000,
        prepare: nothing,
    },
    Group {
        first: "hist_after_paging_1",
        last: "http_keepalive_hint",
        rate_limit: 10_000,
        prepare: long_history,
    },
    Group {
        first: "user_by_name_me_unread_rooms",
        last: "user_by_name_me_unread_rooms",
        rate_limit: 10_000,
        prepare: rooms_with_news,
    },
];

pub(crate) fn nothing(_: &mut Stage) {}

pub(crate) fn something_unread(stage: &mut Stage) {
    stage.say(
        "6b0310569899fb466689e096",
        "alice-gh",
        "lobby",
        "unread for bob?",
    );
    stage.say(
        "6b03106a9899fb466689e140",
        "alice-gh",
        "lobby",
        "a lobby message",
    );
}

pub(crate) fn quiet_history(stage: &mut Stage) {
    let control = stage.sandbox.world();
    control
        .join(stage.user("dave_twitter"), stage.room("quiet"))
        .unwrap();
    stage.say(
        "6b03106a9899fb466689e130",
        "alice-gh",
        "oneToOne_alice_bob",
        "hi bob",
    );
    stage.say("6b03106a9899fb466689e12e", "bob-gh", "private", "secret");
    let ids = [
        "935d", "935f", "9361", "9463", "9465", "9467", "9469", "956b", "956d", "956f", "9671",
        "9673",
    ];
    for (at, id) in ids.iter().enumerate() {
        let (second, count) = id.split_at(2);
        let sender = if at % 2 == 0 {
            "dave_twitter"
        } else {
            "alice-gh"
        };
        let recorded = format!("6b0310{second}9899fb466689e1{count}");
        stage.say(
            &recorded,
            sender,
            "quiet",
            &format!("quiet message {}", at + 1),
        );
        stage.clock.advance(Duration::from_millis(300));
    }
    let parent = "6b0310949899fb466689e167";
    stage.reply(
        "6b0310969899fb466689e175",
        "dave_twitter",
        "quiet",
        parent,
        "thread reply 1",
    );
    stage.reply(
        "6b0310969899fb466689e177",
        "dave_twitter",
        "quiet",
        parent,
        "thread reply 2",
    );
}

fn much_to_manage(stage: &mut Stage) {
    let control = stage.sandbox.world();
    for room in ["quiet", "lobby"] {
        control
            .join(stage.user("dave_twitter"), stage.room(room))
            .unwrap();
    }
    stage.say(
        "6b0310939899fb466689e15d",
        "dave_twitter",
        "quiet",
        "quiet message 1",
    );
    stage.say(
        "6b0310979899fb466689e179",
        "alice-gh",
        "quiet",
        "an old message",
    );
    stage.clock.advance(Duration::from_secs(601));
}

fn a_room_to_delete(stage: &mut Stage) {
    let room = "6b031099e820fa4e246d01f6".parse().unwrap();
    let alice = stage.user("alice-gh");
    stage
        .sandbox
        .world()
        .add_room_as(room, "acme-community/to-delete", Visibility::Public, alice)
        .unwrap();
}

/// The recorded first and last messages, and as many others between as there were.
fn long_history(stage: &mut Stage) {
    let first: Vec<Case> = read()
        .into_iter()
        .filter(|case| case.name == "hist_after_paging_1")
        .collect();
    let texts = first[0].texts();
    stage.say("6b0310689899fb466689e0dd", "alice-gh", "dev", &texts[0]);
    stage.say("6b0310689899fb466689e0df", "alice-gh", "dev", &texts[1]);
    stage.say("6b0310689899fb466689e0e1", "alice-gh", "dev", &texts[2]);
    for number in -38..=120 {
        let id = if number == 58 {
            "6b03135f9899fb466689e2b3"
        } else {
            "<another message>"
        };
        let sender =
            if number % 3 == 1 && number > 60 || number > 70 && number < 74 || number == 120 {
                "bob-gh"
            } else {
                "alice-gh"
            };
        stage.say(
            id,
            sender,
            "dev",
            &format!("filler message number {number}"),
        );
    }
}

fn rooms_with_news(stage: &mut Stage) {
    let control = stage.sandbox.world();
    let [alice, bob, carol, dave] =
        ["alice-gh", "bob-gh", "carol_gitlab", "dave_twitter"].map(|name| stage.user(name));
    let lobby = stage.room("lobby");
    control.ban(lobby, carol, alice).unwrap();
    control.set_topic(lobby, "topic over ws").unwrap();
    stage.clock.advance(Duration::from_mins(1));
    control.one_to_one(dave, bob).unwrap();
    let uri = "acme-community/nonmember-mws152k5";
    let elsewhere = control.add_room(uri, Visibility::Public, alice).unwrap();
    control
        .say(alice, elsewhere, "mentioning @bob-gh who is not here")
        .unwrap();
}

/// The cases in an order in which each has what it needs.
fn ordered(cases: &[Case]) -> Vec<&Case> {
    let here: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut order = Vec::new();
    while order.len() < cases.len() {
        let ready = |case: &&Case| {
            let name = case.name.as_str();
            let waits = |(later, earlier): &(&str, &str)| {
                *later == name && here.contains(earlier) && !done.contains(earlier)
            };
            !done.contains(name) && !AFTER.iter().any(waits)
        };
        let next = cases.iter().find(ready).expect("no case waits for itself");
        done.insert(&next.name);
        order.push(next);
    }
    order
}

#[tokio::test]
async fn recorded_requests_get_the_recorded_answers() {
    let cases = read();
    let place = |name: &str| cases.iter().position(|case| case.name == name).unwrap();
    let http = client();
    let (mut asked, mut wrong) = (0, Vec::new());
    for group in GROUPS {
        let mut stage = Stage::set(group.rate_limit).await;
        (group.prepare)(&mut stage);
        let here = &cases[place(group.first)..=place(group.last)];
        for case in ordered(here) {
            asked += 1;
            case.arrange(&mut stage, &http).await;
            let differences = case.play(&mut stage, &http).await;
            stage.tick();
            if !differences.is_empty() {
                wrong.push(format!(
                    "{}:\n    {}",
                    case.name,
                    differences.join("\n    ")
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {asked} cases differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(asked, cases.len(), "every case belongs to one group");
}
