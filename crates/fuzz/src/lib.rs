//! Every parser of text that strangers write, as targets for a fuzzer.
//!
//! `cargo xtask fuzz` runs them with libFuzzer (in `runner/`, which is no part of the workspace, since it needs a C++ compiler);
//! `tests/corpus.rs` runs them over the small corpus in `corpus/<target>/` with every `cargo test`. What the fuzzer finds goes
//! into the corpus, mended.
//!
//! One more target: a function here and its line in [`TARGETS`], and a file in `corpus/` to begin with.

use bridge::text::{Callings, Crossing, compose, crossing, read};
use gitter_markup::{Incoming, MAX_UNITS, split, to_markdown, to_rich};
use remote::text::{LINK_SCHEMES, NoNames, html, plain};
use remote::{Composed, RichText};
use serde_json::{Value, json};

/// A target takes any bytes; a panic is a finding.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("gitter-html", gitter_html),
    ("matrix-html", matrix_html),
    ("typed-text", typed_text),
    ("matrix-content", matrix_content),
    ("transaction", transaction),
    ("gitter-message", gitter_message),
    ("bayeux", bayeux),
    ("file", file),
];

/// A message's `html` as Gitter gives it, to what Matrix is sent.
fn gitter_html(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let rich = to_rich(&Incoming {
        html: text,
        text,
        sender: Some("alice"),
        status: text.len().is_multiple_of(2),
        site: "https://gitter.im",
        ..Incoming::default()
    });
    let read = |html: &str| html::render(&html::parse_plainly(html), &NoNames);
    // Reading tidies, such as blanks at the end, once and no more.
    let written = html::render(&rich, &NoNames);
    assert_allowed(&written);
    let tidy = read(&written);
    assert_eq!(read(&tidy), tidy, "what is tidy stays as it is");
    let body = plain::render(&rich, &NoNames);
    // Of a few bytes many may become, but nobody is to fill rooms with them.
    let most = 32 * text.len() + 1_000;
    assert!(written.len() <= most, "{} bytes of HTML", written.len());
    assert!(body.len() <= most, "{} bytes of text", body.len());
}

/// Elements with their attributes, as far as we write them (Matrix spec, `m.room.message` msgtypes).
const ALLOWED: &[(&str, &[&str])] = &[
    ("a", &["href"]),
    ("code", &["class"]),
    ("div", &["data-mx-maths"]),
    ("img", &["src", "alt"]),
    ("ol", &["start"]),
    ("span", &["data-mx-maths", "data-mx-spoiler"]),
];

/// The same, for those that have none.
const BARE: &[&str] = &[
    "blockquote",
    "br",
    "del",
    "details",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "p",
    "pre",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

/// What Matrix is sent holds nothing but what it allows.
fn assert_allowed(html: &str) {
    assert!(!html.contains('\0'));
    for piece in html.split('<').skip(1) {
        let (tag, behind) = piece.split_once('>').expect("a tag has an end");
        assert!(!behind.contains('>'), "one `>` too many: {piece}");
        let tag = tag.strip_prefix('/').unwrap_or(tag);
        let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
        let known = ALLOWED.iter().find(|(known, _)| *known == name);
        let attributes = known.map_or(&[][..], |(_, attributes)| attributes);
        assert!(known.is_some() || BARE.contains(&name), "<{name}>");
        while let Some((attribute, value)) = rest.trim_start().split_once("=\"") {
            assert!(attributes.contains(&attribute), "{attribute} of <{name}>");
            let (value, behind) = value.split_once('"').expect("a value has an end");
            let schemes = match attribute {
                "href" => &LINK_SCHEMES[..],
                "src" => &["http", "https", "mxc"],
                _ => &[],
            };
            let scheme = value.split(':').next().unwrap_or_default();
            let is_one = |it: &&str| it.eq_ignore_ascii_case(scheme);
            assert!(schemes.is_empty() || schemes.iter().any(is_one), "{value}");
            rest = behind;
        }
        assert!(rest.is_empty(), "{rest} in <{name}>");
    }
}

/// A `formatted_body`, to what Gitter is sent.
fn matrix_html(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        sent(&Composed::Rich(html::parse_plainly(text)));
    }
}

/// A `body` typed by hand, to what Gitter is sent.
fn typed_text(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        sent(&Composed::Plain(text.to_owned()));
        sent(&Composed::Rich(RichText::plain(text)));
    }
}

fn sent(text: &Composed) {
    let markdown = to_markdown(text);
    for part in split(&markdown, MAX_UNITS) {
        let units = part.encode_utf16().count();
        assert!(units <= MAX_UNITS, "a part has {units} units");
        assert!(!part.trim().is_empty(), "a part says nothing");
    }
}

/// The content of an `m.room.message`, or of an event whose type is the first line.
fn matrix_content(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (kind, content) = text.split_once('\n').unwrap_or(("m.room.message", text));
    let content = serde_json::from_str(content).unwrap_or_else(|_| json!({ "body": content }));
    crosses(kind, &content);
}

fn crosses(kind: &str, content: &Value) {
    let Crossing::Message(message) = crossing(kind, content) else {
        return;
    };
    if let Some(file) = &message.file {
        assert!(file.name.chars().count() <= 120 && !file.name.contains(char::is_control));
        assert!(file.about.to_string().len() < 1_000);
    }
    let callings = Callings {
        everybody: message.everybody,
        ..Callings::default()
    };
    sent(&compose(read(&message), callings));
}

/// The body of a transaction.
fn transaction(data: &[u8]) {
    let Some(transaction) = homeserver::appservice::read_transaction(data) else {
        return;
    };
    for event in transaction.events {
        crosses(&event.kind, &event.content);
    }
}

/// A message of Gitter's API.
fn gitter_message(data: &[u8]) {
    if let Ok(message) = serde_json::from_slice::<gitter::Message>(data) {
        gitter_html(message.html.as_bytes());
    }
}

/// Frames of Gitter's realtime service, one a line.
fn bayeux(data: &[u8]) {
    gitter::realtime::read_frames(data.split(|byte| *byte == b'\n'));
}

/// A file that somebody uploaded, or the beginning of one.
fn file(data: &[u8]) {
    let msgtypes = ["m.image", "m.video", "m.audio", "m.file"];
    for whole in [true, false] {
        let about = bridge::media::look_at(data, whole);
        assert!(msgtypes.contains(&about["msgtype"].as_str().unwrap_or_default()));
        assert!(about.to_string().len() < 500, "{about}");
    }
}
