use serde_json::json;

use super::*;

const ROOM: &str = "!roomWithoutDomain";

fn names() -> Names {
    Names::of("@gitter:example.org", "gitter_{id}", "{name} (Gitter)")
}

fn event(kind: &str, content: Value) -> IncomingEvent {
    IncomingEvent {
        event_id: "$event".try_into().unwrap(),
        room_id: ROOM.try_into().unwrap(),
        sender: "@alice:example.org".try_into().unwrap(),
        kind: kind.to_owned(),
        state_key: None,
        ts: 1_700_000_000_000,
        content,
        redacts: None,
        unsigned: Value::Null,
    }
}

fn text(body: &str) -> IncomingEvent {
    event("m.room.message", json!({"msgtype": "m.text", "body": body}))
}

fn state(kind: &str, key: &str, content: Value) -> IncomingEvent {
    IncomingEvent {
        state_key: Some(key.to_owned()),
        ..event(kind, content)
    }
}

const PORTAL: Place = Place::Portal {
    id: 7,
    login_id: Some(1),
};
const CROSSES: Route = Route::ToRemote {
    portal: 7,
    login_id: Some(1),
};

fn sort(event: &IncomingEvent, place: &Place) -> Route {
    classify(event, place, &names(), "!gitter")
}

fn said(text: &str, prefixed: bool) -> Route {
    Route::Control(ControlEvent::Said {
        event_id: "$event".try_into().unwrap(),
        room: ROOM.try_into().unwrap(),
        sender: "@alice:example.org".try_into().unwrap(),
        text: text.to_owned(),
        prefixed,
    })
}

#[test]
fn what_is_said_in_a_portal_crosses_unless_it_is_a_command() {
    assert_eq!(sort(&text("hello"), &PORTAL), CROSSES);
    assert_eq!(sort(&text("!gitterish"), &PORTAL), CROSSES);
    assert_eq!(sort(&text("say !gitter help"), &PORTAL), CROSSES);
    assert_eq!(
        sort(&text("!gitter help login"), &PORTAL),
        said("help login", true)
    );
    assert_eq!(sort(&text(" !GITTER\n list "), &PORTAL), said("list", true));
    assert_eq!(sort(&text("!gitter"), &PORTAL), said("", true));
    let notice = event(
        "m.room.message",
        json!({"msgtype": "m.notice", "body": "!gitter help"}),
    );
    assert_eq!(sort(&notice, &PORTAL), CROSSES);
}

#[test]
fn everything_else_in_a_portal_is_delivered_too_so_that_it_is_answered() {
    for kind in [
        "m.reaction",
        "m.room.redaction",
        "m.sticker",
        "m.room.encrypted",
        "org.example.unknown",
    ] {
        assert_eq!(sort(&event(kind, json!({})), &PORTAL), CROSSES, "{kind}");
    }
    let edit = json!({"msgtype": "m.text", "body": "!gitter list", "m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}});
    assert_eq!(sort(&event("m.room.message", edit), &PORTAL), CROSSES);
    assert_eq!(
        sort(&event("m.room.message", json!({"body": 7})), &PORTAL),
        CROSSES
    );
}

#[test]
fn names_topics_and_pictures_of_portals_are_looked_at() {
    for (kind, content, value) in [
        ("m.room.name", json!({"name": "x"}), "x"),
        ("m.room.topic", json!({"topic": "x"}), "x"),
        ("m.room.topic", json!({"topic": 7}), ""),
        ("m.room.avatar", json!({}), ""),
    ] {
        let event = state(kind, "", content);
        let Route::Control(ControlEvent::Changed { value: read, .. }) = sort(&event, &PORTAL)
        else {
            panic!("{kind}");
        };
        assert_eq!(read, value, "{kind}");
        assert_eq!(sort(&event, &Place::Other), Route::Ignore, "{kind}");
    }
    for (kind, key) in [("m.room.topic", "x"), ("m.room.join_rules", "")] {
        let event = state(kind, key, json!({}));
        assert_eq!(sort(&event, &PORTAL), Route::Ignore, "{kind}");
    }
}

#[test]
fn a_room_is_followed_wherever_it_goes() {
    let moved = state(
        "m.room.tombstone",
        "",
        json!({"replacement_room": "!elsewhere"}),
    );
    for place in [PORTAL, Place::Other] {
        assert!(matches!(
            sort(&moved, &place),
            Route::Control(ControlEvent::Upgraded { .. })
        ));
    }
    for nowhere in [
        json!({}),
        json!({"replacement_room": "x"}),
        json!({"replacement_room": 7}),
    ] {
        let event = state("m.room.tombstone", "", nowhere);
        assert_eq!(sort(&event, &PORTAL), Route::Ignore);
    }
}

#[test]
fn elsewhere_text_is_for_the_bot() {
    assert_eq!(sort(&text("help"), &Place::Other), said("help", false));
    assert_eq!(
        sort(&text("!Gitter help"), &Place::Other),
        said("help", true)
    );
    let notice = event(
        "m.room.message",
        json!({"msgtype": "m.notice", "body": "help"}),
    );
    assert_eq!(sort(&notice, &Place::Other), Route::Ignore);
    let edit = json!({"msgtype": "m.text", "body": "help", "m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}});
    assert_eq!(
        sort(&event("m.room.message", edit), &Place::Other),
        Route::Ignore
    );
    assert_eq!(
        sort(&event("m.reaction", json!({})), &Place::Other),
        Route::Ignore
    );
    let Route::Control(ControlEvent::SentOther { kind, .. }) =
        sort(&event("m.room.encrypted", json!({})), &Place::Other)
    else {
        panic!("an encrypted message has to be answered");
    };
    assert_eq!(kind, "m.room.encrypted");
}

#[test]
fn membership_is_control_except_that_of_ghosts() {
    for place in [PORTAL, Place::Other] {
        let invite = state(
            "m.room.member",
            "@gitter:example.org",
            json!({"membership": "invite"}),
        );
        let Route::Control(ControlEvent::Member {
            user,
            membership,
            sender,
            ..
        }) = sort(&invite, &place)
        else {
            panic!("an invite of the bot");
        };
        assert_eq!(
            (user.as_str(), membership, sender.as_str()),
            (
                "@gitter:example.org",
                Membership::Invite,
                "@alice:example.org"
            )
        );
        let ghost = state(
            "m.room.member",
            "@gitter_1:example.org",
            json!({"membership": "leave"}),
        );
        assert_eq!(sort(&ghost, &place), Route::Ignore);
    }
    for (key, content) in [
        ("@a:example.org", json!({})),
        ("@a:example.org", json!({"membership": "dance"})),
        ("no id", json!({"membership": "join"})),
    ] {
        assert_eq!(
            sort(&state("m.room.member", key, content), &PORTAL),
            Route::Ignore
        );
    }
    assert_eq!(
        sort(
            &event("m.room.member", json!({"membership": "join"})),
            &PORTAL
        ),
        Route::Ignore
    );
}

#[test]
fn control_items_can_be_read_back() {
    let Route::Control(control) = sort(&text("help"), &Place::Other) else {
        panic!()
    };
    let json = serde_json::to_string(&control).unwrap();
    insta::assert_snapshot!(json);
    assert_eq!(
        serde_json::from_str::<ControlEvent>(&json).unwrap(),
        control
    );
}

#[test]
fn a_prefix_beside_a_multibyte_character_is_none() {
    assert_eq!(strip_prefix("!gittér", "!gitter"), None);
    assert_eq!(strip_prefix("!gitte\u{20ac}", "!gitter"), None);
    assert_eq!(strip_prefix("", "!gitter"), None);
}
