use super::*;

fn text(content: &Value) -> TextContent {
    match crossing("m.room.message", content) {
        Crossing::Message(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn text_crosses() {
    let plain = text(&json!({"msgtype": "m.text", "body": "hi"}));
    assert_eq!(
        plain,
        TextContent {
            kind: MessageKind::Text,
            body: "hi".into(),
            html: None,
            file: None,
            everybody: false,
            mentioned: None,
        }
    );
    let rich = text(&json!({
        "msgtype": "m.emote", "body": "waves", "format": "org.matrix.custom.html", "formatted_body": "<b>waves</b>",
        "m.mentions": {"room": true, "user_ids": ["@a:b", 7]},
    }));
    assert_eq!(rich.kind, MessageKind::Emote);
    assert_eq!(rich.html.as_deref(), Some("<b>waves</b>"));
    assert!(rich.everybody);
    assert_eq!(rich.mentioned, Some(vec!["@a:b".to_owned()]));
    let unknown_format = text(
        &json!({"msgtype": "m.notice", "body": "x", "format": "rtf", "formatted_body": "{\\rtf}"}),
    );
    assert_eq!(
        (unknown_format.kind, unknown_format.html),
        (MessageKind::Notice, None)
    );
}

#[test]
fn the_quotation_before_an_answer_is_dropped() {
    let answer = |body: &str| {
        text(&json!({"msgtype": "m.text", "body": body, "m.relates_to": {"m.in_reply_to": {"event_id": "$a"}}})).body
    };
    assert_eq!(
        answer("> <@a:b> one\n> two\n>\n> three\n\nmine\n\n> kept"),
        "mine\n\n> kept"
    );
    assert_eq!(
        answer("> my own quotation\n\nmine"),
        "> my own quotation\n\nmine"
    );
    assert_eq!(answer("mine"), "mine");
    let no_answer = text(&json!({"msgtype": "m.text", "body": "> <@a:b> one\n\nmine"}));
    assert_eq!(no_answer.body, "> <@a:b> one\n\nmine");
}

#[test]
fn the_quotation_before_an_answer_says_who_said_what() {
    let body = "> <@a:b> one\n> two\n>\n> three\n\nmine";
    let (who, said) = quoted(body).unwrap();
    assert_eq!((who, said.as_str()), ("@a:b", "one\ntwo\nthree"));
    assert_eq!(quoted("> * <@a:b> waves\n\nmine").unwrap().1, "waves");
    for none in ["mine", "> my own quotation\n\nmine", "> <odd", "", ">"] {
        assert_eq!(quoted(none), None, "{none:?}");
    }
}

#[test]
fn what_cannot_cross_has_words() {
    let cases = [
        (
            "m.room.message",
            json!({"msgtype": "m.image", "body": "a.png", "file": {"url": "mxc://example.org/a"}}),
            Unsupported::EncryptedFile,
        ),
        (
            "m.room.message",
            json!({"msgtype": "m.location", "geo_uri": 7}),
            Unsupported::Location,
        ),
        (
            "m.room.message",
            json!({"msgtype": "org.example"}),
            Unsupported::Other,
        ),
        ("m.reaction", json!({}), Unsupported::Reaction),
        ("m.room.encrypted", json!({}), Unsupported::Encrypted),
        ("m.sticker", json!({}), Unsupported::NoFile),
        ("m.poll.start", json!({}), Unsupported::Poll),
        (
            "org.matrix.msc3381.poll.response",
            json!({}),
            Unsupported::Vote,
        ),
        ("m.call.invite", json!({}), Unsupported::Call),
        ("org.example.unheard.of", json!({}), Unsupported::Other),
    ];
    let mut words = Vec::new();
    for (kind, content, what) in cases {
        assert_eq!(
            crossing(kind, &content),
            Crossing::Unsupported(what),
            "{kind}"
        );
        words.push(format!("{}: {}", what.name(), what.words("Gitter")));
    }
    words.dedup();
    insta::assert_snapshot!(words.join("\n"));
}

#[test]
fn files_cross_with_what_was_said_of_them() {
    let url = "mxc://example.org/a";
    let read = |kind: &str, content: Value| match crossing(kind, &content) {
        Crossing::Message(TextContent {
            body,
            html,
            file: Some(file),
            ..
        }) => (file.name, file.picture, body, html),
        other => panic!("{other:?}"),
    };
    let none = || (String::new(), None);
    for (kind, content, name, picture, (body, html)) in [
        (
            "m.room.message",
            json!({"msgtype": "m.image", "body": "a.png", "url": url}),
            "a.png",
            true,
            none(),
        ),
        (
            "m.room.message",
            json!({"msgtype": "m.file", "body": "a.pdf", "filename": "a.pdf", "url": url}),
            "a.pdf",
            false,
            none(),
        ),
        (
            "m.room.message",
            json!({"msgtype": "m.video", "url": url}),
            "file",
            false,
            none(),
        ),
        (
            "m.room.message",
            json!({"msgtype": "m.audio", "body": "Voice message", "org.matrix.msc3245.voice": {}, "url": url}),
            "Voice message",
            false,
            none(),
        ),
        (
            "m.sticker",
            json!({"body": "a cat", "url": url}),
            "a cat",
            true,
            none(),
        ),
        (
            "m.room.message",
            json!({"msgtype": "m.image", "filename": "a.png", "body": "my *cat*", "format": "org.matrix.custom.html", "formatted_body": "my <b>cat</b>", "url": url}),
            "a.png",
            true,
            ("my *cat*".to_owned(), Some("my <b>cat</b>".to_owned())),
        ),
        (
            "m.room.message",
            json!({"msgtype": "m.image", "filename": " ", "body": "a.png", "url": url}),
            "a.png",
            true,
            none(),
        ),
    ] {
        assert_eq!(read(kind, content), (name.to_owned(), picture, body, html));
    }
    for url in [
        json!(null),
        json!(7),
        json!(""),
        json!("https://example.org/a.png"),
        json!("mxc://"),
        json!("mxc://a/../b"),
    ] {
        let content = json!({"msgtype": "m.image", "body": "a.png", "url": url});
        assert_eq!(
            crossing("m.room.message", &content),
            Crossing::Unsupported(Unsupported::NoFile),
            "{url}"
        );
    }
}

#[test]
fn what_is_said_of_a_file_is_only_what_it_should() {
    let content = json!({"msgtype": "m.video", "body": "x", "url": "mxc://example.org/a", "info": {
        "size": 7, "w": "wide", "h": -3, "duration": 1.5, "mimetype": "video/mp4", "xyz.amorgan.blurhash": "L".repeat(500),
        "thumbnail_url": "mxc://example.org/b", "other": {"deep": []},
    }});
    let Crossing::Message(text) = crossing("m.room.message", &content) else {
        panic!("no message");
    };
    let expected = json!({"msgtype": "m.video", "info": {"size": 7, "mimetype": "video/mp4"}});
    assert_eq!(text.file.map(|file| file.about), Some(expected));
}

#[test]
fn nothing_is_nothing() {
    for content in [
        json!({}),
        json!({"msgtype": "m.text"}),
        json!({"msgtype": "m.text", "body": 7}),
        json!({"msgtype": 7, "body": "x"}),
        json!({"msgtype": "m.text", "body": " \n"}),
        json!({"msgtype": "m.text", "body": "", "format": "org.matrix.custom.html", "formatted_body": ""}),
    ] {
        assert_eq!(
            crossing("m.room.message", &content),
            Crossing::Nothing,
            "{content}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn any_body_is_read_without_panic(body in "(> ?(<[^\n]{0,9}\n?)?|\\PC|\n){0,20}") {
        let content = json!({
            "msgtype": "m.text",
            "body": body,
            "m.relates_to": {"m.in_reply_to": {"event_id": "$a"}},
        });
        if let Crossing::Message(text) = crossing("m.room.message", &content) {
            proptest::prop_assert!(body.ends_with(&text.body));
        }
    }
}
