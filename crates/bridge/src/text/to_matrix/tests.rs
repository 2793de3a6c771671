use remote::{
    Person, PersonId, RichText, RoomId,
    text::{Node, Tag},
};

use super::*;

const OWN: &str = "57a1";

fn network() -> NetworkInfo {
    NetworkInfo {
        id: "test",
        name: "Test",
        url: "https://test.example".try_into().unwrap(),
        event_key: "example.test.message",
    }
}

fn person(id: &str) -> Person {
    Person {
        id: PersonId::from(id),
        username: "bob".into(),
        display_name: "Bob".into(),
        avatar: None,
    }
}

fn message(text: RichText) -> Message {
    Message {
        id: MessageId::from("m1"),
        room: RoomId::from("r1"),
        sender: Some(person("57b2")),
        sent_at: 1_700_000_000_000,
        kind: MessageKind::Text,
        text,
        edited_at: None,
        thread: None,
        reply_to: None,
        blanked: false,
        attachments: Vec::new(),
    }
}

fn mention(id: &str, label: &str) -> Node {
    Node::Mention(Mention {
        who: Mentioned::Person {
            id: PersonId::from(id),
            username: None,
        },
        label: label.into(),
    })
}

fn shown(message: &Message) -> Vec<Value> {
    let names = Names::of("@gitter:example.org", "gitter_{id}", "{name} (Gitter)");
    let names = MatrixNames {
        names: &names,
        person: OWN,
        user: "@alice:example.org",
    };
    contents(message, &names, &network())
}

#[test]
fn plain_text_has_no_html() {
    insta::assert_json_snapshot!(shown(&message(RichText::plain("hello\nworld"))));
}

#[test]
fn formatting_and_mentions() {
    let text = RichText {
        nodes: vec![
            mention(OWN, "@alice"),
            Node::Text(" and ".into()),
            mention("57b3", "@carol"),
            Node::Text(": <see> ".into()),
            Tag::Strong.with(vec![Node::Text("this".into())]),
            Node::Mention(Mention {
                who: Mentioned::Name("@nobody".into()),
                label: "@nobody".into(),
            }),
        ],
    };
    insta::assert_json_snapshot!(shown(&message(text)));
}

#[test]
fn everybody_and_emotes() {
    let mut emote = message(RichText {
        nodes: vec![Node::Mention(Mention {
            who: Mentioned::Everyone,
            label: "@/all".into(),
        })],
    });
    emote.kind = MessageKind::Emote;
    insta::assert_json_snapshot!(shown(&emote));
}

#[test]
fn somebody_whose_account_is_gone() {
    let mut orphan = message(RichText::plain("last words"));
    orphan.sender = None;
    insta::assert_json_snapshot!(shown(&orphan));
}

#[test]
fn what_does_not_fit_is_cut_without_losing_anything() {
    let long = (0..9000)
        .map(|n| format!("line {n} \u{1F600}"))
        .collect::<Vec<_>>()
        .join("\n")
        + "\n";
    let mut rich = RichText::plain(&long);
    rich.nodes.push(mention(OWN, "@alice"));
    let parts = shown(&message(rich));
    assert!(parts.len() > 2);
    let mut whole = String::new();
    for (number, part) in parts.iter().enumerate() {
        assert!(fits(part));
        assert_eq!(
            part["example.test.message"]["part"].as_u64().unwrap_or(0),
            number as u64
        );
        assert_eq!(part["m.mentions"].get("user_ids").is_some(), number == 0);
        whole.push_str(part["body"].as_str().unwrap());
        whole.push('\n');
    }
    assert_eq!(whole.trim_end(), format!("{long}@alice").trim_end());
}

#[test]
fn a_crowd_of_mentions_fits_into_events_and_rings_the_user() {
    let mut nodes: Vec<Node> = (0..2_000)
        .flat_map(|number| {
            let id = format!("57b2000000000000{number:08}");
            [mention(&id, &format!("@p{number}")), Node::Text(" ".into())]
        })
        .collect();
    nodes.push(mention(OWN, "@alice"));
    let contents = shown(&message(RichText { nodes }));
    for content in &contents {
        assert!(content.to_string().len() <= MAX_CONTENT);
    }
    let mentioned = contents[0]["m.mentions"]["user_ids"].as_array().unwrap();
    assert_eq!(mentioned[0], "@alice:example.org");
    assert!(mentioned.len() > 50);
    let text: String = contents
        .iter()
        .filter_map(|content| content["body"].as_str())
        .collect();
    assert!(text.contains("@p1999") && text.contains("@alice"));
}
